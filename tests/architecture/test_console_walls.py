"""Charts are opened in one module of the console, which is told who reads and why."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2] / "services" / "console"
OPENERS: Final = {"read_histories", "read_documents", "read_documents_by_id", "kept_letters", "MasterKey", "unseal"}
"""What gives clinical content to whoever calls it."""
PLACE: Final = "content.py"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_charts_are_opened_in_one_place() -> None:
    found = {path.name for path in ROOT.rglob("*.py") if OPENERS & set(imported(path))}
    assert found == {PLACE}


def test_whoever_opens_a_chart_says_who_and_why() -> None:
    tree = ast.parse((ROOT / PLACE).read_text())
    readers = [n.args for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef)]
    assert len(readers) == 3, "two that read, and the one that notes it down"
    for arguments in readers:
        assert [a.arg for a in arguments.kwonlyargs] == ["who", "why"]
        assert arguments.kw_defaults == [None, None]
