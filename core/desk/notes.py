"""What people note on threads, answers and calls: titles, metadata, shelves, ratings, statements, requests for erasure.

A note is legal at any time.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel

from core.canonical import Json, canonical
from core.clock import iso
from core.desk.checked_records import CheckedRecords
from core.errors import InvalidInput, NotFound
from core.gate import Viewer
from core.log.facts import (
    CallResolved,
    ErasureAsked,
    ErasureWithdrawn,
    EvidenceContent,
    FeedbackContent,
    FeedbackGiven,
    MetadataChanged,
    MetadataContent,
    Renamed,
    SealLifted,
    SealLiftedContent,
    Shelved,
    ThreadFact,
    TitleContent,
)
from core.log.pseudonyms import Pseudonyms
from core.log.records import Thread, ToolCall
from core.store import Store
from core.turn.commands import Note
from core.turn.journal import Journal
from core.values import Dislike, Shelf

MAX_HEAD_TEXT = 64 * 1024
"""The most bytes of metadata and the most characters of instructions: every operation on the thread reads both."""

MAX_COMMENT = 4000
"""The most characters of a comment on an answer, of how a person knows what came of a call, and of a reason."""


class Notes:
    """Puts the notes of a desk's viewers on record."""

    def __init__(
        self,
        store: Store,
        journal: Callable[[str], Journal],
        checked: CheckedRecords,
        pseudonyms: Pseudonyms,
        erase_after: timedelta,
    ) -> None:
        self._store = store
        self._journal = journal
        self._checked = checked
        self._pseudonyms = pseudonyms
        self._erase_after = erase_after

    async def rename(self, viewer: Viewer, thread_id: str, title: str) -> Thread:
        """As `Desk.rename`."""
        return await self._note(viewer, thread_id, Renamed(content=TitleContent(title=check_title(title))))

    async def update_metadata(self, viewer: Viewer, thread_id: str, metadata: Mapping[str, Json] | BaseModel) -> Thread:
        """As `Desk.update_metadata`."""
        changed = MetadataChanged(content=MetadataContent(metadata=as_metadata(metadata)))
        return await self._note(viewer, thread_id, changed)

    async def shelve(self, viewer: Viewer, thread_id: str, shelf: Shelf) -> Thread:
        """As `Desk.shelve`."""
        return await self._note(viewer, thread_id, Shelved(shelf=shelf))

    async def ask_erasure(self, viewer: Viewer, thread_id: str) -> Thread:
        """As `Desk.ask_erasure`."""
        thread = (await self._checked.thread(viewer, "thread.write", thread_id)).item
        due = iso(await self._store.now() + self._erase_after)
        return thread if thread.erase_due else await self._noted(viewer, thread_id, ErasureAsked(due=due))

    async def withdraw_erasure(self, viewer: Viewer, thread_id: str) -> Thread:
        """As `Desk.withdraw_erasure`."""
        thread = (await self._checked.thread(viewer, "thread.write", thread_id)).item
        return await self._noted(viewer, thread_id, ErasureWithdrawn()) if thread.erase_due else thread

    async def give_feedback(
        self,
        viewer: Viewer,
        turn_id: str,
        rating: Literal["up", "down"] | None,
        comment: str,
        dislike: Dislike | None,
    ) -> None:
        """As `Desk.give_feedback`."""
        turn = (await self._checked.turn(viewer, "thread.write", turn_id)).item
        if dislike is not None and rating != "down":
            raise InvalidInput("only a rating down has a reason: leave out `dislike`")
        if len(comment) > MAX_COMMENT:
            raise InvalidInput(f"a comment may have {MAX_COMMENT} characters; this one has {len(comment)}")
        fact = FeedbackGiven(turn=turn_id, rating=rating, dislike=dislike, content=FeedbackContent(comment=comment))
        await self._noted(viewer, turn.thread, fact, turn_id)

    async def resolve(self, viewer: Viewer, call_id: str, happened: bool, evidence: str) -> ToolCall:
        """As `Desk.resolve`."""
        call = (await self._checked.call(viewer, "call.resolve", call_id)).item
        if call.status != "unknown":
            raise InvalidInput(f"call {call_id} is {call.status}: only an unknown call can be resolved")
        content = EvidenceContent(evidence=_said(evidence, "how you know"))
        journal = self._journal(call.thread)
        await journal.load(call.turn)
        fact = CallResolved(turn=call.turn, call=call_id, happened=happened, content=content)
        await journal.append(Note(fact=fact), by=viewer.id)
        return await self._pseudonyms.hide(journal.state.item(ToolCall, call_id))

    async def lift_seal(self, viewer: Viewer, thread_id: str, reason: str) -> Thread:
        """As `Desk.lift_seal`."""
        await self._checked.thread(viewer, "seal.lift", thread_id)
        lifted = SealLifted(content=SealLiftedContent(reason=_said(reason, "why the seal is lifted")))
        return await self._pseudonyms.hide(await self._noted(viewer, thread_id, lifted))

    async def _note(self, viewer: Viewer, thread_id: str, fact: ThreadFact) -> Thread:
        await self._checked.thread(viewer, "thread.write", thread_id)
        return await self._noted(viewer, thread_id, fact)

    async def _noted(self, viewer: Viewer, thread_id: str, fact: ThreadFact, *turns: str) -> Thread:
        journal = self._journal(thread_id)
        await journal.load(*turns)
        await journal.append(Note(fact=fact), by=viewer.id)
        return thread_in(journal)


def as_metadata(metadata: Mapping[str, Json] | BaseModel | None) -> dict[str, Json]:
    """Metadata as JSON values; None becomes {}. Raises InvalidInput if it cannot be written as JSON or is too large."""
    fields = metadata.model_dump(mode="json") if isinstance(metadata, BaseModel) else dict(metadata or {})
    if len(canonical(fields)) > MAX_HEAD_TEXT:
        raise InvalidInput(f"metadata may have {MAX_HEAD_TEXT} bytes of JSON: store larger values elsewhere")
    return fields


def check_title(title: str) -> str:
    """The title on one line. Raises InvalidInput unless it has 1 to 200 characters."""
    line = " ".join(title.split())
    if not 1 <= len(line) <= 200:
        raise InvalidInput("a title has 1 to 200 characters")
    return line


def thread_in(journal: Journal) -> Thread:
    """The head that the journal has. Raises NotFound before the thread's first entry."""
    if journal.thread is None:
        raise NotFound("thread", journal.thread_id)
    return journal.thread


def _said(text: str, what: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_COMMENT:
        raise InvalidInput(f"say in 1 to {MAX_COMMENT} characters {what}")
    return text.strip()
