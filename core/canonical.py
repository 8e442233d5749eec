"""Canonical JSON, and the digests built on it.

A hash must be the same whichever store gave the payload back, so the rules for a payload are stricter than JSON's. They
are checked before a commit, so that a reader never meets an invalid payload.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from core.errors import InvalidInput

# Any: JSON comes from outside, and a recursive alias would need a cast at every access.
Json: TypeAlias = Any

MAX_DEPTH = 64
ROOM = 16
"""Levels of nesting kept free in a value from outside: entries and records wrap it in levels of their own."""
_INT64 = range(-(2**63), 2**63)
_LONG_NUMBER = re.compile(rb"\d{19}")
"""Whatever lies beyond 64 bits has at least so many digits; a text that has them is only looked at again."""
_HOLDERS = (dict, list, tuple)
_TEXT = frozenset((str,))
_SCALARS = frozenset((str, int, float, bool, type(None)))
_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)


def canonical(value: Json, most: int = MAX_DEPTH) -> bytes:
    """The one encoding of a JSON value: keys by code point, UTF-8, no spaces, floats as Python's repr.

    Raises InvalidInput for NaN, infinities, integers beyond 64 bits, lone surrogates, keys other than strings, types
    that JSON lacks, and nesting deeper than `most`.
    """
    # The encoder finds most faults itself, and many times faster than Python could walk over the value.
    _check_nesting(value, most)
    try:
        encoded = _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise InvalidInput("the text holds a lone surrogate, which is not a character: remove it") from None
    except ValueError:
        raise InvalidInput("JSON cannot hold NaN or infinity: write null or a string") from None
    except TypeError as error:
        raise InvalidInput(f"{error}: turn it into text, numbers, lists or objects") from None
    if _LONG_NUMBER.search(encoded):
        _check_integers(value)
    return encoded


def digest(value: Json) -> str:
    """SHA-256 of the canonical encoding, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def commitment(salt: str, payload_json: bytes) -> str:
    """The salted hash of a payload that its entry's shell keeps; `salt` is hex."""
    # Salted, because a short payload ("yes") could be guessed from a plain hash after it was erased. The first byte
    # separates this kind of hash from that of a shell: one must never stand for the other.
    return hashlib.sha256(b"\x02" + bytes.fromhex(salt) + payload_json).hexdigest()


def chain_hash(shell: bytes) -> str:
    """The hash of an entry's shell as canonical JSON, which holds the hash of the entry before it."""
    return hashlib.sha256(b"\x03" + shell).hexdigest()


def _check_nesting(value: Json, most: int) -> None:
    """Raises InvalidInput for keys other than strings, which the encoder would turn into strings, and for depth."""
    level = [value] if isinstance(value, _HOLDERS) else []
    for _ in range(most):
        inner: list[Json] = []
        for holder in level:
            if isinstance(holder, dict):
                if not _TEXT.issuperset(map(type, holder)):
                    _check_keys(holder)
                items: Collection[Json] = holder.values()
            else:
                items = holder
            # Asked of the types first, because most holders hold scalars alone, and this asks without a loop in Python.
            if not _SCALARS.issuperset(map(type, items)):
                inner += [item for item in items if isinstance(item, _HOLDERS)]
        if not inner:
            return
        level = inner
    if any(level):
        raise InvalidInput(f"a value may be nested at most {most} levels deep")


def _check_keys(holder: Mapping[Json, Json]) -> None:
    for key in holder:
        if not isinstance(key, str):
            raise InvalidInput(f"a key must be a string, not {type(key).__name__}")


def _check_integers(value: Json) -> None:
    match value:
        case bool():  # before int: a bool is one
            return
        case int():
            if value not in _INT64:
                raise InvalidInput("an integer must fit in 64 bits: write it as a string")
        case dict():
            for item in value.values():
                _check_integers(item)
        case list() | tuple():
            for item in value:
                _check_integers(item)
