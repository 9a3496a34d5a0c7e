"""What a set of processes costs, and small statistics."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

import psutil

__all__ = ["cpu_by_process", "cpu_since", "median", "percentile"]


def cpu_by_process(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds, user and system, that each process and all its descendants have used so far."""
    return {name: _tree_seconds(pid) for name, pid in pids.items()}


def cpu_since(pids: Mapping[str, int], before: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds used since ``before``.

    Raises:
        psutil.NoSuchProcess: a process ended in between, so that its time is not known.
    """
    return {name: seconds - before[name] for name, seconds in cpu_by_process(pids).items()}


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. Raises ValueError where there are no values."""
    if not values:
        raise ValueError("There is nothing to take a percentile of.")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _tree_seconds(pid: int) -> float:
    """A process, its descendants, and those that ended and were waited for, as PostgreSQL's sessions are."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            # A descendant that ended just now is in the time of its parent from here on.
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
