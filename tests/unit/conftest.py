"""What unit tests share: the lexicon, which takes a second to compile."""

import pytest

from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.policy import read_policy


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The project's own lexicon. Nothing changes it but its caches."""
    return load_lexicon(read_policy("lexicon"))
