"""An embedder behind OpenAI's API, at OpenAI or at any server that speaks like it.

Only the model's tokenizer knows how many tokens a text has, but a text never has more tokens than bytes. So limits are
counted in bytes: a request holds a third of what it might hold, and OpenAI never refuses it for its size.

Other servers have limits of their own, and words of their own for them. So a refusal is understood by what the server
takes instead: one short text, asked for in other forms; then fewer texts; then less of a text.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence

import anyio
import httpx2
import numpy as np
from openai import AsyncOpenAI

from backends.models.openai.client import OPENAI, Address, Client, Form
from backends.models.provider import read_url
from backends.vectors.contracts import Purpose, Vectors
from backends.vectors.openai.response import unusable, vectors
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

LEAST_BYTES = 1024
"""Of a text that a server finds too long no less than this is sent."""

_FORMS: tuple[Form, ...] = ("base64", "float", None)
_PROBE = ["text"]
"""What any model has a vector for."""

_REFUSED = (400, 406, 413, 415, 422, 501)
_IN_WORDS = re.compile(r"base64|encoding.?format|\bbatch|decode", re.IGNORECASE)
"""Words of a 500 that speaks of the request and not of the server."""
_SIZE = re.compile(r"(?<![\d.])\d{1,4}(?!\.?\d)")
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
        self._form: Form = "base64"
        self._taken = False
        self._most = MAX_TEXTS
        self._refusals = 0
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
        """As `Embedder.embed`. A text without any word is not sent, and one that the server has no vector for has a row
        of zeros, too."""
        worded = [n for n, text in enumerate(texts) if words(text)]
        if texts and not worded and self.dimension is None:
            await self._vectors(_PROBE, purpose)  # because only the server knows how many zeros a row has
        batches = [await self._vectors(batch, purpose) for batch in _batches([_cut(texts[n]) for n in worded])]
        rows = np.zeros((len(texts), self.dimension or 0), dtype=np.float32)
        if batches:
            rows[worded] = np.concatenate(batches)
        return rows

    async def close(self) -> None:
        await self._client.close()

    async def _vectors(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """The rows of these texts, in requests that the server takes."""
        if len(texts) > self._most:
            return await self._in_parts(texts, self._most, purpose)
        try:
            rows = await self._repeated(texts, purpose)
        except ModelError as refusal:
            self._refusals += 1
            if not _is_of_form(refusal):
                raise self._final(refusal) from refusal
            if not self._taken and refusal.code != "too_large":
                asked_for = self._form
                await self._find_form(refusal, purpose)
                if self._form != asked_for:
                    return await self._vectors(texts, purpose)
            if len(texts) > 1:
                return await self._in_parts(texts, _fewer(refusal, len(texts)), purpose)
            if (size := len(texts[0].encode())) <= LEAST_BYTES:
                raise self._final(refusal) from refusal
            return await self._vectors([_cut(texts[0], max(size // 2, LEAST_BYTES))], purpose)
        self._taken = True
        return rows

    async def _in_parts(self, texts: Sequence[str], size: int, purpose: Purpose) -> Vectors:
        """The rows, so many texts at a time: from now on for all, if the server takes all of these parts."""
        before = self._refusals
        parts = [texts[at : at + size] for at in range(0, len(texts), size)]
        rows = [await self._vectors(part, purpose) for part in parts]
        if self._refusals == before:
            self._most = min(self._most, size)
        return np.concatenate(rows)

    async def _find_form(self, refusal: ModelError, purpose: Purpose) -> None:
        """Find how the server gives vectors. Raises InvalidInput if it refuses each form even for a short text."""
        for form in _FORMS:
            before, self._form = self._form, form
            try:
                await self._repeated(_PROBE, purpose)
            except ModelError:
                self._form = before
            else:
                self._taken = True
                return
        raise self._final(refusal) from refusal

    async def _repeated(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """One request, made again while it may succeed and the deadline leaves time for the pause. Raises Unavailable,
        and ModelError if the server refuses it."""
        seconds, attempt = self._patience[purpose], 0
        try:
            with anyio.fail_after(seconds):
                while True:
                    attempt += 1
                    try:
                        return await self._directed(texts)
                    except ModelError as error:
                        doubled = self._first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1)
                        pause = max(error.retry_after or 0, doubled)
                        if not error.retryable or _is_of_form(error):
                            raise
                        if attempt == ATTEMPTS or anyio.current_time() + pause > anyio.current_effective_deadline():
                            raise Unavailable(f"{self.name}: {error}") from error
                    await anyio.sleep(pause)
        except TimeoutError as error:
            raise Unavailable(f"{self.name} did not answer within {seconds:g} seconds") from error

    async def _directed(self, texts: Sequence[str]) -> Vectors:
        """The rows of these texts, each asked for twice if its vector has no direction, and zeros if it then has none.

        That is the text's own fault only if the server has a vector for something.
        """
        rows = await self._requested(texts)
        if not (lost := [n for n, row in enumerate(rows) if not row.any()]):
            return rows
        again = await self._requested([texts[n] for n in lost])
        known = rows if rows.any() else again if again.any() else await self._requested(_PROBE)
        if not known.any():
            raise unusable("vectors without a direction")
        rows = rows if rows.shape[1] else np.zeros((len(texts), known.shape[1]), dtype=np.float32)
        if again.any():
            rows[lost] = again
        return rows

    async def _requested(self, texts: Sequence[str]) -> Vectors:
        rows = vectors(await self._client.embeddings(texts, self._asked, self._form, self._timeout), len(texts))
        if width := rows.shape[1]:
            self.dimension = self.dimension or width
            if width != self.dimension:
                raise InvalidInput(f"{self.name} gives vectors of {width} numbers, not {self.dimension}")
        return rows

    def _final(self, error: ModelError) -> InvalidInput:
        return InvalidInput(f"{self.name}: {error}")


def _is_of_form(error: ModelError) -> bool:
    """Whether a server may take the same texts in another form."""
    if error.status == 500:
        return error.code == "too_large" or bool(_IN_WORDS.search(_body(error)))
    return error.code in ("invalid_request", "too_large") and error.status in _REFUSED


def _body(error: ModelError) -> str:
    return str(getattr(error.__cause__, "body", ""))


def _fewer(refusal: ModelError, count: int) -> int:
    """How many of `count` texts a server may take that refused them all: what it says, or half of them."""
    told = [int(number) for number in _SIZE.findall(_body(refusal))]
    return max((number for number in told if 0 < number < count), default=count // 2)


def _cut(text: str, most: int = MAX_TEXT_BYTES) -> str:
    """As much of the beginning as surely fits; half a surrogate pair, which UTF-8 does not have, is a question mark."""
    return text.encode(errors="replace")[:most].decode(errors="ignore")


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
