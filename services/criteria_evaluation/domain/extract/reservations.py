"""What a note says of itself that does not hold, where the reader has made nothing of it.

A chart may say that a value is another patient's, was entered by mistake or must not be used, in more ways than any list of
words can read. What is corrected in the same breath is read as corrected; anything else is for a person (ADR 0018).
"""

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.mention import Mention
from shared.clinical.model import Document, Source

_TOLD = (
    "(?:entered|recorded|transcribed|scanned|filed|labell?ed|typed|dictated|copied|carried|quoted|reported|listed|checked"
    "|ticked|marked|scored|stated|documented|attributed|charted|read)"
)
_THING = "(?:results?|reports?|values?|images?|chart|record|name|tracing|slips?|sheet|form|test|study|specimen|numbers?|score|gas|page|reading)"
_LINE = "(?:statement|sentence|paragraph|entry|line|figure|number|value|reading|result|impression|dictation)s?"
_FALSELY = "(?:wrongly|incorrectly|mistakenly|inadvertently|accidentally)"
_USED = "(?:be )?(?:used|scored|interpreted|relied|trusted|counted|accepted|credited|believed|submitted)"
_HANDY = (
    "(?! (?:a |an |his |her |the )?(?:cane|walker|phone|telephone|device|tobacco|alcohol|oxygen|wheelchair|it|them))"
)
_WHO = "(?:patient|person|man|woman|resident)"
_WEAK = "(?:poor|weak|lost|flat|barely|absent|bad)"

_SIGNS: Final = (
    # Entered by mistake.
    (("error", "mistake"), r"(?:in|by|an?) (?:\w+ )?(?:error|mistake)\b"),
    (
        ("mistake", "typo", "misprint", "misreading", "error", " slip"),
        r"(?:was|were|is) (?:a|an|my|our|the) (?:\w+ )?(?:error|mistake|typo|misprint|misreading|slip)\b",
    ),
    (("erroneous",), r"erroneous\w*"),
    (
        ("wrong",),
        r"wrong (?:chart|patient|person|record|name|file|form|sheet|slip|column|row|box|line|encounter|report|ear|side|level|leg|foot)\b",
    ),
    (
        ("wrongly", "incorrectly", "mistakenly", "inadvertently", "accidentally"),
        rf"(?:{_FALSELY} {_TOLD}|{_TOLD} {_FALSELY})",
    ),
    (
        ("mis",),
        r"mis(?:labell?ed|filed|read|quoted|stated|typed|counted|entered|dated|dictated|numbered|transcribed|heard|reported|interpreted)\b",
    ),
    (("transposed",), r"transposed (?:the )?(?:digits|numbers|values|columns|figures)"),
    (("typo",), r"typo(?:graphical)?\b"),
    # Another patient's.
    (("belong",), r"belong(?:s|ed|ing)? to\b"),
    (("patient's", "patient’s", "patients"), rf"(?:another|different|other|wrong|next) patient['’]?s? (?:\w+ )?{_THING}"),
    (
        ("another", "different", "the other", "the wrong", "the next"),
        rf"{_THING} (?:\w+ )?(?:of|from|for) (?:another|a different|the other|the wrong|the next) {_WHO}",
    ),
    (("also our", "also my", "also a p"), r"also (?:our|my|a) patient"),
    ((" not h", " not mine", " not this"), r"(?:is|are|was|were) not (?:his|hers|mine|this patient['’]s)\b(?! (?:own )?\w)"),
    (("hers", "mine", "theirs"), r"(?:hers|mine|theirs),? (?:and )?not (?:his|hers)\b|\bhis,? (?:and )?not (?:hers|mine|her)\b"),
    (
        (" mix",),
        r"mix(?:ed|ing)? (?:(?:the|those|these|up|them) ){0,3}(?:two |up|slips|results|specimens|charts|labels|names|reports|forms|images)",
    ),
    (("swapped", "switched", "changed"), r"(?:swapped|switched|exchanged|interchanged)\b"),
    (
        ("self", "selves"),
        r"(?:filled|completed|answered|did|done)\b[^.]{0,40}\b(?:about|for) (?:her|him|them)sel(?:f|ves)",
    ),
    (("own",), r"about (?:her|his) own (?:sleep|naps|snoring|pain|back|habits|symptoms|wound|hearing)"),
    (("next",), r"(?:next (?:case|patient)(?! of)|case [0-9]+ (?:is )?next)\b"),
    # Not to be used.
    (("disregard",), r"disregard(?:ed)?\b"),
    (
        ("ignore", "discard", "struck", "delete"),
        r"(?:please|kindly|must|should|to|be) (?:be )?(?:ignored?|discarded?|struck|deleted?)\b",
    ),
    (
        ("not be", "n't be", "n’t be", "not use", "not sc", "not in"),
        rf"(?:should|must|can|could|may|need)(?:not| not|n['’]t) {_USED}{_HANDY}",
    ),
    (("not to be", "do not", "don't", "don’t", "never"), rf"(?:not to|do not|don['’]t|never) {_USED}\b{_HANDY}"),
    (
        ("valid", "reliable", "usable", "interpretable", "scor", "credible", "believable", "trustworthy", "meaningful",
         "representative", "spurious", "suspect"),
        r"(?:is|are|was|were|as|technically) (?:not (?:\w+ )?(?:valid|reliable|usable|interpretable|score?able|credible|believable"
        r"|trustworthy|meaningful|representative)|invalid|unreliable|unusable|uninterpretable|unscore?able|spurious|suspect)\b",
    ),
    (
        ("artifact", "artefact"),
        r"(?:is|are|was|were|likely|probably|due to|from|as|motion|probe[-\x20]off|sensor) (?:an? )?(?:art[ei]fact|artifactual)",
    ),
    (
        ("slipped", "slid ", "displaced", "dislodged", "loose", " off"),
        r"(?:probe|sensor|oximeter|belt|clip|electrode)s?\b[^.]{0,30}\b(?:off|slipped|slid|displaced|dislodged|loose)\b",
    ),
    (("cannula",), r"cannula (?:\w+ )?(?:slipped|slid|displaced|dislodged|found off|came off|fell off|pulled off|off the nose)"),
    (
        ("pleth", "waveform", "signal", "trac"),
        rf"(?:(?:pleth|waveform|signal|trace|tracing)\b[^.]{{0,20}}\b{_WEAK}\b|(?:poor|weak|bad|no) (?:pleth|waveform|signal|tracing))",
    ),
    (("hereby",), r"hereby\b"),
    (
        ("amended", "corrected", "revised", "replaced", "changed"),
        r"(?:should|must|needs? to|is to|are to|to) be (?:amended|corrected|revised|replaced|changed|read as)\b",
    ),
    (("retract", "rescind", "supersede"), r"(?:retract(?:ed|s)?\b(?! (?:the|with|cough))|rescind\w*|supersede[ds]?\b)"),
    (
        ("correct", "wrong", "untrue", "inaccurate", "obsolete", "outdated", "not true"),
        rf"{_LINE}\b[^.]{{0,50}}\b(?:incorrect|wrong|untrue|inaccurate|obsolete|outdated|not correct|not true)\b",
    ),
    (
        ("incorrect ", "inaccurate ", "outdated "),
        r"(?:incorrect|inaccurate|outdated) (?:statement|entry|figure|number|value|reading|result|height|weight|bmi|score|grade|level|side|date)",
    ),
    (("in retrospect",), r"in retrospect\b"),
    (
        ("venous", "antecubital"),
        r"(?:(?:specimen|sample|gas|blood)\b[^.]{0,40}\bvenous\b|venous (?:sample|specimen|gas|stick|blood)|antecubital\b)",
    ),
    # At odds with the rest.
    (
        (" match", " agree", " tally", "reconcile", "correspond"),
        r"(?:do|does|did)(?: not|n['’]t) (?:match|agree|tally|square|reconcile|correspond)\b(?! (?:to|that))",
    ),
    (("contradict", "irreconcilable", "discrepan"), r"(?:contradict\w*|irreconcilable|discrepant)\b"),
    (("discrepanc",), r"(?<!length\x20)discrepanc(?:y|ies) (?:between|in|with|among|noted|was|is)"),
    (("at odds",), r"at odds with\b"),
    (("overstated", "overcalled", "overestimated", "exaggerated"), r"(?:over(?:stated|called|estimated)|exaggerated)\b"),
)  # fmt: skip
"""Parts of words, one of which a text must have before it is searched for the expression beside them: most texts have none."""
_COMPILED: Final = tuple(
    (stems, re.compile(r"(?<!no )(?<!not )(?<!without )(?<!nor )\b" + sign.replace(" ", r"\s{1,3}"), re.IGNORECASE))
    for stems, sign in _SIGNS
)
_BREAK: Final = re.compile(r"\n[ \t]*\n")
_MOST: Final = 20
"""So many places of a kind are looked at."""


def reservations(document: Document, mentions: Sequence[Mention]) -> tuple[Source, ...]:
    """The places where a note says that something does not hold, and nothing came of it.

    Something came of it where the same paragraph states a fact otherwise than an earlier one does; ``mentions`` are the note's.
    """
    if document.flags:
        return ()
    text = document.text
    found = sorted(_places(text))
    if not found:
        return ()
    ends = [broken.start() for broken in _BREAK.finditer(text)]
    corrected = _corrected(mentions, ends)
    return tuple(
        Source("note", None, document.id, None, start, end, text[start:end])
        for start, end in found
        if bisect.bisect_right(ends, start) not in corrected
    )


def _places(text: str) -> Iterator[tuple[int, int]]:
    lowered = " ".join(text.lower().split())
    for stems, sign in _COMPILED:
        if any(stem in lowered for stem in stems):
            yield from (place.span() for place in itertools.islice(sign.finditer(text), _MOST))


def _corrected(mentions: Iterable[Mention], ends: Sequence[int]) -> set[int]:
    """The paragraphs, by their number, that state a fact otherwise than an earlier one does. Sets add up, so that nothing comes of them."""
    said: dict[str, list[tuple[int, object]]] = {}
    for mention in mentions:
        if mention.source.start is not None and not isinstance(mention.said, tuple):
            said.setdefault(mention.fact, []).append((bisect.bisect_right(ends, mention.source.start), mention.said))
    corrected: set[int] = set()
    for places in said.values():
        first = min(paragraph for paragraph, _ in places)
        before = {value for paragraph, value in places if paragraph == first}
        corrected.update(paragraph for paragraph, value in places if paragraph > first and value not in before)
    return corrected
