"""A BERT encoder in numpy: token ids in, a vector a token out, in float32.

It knows what embedding models of MiniLM's kind are made of (absolute positions, gelu) and refuses every other kind,
since a model that runs differently from how it was trained gives vectors that look as good as the right ones. The
products are BLAS's and use all cores; what stands between them is written in place, in pieces that fit a core's cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from core.errors import InvalidInput

Floats: TypeAlias = NDArray[np.float32]

_BLOCK = 32_768
_NEVER = np.float32(-1e9)


class BertConfig(BaseModel):
    """The part of a model's config.json that changes its vectors."""

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"] = "absolute"
    vocab_size: int = Field(gt=0)
    hidden_size: int = Field(gt=0)
    intermediate_size: int = Field(gt=0)
    num_hidden_layers: int = Field(gt=0)
    num_attention_heads: int = Field(gt=0)
    max_position_embeddings: int = Field(gt=0)
    type_vocab_size: int = Field(default=2, gt=0)
    layer_norm_eps: float = Field(default=1e-12, gt=0)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "BertConfig":
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("hidden_size is not a multiple of num_attention_heads")
        return self


class Tensors:
    """A file's tensors by name, each checked as it is taken; names may begin with `bert.`, as some tools write them."""

    def __init__(self, found: Mapping[str, NDArray[np.generic]]) -> None:
        self._found = {name.removeprefix("bert."): tensor for name, tensor in found.items()}

    def take(self, name: str, *shape: int) -> Floats:
        """The tensor as float32. Raises InvalidInput if it is missing or misshapen, or holds a NaN or an infinity."""
        tensor = self._found.get(name)
        if tensor is None:
            raise InvalidInput(f"model.safetensors lacks the tensor {name}")
        if tensor.shape != shape or tensor.dtype.kind != "f":
            raise InvalidInput(
                f"model.safetensors: {name} is {tensor.dtype}{list(tensor.shape)}, not float{list(shape)}"
            )
        if not np.isfinite(tensor).all():
            raise InvalidInput(f"model.safetensors: {name} holds a NaN or an infinity")
        return tensor.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    @classmethod
    def read(cls, tensors: Tensors, name: str, takes: int, gives: int) -> "_Linear":
        weight, bias = tensors.take(f"{name}.weight", gives, takes), tensors.take(f"{name}.bias", gives)
        return cls(np.ascontiguousarray(weight.T), bias)

    def __call__(self, x: Floats) -> Floats:
        # As one matrix: numpy multiplies a stack of them one by one, which takes up to ten times as long.
        y: Floats = x.reshape(-1, x.shape[-1]) @ self.weight
        y += self.bias
        return y.reshape(*x.shape[:-1], y.shape[-1])


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats
    epsilon: float

    @classmethod
    def read(cls, tensors: Tensors, name: str, config: BertConfig) -> "_Norm":
        weight, bias = (tensors.take(f"{name}.{part}", config.hidden_size) for part in ("weight", "bias"))
        return cls(weight, bias, config.layer_norm_eps)

    def __call__(self, x: Floats) -> Floats:
        """The normalised rows, written over `x`."""
        x -= x.mean(axis=-1, keepdims=True)
        variance = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
        x /= np.sqrt(variance + np.float32(self.epsilon))
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True, slots=True)
class _Layer:
    heads: int
    asked: _Linear  # queries, keys and values, side by side
    attended: _Linear
    attended_norm: _Norm
    wide: _Linear
    narrow: _Linear
    narrow_norm: _Norm

    @classmethod
    def read(cls, tensors: Tensors, name: str, config: BertConfig) -> "_Layer":
        width, inner = config.hidden_size, config.intermediate_size
        parts = [
            _Linear.read(tensors, f"{name}.attention.self.{part}", width, width) for part in ("query", "key", "value")
        ]
        scale = np.float32(1 / sqrt(width // config.num_attention_heads))
        parts[0] = _Linear(parts[0].weight * scale, parts[0].bias * scale)
        return cls(
            config.num_attention_heads,
            _Linear(np.hstack([part.weight for part in parts]), np.hstack([part.bias for part in parts])),
            _Linear.read(tensors, f"{name}.attention.output.dense", width, width),
            _Norm.read(tensors, f"{name}.attention.output.LayerNorm", config),
            _Linear.read(tensors, f"{name}.intermediate.dense", width, inner),
            _Linear.read(tensors, f"{name}.output.dense", inner, width),
            _Norm.read(tensors, f"{name}.output.LayerNorm", config),
        )

    def __call__(self, x: Floats, hidden: Floats | None) -> Floats:
        attended = self.attended(self._attention(x, hidden))
        attended += x
        x = self.attended_norm(attended)
        narrow = self.narrow(gelu(self.wide(x)))
        narrow += x
        return self.narrow_norm(narrow)

    def _attention(self, x: Floats, hidden: Floats | None) -> Floats:
        texts, length, width = x.shape
        parts = self.asked(x).reshape(texts, length, 3, self.heads, width // self.heads).transpose(2, 0, 3, 1, 4)
        query, key, value = parts
        weights: Floats = query @ key.swapaxes(-1, -2)
        if hidden is not None:
            weights += hidden
        weights -= weights.max(axis=-1, keepdims=True)
        np.exp(weights, out=weights)
        mixed: Floats = weights @ value
        mixed /= weights.sum(axis=-1, keepdims=True)
        return mixed.transpose(0, 2, 1, 3).reshape(texts, length, width)


class Bert:
    """A model as `config` describes it, with the file's `tensors`. Raises InvalidInput where they do not fit."""

    def __init__(self, config: BertConfig, tensors: Tensors) -> None:
        width = config.hidden_size
        self._words = tensors.take("embeddings.word_embeddings.weight", config.vocab_size, width)
        places = tensors.take("embeddings.position_embeddings.weight", config.max_position_embeddings, width)
        kinds = tensors.take("embeddings.token_type_embeddings.weight", config.type_vocab_size, width)
        self._places = places + kinds[0]
        self._norm = _Norm.read(tensors, "embeddings.LayerNorm", config)
        self._layers = [_Layer.read(tensors, f"encoder.layer.{n}", config) for n in range(config.num_hidden_layers)]

    def __call__(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> Floats:
        """A vector for each token of (texts, longest); what stands past a text's length changes none before it."""
        longest = ids.shape[1]
        x = self._norm(self._words[ids] + self._places[:longest])
        hidden = None
        if lengths.min() < longest:
            beyond = np.arange(longest) >= lengths[:, None]
            hidden = np.where(beyond, _NEVER, np.float32(0))[:, None, None, :]
        for layer in self._layers:
            x = layer(x, hidden)
        return x


def gelu(x: Floats) -> Floats:
    """max(x, 0) - |x| Q(|x|), written over `x`; Q, the normal distribution's tail, after Abramowitz and Stegun 7.1.26.

    Its error is below 1e-7, float32's own. numpy has no erf, and a loop over `math.erf` takes a hundred times as long.
    """
    flat = x.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        size = np.abs(block)
        t = 1 / (1 + np.float32(0.3275911 / sqrt(2)) * size)
        tail = np.float32(1.061405429 / 2) * t
        for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            tail += np.float32(factor / 2)
            tail *= t
        np.multiply(size, size, out=t)
        t *= np.float32(-0.5)
        tail *= np.exp(t, out=t)
        tail *= size
        np.maximum(block, 0, out=block)
        block -= tail
    return x
