"""Reading FHIR JSON without trust: an element knows its path, and notes what is wrong instead of stopping."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from services.intake.domain.problems import IssueType, Problem

MAX_TEXT = 1024
"""Characters that a code, identifier or display may have; what is longer is no code."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Element:
    """A JSON object of the request, its FHIRPath, and the list that collects problems.

    Not frozen: a frozen dataclass takes three times as long to make, and a request makes hundreds of these.
    """

    body: dict[str, Any]
    path: str
    problems: list[Problem]

    def note(self, code: IssueType, diagnostics: str, name: str = "") -> None:
        """Adds a problem about this element or, with ``name``, about its child."""
        self.problems.append(Problem(code, diagnostics, f"{self.path}.{name}" if name else self.path))

    def children(self, name: str) -> list["Element"]:
        """The objects of an array; empty where it is absent. Anything but an array of objects is a problem."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.note("structure", f"{name} must be an array.", name)
            return []
        found = []
        for i, member in enumerate(value):
            if isinstance(member, dict):
                found.append(Element(member, f"{self.path}.{name}[{i}]", self.problems))
            else:
                self.note("structure", f"Each member of {name} must be an object.", f"{name}[{i}]")
        return found

    def child(self, name: str) -> "Element | None":
        """An object; None where it is absent or no object (which is a problem)."""
        value = self.body.get(name)
        if isinstance(value, dict):
            return Element(value, f"{self.path}.{name}", self.problems)
        if value is not None:
            self.note("structure", f"{name} must be an object.", name)
        return None

    def text(self, name: str) -> str:
        """A string without the blanks around it; empty where it is absent or no plain string (which is a problem)."""
        value = self.body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.note("structure", f"{name} must be a string.", name)
            return ""
        plain = value.isascii() and value.isprintable()
        if len(value) > MAX_TEXT or (not plain and _CONTROL.search(value)):
            self.note("value", f"{name} must be one line of at most {MAX_TEXT} characters.", name)
            return ""
        return value.strip()

    def positive(self, name: str) -> int | None:
        """A positive integer (FHIR positiveInt, below 2**31); None where it is absent or not one (which is a problem)."""
        value = self.body.get(name)
        if value is None:
            return None
        if type(value) is not int or not 0 < value < 2**31:
            self.note("value", f"{name} must be a positive whole number.", name)
            return None
        return value

    def positives(self, name: str) -> list[int]:
        """An array of positive integers; members that are none are problems."""
        value = self.body.get(name)
        if value is None:
            return []
        if isinstance(value, list) and all(type(v) is int and 0 < v < 2**31 for v in value):
            return value
        self.note("structure", f"{name} must be an array of positive whole numbers.", name)
        return []

    def day(self, name: str) -> dt.date | None:
        """The calendar day of a date or dateTime as written; None where it is absent or no full date (a problem)."""
        value = self.body.get(name)
        if value is None:
            return None
        day = day_of(value) if isinstance(value, str) else None
        if day is None:
            self.note("value", f"{name} must be a real date in full, as YYYY-MM-DD with an optional time.", name)
        return day

    def codings(self, name: str) -> list["Element"]:
        """The codings of a CodeableConcept child."""
        concept = self.child(name)
        return [] if concept is None else concept.children("coding")

    def extension(self, url: str) -> "Element | None":
        """The first extension with this url."""
        extensions = self.body.get("extension")
        if isinstance(extensions, list):
            for i, extension in enumerate(extensions):
                if not isinstance(extension, dict):
                    self.note("structure", "Each member of extension must be an object.", f"extension[{i}]")
                elif extension.get("url") == url:
                    return Element(extension, f"{self.path}.extension[{i}]", self.problems)
        elif extensions is not None:
            self.note("structure", "extension must be an array.", "extension")
        return None


def day_of(text: str) -> dt.date | None:
    """The day of a FHIR date or dateTime with day precision, else None."""
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
        if _DATE_TIME.fullmatch(text):
            return dt.datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return None
