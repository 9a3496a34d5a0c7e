"""Any criteria set that can be read goes to FHIR and comes back as the same content, however its author wrote it."""

from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clinical.criteria import parse_criteria_set
from tests.support import r4
from tests.support.criteria_fhir import VOCABULARY, content_of, exported, imported, json_of, without_library

Json = dict[str, Any]

WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="{}", exclude_categories=("C", "Z")), min_size=1, max_size=9
)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\n", " {spine.sins_total} ", " # ", ": "]).map(
        lambda gap: gap.join(words)
    )
)
LABELS = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), max_size=3)
LEAVES = st.one_of(
    st.builds(lambda b: {"fact": "spine.instability", "is": b}, st.booleans()),
    st.builds(
        lambda n, op: {"fact": "oncology.expected_survival", op: n, "unit": "wk"},
        st.one_of(st.integers(-5, 400), st.floats(-1e9, 1e9)),
        st.sampled_from([">=", ">", "<=", "<", "="]),
    ),
    st.just({"fact": "spine.escc_grade", "is": 2}),
    st.just({"fact": "spine.escc_grade", "in": ["1a", 3]}),
    st.just({"fact": "neuro.compressed_structure", "includes_any": ["cord", "conus"]}),
    st.just({"fact": "spine.lesion_levels", "overlaps": ["T12-L2", "S1"]}),
    st.just({"fact": "spine.lesion_levels", "overlaps": "spine.requested_levels"}),
    st.just({"fact": "oxygen.sao2_rest", "exceeds": "oxygen.sao2_asleep", "by": 5}),
    st.just({"fact": "pain.score", "known": True}),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda e: {"not": e}, inner),
        st.builds(
            lambda e, key: {key: e}, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["all_of", "any_of"])
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda e: {"at_least": {"n": len(e), "of": e}}),
    ),
    max_leaves=5,
)
SENTENCE = st.one_of(
    TEXTS, st.fixed_dictionaries({"text": TEXTS}, optional={"when": st.one_of(st.none(), EXPRESSIONS)})
)
WORDING = st.one_of(SENTENCE, st.lists(SENTENCE, max_size=3))
CITED: Any = {"evidence": LABELS, "sources": st.one_of(st.none(), LABELS)}
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "spine.instability": st.booleans(),
        "spine.sins_total": st.one_of(st.integers(0, 18), st.floats(0, 18)),
        "oncology.expected_survival": st.fixed_dictionaries(
            {},
            optional={"low": st.one_of(st.none(), st.integers(0, 9)), "high": st.one_of(st.none(), st.floats(9, 99))},
        ),
        "spine.escc_grade": st.sampled_from(["1a", 2, "3"]),
        "neuro.compressed_structure": st.lists(st.sampled_from(["cord", "conus"]), max_size=2),
        "spine.lesion_levels": st.lists(st.sampled_from(["L1", "T9-T12"]), max_size=2),
    },
)
SERVICES = st.lists(st.sampled_from(["63090", "22840-22848", "E0601", "A7027-A7039", "0200T", "X1"]), max_size=4)


@st.composite
def sets(draw: st.DrawFn) -> Json:
    """A set as an author may write it: fields left out, left empty, one text or a list, codes as ranges."""
    count = iter(range(10_000))

    def part(**optional: Any) -> Json:
        own = draw(st.fixed_dictionaries({"title": TEXTS}, optional=optional))
        return {"id": f"p{next(count)}", **own}

    def node(depth: int) -> Json:
        found = part(**CITED, question=st.one_of(st.just(""), TEXTS))
        form = draw(st.sampled_from(["when", "all_of", "any_of", "at_least"] if depth else ["when"]))
        if form == "when":
            return {**found, "when": draw(EXPRESSIONS)}
        children = [node(depth - 1) for _ in range(draw(st.integers(1, 3)))]
        if form == "at_least":
            return {**found, form: {"n": draw(st.integers(1, len(children))), "of": children}}
        return {**found, form: children}

    def statement() -> Json:
        return {**part(**CITED, when=EXPRESSIONS), "text": draw(WORDING)}

    def ruling() -> Json:
        return {"when": draw(EXPRESSIONS), "text": draw(WORDING), "evidence": draw(LABELS)}

    def alternative() -> Json:
        names = draw(st.sampled_from([["contraindicated"], ["inadequate"], ["contraindicated", "inadequate"]]))
        rulings = {name: ruling() for name in names}
        return {**part(when=EXPRESSIONS, sources=LABELS), **rulings, "undetermined": draw(WORDING)}

    def refer() -> Json:
        return {**part(**CITED, unless=EXPRESSIONS), "reason": draw(TEXTS), "when": draw(EXPRESSIONS)}

    def purpose() -> Json:
        own = draw(st.fixed_dictionaries({"codes": SERVICES}, optional={"own_levels": st.booleans()}))
        return {"id": f"p{next(count)}", **own, "purpose": draw(WORDING), "when": draw(EXPRESSIONS)}

    def purposes() -> Json:
        return {**part(), "rules": [purpose() for _ in range(draw(st.integers(0, 2)))]}

    def some(make: Any) -> Any:
        return [make() for _ in range(draw(st.integers(0, 2)))]

    days = st.dates().map(lambda day: day.replace(year=max(day.year, 1000)))
    data: Json = {
        "id": draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)),
        "version": draw(TEXTS),
        "title": draw(TEXTS),
        "applicability": {
            "services": ["63090", *draw(SERVICES)],
            **draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "companions": SERVICES,
                        "diagnoses": st.lists(st.sampled_from(["C79.5*", "G95.20"]), max_size=2),
                        "unless_diagnoses": st.one_of(st.none(), st.just(["M80.08*"])),
                        "lines_of_business": st.lists(
                            st.sampled_from(["medicare-advantage", "commercial"]), max_size=2
                        ),
                    },
                )
            ),
        },
        "criteria": [node(2) for _ in range(draw(st.integers(1, 2)))],
    }
    optional: dict[str, Callable[[], Any]] = {
        "effective": lambda: draw(st.fixed_dictionaries({}, optional={"from": days, "to": st.none()})),
        "sources": lambda: some(lambda: {"id": f"s{next(count)}", "text": draw(TEXTS)}),
        "refer": lambda: some(refer),
        "purposes": purposes,
        "questions": lambda: draw(
            st.fixed_dictionaries({}, optional={"spine.instability": TEXTS, "lab.hematocrit": TEXTS})
        ),
        "standard_of_care": lambda: some(statement),
        "cautions": lambda: some(statement),
        "alternatives": lambda: some(alternative),
        "examples": lambda: some(
            lambda: {"name": draw(TEXTS), "facts": draw(FACTS), "outcome": "approved", "items": draw(SERVICES)}
        ),
    }
    return data | {key: make() for key, make in optional.items() if draw(st.booleans())}


@given(sets())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_set_comes_back_with_the_same_content(data: Json) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    original = parse_criteria_set(text, "set.yaml", VOCABULARY)
    bundle = json_of(exported(text.encode()))
    assert r4.problems(bundle) == []
    rebuilt = imported(without_library(bundle)).criteria_set
    assert content_of(rebuilt) == content_of(original)
    assert imported(bundle).content == text.encode()
