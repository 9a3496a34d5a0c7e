"""The policies that events were made under, found again for a replay by what the events say of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from services.criteria_evaluation.policy import Policy, load_policy
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.clinical.evidence import EvidenceLibrary, load_evidence
from shared.clinical.expression import Vocabulary
from shared.clinical.model import AttachedEvidence, Evaluation
from shared.clinical.policy_places import fault_of
from shared.journal.replay import PolicyGoneError
from shared.platform.settings import Settings
from shared.policy import PolicyError, PolicyFile, digest_of, read_policy


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the policies of a replay are: those in force (None: as they ship), and earlier ones. It can be handed to a process."""

    criteria: Path | None = None
    evidence: Path | None = None
    earlier_criteria: tuple[Path, ...] = ()
    earlier_evidence: tuple[Path, ...] = ()
    earlier_lexicons: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        settings: Settings,
        criteria: Sequence[Path] | None,
        evidence: Sequence[Path] | None,
        lexicons: Sequence[Path] | None = None,
    ) -> "Folders":
        """The folders of an installation, and earlier ones beside them."""
        earlier = (tuple(criteria or ()), tuple(evidence or ()), tuple(lexicons or ()))
        return cls(settings.criteria_dir, settings.evidence_dir, *earlier)


class PastPolicies:
    """The policy in force and those of earlier folders, by digest."""

    def __init__(self, folders: Folders | None = None) -> None:
        """Raises PolicyError where a folder cannot be used."""
        where = folders or Folders()
        current = load_policy(where.criteria, where.evidence)
        earlier = [load_lexicon(read_policy("lexicon", folder)) for folder in where.earlier_lexicons]
        self._lexicons = {lexicon.digest: lexicon for lexicon in (*earlier, current.lexicon)}
        self._sets = {s.digest: s for s in current.criteria_sets}
        vocabulary = comparable(current.lexicon.vocabulary)
        for folder in where.earlier_criteria:
            self._sets = {s.digest: s for s in _sets(read_policy("criteria", folder), vocabulary)} | self._sets
        libraries = [
            load_evidence(read_policy("evidence", folder)) for folder in (where.evidence, *where.earlier_evidence)
        ]
        self._libraries = {library.digest: library for library in libraries}
        self._known: dict[tuple[str, ...], Policy] = {}

    def digest(self) -> str:
        """The content address of all that is at hand."""
        return digest_of(*sorted((*self._lexicons, *self._sets, *self._libraries)))

    def of_evaluation(self, evaluation: Evaluation | None) -> Policy:
        """The sets that an evaluation names, each in the version that it names, the deciding one by its digest.

        Its selection names every set that lists a requested code, so no other set had a part in it.

        Raises:
            PolicyGoneError: one of them is not at hand.
        """
        if evaluation is None:
            raise PolicyGoneError("the evaluation names no policy")
        lexicon = self._lexicons.get(evaluation.lexicon)
        if lexicon is None:
            raise PolicyGoneError(f"lexicon {evaluation.lexicon}, which came with another version of the code")
        chosen = evaluation.criteria_set
        named = {(s.set_id, s.version): "" for s in evaluation.selection}
        if chosen is not None:
            named[chosen.id, chosen.version] = chosen.digest
        sets = tuple(self._set(*name, digest) for name, digest in sorted(named.items()))
        key = (lexicon.digest, *(s.digest for s in sets))
        if key not in self._known:
            self._known[key] = Policy(sets, lexicon)
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
