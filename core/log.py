"""Entries and the chain between them.

An entry is a shell and a payload. The shell (numbers, ids, statuses, hashes) is what the fold needs and stays for
ever; the payload (what people and models wrote) can be erased, and the chain still holds, because the shell keeps
only a salted commitment to it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.canonical import Json, chain_hash, commitment
from core.clock import iso
from core.errors import Corrupt, InvalidInput

GENESIS = "0" * 64
"""The hash "before" entry 1 of any stream."""

_ID = re.compile(r"[A-Za-z0-9_@.+\-]{1,128}")
_STREAM = re.compile(r"(thread|live|blob|audit|administration)(:[A-Za-z0-9_@.+\-]{1,128}){1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One numbered entry of a stream, as it is stored and read back.

    `at` is UTC in milliseconds, from the writer's clock: a note, never an order. `by` is the id of the viewer
    who caused it. `payload` and `salt` are None once erased. `prev` is the hash of entry n-1 (`GENESIS` for the
    first), `hash` that of this one's shell.
    """

    stream: str
    n: int
    kind: str
    v: int
    at: datetime
    by: str
    shell: Json
    payload: Json
    salt: str | None
    commitment: str
    prev: str
    hash: str

    @property
    def erased(self) -> bool:
        """Whether the payload is gone; what happened, when and by whom is still told by the shell."""
        return self.salt is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry that has no place in its stream yet: what a writer wants to say."""

    kind: str
    v: int
    shell: Json
    payload: Json


def chain(
    stream: str, after: int, prev: str, drafts: Sequence[Draft], *, by: str, at: datetime, salts: Iterable[str]
) -> list[Entry]:
    """The drafts as entries after+1 and up, each holding the hash of the one before it.

    `prev` is the hash of entry `after`, `GENESIS` when `after` is 0; `salts` gives one 32-digit hex salt a draft.
    Raises InvalidInput for a payload that is no canonical JSON.
    """
    entries: list[Entry] = []
    for n, (draft, salt) in enumerate(zip(drafts, salts, strict=False), after + 1):
        entry = Entry(
            stream=stream,
            n=n,
            kind=draft.kind,
            v=draft.v,
            at=at,
            by=by,
            shell=draft.shell,
            payload=draft.payload,
            salt=salt,
            commitment=commitment(salt, draft.payload),
            prev=prev,
            hash="",
        )
        entry = replace(entry, hash=shell_hash(entry))
        entries.append(entry)
        prev = entry.hash
    return entries


def shell_hash(entry: Entry) -> str:
    """The hash that the entry's shell ought to have."""
    return chain_hash(
        {
            "stream": entry.stream,
            "n": entry.n,
            "kind": entry.kind,
            "v": entry.v,
            "at": iso(entry.at),
            "by": entry.by,
            "shell": entry.shell,
            "commitment": entry.commitment,
            "prev": entry.prev,
        }
    )


def verify(entries: Iterable[Entry], *, after: int = 0, prev: str | None = GENESIS) -> tuple[int, str]:
    """The last n and hash of an unbroken run of entries that starts at after+1.

    `prev` None takes the first entry's word for what came before it. Raises Corrupt, naming stream and n, at the
    first gap, changed shell, changed payload or broken link. An erased payload is no fault.
    """
    n = after
    for entry in entries:
        if entry.n != n + 1:
            raise Corrupt(entry.stream, entry.n, f"follows entry {n}")
        if prev is not None and entry.prev != prev:
            raise Corrupt(entry.stream, entry.n, "does not hold the hash of the entry before it")
        if entry.hash != shell_hash(entry):
            raise Corrupt(entry.stream, entry.n, "its shell was changed")
        if entry.salt is not None and entry.commitment != commitment(entry.salt, entry.payload):
            raise Corrupt(entry.stream, entry.n, "its payload was changed")
        n, prev = entry.n, entry.hash
    return n, prev if prev is not None else GENESIS


def check_id(id: object, kind: str = "id") -> str:
    """The id, if it is 1 to 128 ASCII letters, digits and `_@.+-`; raises InvalidInput otherwise."""
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise InvalidInput(f"a {kind} is 1 to 128 ASCII letters, digits or _ @ . + -")
    return id


def check_stream(stream: object) -> str:
    """The stream's name, if it is one of the five kinds and one or two ids; raises InvalidInput otherwise."""
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        raise InvalidInput("a stream is named thread:, live:, blob:, audit: or administration:, then one or two ids")
    return stream
