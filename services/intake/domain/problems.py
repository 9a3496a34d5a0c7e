"""What is wrong with a request, as FHIR says it: one issue a problem, each with the place that it is about.

Diagnostics are sentences of our own. They never repeat a value of the request, which may name a person.
"""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]
IssueType = Literal[
    "invalid",
    "structure",
    "required",
    "value",
    "not-found",
    "not-supported",
    "processing",
    "too-long",
    "too-costly",
    "transient",
    "conflict",
    "deleted",
]
"""The codes of FHIR R4's IssueType that intake uses."""

BAD_REQUEST = 400
CONTENT_TOO_LARGE = 413
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Problem:
    """One issue. ``expression`` is a FHIRPath into the request, such as ``Bundle.entry[0].resource.item[2]``."""

    code: IssueType
    diagnostics: str
    expression: str = ""
    severity: Severity = "error"


class RequestRefusedError(Exception):
    """The request cannot become a case. ``problems`` holds all that is wrong with it, ``status`` the HTTP status.

    The status is 400 where the body is no PAS Bundle at all, 413 where it is too large, else 422.
    """

    def __init__(self, problems: tuple[Problem, ...], status: int = UNPROCESSABLE) -> None:
        super().__init__(
            f"The request has {len(problems)} problem(s): {', '.join(sorted({p.code for p in problems}))}."
        )
        self.problems = problems
        self.status = status


def body_too_large(limit_bytes: int) -> RequestRefusedError:
    """The refusal of a body over the limit, which the HTTP layer finds before it reads to the end."""
    text = f"The request is larger than {limit_bytes:,} bytes. Send large documents as separate attachments."
    return RequestRefusedError((Problem("too-long", text, severity="fatal"),), CONTENT_TOO_LARGE)


def operation_outcome(problems: tuple[Problem, ...]) -> dict[str, Any]:
    """A FHIR R4 OperationOutcome with one issue a problem."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(p) for p in problems]}


def _issue(problem: Problem) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": problem.severity,
        "code": problem.code,
        "details": {"text": problem.diagnostics},
        "diagnostics": problem.diagnostics,
    }
    if problem.expression:
        issue["expression"] = [problem.expression]
    return issue
