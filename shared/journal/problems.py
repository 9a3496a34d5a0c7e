"""What a verification reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written. ``case`` is empty where it concerns no single case.

    ``kind`` is one of sequence, chain, hash, state, transition, actor, id, causation, time (of one event); missing,
    rewritten, inserted, order, installation, checkpoint (against the checkpoints); document, key, content, projection,
    access (what stands beside the journal).
    """

    case: str
    sequence: int
    kind: str
    message: str
