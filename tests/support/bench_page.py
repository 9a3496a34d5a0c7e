"""The outputs in docs/criteria-bench.md, made by the commands that stand there. ``python -m tests.support.bench_page`` renews it."""

import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs/criteria-bench.md"
_BLOCK: Final = re.compile(r"```console\n\$ (.+)\n((?:.*\n)*?)```")
_AS_INSTALLED: Final = f'priorauth() {{ {shlex.quote(sys.executable)} -m services.cli.main "$@"; }}\n'


def commands(page: str) -> list[str]:
    """The commands of the page, in order."""
    return [match[1] for match in _BLOCK.finditer(page)]


def output_of(command: str) -> str:
    """What a command of the page prints, as a shell runs it from the root of the project."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")} | {"COLUMNS": "100"}
    ended = subprocess.run(
        ["sh", "-c", _AS_INSTALLED + command],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in ended.stdout.rstrip().splitlines())


def renewed(page: str) -> str:
    """The page with what its commands print now."""
    with ThreadPoolExecutor(2) as pool:
        outputs = dict(zip(commands(page), pool.map(output_of, commands(page)), strict=True))
    return _BLOCK.sub(lambda match: f"```console\n$ {match[1]}\n{outputs[match[1]]}```", page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
