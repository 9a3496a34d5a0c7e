"""docs/reference-determination.md: an expert's letter and ours, point by point.

``python -m tests.support.reference_points`` renews the page.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from services.cli.offline import determine_request
from tests.support.explain import ROOT, request

POINTS: Final = ROOT / "tests/cases/reference_points.yaml"
PAGE: Final = ROOT / "docs/reference-determination.md"
_HEAD: Final = """# An expert's letter and ours, point by point

A neurosurgeon's request for an L2 corpectomy was answered by an expert with a letter. This page holds what that letter says, in our
words, beside what the determination of the demo case says (`services/cli/demo_cases/1-l2-corpectomy.json`). It is made by
`python -m tests.support.reference_points`; a test fails when a sentence is no longer in the determination.

The expert cites five sources without a bibliography, of which the first is the ACR Appropriateness Criteria and the others could not be
identified. Their figures are carried as statements of an unidentified source, are printed as unverified, and never stand alone under a
conclusion. Two things the expert says more strongly than the sources do: the ACR rates consultation of a surgeon, not the operation; and
the trial behind "surgery rather than radiation" left out patients whose roots alone are compressed, so it is cited here only because the chart
says that the conus is. Another patient, with roots only, does not get those sentences.

"""


@functools.cache
def text() -> str:
    """The determination of the demo case as plain text."""
    return str(determine_request(request())["text"])


def sections() -> list[dict[str, Any]]:
    """The points by section, as the file has them."""
    data: list[dict[str, Any]] = yaml.safe_load(POINTS.read_text(encoding="utf-8"))
    return data


def page() -> str:
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    lines = [" ".join(line.split()) for line in text().splitlines()]
    for section in sections():
        yield f"## {section['section']}\n"
        yield "| the expert's point | here | rests on |"
        yield "| --- | --- | --- |"
        for point in section["points"]:
            found = dict.fromkeys(_line_with(words, lines) for words in point["said"])
            yield f"| {point['point']} | {'<br>'.join(found)} | {point['support']} |"
        yield ""


def _line_with(words: str, lines: list[str]) -> str:
    """The line that holds the words, cut down to the sentences that do where it is long."""
    line = next((line for line in lines if words in line), None)
    if line is None:
        raise LookupError(f"The determination does not say: {words}")
    line = line.removeprefix("- ")
    if len(line) > 320:
        start = line.index(words)
        before = line.rfind(". ", 0, start)
        after = line.find(". ", start + len(words))
        line = line[before + 2 if before >= 0 else 0 : after + 1 if after >= 0 else len(line)]
    return line.replace("|", "\\|")


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
