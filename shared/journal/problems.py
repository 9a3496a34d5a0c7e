"""What a verification reports."""

from dataclasses import dataclass


class ArchiveError(Exception):
    """An archive that cannot be used: it is missing, damaged, or another one. The text says which and why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written. ``case`` is empty where it concerns no single case.

    ``kind`` is one of sequence, chain, hash, state, transition, actor, id, causation, time (of one event); missing,
    rewritten, inserted, order, installation, checkpoint (against the checkpoints); document, key, content, projection,
    cause, access (what stands beside the journal); archive (a file of archived events).
    """

    case: str
    sequence: int
    kind: str
    message: str
