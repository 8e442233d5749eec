"""Entries and the chain between them.

An entry is a shell and a payload. The shell (numbers, ids, statuses, hashes) is all that the fold needs, and stays for
ever. The payload (what people and models wrote) can be erased: the shell keeps only a salted commitment to it, so the
chain stays valid.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.canonical import Json, chain_hash, commitment
from core.clock import iso
from core.errors import Corrupt, InvalidInput
from core.values import GENESIS, Entry

_text = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of an entry before it gets a number in its stream."""

    kind: str
    v: int
    shell: Json
    payload: Json


def chain(
    stream: str, after: int, prev: str, drafts: Sequence[Draft], *, by: str, at: datetime, salts: Iterable[str]
) -> list[Entry]:
    """The drafts as entries after+1 and up, each holding the hash of the one before it.

    `prev` is the hash of entry `after`, `GENESIS` if `after` is 0; `salts` gives a hex salt of 32 digits for each
    draft. Raises InvalidInput for a payload that cannot be written as canonical JSON.
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
            commitment="",
            prev=prev,
            hash="",
        )
        # The entry is still this function's own: a copy for each hash would be encoded anew.
        object.__setattr__(entry, "commitment", commitment(salt, entry.payload_json))
        object.__setattr__(entry, "hash", shell_hash(entry))
        entries.append(entry)
        prev = entry.hash
    return entries


def shell_hash(entry: Entry) -> str:
    """The hash of the entry's shell, computed from its fields."""
    # Spelled out, key by key in canonical order: the encoder would need four times as long for so few fields.
    before = (
        f'{{"at":{_text(iso(entry.at))},"by":{_text(entry.by)},"commitment":{_text(entry.commitment)},'
        f'"kind":{_text(entry.kind)},"n":{entry.n},"prev":{_text(entry.prev)},"shell":'
    )
    after = f',"stream":{_text(entry.stream)},"v":{entry.v}}}'
    try:
        return chain_hash(before.encode() + entry.shell_json + after.encode())
    except UnicodeEncodeError:
        raise InvalidInput("a text of the entry holds a lone surrogate, which is not a character") from None


def verify(entries: Iterable[Entry], *, after: int = 0, prev: str | None = GENESIS) -> tuple[int, str]:
    """Check an unbroken run of entries from after+1 on, and return the last n and hash.

    `prev` None accepts what the first entry says of the entry before it. Raises Corrupt, naming stream and n, at the
    first gap, changed shell, changed payload or broken link. An erased payload is valid.
    """
    n = after
    for entry in entries:
        if entry.n != n + 1:
            raise Corrupt(entry.stream, entry.n, f"follows entry {n}")
        if prev is not None and entry.prev != prev:
            raise Corrupt(entry.stream, entry.n, "does not hold the hash of the entry before it")
        if entry.hash != shell_hash(entry):
            raise Corrupt(entry.stream, entry.n, "its shell was changed")
        if entry.salt is not None and entry.commitment != commitment(entry.salt, entry.payload_json):
            raise Corrupt(entry.stream, entry.n, "its payload was changed")
        n, prev = entry.n, entry.hash
    return n, prev if prev is not None else GENESIS
