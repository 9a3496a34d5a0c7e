"""How charts state, and only seem to state, the facts of spine, nerves, pain, cancer and their treatment."""

import pytest

from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.policy import read_policy
from tests.support.labels import agree
from tests.support.phrasings import Phrasing, phrasings, read

_FAMILIES = ("spine", "neuro", "pain", "oncology", "treatment", "status")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon(read_policy("lexicon"))


@pytest.mark.parametrize(
    "phrasing",
    [one for family in _FAMILIES for one in phrasings(family)],
    ids=lambda one: f"{one.fact}: {one.text[:40]}",
)
def test_phrasing(phrasing: Phrasing, lexicon: Lexicon) -> None:
    assert agree(read(phrasing, lexicon), phrasing.value)
