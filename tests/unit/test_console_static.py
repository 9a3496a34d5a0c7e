"""What the pages load: the libraries as they were published, and nothing that a strict policy would refuse."""

import hashlib
import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import ROOT

FOLDER: Final = ROOT / "services/console"
VENDORED: Final = {
    "htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "htmx.LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    "htmx-ext-sse.min.js": "98a46496de0c3605fbffdce9167ba427bdd9553184f83f149c261891a92c0136",
    "htmx-ext-sse.LICENSE.txt": "a17d224ce9afdc21ec9491b76a2f5d036d19aa641ac4f85ca29c21f9f7e54fdf",
}
"""htmx.org 2.0.11 and htmx-ext-sse 2.2.4, the files of their npm packages."""
TEMPLATES: Final = sorted((FOLDER / "templates").glob("*.j2"))


@pytest.mark.parametrize(("name", "digest"), VENDORED.items())
def test_a_library_is_what_was_published(name: str, digest: str) -> None:
    assert hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest() == digest


def test_every_script_is_ours_or_named() -> None:
    assert {p.name for p in (FOLDER / "static").glob("*.js")} == {
        "console.js",
        *(n for n in VENDORED if n.endswith("js")),
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_no_template_has_anything_inline_or_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<style|javascript:|hx-on|<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"""(src|href|action|hx-get|url\()\s*=?\s*["']?\s*(https?:)?//""", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_only_a_note_that_was_escaped_is_written_as_markup(path: Path) -> None:
    assert re.findall(r"\|\s*safe|Markup|autoescape false", path.read_text()) == (
        ["| safe"] if path.name == "note_part.html.j2" else []
    )
