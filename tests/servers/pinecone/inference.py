"""Pinecone's hosted models, as far as a stand-in can be them: real limits, and vectors of the embedder that is bundled.

Its vectors are filled up with zeros to the dimension that the hosted model has, which changes no cosine: so whoever
searches through Pinecone's own model here finds what the bundled embedder finds. A token is a word between spaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backends.vectors.contracts import Vectors
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.canonical import Json
from core.words import words
from tests.servers.pinecone.refusals import Refused
from tests.servers.pinecone.requests import MAX_TEXTS, EmbedTexts, Rerank


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedModel:
    """`dimensions`, the usual one first; `tokens` at most of a text."""

    dimensions: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankModel:
    """At most so many `documents`, and `tokens` of query and document together; what is done beyond, if not told."""

    documents: int
    tokens: int
    truncate: Literal["END", "NONE"]


EMBEDDERS: Mapping[str, EmbedModel] = {
    "multilingual-e5-large": EmbedModel(dimensions=(1024,), tokens=507),
    "llama-text-embed-v2": EmbedModel(dimensions=(1024, 384, 512, 768, 2048), tokens=2048),
}
RERANKERS: Mapping[str, RerankModel] = {
    "bge-reranker-v2-m3": RerankModel(documents=100, tokens=1024, truncate="NONE"),
    "pinecone-rerank-v0": RerankModel(documents=100, tokens=512, truncate="END"),
}


async def embed(body: Json) -> Json:
    """POST /embed."""
    asked = EmbedTexts.model_validate(body)
    if len(asked.inputs) > MAX_TEXTS:
        raise Refused(400, f"inputs: {asked.model} takes up to {MAX_TEXTS}, got {len(asked.inputs)}")
    texts = [one.text for one in asked.inputs]
    rows = await embedded(asked.model, texts, asked.parameters)
    return {
        "model": asked.model,
        "vector_type": "dense",
        "data": [{"values": row.tolist(), "vector_type": "dense"} for row in rows],
        "usage": {"total_tokens": sum(len(text.split()) for text in texts)},
    }


async def embedded(name: str, texts: Sequence[str], parameters: Mapping[str, Json]) -> Vectors:
    """The texts' vectors. Raises Refused for a model that is not hosted, and for parameters that it does not take."""
    model = model_named(name)
    if unknown := parameters.keys() - {"input_type", "truncate", "dimension"}:
        raise Refused(400, f"parameters: {name} does not take {', '.join(sorted(unknown))}")
    if parameters.get("input_type") not in ("query", "passage"):
        raise Refused(400, f"parameters: {name} needs input_type, query or passage")
    how, wide = parameters.get("truncate", "END"), dimension_of(name, parameters.get("dimension"))
    cut = [_cut(text, model.tokens, how) for text in texts]
    rows = await StaticEmbedder(StaticTokens.bundled()).embed(cut, parameters["input_type"])
    filled = np.zeros((len(rows), wide), dtype=np.float32)
    filled[:, : rows.shape[1]] = rows
    filled[~rows.any(axis=1), -1] = 1  # no model of theirs answers with zeros, which no index of theirs takes
    return filled


def model_named(name: str) -> EmbedModel:
    """Raises Refused where it is not hosted."""
    if (model := EMBEDDERS.get(name)) is None:
        raise Refused(404, f"Model {name} not found.")
    return model


def dimension_of(name: str, given: Json) -> int:
    """The dimension that was asked for, or the model's usual one. Raises Refused for one that it has not."""
    known = model_named(name).dimensions
    if given is not None and given not in known:
        raise Refused(400, f"dimension: {name} has {', '.join(map(str, known))}, not {given}")
    return int(given or known[0])


async def rerank(body: Json) -> Json:
    """POST /rerank."""
    asked = Rerank.model_validate(body)
    ranked = reranked(asked)
    return {
        "model": asked.model,
        "data": [
            {"index": n, "score": score, **({"document": asked.documents[n]} if asked.return_documents else {})}
            for n, score in ranked
        ],
        "usage": {"rerank_units": 1},
    }


def reranked(asked: Rerank) -> list[tuple[int, float]]:
    """Documents by their numbers, best first, with the share of the query's words that they hold; ties as they came."""
    if (model := RERANKERS.get(asked.model)) is None:
        raise Refused(404, f"Model {asked.model} not found.")
    if len(asked.documents) > model.documents:
        raise Refused(400, f"documents: {asked.model} takes up to {model.documents}, got {len(asked.documents)}")
    if len(asked.rank_fields) > 1:
        raise Refused(400, f"rank_fields: {asked.model} takes one")
    if unknown := asked.parameters.keys() - {"truncate"}:
        raise Refused(400, f"parameters: {asked.model} does not take {', '.join(sorted(unknown))}")
    how, field = asked.parameters.get("truncate", model.truncate), asked.rank_fields[0]
    room = model.tokens - len(asked.query.split())
    texts = [_cut(_field(document, field), room, how) for document in asked.documents]
    wanted = set(words(asked.query))
    shares = [len(wanted.intersection(words(text))) / max(len(wanted), 1) for text in texts]
    order = sorted(range(len(shares)), key=lambda n: -shares[n])
    return [(n, shares[n]) for n in order[: asked.top_n]]


def _field(document: Mapping[str, Json], name: str) -> str:
    if not isinstance(text := document.get(name), str):
        raise Refused(400, f"documents: each needs {name}, which is ranked, as a text")
    return text


def _cut(text: str, tokens: int, how: Json) -> str:
    found = text.split()
    if len(found) <= tokens:
        return text
    match how:
        case "END":
            return " ".join(found[: max(tokens, 0)])
        case "START":
            return " ".join(found[-tokens:])
        case "NONE":
            raise Refused(400, f"Input text exceeds the maximum length of {tokens} tokens")
        case _:
            raise Refused(400, "parameters: truncate is END, START or NONE")
