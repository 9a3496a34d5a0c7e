"""Facts that FHIR resources carry, by kind of resource."""

from collections.abc import Sequence

from services.criteria_evaluation.domain.extract.care import read_care
from services.criteria_evaluation.domain.extract.claims import read_information
from services.criteria_evaluation.domain.extract.conditions import read_conditions
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.narrative import read_narratives
from services.criteria_evaluation.domain.extract.observations import read_observations
from services.criteria_evaluation.domain.extract.questionnaires import read_answers
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Resource


def read_resources(resources: Sequence[Resource], lexicon: Lexicon) -> list[Mention]:
    """What the resources say, but for the levels that the Claim's items name."""
    return [
        *read_observations(resources, lexicon),
        *read_answers(resources, lexicon),
        *read_conditions(resources, lexicon),
        *read_care(resources, lexicon),
        *read_information(resources, lexicon),
        *read_narratives(resources, lexicon),
    ]
