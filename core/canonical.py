"""Canonical JSON, and the digests built on it.

Every store must give back the bytes it was given, and a hash must not depend on which store did; so the rule of
what a payload may hold is stricter than JSON's, and is checked before a commit rather than at a reader's desk.
"""

import hashlib
import json
import math
from typing import Any, TypeAlias

from core.errors import InvalidInput

# JSON is the one place where a type cannot be written down: it is what came from outside.
Json: TypeAlias = Any

MAX_DEPTH = 64
ROOM = 16
"""Levels left free in what comes from outside, for what it will be wrapped in."""
_INT64 = range(-(2**63), 2**63)


def canonical(value: Json, most: int = MAX_DEPTH) -> bytes:
    """The one encoding of a JSON value: keys by code point, UTF-8, no spaces, floats as Python's repr.

    Raises InvalidInput for NaN, infinities, integers beyond 64 bits, lone surrogates, keys that are no
    strings, types that JSON lacks, and nesting deeper than `most`.
    """
    _check(value, MAX_DEPTH - most)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical encoding, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def commitment(salt: str, payload: Json) -> str:
    """What an entry's shell keeps of its payload: it proves the payload, and without the salt tells nothing of it."""
    return hashlib.sha256(b"\x02" + bytes.fromhex(salt) + canonical(payload)).hexdigest()


def chain_hash(shell: Json) -> str:
    """The hash of an entry's shell, which holds the hash of the entry before it."""
    return hashlib.sha256(b"\x03" + canonical(shell)).hexdigest()


def _check(value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"a value may be nested {MAX_DEPTH} deep at most")
    match value:
        case None | bool():
            return
        case str():
            _check_text(value)
        case int():
            if value not in _INT64:
                raise InvalidInput("an integer must fit in 64 bits: write it as a string")
        case float():
            if not math.isfinite(value):
                raise InvalidInput("NaN and infinities have no JSON: write null or a string")
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
        raise InvalidInput("the text holds a lone surrogate, which is no character: remove it") from None
