"""The signs by which a line of a note is known for a heading, whatever its words."""

import re
from typing import Final

from services.criteria_evaluation.domain.extract.levels import levels_in

SOAP: Final = frozenset("SOAP")
SOAP_LINE: Final = re.compile(r"(?:[SOAP](?: ?[-–] |  +|\t)(?=\S)|[SO]\. (?=[A-Z0-9]))")
"""Notes in four parts (subjective, objective, assessment, plan) may name each by its letter alone; "A. " may be of a list."""
WIDE: Final = re.compile(
    r"([A-Z]{4,}(?: [A-Z]{2,}){0,3}|PE|CC|SH|FH|Soc"
    r"|(?=[A-Z])(?i:vitals|vital signs|exam|examination|physical exam|assessment|plan|imaging|impression|[hp]pi|pmhx?|pshx?|ros|meds|medications))"
    r"(?: {2,}|\t)(?=\S)"
)
PULSE: Final = re.compile(r"P:\s{0,3}[0-9]{2,3}(?:[\s,;/]|$)")
"""A pulse among vital signs, which is no plan."""
RULE: Final = re.compile(r"[-–—=_*~]{5,}")
"""A line that parts what stands above it from another document."""
MARKED: Final = re.compile(
    r"#{2,6} [^\nA-Za-z]{0,20}[A-Za-z][^\n]{0,100}$|([-=*~_])\1{1,30} ?[A-Za-z][^\n]{0,80}?(?<![.!?])\1{2,80}$")  # fmt: skip
"""A heading of Markdown, or framed, is one whatever it says; one # may stand before a problem of a list."""
_STOPPED: Final = re.compile(
    r"(?:(?=[A-Z])(?i:impression|conclusion|recommendations?|plan|proposal|assessment|imaging(?: review)?|disposition))\."
)
_IMAGE: Final = r"(?:MRI|CT|MR|XR|PET(?:/CT)?|X-?rays?|Radiographs?)\b"
_OF_AN_IMAGE: Final = re.compile(
    _IMAGE + r"[A-Za-z0-9 ,/()-]{0,60}?\b(?:[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{2,4})?|[0-9]{4}-[0-9]{2}-[0-9]{2})\)?"
)
"""An image and its day alone on a line."""
_COPIED: Final = ("copied", "quoted", "excerpt", "verbatim")
_NAMES_AN_IMAGE: Final = re.compile(_IMAGE)


_LETTERS: Final = re.compile(r"[A-Za-z]+")
NO_VALUE: Final = re.compile(r"(?:[^0-9\n]|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}|[0-9]{4}(?:-[0-9]{2}-[0-9]{2})?(?![0-9]))*")
"""A line without a number other than a date: "ECOG PS 2" is no title."""
OWN: Final = re.compile(
    r"(?:Her|His|The patient['’]s) own (?!mother|father|parent|brother|sister|sib|son|daughter|child|family|aunt|uncle)|(?:She|He) (?:herself|himself)\b"
    r"|No (?:prior |previous |earlier )?(?:XRT|RT|radiation|radiotherapy|irradiation)\b"
)  # fmt: skip
"""How a story of relatives comes back to the patient: "Her own pressure today is 116/70", or "No XRT to spine ever"."""


def heading_words(candidate: str) -> list[str]:
    """The words of a heading, without the remark that it is copied: "From the plan's policy (copied for the reviewer)"."""
    named, _, remark = candidate.partition("(")
    return _LETTERS.findall(named if remark.lower().startswith(_COPIED) else candidate)


def is_stopped(line: str) -> bool:
    """Whether a sentence is a heading that a full stop ends: "IMPRESSION. Fracture of L1"."""
    return _STOPPED.fullmatch(line) is not None


def is_of_an_image(line: str) -> bool:
    """Whether a line names an image and its day and nothing more, so that what it shows follows."""
    return _OF_AN_IMAGE.fullmatch(line) is not None


def of_an_exam(category: str | None, following: str) -> str | None:
    """The kind of section, which is of images where the exam that a heading names is one: "EXAM: MRI THORACIC SPINE"."""
    return "imaging" if category == "exam" and _NAMES_AN_IMAGE.match(following.lstrip()) else category


def tells_a_place(heading: str) -> bool:
    """Whether a heading names one vertebra of an image, which its text is of: "MRI T10: metastasis"."""
    return _NAMES_AN_IMAGE.match(heading) is not None and len(levels_in(heading)) == 1


def bullet_at(text: str, at: int) -> str:
    """The bullet that a line begins with at ``at``, with its indent; empty where there is none. "- PMH: HTN" ends with its bullet."""
    return text[text.rfind("\n", 0, at) + 1 : at + 1] if text[at] in "-*•" else ""
