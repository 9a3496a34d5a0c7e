"""The policies that events were made under, found again for a replay by what the events say of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from services.criteria_evaluation.domain.vocabulary import comparable
from services.criteria_evaluation.policy import Policy, load_policy
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.clinical.evidence import EvidenceLibrary, load_evidence
from shared.clinical.expression import Vocabulary
from shared.clinical.model import AttachedEvidence, Evaluation
from shared.clinical.policy_places import fault_of
from shared.journal.replay import PolicyGoneError
from shared.policy import PolicyError, PolicyFile, read_policy


class PastPolicies:
    """The policy in force and those of earlier folders, by digest."""

    def __init__(
        self,
        criteria_dir: Path | None = None,
        evidence_dir: Path | None = None,
        *,
        earlier_criteria: Sequence[Path] = (),
        earlier_evidence: Sequence[Path] = (),
    ) -> None:
        """Raises PolicyError where a folder cannot be used."""
        current = load_policy(criteria_dir, evidence_dir)
        self._lexicon = current.lexicon
        self._sets = {s.digest: s for s in current.criteria_sets}
        vocabulary = comparable(current.lexicon.vocabulary)
        for folder in earlier_criteria:
            self._sets = {s.digest: s for s in _sets(read_policy("criteria", folder), vocabulary)} | self._sets
        libraries = [load_evidence(read_policy("evidence", folder)) for folder in (evidence_dir, *earlier_evidence)]
        self._libraries = {library.digest: library for library in libraries}
        self._known: dict[tuple[str, ...], Policy] = {}

    def of_evaluation(self, evaluation: Evaluation | None) -> Policy:
        """The sets that an evaluation names, each in the version that it names, the deciding one by its digest.

        Its selection names every set that lists a requested code, so no other set had a part in it.

        Raises:
            PolicyGoneError: one of them is not at hand.
        """
        if evaluation is None:
            raise PolicyGoneError("the evaluation names no policy")
        if evaluation.lexicon != self._lexicon.digest:
            raise PolicyGoneError(f"lexicon {evaluation.lexicon}, which came with another version of the code")
        chosen = evaluation.criteria_set
        named = {(s.set_id, s.version): "" for s in evaluation.selection}
        if chosen is not None:
            named[chosen.id, chosen.version] = chosen.digest
        sets = tuple(self._set(*name, digest) for name, digest in sorted(named.items()))
        key = tuple(s.digest for s in sets)
        if key not in self._known:
            self._known[key] = Policy(sets, self._lexicon)
        return self._known[key]

    def _set(self, set_id: str, version: str, digest: str) -> CriteriaSet:
        found = self._sets.get(digest) if digest else self._of_version(set_id, version)
        if found is None:
            raise PolicyGoneError(f"criteria set {set_id} {version} {digest}".rstrip())
        return found

    def _of_version(self, set_id: str, version: str) -> CriteriaSet | None:
        # Those in force come last, and of two with one name they are the likelier.
        return next((s for s in reversed(self._sets.values()) if (s.id, s.version) == (set_id, version)), None)

    def of_evidence(self, evidence: AttachedEvidence | None) -> EvidenceLibrary:
        """The library that an answer was made with. Raises PolicyGoneError where it is not at hand."""
        digest = evidence.library if evidence is not None else ""
        if digest not in self._libraries:
            raise PolicyGoneError(f"evidence library {digest}".rstrip())
        return self._libraries[digest]


def _sets(files: tuple[PolicyFile, ...], vocabulary: Vocabulary) -> Iterable[CriteriaSet]:
    try:
        return load_criteria(files, vocabulary)
    except PolicyError as error:
        raise PolicyError(str(fault_of(files, error))) from error
