"""Work on ranges of cases in several processes: results come in the order of the ranges, and standard error tells how far."""

import gc
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Annotated, Final, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.errors import DEFECT, fail
from services.cli.output import stderr
from shared.journal.spans import Span

T = TypeVar("T")
CORES: Final = os.cpu_count() or 1
Jobs = Annotated[int, typer.Option(min=1, max=256, help="Processes that work at once.")]
_TELL_SECONDS: Final = 10.0


def spread(
    title: str, work: Callable[[Span], T], parts: Sequence[Span], jobs: int, done: Callable[[Span, T], None]
) -> None:
    """Calls ``work`` for each range and ``done`` with what it gave, in order. ``work`` and its results must be picklable.

    Ends the command where a process was ended from outside.
    """
    with _told(title, len(parts)) as tell:
        if jobs == 1 or len(parts) == 1:
            for part in parts:
                done(part, work(part))
                tell()
            return
        # Not forked: a copy of this process would share its connections and its event loop.
        with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=get_context("spawn"), initializer=_begin) as pool:
            try:
                for part, result in zip(parts, _in_order(pool, work, parts, jobs * 4), strict=True):
                    done(part, result)
                    tell()
            except BrokenProcessPool:
                pool.shutdown(cancel_futures=True)
                fail(
                    DEFECT,
                    "A process of this command was ended from outside, perhaps for want of memory: run it again.",
                )
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _in_order(pool: ProcessPoolExecutor, work: Callable[[Span], T], parts: Iterable[Span], ahead: int) -> Iterator[T]:
    """As ``pool.map``, but only so many results wait for their turn: memory stays the same however long the journal is."""
    rest = iter(parts)
    waiting = deque(pool.submit(work, part) for part in islice(rest, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(work, part) for part in islice(rest, 1))


def _begin() -> None:
    # The parent is told of Ctrl-C and ends the others; they hold large and short-lived objects and no cycles.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed tells nobody, and its processes would wait for work for ever.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _told(title: str, parts: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; else a line now and then, and none where it is soon over."""
    if not stderr.is_terminal:
        last, count = time.monotonic(), 0

        def line() -> None:
            nonlocal last, count
            count += 1
            if time.monotonic() - last > _TELL_SECONDS:
                last = time.monotonic()
                stderr.print(f"{title}: {count} of {parts} parts")

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task(title, total=parts)
        yield lambda: bar.advance(task)
