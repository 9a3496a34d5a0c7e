"""The page that explains a conclusion shows what the code really says."""

from services.cli.offline import determine_request
from tests.support.explain import PAGE, page_with, request, trace


def test_the_trace_on_the_page_is_the_one_that_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_with(trace()), "Renew it with python -m tests.support.explain"


def test_what_the_page_calls_no_source_is_none() -> None:
    facts = determine_request(request())["facts"]
    assert facts["spine.fracture_cause"]["value"] == "malignancy"
    assert facts["oncology.spine_radiation_prior"]["value"] is False
    assert not any("Sister" in (source.get("quote") or "") for fact in facts.values() for source in fact["sources"])
