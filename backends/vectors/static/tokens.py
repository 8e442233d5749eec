"""The table of token vectors that comes inside the package wordllama: one vector a token, made once, read here.

Two files of the package are read, and the package is never imported: its loader would ask a server for other files.
"""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load
from tokenizers import Tokenizer

from backends.vectors.unit_rows import unit
from core.errors import InvalidInput

_WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
_TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
_TENSOR = "embedding.weight"
_INSTEAD = "pip install 'rolltop[handbooks]'"
_FIRST_PIECE = 259
"""Below it are the tokenizer's marks, and the 256 bytes that spell characters without a piece of their own."""

_SHOUTED = 3


class StaticTokens:
    """Texts as tokens, and a vector a token. Safe in any thread; `bundled` loads it once a process.

    `rows` holds a token's direction, of length 1. `lengths` is how long the vector was in the table, from .4 to 39: its
    makers trained it so that a sum of vectors is a sentence's meaning, so it already says how much a token matters
    ("the" 1.6, "days" 11). `fingerprint` tells one table, with its tokenizer, from another.
    """

    rows: NDArray[np.float32]
    lengths: NDArray[np.float32]
    fingerprint: str

    _loading: ClassVar[Lock] = Lock()
    _loaded: ClassVar["StaticTokens | None"] = None

    def __init__(self, weights: bytes, tokenizer: bytes) -> None:
        table = load(weights)[_TENSOR].astype(np.float32)
        self.fingerprint = sha256(sha256(weights).digest() + sha256(tokenizer).digest()).hexdigest()[:12]
        self.lengths = np.linalg.norm(table, axis=1).astype(np.float32)
        self.rows = unit(table)
        self._tokenizer: Tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def bundled(cls) -> "StaticTokens":
        """The table of the installed package. Reads 16 MB the first time. Raises InvalidInput if it is missing."""
        with cls._loading:
            if cls._loaded is None:
                cls._loaded = cls._read()
            return cls._loaded

    @classmethod
    def _read(cls) -> "StaticTokens":
        try:
            files = distribution("wordllama")
            weights, tokenizer = (Path(str(files.locate_file(name))).read_bytes() for name in (_WEIGHTS, _TOKENIZER))
            return cls(weights, tokenizer)
        except PackageNotFoundError as error:
            raise InvalidInput(f"wordllama, whose word vectors are used, is not installed: {_INSTEAD}") from error
        except (OSError, SafetensorError, KeyError) as error:
            raise InvalidInput(f"the installed wordllama does not hold {_WEIGHTS}: {_INSTEAD}") from error

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """The tokens of each text, in order, repeats and punctuation included: row numbers of `rows`.

        A whole word is often several tokens; a character without a piece of its own is as many as it has bytes. Three
        words and more, all in capitals, are read as if they were small: spelt out in capitals the table hardly knows
        them, and a question typed so finds a third of what it would.
        """
        encoded = self._tokenizer.encode_batch_fast([_as_read(text) for text in texts], add_special_tokens=False)
        return [np.array(text.ids, dtype=np.uint32) for text in encoded]

    def meanings(self, texts: Sequence[NDArray[np.uint32]]) -> NDArray[np.float32]:
        """A row for each text's tokens: the sum of their vectors, scaled to length 1; zeros for one without words."""
        sums = np.zeros((len(texts), self.rows.shape[1]), dtype=np.float32)
        for row, ids in zip(sums, texts, strict=True):
            if self.worded[ids].any():
                np.matmul(self.lengths[ids], self.rows[ids], out=row)
        return unit(sums)

    @cached_property
    def worded(self) -> NDArray[np.bool_]:
        """For each row, whether the token holds a letter or a digit: what remains is marks, spaces and stray bytes."""
        pieces = (self._tokenizer.id_to_token(row) or "" for row in range(_FIRST_PIECE, len(self.rows)))
        says = (any(character.isalnum() for character in piece) for piece in pieces)
        return np.fromiter(chain((False for _ in range(_FIRST_PIECE)), says), dtype=np.bool_, count=len(self.rows))


def _as_read(text: str) -> str:
    """Shouting in small letters, and a question mark for half a surrogate pair, which the tokenizer refuses."""
    text = text if text.isascii() else text.encode(errors="replace").decode()
    return text.lower() if text.isupper() and len(text.split()) >= _SHOUTED else text
