"""Finds articles in the literature index that a deployment names, if it names one."""

from pathlib import Path
from typing import Literal

from services.evidence_lookup.domain.related import MOST_RELATED, NO_LITERATURE, Literature, Related, query_of, related
from shared.clinical.model import Evaluation


def literature_of(directory: Path | None) -> Literature:
    """The literature of an index, read once and searched once for each query; none where no directory is named.

    Ends the process with a sentence where the index cannot be read.
    """
    if directory is None:
        return NO_LITERATURE
    # Only a process that searches loads numpy and the index.
    from services.evidence_lookup.index_files import LiteratureIndexError, read_index
    from services.evidence_lookup.searching import Wanted, model_for, search_literature

    try:
        index = read_index(directory)
    except LiteratureIndexError as error:
        raise SystemExit(f"PRIORAUTH_LITERATURE_INDEX: {error}") from error
    model = model_for(index)
    answers: dict[str, Related] = {}

    def find(evaluation: Evaluation) -> Related:
        query = query_of(evaluation)
        if query is None:
            return Related(index.digest)
        if query not in answers:
            ranking: Literal["bm25", "hybrid"] = "bm25" if model is None else "hybrid"
            hits = search_literature(index, query, ranking, MOST_RELATED, Wanted(), model, on_topic=True)
            answers[query] = related(index.digest, query, (hit.article for hit in hits))
        return answers[query]

    return find
