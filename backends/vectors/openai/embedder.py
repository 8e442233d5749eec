"""An embedder behind OpenAI's API, at OpenAI or at any server that speaks like it.

Only the model's tokenizer knows how many tokens a text has, but a text never has more tokens than bytes. So limits are
counted in bytes: a request holds a third of what it might hold, and is never refused for its size.
"""

import random
from collections.abc import Iterator, Mapping, Sequence

import anyio
import httpx2
import numpy as np
from openai import AsyncOpenAI

from backends.models.openai.client import OPENAI, Address, Client
from backends.models.provider import read_url
from backends.vectors.contracts import Purpose, Vectors
from backends.vectors.openai.response import vectors
from core.errors import InvalidInput, ModelError, Unavailable
from core.words import words

MAX_TEXTS = 2048
MAX_BYTES = 300_000
MAX_TEXT_BYTES = 8192
"""The most that a request, and a text in it, may hold: OpenAI's limits in tokens, counted in bytes."""

ATTEMPTS = 6
PATIENCE: Mapping[Purpose, float] = {"query": 15, "passage": 120}
"""Seconds for a request with its repeats. An employee waits for a question's vector."""

SECONDS = 30.0
"""For one request."""
_FORM = (
    "openai:MODEL, with ?dimensions=N for shorter vectors, &base_url=http://HOST/v1&key_env=NAME for another server, "
    "and &seconds=N for a slow one"
)


class OpenAIEmbedder:
    """Texts to vectors of a hosted model; of one longer than 8192 bytes, some 1,300 words, only the beginning counts.

    `dimensions` None is the model's own number, known after the first request. `first_pause` is the pause in seconds
    before the first repeat, which then doubles; a longer Retry-After of the server comes first. `seconds` is the time
    for one request, and `patience` for a request with its repeats, at least as long. `key_env` is the
    environment variable of the server's key; OPENAI_API_KEY is for OpenAI alone, and another server gets a key only if
    this names one. A `client` is used with its own address and key, and stays open. Raises InvalidInput if the name,
    the address or the key is missing or malformed.
    """

    def __init__(
        self,
        model: str,
        *,
        dimensions: int | None = None,
        base_url: str = OPENAI.url,
        key_env: str | None = None,
        client: AsyncOpenAI | None = None,
        first_pause: float = 0.5,
        seconds: float = SECONDS,
        patience: Mapping[Purpose, float] = PATIENCE,
    ) -> None:
        address = Address(model=model, base_url=base_url, key_env=key_env)
        chosen = "" if dimensions is None else f"{'&' if '?' in address.name else '?'}dimensions={dimensions}"
        self.name = address.name + chosen
        self.dimension = dimensions
        self._asked = dimensions
        self._client = Client(address, client)
        self._first_pause = first_pause
        self._timeout = httpx2.Timeout(seconds, connect=5)
        # A question's vector has less than that by default: an employee waits for it.
        self._patience = {name: max(most, seconds if seconds > SECONDS else 0) for name, most in patience.items()}

    @classmethod
    def from_url(cls, url: str) -> "OpenAIEmbedder":
        """`openai:MODEL?dimensions=N&base_url=URL&key_env=NAME&seconds=N`, each optional. Raises InvalidInput."""
        model, parameters = read_url(url, {"dimensions", "base_url", "key_env", "seconds"})
        numbers = {name: parameters[name] for name in ("dimensions", "seconds") if name in parameters}
        for name, wanted in numbers.items():
            if not (wanted.isascii() and wanted.isdecimal() and int(wanted)):
                raise InvalidInput(f"{name} is a number from 1, as in {_FORM}")
        return cls(
            model,
            dimensions=int(numbers["dimensions"]) if "dimensions" in numbers else None,
            base_url=parameters.get("base_url", OPENAI.url),
            key_env=parameters.get("key_env"),
            seconds=float(numbers.get("seconds", SECONDS)),
        )

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """As `Embedder.embed`; a text without any word is not sent."""
        worded = [n for n, text in enumerate(texts) if words(text)]
        if texts and not worded and self.dimension is None:
            await self._vectors(["text"], purpose)  # because only the server knows how many zeros a row has
        batches = [await self._vectors(batch, purpose) for batch in _batches([_cut(texts[n]) for n in worded])]
        rows = np.zeros((len(texts), self.dimension or 0), dtype=np.float32)
        if batches:
            rows[worded] = np.concatenate(batches)
        return rows

    async def close(self) -> None:
        await self._client.close()

    async def _vectors(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        seconds = self._patience[purpose]
        try:
            with anyio.fail_after(seconds):
                rows = await self._repeated(texts)
        except TimeoutError as error:
            raise Unavailable(f"{self.name} did not answer within {seconds:g} seconds") from error
        self.dimension = self.dimension or rows.shape[1]
        if rows.shape[1] != self.dimension:
            raise InvalidInput(f"{self.name} gives vectors of {rows.shape[1]} numbers, not {self.dimension}")
        return rows

    async def _repeated(self, texts: Sequence[str]) -> Vectors:
        """One request, made again while it may succeed and the deadline around it leaves time for the pause."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return vectors(await self._client.embeddings(texts, self._asked, self._timeout), len(texts))
            except ModelError as error:
                pause = max(error.retry_after or 0, self._first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1))
                if not error.retryable:
                    raise InvalidInput(f"{self.name}: {error}") from error
                if attempt == ATTEMPTS or anyio.current_time() + pause > anyio.current_effective_deadline():
                    raise Unavailable(f"{self.name}: {error}") from error
            await anyio.sleep(pause)


def _cut(text: str) -> str:
    """As much of the beginning as surely fits; half a surrogate pair, which UTF-8 does not have, is a question mark."""
    return text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, in requests that are within the limits."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if len(batch) == MAX_TEXTS or size + length > MAX_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch
