"""Work on ranges in several processes: every range once, results in order, and few of them waiting."""

from uuid import UUID

import pytest

from services.cli.errors import CommandError, fail
from services.cli.spread import spread
from shared.journal.spans import Span

PARTS: list[Span] = [(UUID(int=i), UUID(int=i + 1)) for i in range(40)]


def first(span: Span) -> int:
    return span[0].int


def refuse(span: Span) -> int:
    fail(3, f"Range {span[0].int} cannot be read.")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_range_is_done_once_and_in_order(jobs: int) -> None:
    done: list[tuple[Span, int]] = []
    spread("test", first, PARTS, jobs, lambda span, result: done.append((span, result)))
    assert done == [(span, span[0].int) for span in PARTS]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_process_ends_the_command_as_its_own(jobs: int) -> None:
    with pytest.raises(CommandError, match="Range 0 cannot be read") as error:
        spread("test", refuse, PARTS, jobs, lambda *_: None)
    assert error.value.code == 3
