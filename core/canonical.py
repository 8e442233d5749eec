"""Canonical JSON, and the digests built on it.

A hash must be the same whichever store gave the payload back, so the rules for a payload are stricter than JSON's. They
are checked before a commit, so that a reader never meets an invalid payload.
"""

import hashlib
import json
import math
from typing import Any, TypeAlias

from core.errors import InvalidInput

# Any: JSON comes from outside, and a recursive alias would need a cast at every access.
Json: TypeAlias = Any

MAX_DEPTH = 64
ROOM = 16
"""Levels of nesting kept free in a value from outside: entries and records wrap it in levels of their own."""
_INT64 = range(-(2**63), 2**63)


def canonical(value: Json, most: int = MAX_DEPTH) -> bytes:
    """The one encoding of a JSON value: keys by code point, UTF-8, no spaces, floats as Python's repr.

    Raises InvalidInput for NaN, infinities, integers beyond 64 bits, lone surrogates, keys other than strings, types
    that JSON lacks, and nesting deeper than `most`.
    """
    _check(value, MAX_DEPTH - most)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical encoding, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def commitment(salt: str, payload: Json) -> str:
    """The salted hash of a payload that its entry's shell keeps; `salt` is hex."""
    # Salted, because a short payload ("yes") could be guessed from a plain hash after it was erased. The first byte
    # separates this kind of hash from that of a shell: one must never stand for the other.
    return hashlib.sha256(b"\x02" + bytes.fromhex(salt) + canonical(payload)).hexdigest()


def chain_hash(shell: Json) -> str:
    """The hash of an entry's shell, which holds the hash of the entry before it."""
    return hashlib.sha256(b"\x03" + canonical(shell)).hexdigest()


def _check(value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"a value may be nested at most {MAX_DEPTH} levels deep")
    match value:
        case None | bool():  # before int: a bool is one
            return
        case str():
            _check_text(value)
        case int():
            if value not in _INT64:
                raise InvalidInput("an integer must fit in 64 bits: write it as a string")
        case float():
            if not math.isfinite(value):
                raise InvalidInput("JSON cannot hold NaN or infinity: write null or a string")
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise InvalidInput(f"a key must be a string, not {type(key).__name__}")
                _check_text(key)
                _check(item, depth + 1)
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case _:
            raise InvalidInput(f"{type(value).__name__} is not JSON: turn it into text, numbers, lists or objects")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("the text holds a lone surrogate, which is not a character: remove it") from None
