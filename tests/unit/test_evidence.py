"""The evidence library: what is read, and what is refused with a reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from shared.clinical.evidence import load_evidence
from shared.clinical.expression import parse_expression
from shared.policy import PolicyError, PolicyFile, read_policy
from tests.unit.determination_cases import library

AGREED = [
    "acr-2018-surgical-consultation",
    "patchell-2005-walking",
    "patchell-2005-regained",
    "patchell-2005-retained",
    "patchell-2005-eligibility",
    "klimo-2005-ambulatory",
    "sins-2010-cutoffs",
    "fourney-2011-accuracy",
    "bilsky-2010-grades",
    "noms-2013-framework",
    "nass-2025-surgery",
    "nass-2025-augmentation",
    "corpectomy-2020-morbidity",
    "tokuhashi-2005-survival",
    "lcd-l38201-contraindications",
    "reference-2-pain",
    "reference-2-survival",
    "reference-2-subsidence",
    "reference-neuro-improvement",
]

CSL: dict[str, Any] = {
    "type": "article-journal",
    "author": [{"family": "Doe", "given": "J"}],
    "title": "A trial",
    "container-title": "J Ex",
    "issued": {"date-parts": [[1999]]},
    "volume": "3",
    "issue": "1",
    "page": "1-9",
    "DOI": "10.1/x",
}


def valid() -> dict[str, Any]:
    return {
        "sources": [
            {
                "id": "trial-1999",
                "kind": "randomized_trial",
                "csl": dict(CSL),
                "level": {"scale": "oxford-2011", "value": 2},
                "verified": True,
                "verified_by": "abstract read",
                "population": {"applies_when": {"fact": "condition.osa", "is": True}},
            }
        ],
        "statements": [
            {
                "id": "trial-1999-result",
                "source": "trial-1999",
                "about": "a treatment",
                "direction": "supports",
                "text": "Better in {better}, ratio {ratio}.",
                "figures": {
                    "better": {"value": 75, "unit": "%", "events": 3, "of": 4},
                    "ratio": {"value": 2.5, "unit": "1", "ci": [1.2, 5.0], "confidence": 95},
                },
            }
        ],
    }


def load(data: dict[str, Any], **options: Any) -> Any:
    return load_evidence([PolicyFile("a.yaml", yaml.safe_dump(data))], **options)


def test_the_library_that_ships_has_the_agreed_statements_and_is_addressed_by_its_content() -> None:
    files = read_policy("evidence")
    assert library().absent(AGREED) == ()
    assert load_evidence(files).digest == library().digest
    changed = [PolicyFile(files[0].name, files[0].text + "# a remark\n"), *files[1:]]
    assert load_evidence(changed).digest != library().digest
    assert library().absent(["nobody-2099", "patchell-2005-walking"]) == ("nobody-2099",)


def test_every_number_that_a_shipped_statement_prints_is_a_figure_of_its_own() -> None:
    for file in read_policy("evidence"):
        for statement in yaml.safe_load(file.text)["statements"]:
            written = re.sub(r"\{[^{}]*\}", "", statement["text"])
            numbers = re.findall(r"(?<![A-Za-z0-9])\d+(?:\.\d+)?\b", written)
            # Grades of the compression scale are names, not measurements.
            assert not numbers or statement["id"] == "bilsky-2010-grades", statement["id"]


def test_unidentified_sources_are_not_verified_and_have_no_level() -> None:
    unidentified = [s for s in library().sources.values() if s.kind == "unidentified"]
    assert unidentified
    assert all(not s.verified and s.level is None and s.identifier is None for s in unidentified)


def test_a_citation_and_figures_are_printed_as_readers_expect() -> None:
    statement = load(valid()).statements["trial-1999-result"]
    assert statement.text == "Better in 3 of 4 (75%), ratio 2.5 (95% CI 1.2 to 5.0)."
    assert statement.source.citation == "Doe J. A trial. J Ex 1999;3(1):1-9."
    assert statement.source.identifier == "doi:10.1/x"
    assert statement.source.level_label == "level 2 (Oxford 2011)"


def test_a_level_of_grade_is_named_as_certainty() -> None:
    data = valid()
    data["sources"][0]["level"] = {"scale": "grade", "value": "very_low"}
    source = load(data).sources["trial-1999"]
    assert (source.level, source.level_label) == (4, "very low certainty (GRADE)")


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return change


def _twice(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data[key].append(dict(data[key][0]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("statements", 0, "source", to="other"), "source other is not in the library"),
        (_twice("statements"), "statement trial-1999-result is there twice"),
        (_twice("sources"), "source trial-1999 is there twice"),
        (_set("statements", 0, "figures", "better", to={"value": 75}), "needs a unit"),
        (_set("statements", 0, "figures", "better", to={"unit": "%"}), "needs a value"),
        (_set("statements", 0, "figures", "better", "of", to=5), "3 of 5 is not 75%"),
        (_set("statements", 0, "figures", "ratio", "ci", to=[3.0, 5.0]), "does not hold the value"),
        (_set("statements", 0, "figures", "ratio", "p", to=1.5), "p must be between 0 and 1"),
        (_set("statements", 0, "figures", "spare", to={"value": 1, "unit": "1"}), "spare is given but not printed"),
        (_set("statements", 0, "text", to="{better} {ratio} {more}"), "more is printed but not given"),
        (_set("statements", 0, "direction", to="maybe"), "direction must be one of"),
        (_set("statements", 0, "applies_when", to={"fact": "x.y"}), "exactly one of"),
        (_set("statements", 0, "notes", to="x"), "has no notes"),
        (_set("sources", 0, "kind", to="rumour"), "kind must be one of"),
        (_set("sources", 0, "verified", to="yes"), "verified must be true or false"),
        (_set("sources", 0, "level", to={"scale": "mine", "value": 1}), "needs a scale"),
        (_set("sources", 0, "level", to={"scale": "grade", "value": 1}), "needs a scale"),
        (
            _set("sources", 0, "superseded_by", to="trial-2009"),
            "trial-2009, which supersedes it, is not in the library",
        ),
        (_set("sources", 0, "csl", to="A trial"), "must be a CSL-JSON item"),
        (_set("sources", 0, "csl", "journal", to="J Ex"), "has no journal"),
        (_set("sources", 0, "csl", "type", to="rumour"), "type must be one of"),
        (_set("sources", 0, "csl", "volume", to=3), "volume: must be text"),
        (_set("sources", 0, "csl", "DOI", to="doi.org/10.1"), "has not the form of a DOI"),
        (_set("sources", 0, "csl", "PMID", to="PMC12"), "has not the form of a PMID"),
        (_set("sources", 0, "csl", "author", to=["Doe J"]), "needs a list of names"),
        (_set("sources", 0, "csl", "author", to=[{"given": "J"}]), "needs a list of names"),
        (_set("sources", 0, "csl", "issued", to=1999), "needs date-parts"),
        (_set("sources", 0, "csl", "issued", to={"date-parts": [["1999"]]}), "needs date-parts"),
        (_set("sources", 0, "csl", to={"type": "article-journal"}), "needs an author or a title"),
        (_set("statements", 0, "directness", to="nearly"), "directness must be one of"),
        (_set("sources", 0, "id", to="Trial 1999"), "must be lower-case words"),
        (_set("sources", 0, "population", "exclusions", to=[{"reason": "x"}]), "an expression must be a mapping"),
    ],
)
def test_what_cannot_be_relied_on_is_refused_with_file_and_reason(
    change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    data = valid()
    change(data)
    with pytest.raises(PolicyError, match=re.escape(reason)) as refused:
        load(data)
    assert str(refused.value).startswith("a.yaml: ")


def test_a_fact_that_the_vocabulary_does_not_have_is_refused() -> None:
    assert load(valid(), vocabulary={"condition.osa": ("boolean", None, ())})
    with pytest.raises(PolicyError, match=r"condition\.osa is not a fact"):
        load(valid(), vocabulary={"body.bmi": ("quantity", "kg/m2", ())})


def test_text_that_is_not_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match=r"b\.yaml, line 2"):
        load_evidence([PolicyFile("b.yaml", "sources:\n  - [}\n")])


def test_statements_may_cite_a_source_of_another_file() -> None:
    data = valid()
    files = [PolicyFile(key, yaml.safe_dump({key: data[key]})) for key in ("statements", "sources")]
    assert load_evidence(files).statements["trial-1999-result"].source.id == "trial-1999"


def test_the_library_knows_every_comparison_once() -> None:
    assert len(set(library().leaves)) == len(library().leaves)
    needed = parse_expression({"fact": "spine.retropulsion", "is": True}, "test")
    assert needed in library().leaves
