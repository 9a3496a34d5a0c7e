"""The walls of the house: what import-linter holds, and what it cannot see."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import flow

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(p for folder in ("services", "shared", "migrations") for p in (ROOT / folder).rglob("*.py"))
EVERYTHING = CODE + sorted(p for folder in ("tests", "benchmarks") for p in (ROOT / folder).rglob("*.py"))
SERVICES = [ROOT / "services" / name for name in flow.SERVICES]
SQL = re.compile(
    r"\b(SELECT\s+(?!\W)|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|TRUNCATE\s|(CREATE|ALTER|DROP)\s+TABLE\s)"
)
PLACES_OF_SQL = ("migrations/", "shared/journal/")
MAKES_CASE_IDS = "shared/case/ids.py"
"""A new case's id is the one thing that follows from nothing: intake asks for it before its pure code runs."""
HEALTH_QUERY = "SELECT 1"
LONGEST_FILE = 300
LONGEST_ENTRY_POINT = 25


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def strings(path: Path) -> Iterator[str]:
    """String constants of a module other than docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", result.stdout)


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_sql_stands_in_stores_and_in_the_journal_alone(path: Path) -> None:
    if path.name == "store.py" or relative(path).startswith(PLACES_OF_SQL):
        return
    found = [s for s in strings(path) if SQL.search(s) and s != HEALTH_QUERY]
    assert not found


def test_the_rule_on_sql_sees_a_statement() -> None:
    # A rule that matches nothing would pass for ever.
    assert any(SQL.search(s) for s in strings(ROOT / "shared" / "journal" / "store.py"))


@pytest.mark.parametrize("path", EVERYTHING, ids=relative)
def test_files_are_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LONGEST_FILE


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_services_have_the_same_files(service: Path) -> None:
    assert (service / "app.py").is_file()
    assert (service / "domain").is_dir() or service.name == flow.CONSOLE.name
    if flow.SERVICES[service.name].reads:
        assert (service / "handlers.py").is_file()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_entry_points_only_wire(service: Path) -> None:
    text = (service / "app.py").read_text()
    assert len(text.splitlines()) <= LONGEST_ENTRY_POINT
    # A part that is there or not is wiring; work is not.
    work = (ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Await)
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, work)]


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_no_clock_or_chance_in_domain_code(path: Path) -> None:
    """The same input gives the same bytes, so domain code asks neither the time nor the dice."""
    name = relative(path)
    if name == MAKES_CASE_IDS:
        return
    if not (re.match(r"services/\w+/domain/", name) or name.startswith(("shared/clinical/", "shared/case/"))):
        return
    tree = ast.parse(path.read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not imported & {"random", "secrets", "time", "socket", "subprocess", "asyncio"}
    called = {n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
    assert not called & {"now", "utcnow", "today", "uuid4", "uuid1", "urandom"}


@pytest.mark.parametrize("path", EVERYTHING, ids=relative)
def test_no_warning_is_silenced(path: Path) -> None:
    comments = re.compile(r"#\s*(type:\s*ignore|noqa)\b")
    assert not comments.search(path.read_text())
