"""What people note on threads, answers and calls: titles, metadata, shelves, ratings, statements, requests for erasure.

A note is legal at any time.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from core.arguments import named
from core.canonical import Json, canonical
from core.clock import iso
from core.desk.checked_records import CheckedRecords
from core.errors import InvalidInput, MetadataConflict, NotFound
from core.gate import Viewer
from core.log.facts import (
    CallResolved,
    ErasureAsked,
    ErasureWithdrawn,
    EvidenceContent,
    FeedbackContent,
    FeedbackGiven,
    InstructionsChanged,
    InstructionsContent,
    MetadataChanged,
    MetadataContent,
    Renamed,
    SealLifted,
    SealLiftedContent,
    Shelved,
    ThreadFact,
    TitleContent,
)
from core.log.fold import State
from core.log.pseudonyms import Pseudonyms
from core.log.records import Thread, ToolCall
from core.store import Store
from core.tools import fault_words
from core.turn.commands import Note
from core.turn.journal import Journal
from core.values import Dislike, Shelf

MAX_HEAD_TEXT = 64 * 1024
"""The most bytes of metadata and the most characters of instructions: every operation on the thread reads both."""

MAX_COMMENT = 4000
"""The most characters of a comment on an answer, of how a person knows what came of a call, and of a reason."""

T = TypeVar("T", bound=BaseModel)


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

    async def change_instructions(self, viewer: Viewer, thread_id: str, instructions: str) -> Thread:
        """As `Desk.change_instructions`."""
        content = InstructionsContent(instructions=check_instructions(instructions))
        return await self._note(viewer, thread_id, InstructionsChanged(content=content))

    async def update_metadata(
        self,
        viewer: Viewer,
        thread_id: str,
        changes: Mapping[str, Json] | BaseModel,
        replace: bool,
        based_on: Mapping[str, Json] | None,
        metadata_type: type[BaseModel] | None,
    ) -> Thread:
        """As `Desk.update_metadata`."""
        await self._checked.thread(viewer, "thread.write", thread_id)
        new = as_metadata(changes)
        if isinstance(changes, BaseModel) and based_on is not None and not replace:
            # A model is always the whole. Without this, a field that the caller left as it was would count as changed.
            new = {name: value for name, value in new.items() if _differ(new, based_on, name)}
        journal = self._journal(thread_id)
        await journal.load()

        async def command(_: State) -> Note:
            # Called again after each Conflict, so that what another chat has written meanwhile is neither overwritten
            # nor missing in what is checked.
            current = thread_in(journal).metadata
            if based_on is not None:
                _check_current(thread_id, current, new, based_on, {*current, *based_on} if replace else {*new})
            metadata = new if replace else {**current, **new}
            if metadata_type is not None:
                metadata = {**metadata, **as_typed(metadata_type, metadata).model_dump(mode="json")}
            return Note(fact=MetadataChanged(content=MetadataContent(metadata=as_metadata(metadata))))

        await journal.append(command, by=viewer.id)
        return thread_in(journal)

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


def as_typed(metadata_type: type[T], metadata: object) -> T:
    """The metadata as this pydantic model. Raises InvalidInput, which names the fields that do not fit."""
    if not issubclass(metadata_type, BaseModel):
        raise InvalidInput(f"`metadata_type` must be a pydantic model, or None for a dict, not {named(metadata_type)}")
    try:
        return metadata_type.model_validate(metadata)
    except ValidationError as error:
        faults = "; ".join(fault_words(one, "the whole") for one in error.errors())
        raise InvalidInput(f"the metadata does not fit {metadata_type.__name__}: {faults}") from None


def check_instructions(instructions: str) -> str:
    """The instructions. Raises InvalidInput if they are too long."""
    if len(instructions) > MAX_HEAD_TEXT:
        raise InvalidInput(f"instructions may have {MAX_HEAD_TEXT} characters")
    return instructions


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


def _check_current(
    thread_id: str,
    current: Mapping[str, Json],
    new: Mapping[str, Json],
    based_on: Mapping[str, Json],
    names: set[str],
) -> None:
    """Raises MetadataConflict if one of the fields has neither the value that was read nor the one to be written."""
    lost = [name for name in names if _differ(current, based_on, name) and _differ(current, new, name)]
    if lost:
        raise MetadataConflict(thread_id, sorted(lost))


def _differ(one: Mapping[str, Json], other: Mapping[str, Json], name: str) -> bool:
    # As JSON: to Python, 1 and True are equal. A field that is missing differs from one that is null.
    first, second = ([fields[name]] if name in fields else [] for fields in (one, other))
    return canonical(first) != canonical(second)


def _said(text: str, what: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_COMMENT:
        raise InvalidInput(f"say in 1 to {MAX_COMMENT} characters {what}")
    return text.strip()
