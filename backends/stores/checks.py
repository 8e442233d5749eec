"""What every store accepts: the checks of a commit, an erasure and a page of a log.

They run before anything is sent: a driver sees only ids, numbers and texts that have been checked.
"""

import re
from collections.abc import Sequence

from core.canonical import canonical
from core.errors import InvalidInput
from core.ids import KINDS_OF_STREAM, check_id, check_name, check_stream
from core.store import Record, commit_size
from core.values import Entry

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")
_INT64 = range(2**63)


def check_kind(kind: object) -> str:
    """The kind of record, if it is a lower-case word; raises InvalidInput otherwise."""
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InvalidInput("a kind of record is 1 to 64 lower-case letters, digits and underscores")
    return kind


def check_record_id(kind: str, record_id: object) -> str:
    """The record's id; that of kind `stream` is a stream's name."""
    return check_stream(record_id) if kind == "stream" else check_name(record_id, kind)


def check_number(number: object, name: str, at_least: int = 0) -> int:
    """The number, if it is an integer of at least `at_least` that fits in 64 bits; raises InvalidInput otherwise."""
    # True is an int to Python, and would be entry 1.
    if isinstance(number, bool) or not isinstance(number, int) or number < at_least or number not in _INT64:
        raise InvalidInput(f"{name} is an integer of at least {at_least}")
    return number


def check_commit(stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record], commit_id: str) -> None:
    """Raises InvalidInput or Full if every store must refuse the commit, whatever it holds already."""
    check_stream(stream)
    check_number(after, "after")
    check_id(commit_id, "commit id")
    for n, entry in enumerate(entries, after + 1):
        if entry.stream != stream or isinstance(entry.n, bool) or entry.n != n:
            raise InvalidInput(f"entry {entry.n} of {entry.stream} does not fit at {stream} {n}")
        if entry.salt is None and entry.payload is not None:
            raise InvalidInput(f"entry {n} of {stream} has a payload but no salt: an erased entry has neither")
        try:
            texts = "".join((entry.kind, entry.by, entry.salt or "", entry.commitment, entry.prev, entry.hash))
        except TypeError:
            raise InvalidInput(f"entry {n} of {stream} lacks a text that every entry has") from None
        if not texts.isascii():
            canonical(texts)
        check_number(entry.v, "an entry's v")
    for record in records:
        if check_kind(record.kind) == "stream":
            raise InvalidInput("records of the kind stream are the store's own")
        check_name(record.id, record.kind)
        check_number(record.n, "a record's n")
    commit_size(entries, records)


def check_erase(stream: str, after: int, upto: int | None, kinds: Sequence[str] | None, whole: bool) -> None:
    """Raises InvalidInput if the arguments of an erasure are malformed or contradict each other."""
    check_stream(stream)
    check_number(after, "after")
    if upto is not None:
        check_number(upto, "upto")
    if isinstance(kinds, str) or not all(isinstance(kind, str) for kind in kinds or ()):
        raise InvalidInput("kinds is a sequence of kinds of entries")
    canonical(list(kinds or ()))
    if whole and KINDS_OF_STREAM[stream.partition(":")[0]].erase != "whole":
        raise InvalidInput(f"{stream} keeps its shells: only a live stream is erased whole")
    if whole and (after or upto is not None or kinds is not None):
        raise InvalidInput("a stream erased whole has no part that stays: leave after, upto and kinds out")
