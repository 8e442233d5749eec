"""New threads: empty ones, those that take over a history, and forks of other threads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from core.canonical import Json, digest
from core.care import Care, recognised
from core.clock import Clock
from core.desk.exports.exports import Exports
from core.desk.history import MAX_TURNS, read_history
from core.desk.notes import as_metadata, check_instructions, check_title, thread_in
from core.desk.transcripts import turn_transcript
from core.desk.turn_views import TurnView
from core.errors import InvalidInput, NotFound, TooLarge, TurnInProgress
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.facts import ImportedContent, Origin, ThreadContent, ThreadCreated, TurnImported
from core.log.records import Thread
from core.model import AssistantMessage, SentMessage, ToolMessage
from core.store import MAX_COMMIT
from core.turn.commands import Begin
from core.turn.journal import Journal
from core.values import Citation, ImportedAnswer, ImportedCall
from core.worker.history import without_outside

PASSED_ON = "This was passed to an approver. What became of it is told in the thread that this one is a copy of."
"""What the model is told in a fork of a request whose decision the fork does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A turn of a new thread. The fields are those of `TurnImported`."""

    content: ImportedContent
    origin: Origin | None = None
    acted: bool = False
    sealed: bool = False
    outside: bool = False


class NewThreads:
    """Puts new threads on record."""

    def __init__(
        self,
        clock: Clock,
        audit: AuditLog,
        journal: Callable[[str], Journal],
        exports: Exports,
        care: Care | None,
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._journal = journal
        self._exports = exports
        self._care = care

    async def create(
        self,
        viewer: Viewer,
        title: str | None,
        metadata: Mapping[str, Json] | BaseModel | None,
        instructions: str,
        history: object,
    ) -> Thread:
        """As `Desk.create_thread`."""
        await self._audit.authorize(viewer, "thread.create")
        system, contents = read_history(history)
        if system and instructions:
            raise InvalidInput("the history has a system message, and `instructions` are given too: leave one out")
        return await self._begin(
            viewer, title, metadata, instructions or system, [await self._part(content, viewer) for content in contents]
        )

    async def fork(self, viewer: Viewer, thread_id: str, at: str | None) -> Thread:
        """As `Desk.fork`."""
        whole = await self._exports.conversation(viewer, thread_id)
        await self._audit.authorize(viewer, "thread.create")
        head, views = whole.head, list(whole.turns)
        if at is not None:
            shown = [view.turn.id for view in views]
            if at not in shown:
                raise NotFound("turn", at)
            views = views[: shown.index(at) + 1]
        if views and views[-1].turn.ended_at is None:
            raise TurnInProgress(views[-1].turn.id, views[-1].turn.status)
        if len(views) > MAX_TURNS:
            raise InvalidInput(f"a thread begins with {MAX_TURNS:,} turns at most: fork this one at an earlier turn")
        if head.erasing:
            raise InvalidInput(f"thread {head.id} is being erased: it cannot be copied")
        parts = _copied(head, views)
        return await self._begin(viewer, head.title, head.metadata, head.instructions, parts)

    async def _part(self, content: ImportedContent, viewer: Viewer) -> _Part:
        # As of a question that is asked here: what must be closed to auditors must not come to them by an import.
        concern, sealed = await recognised(self._care, content.question or "", viewer)
        # It is not known what those tools do, nor who wrote what they returned.
        called = any(answer.calls for answer in content.answers)
        return _Part(
            content=content.model_copy(update={"concern": concern}), acted=called, sealed=sealed, outside=called
        )

    async def _begin(
        self,
        viewer: Viewer,
        title: str | None,
        metadata: Mapping[str, Json] | BaseModel | None,
        instructions: str,
        parts: Sequence[_Part],
    ) -> Thread:
        if title is not None:
            title = check_title(title)
        thread_id = self._clock.token()
        journal = self._journal(thread_id)
        content = ThreadContent(
            title=title, metadata=as_metadata(metadata), instructions=check_instructions(instructions)
        )
        imported = [
            TurnImported(
                turn=digest([thread_id, "imported", number])[:24],
                origin=part.origin,
                acted=part.acted,
                sealed=part.sealed,
                outside=part.outside,
                content=part.content,
            )
            for number, part in enumerate(parts, 1)
        ]
        created = ThreadCreated(thread=thread_id, owner=viewer.id, content=content)
        try:
            await journal.append(Begin(created=created, imported=tuple(imported)), by=viewer.id)
        except TooLarge as error:
            raise InvalidInput(
                f"the history is larger than the {MAX_COMMIT:,} bytes that a thread can begin with: "
                "leave out its oldest messages"
            ) from error
        return thread_in(journal)


def _copied(head: Thread, views: Sequence[TurnView]) -> list[_Part]:
    """The turns as they are imported into a fork. A report joins the turn before it, because no question begins it."""
    reported, sealed = {view.turn.report for view in views}, head.sealed is True
    # What must not be asked again there must not be here: the act, or the request that waits for an approver, may be on
    # another branch, or in a turn that is not copied.
    kept = max([head.acted, *(request.first_n for request in head.deferred)])
    parts: list[_Part] = []
    for view in views:
        turn = view.turn
        acted = turn.first_n <= kept
        passed_on = {call.id for call in view.calls if call.status == "deferred"} - reported
        # A fork's calls have no records of their own by which later turns could be told what came from outside.
        messages = without_outside(turn_transcript(view), {call.id: call for call in view.calls})
        if turn.report and parts:
            before = parts.pop()
            answers = [*before.content.answers, *_answers(messages, passed_on)]
            citations = _together(before.content.citations, turn.citations)
            content = before.content.model_copy(update={"answers": answers, "citations": citations})
            parts.append(replace(before, content=content, acted=before.acted or acted))
            continue
        erased = turn.question is None
        content = ImportedContent(
            question=turn.question,
            answers=[] if erased else _answers(messages[1:], passed_on),
            citations=[] if erased else turn.citations,
            concern=turn.concern,
        )
        origin = Origin(thread=turn.thread, turn=turn.id)
        outside = turn.imported is not None and turn.imported.outside and not erased
        parts.append(_Part(content=content, origin=origin, acted=acted, sealed=sealed, outside=outside))
    return parts


def _answers(messages: Sequence[SentMessage], passed_on: set[str]) -> list[ImportedAnswer]:
    results = {message.id: message for message in messages if isinstance(message, ToolMessage)}
    return [
        ImportedAnswer(
            text=message.text,
            calls=[
                ImportedCall(
                    id=call.id,
                    tool=call.tool,
                    arguments=call.arguments,
                    result=PASSED_ON if call.id in passed_on else results[call.id].content,
                    failed=results[call.id].failed,
                )
                for call in message.calls
            ],
        )
        for message in messages
        if isinstance(message, AssistantMessage)
    ]


def _together(before: list[Citation], after: list[Citation]) -> list[Citation]:
    """The citations of two turns as those of one; [] if a number would point to two passages."""
    numbers = {citation.number for citation in before}
    return [] if any(citation.number in numbers for citation in after) else [*before, *after]
