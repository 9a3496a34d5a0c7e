"""The evidence library, checked against the criteria sets that cite it."""

from shared.clinical.criteria import load_criteria
from shared.clinical.evidence import EvidenceLibrary, load_evidence
from shared.clinical.policy_places import Fault, fault_of, line_of_place
from shared.policy import PolicyError, PolicyFiles


def compile_library(files: PolicyFiles) -> EvidenceLibrary:
    """The library of the files.

    Raises:
        PolicyError: a file cannot be used, or a criteria set cites a statement that the library does not have, whose
            citations would silently be missing; the text names the file, the line where it is known and the reason.
    """
    try:
        library = load_evidence(files.evidence)
        sets = load_criteria(files.criteria)
    except PolicyError as error:
        raise PolicyError(str(fault_of(files.all, error))) from error
    for file, criteria_set in zip(files.criteria, sets, strict=True):
        for absent in library.absent(criteria_set.cited):
            reason = f"{absent} is not a statement of the evidence library; correct or add it."
            raise PolicyError(str(Fault(file.name, line_of_place(file.text, absent), "", reason)))
    return library
