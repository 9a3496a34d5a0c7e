"""What the optional extractor proposed for a case, as it was verified and is recorded with the evaluation."""

from msgspec import Struct


class Proposal(Struct, frozen=True, omit_defaults=True, gc=False):
    """A fact that the extractor found in a document, with the words that it found there: ``quote`` is ``text[start:end]``.

    A boolean, code or set stands in ``value``; a quantity is an interval in the fact's own unit.
    """

    fact: str
    document: str
    start: int
    end: int
    quote: str
    value: bool | str | tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None


class Extraction(Struct, frozen=True, omit_defaults=True, gc=False):
    """All that the extractor gave for a case. With it, an evaluation is made again without asking anybody.

    ``refused`` counts what it proposed and what did not hold: no fact, a wrong type, words that are not in the text.
    ``flags`` say what went wrong: ``extractor-failed``, ``extractor-answer``, ``extractor-too-long``.
    """

    model: str
    proposals: tuple[Proposal, ...] = ()
    refused: int = 0
    flags: tuple[str, ...] = ()
