"""The command line as a whole: which commands there are, and what a command loads."""

import subprocess
import sys

import pytest
import typer

from services.cli.main import COMMANDS, make_app

_SERVERS = {"aiokafka", "alembic", "asyncpg", "fastapi", "faststream", "sqlalchemy"}
_SLOW = {"jinja2", "pint", "pypdf", "typst"}


def _names(app: typer.Typer) -> set[str]:
    group = typer.main.get_group(app)
    return set(group.commands)


def test_the_whole_command_line_has_every_command() -> None:
    assert _names(make_app()) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_there_where_only_its_module_is_loaded(command: str) -> None:
    assert command in _names(make_app(command)) <= set(COMMANDS)


def test_an_unknown_command_is_looked_for_among_all() -> None:
    assert _names(make_app("detremine")) == set(COMMANDS)


def test_the_policy_is_read_and_a_determination_made_without_servers_or_slow_libraries() -> None:
    program = (
        "import sys\n"
        "from services.cli.main import make_app\n"
        "from services.criteria_evaluation.policy import load_policy\n"
        "make_app('determine')\n"
        "load_policy()\n"
        f"print(*sorted({_SERVERS | _SLOW!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
