"""all-MiniLM-L6-v2 in numpy: six BERT layers, the mean of the token vectors, length 1. Pure: it is given its weights.

The architecture is that of Devlin et al. 2019 with the sizes of Wang et al. 2020 (MiniLM); pooling is that of Reimers
and Gurevych 2019 (Sentence-BERT). Texts of a batch are packed one after the other into one matrix, so that no time goes
into padding, and each attends only to itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LAYERS: Final = 6
HIDDEN: Final = 384
HEADS: Final = 12
MAX_TOKENS: Final = 256
"""With the two special tokens; the model was made for texts up to this length."""
_HEAD: Final = HIDDEN // HEADS
_EPSILON: Final = np.float32(1e-12)
# GELU by its tanh form (Hendrycks and Gimpel 2016), written as x * sigmoid(2z), since numpy has a fast exp and no erf.
_GELU_CUBIC: Final = np.float32(-2 * (2 / np.pi) ** 0.5 * 0.044715)
_GELU_LINEAR: Final = np.float32(-2 * (2 / np.pi) ** 0.5)
_EXP_LIMIT: Final = np.float32(80)


class WeightsError(Exception):
    """Weights that are not those of the model: a tensor is missing or has another shape."""


@dataclass(frozen=True, slots=True)
class _Norm:
    gain: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Normalises each row in place."""
        x -= x.mean(axis=-1, keepdims=True)
        deviation = np.einsum("ij,ij->i", x, x)[:, None]
        deviation /= np.float32(x.shape[-1])
        x /= np.sqrt(deviation + _EPSILON)
        x *= self.gain
        x += self.bias
        return x


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self.weight
        y += self.bias
        return y


@dataclass(frozen=True, slots=True)
class _Layer:
    attention: _Linear
    """Queries, keys and values side by side; queries are scaled already."""
    joined: _Linear
    joined_norm: _Norm
    widened: _Linear
    narrowed: _Linear
    norm: _Norm


class MiniLM:
    """The encoder.

    Raises:
        WeightsError: the weights are not those of all-MiniLM-L6-v2.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        tensors = _Tensors(weights)
        self._words = tensors.get("embeddings.word_embeddings.weight", (None, HIDDEN))
        kinds = tensors.get("embeddings.token_type_embeddings.weight", (None, HIDDEN))
        self._places = tensors.get("embeddings.position_embeddings.weight", (None, HIDDEN)) + kinds[0]
        self._norm = tensors.norm("embeddings.LayerNorm")
        self._layers = [tensors.layer(f"encoder.layer.{number}.") for number in range(LAYERS)]

    def encode(self, texts: Sequence[Sequence[int]]) -> Floats:
        """The vectors (n, 384), of length 1, of texts given as token ids, special tokens included, none empty."""
        lengths = [len(text) for text in texts]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        ids = np.concatenate([np.asarray(text, np.int64) for text in texts])
        places = np.concatenate([np.arange(length) for length in lengths])
        x = self._norm(self._words[ids] + self._places[places])
        for layer in self._layers:
            x = _forward(layer, x, starts)
        pooled: Floats = np.add.reduceat(x, starts[:-1], axis=0)
        # The direction of the sum is that of the mean.
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled


def _forward(layer: _Layer, x: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    mixed = layer.attention(x)
    context = np.empty_like(x)
    for start, end in pairwise(starts.tolist()):
        context[start:end] = _attend(mixed[start:end])
    y = layer.joined(context)
    y += x
    x = layer.joined_norm(y)
    y = layer.narrowed(_gelu(layer.widened(x)))
    y += x
    return layer.norm(y)


def _attend(mixed: Floats) -> Floats:
    length = len(mixed)
    queries, keys, values = mixed.reshape(length, 3, HEADS, _HEAD).transpose(1, 2, 0, 3)
    scores: Floats = queries @ keys.transpose(0, 2, 1)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    found: Floats = scores @ values
    found /= scores.sum(axis=-1, keepdims=True)
    return found.transpose(1, 0, 2).reshape(length, HIDDEN)


def _gelu(x: Floats) -> Floats:
    gate: Floats = x * x
    gate *= _GELU_CUBIC
    gate += _GELU_LINEAR
    gate *= x
    np.minimum(gate, _EXP_LIMIT, out=gate)
    np.exp(gate, out=gate)
    gate += np.float32(1)
    x /= gate
    return x


class _Tensors:
    """Takes the weights by name and puts them into the form that is computed with."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = weights

    def get(self, name: str, shape: tuple[int | None, ...]) -> Floats:
        tensor = self._weights.get(name)
        if tensor is None:
            raise WeightsError(f"The tensor {name} is missing.")
        if len(tensor.shape) != len(shape) or any(
            want is not None and want != have for want, have in zip(shape, tensor.shape, strict=True)
        ):
            raise WeightsError(f"The tensor {name} has the shape {tensor.shape}.")
        return np.asarray(tensor, np.float32)

    def norm(self, name: str) -> _Norm:
        return _Norm(self.get(f"{name}.weight", (HIDDEN,)), self.get(f"{name}.bias", (HIDDEN,)))

    def linear(self, name: str, inputs: int, outputs: int) -> _Linear:
        weight = self.get(f"{name}.weight", (outputs, inputs))
        return _Linear(np.ascontiguousarray(weight.T), self.get(f"{name}.bias", (outputs,)))

    def layer(self, name: str) -> _Layer:
        own = [self.linear(f"{name}attention.self.{part}", HIDDEN, HIDDEN) for part in ("query", "key", "value")]
        scale = np.float32(_HEAD**-0.5)
        own[0] = _Linear(own[0].weight * scale, own[0].bias * scale)
        attention = _Linear(
            np.ascontiguousarray(np.concatenate([linear.weight for linear in own], axis=1)),
            np.concatenate([linear.bias for linear in own]),
        )
        return _Layer(
            attention,
            self.linear(f"{name}attention.output.dense", HIDDEN, HIDDEN),
            self.norm(f"{name}attention.output.LayerNorm"),
            self.linear(f"{name}intermediate.dense", HIDDEN, 4 * HIDDEN),
            self.linear(f"{name}output.dense", 4 * HIDDEN, HIDDEN),
            self.norm(f"{name}output.LayerNorm"),
        )
