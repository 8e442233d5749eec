"""Entries and the chain between them.

An entry is a shell and a payload. The shell (numbers, ids, statuses, hashes) is what the fold needs and stays for
ever; the payload (what people and models wrote) can be erased, and the chain still holds, because the shell keeps
only a salted commitment to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.canonical import Json, chain_hash, commitment
from core.clock import iso
from core.errors import Corrupt
from core.values import GENESIS, Entry


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
