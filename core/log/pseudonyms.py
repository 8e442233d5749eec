"""Pseudonyms: what a viewer who looks at other people's records is shown in place of their ids.

A pseudonym is an HMAC of the id under the installation's key: the same person has the same one everywhere in an
installation, and another one in each other installation.
"""

import hmac
from collections.abc import Sequence
from typing import Any, TypeVar

from core.clock import Clock
from core.errors import Corrupt
from core.ids import normalized
from core.log.commit import begin_stream
from core.log.facts import InstallationContent, InstallationMade, fact
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    Look,
    Message,
    ModelCall,
    OpenTurn,
    Retrieval,
    Review,
    Summary,
    Thread,
    ToolCall,
    Turn,
)
from core.store import Store

INSTALLATION = "installation:desk"
PREFIX = "EMP-"
LENGTH = 10
"""Hexadecimal digits of a pseudonym: two of 10,000 people share one with a probability of 1 in 20,000."""

_PATIENCE = 2.0

P = TypeVar("P", Thread, Turn, Message, ToolCall, ModelCall, Retrieval, Summary, HandoverRecord, DeferredCall, Review)


class Pseudonyms:
    """The pseudonyms of one store's people."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._key: bytes | None = None

    async def of(self, person: str) -> str:
        """The person's pseudonym. Raises Unavailable or StoreRefused if the key can be neither read nor made."""
        return _pseudonym(await self._load(), person)

    async def hide(self, item: P) -> P:
        """The record without the ids of its owner, and of the person that a call is about. Errors as in `of`.

        Texts and results stay as they are.
        """
        key = await self._load()

        def hidden(person: str) -> str:
            return _pseudonym(key, person)

        changes: dict[str, Any] = {"owner": hidden(item.owner)}  # Any: fields of the record
        match item:
            case Thread(open=OpenTurn() as turn):
                changes["open"] = turn.model_copy(update={"asker": hidden(turn.asker)})
            case ToolCall() | DeferredCall():
                if isinstance(item, ToolCall) and item.about:
                    changes["about"] = hidden(item.about)
                for name in ("planned", "arguments"):
                    arguments = getattr(item, name, None)
                    if isinstance(arguments, dict) and isinstance(person := arguments.get(item.subject), str):
                        changes[name] = {**arguments, item.subject: hidden(person)}
                if item.decision and item.decision.by == item.owner:
                    changes["decision"] = item.decision.model_copy(update={"by": changes["owner"]})
        return item.model_copy(update=changes)

    async def shown(self, items: Sequence[P], *, named: bool) -> list[P]:
        """The records as they are if `named`, else hidden."""
        return list(items) if named else [await self.hide(item) for item in items]

    async def hide_look(self, look: Look) -> Look:
        """The entry without the ids of the people whose content it showed."""
        names = {owner: await self.of(owner) for owner in look.owners}
        kind, _, name = (look.object or "").partition(":")
        hidden = f"person:{await self.of(name)}" if kind == "person" else look.object
        return look.model_copy(update={"owners": list(names.values()), "object": hidden})

    async def _load(self) -> bytes:
        if self._key is None:
            if not (entries := await self._store.read(INSTALLATION, limit=1)):
                made = InstallationMade(content=InstallationContent(key=self._clock.token() + self._clock.token()))
                # Another process may be first: then its key is in the stream, and counts.
                await begin_stream(self._store, self._clock, INSTALLATION, [made], patience=_PATIENCE)
                entries = await self._store.read(INSTALLATION, limit=1)
            content = getattr(fact(entries[0]), "content", None)
            if not isinstance(content, InstallationContent):
                raise Corrupt(INSTALLATION, 1, "does not hold the installation's key")
            self._key = bytes.fromhex(content.key)
        return self._key


def _pseudonym(key: bytes, person: str) -> str:
    return PREFIX + hmac.digest(key, normalized(person).encode(), "sha256").hex()[:LENGTH].upper()
