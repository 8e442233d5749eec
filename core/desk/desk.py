"""The desk: one object owns the turns.

It puts questions on record, keeps a worker on each open turn, and recovers those whose worker is gone. Viewers come
and go: following a turn reads what was committed, and leaving it stops nothing.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Literal, Self

import anyio
from pydantic import BaseModel

from core.canonical import Json, canonical, digest
from core.clock import Clock, SystemClock
from core.desk.archive import Archive
from core.desk.checked_records import CheckedRecords
from core.errors import DeskClosed, InvalidInput, NotFound, RolltopError
from core.gate import Owned, Viewer, authorize
from core.ids import check_id
from core.live.events import Event
from core.live.follow import follow
from core.live.stream import WINDOW, LiveWriter
from core.live.wakeups import Wakeups
from core.log.audit import record_look
from core.log.commit import begin_stream
from core.log.facts import (
    Blob,
    BlobContent,
    CallResolved,
    EvidenceContent,
    FeedbackContent,
    FeedbackGiven,
    MetadataChanged,
    MetadataContent,
    QuestionContent,
    Renamed,
    Snapshot,
    ThreadContent,
    ThreadCreated,
    TitleContent,
    TurnOpened,
)
from core.log.records import Thread, ToolCall, Turn
from core.model import Model
from core.options import Options
from core.retrieval.search import with_search
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool, by_name
from core.turn.commands import Approval, Claim, Note, Submit
from core.turn.journal import Journal
from core.values import Standing, Worker
from core.worker.claim import DESK, Equipment
from core.worker.close_turn import close_turn
from core.worker.history import tool_json
from core.worker.hooks import Hooked, Hooks
from core.worker.model_chain import Chain
from core.worker.model_request import MAX_ARGUMENTS
from core.worker.process import begin, end, new_worker
from core.worker.recovery import Recovery
from core.worker.structured_output import schema_of
from core.worker.window import NewestTurns, Window
from core.worker.worker import TurnWorker

log = logging.getLogger(__name__)

MAX_TEXT = 64 * 1024
"""Bytes of metadata, characters of instructions: both ride on the head record, which every operation reads."""

MAX_REASON = 4000
MAX_QUESTION = 32_000
"""Characters of a question."""

SWEEP = 15.0
"""Seconds between looks at turns that may have been left."""

CLOSE_GRACE = 5.0
"""Seconds that closing waits for workers to let their turns go; what is still running then is left to recovery."""

_PATIENCE = 3.0


class Desk:
    """Owns the turns of a store: its tools and model are what every turn opened here runs with.

    Several models are a chain: each is tried before the first content, in order. Several hooks are asked in order.
    An async context manager, or `start` and `close`. It closes neither store nor model, which it was given.
    """

    def __init__(
        self,
        store: Store,
        model: Model | Sequence[Model],
        *,
        tools: Sequence[Tool] = (),
        retriever: Retriever | None = None,
        history: Window | None = None,
        options: Options | None = None,
        hooks: Sequence[Hooks] = (),
        instructions: str = "",
        clock: Clock | None = None,
        window: float = WINDOW,
    ) -> None:
        self._store = store
        self._clock: Clock = clock or SystemClock()
        self.archive = Archive(store, clock=self._clock)
        self._checked = CheckedRecords(store, self._clock)
        self.options = options or Options()
        chain = Chain(model if isinstance(model, Sequence) else [model], self._clock)
        if unknown := set(self.options.model_settings) - chain.settings:
            accepted, names = ", ".join(sorted(chain.settings)) or "none", ", ".join(chain.names)
            raise InvalidInput(f"model {names} refuses the setting {sorted(unknown)[0]!r}; it accepts: {accepted}")
        self._instructions = instructions
        self._wakeups = Wakeups()
        self._live = LiveWriter(store, self._clock, self._wakeups, window)
        self._equipment = Equipment(
            store=store,
            clock=self._clock,
            live=self._live,
            chain=chain,
            tools=by_name(with_search(tools, retriever, self.options.passages)),
            retriever=retriever,
            window=history or NewestTurns(),
            options=self.options,
            hooked=Hooked(hooks, self.options.hook_deadline),
        )
        self._recovery = Recovery(self._equipment, self._journal, self._adopt)
        self._works: dict[str, TurnWorker] = {}
        self._blobs: set[str] = set()
        self._supervisor: asyncio.Task[None] | None = None
        self._tasks: anyio.abc.TaskGroup | None = None
        self._idle = anyio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, thread_id: str | None = None) -> None:
        """Begin to work, and to recover every thread or only the one, in this event loop. Twice is once.

        A task of the loop itself holds the workers, because desks are opened in one task and closed in another.
        """
        if self._supervisor is not None:
            return
        ready = anyio.Event()
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(ready, thread_id))
        await ready.wait()

    async def close(self) -> None:
        """Let every turn go, or end it where it stands; what an effect is still doing is waited for a few seconds."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        for work in self._works.values():
            work.leave()
        with anyio.move_on_after(CLOSE_GRACE, shield=True):
            while self._works:
                self._idle = anyio.Event()
                await self._idle.wait()
        self._tasks = None
        supervisor.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([supervisor])

    async def create_thread(
        self,
        viewer: Viewer,
        *,
        title: str | None = None,
        metadata: Mapping[str, Json] | BaseModel | None = None,
        instructions: str = "",
    ) -> Thread:
        """A new, empty thread of the viewer's. Its title, when None, becomes the beginning of its first question.

        `instructions` are the model's, for this thread; "" leaves the desk's own.
        """
        authorize(viewer, "thread.create")
        if title is not None:
            title = check_title(title)
        if len(instructions) > MAX_TEXT:
            raise InvalidInput(f"instructions may have {MAX_TEXT} characters")
        id = self._clock.token()
        journal = self._journal(id)
        content = ThreadContent(title=title, metadata=as_metadata(metadata), instructions=instructions)
        await journal.append(Note(fact=ThreadCreated(thread=id, owner=viewer.id, content=content)), by=viewer.id)
        assert journal.thread
        return journal.thread

    async def submit(
        self,
        viewer: Viewer,
        thread_id: str,
        text: str,
        request_id: str | None = None,
        *,
        schema: type[BaseModel] | None = None,
    ) -> Turn:
        """Put a question on record and begin to answer it; returns once it is on record.

        With `schema` the answer is to be JSON that fits it: the model is told once where it does not, and then the
        turn is `failed` (invalid_output).

        The same `request_id` again gives the same turn; None makes a new one. Raises TurnInProgress, RequestMismatch,
        InvalidInput, NotFound, and Full, StoreRefused or Unavailable if the store did not take it: with the same
        `request_id` the question can then safely be put again.
        """
        await self._checked.thread(viewer, "thread.write", thread_id)
        self._check_open()
        question = check_question(text)
        request = check_id(request_id, "request id") if request_id is not None else self._clock.token()
        turn_id = digest([thread_id, request])[:24]
        journal = self._journal(thread_id)
        await journal.load(turn_id)
        instructions = self._instructions_of(journal)
        worker = new_worker(self._clock)
        opened = TurnOpened(
            turn=turn_id,
            request_id=request,
            snapshot=await self._snapshot(instructions, schema),
            standing=Standing(roles=tuple(sorted(viewer.roles)), country=viewer.country, entity=viewer.entity),
            content=QuestionContent(text=question),
        )
        await self._append_and_work(journal, Submit(worker=worker, opened=opened), worker, turn_id, by=viewer.id)
        return _turn_in(journal, turn_id)

    async def follow(self, viewer: Viewer, turn_id: str) -> AsyncGenerator[Event, None]:
        """The turn's events from its first, until it ends or waits for an approval. Leaving stops nothing.

        Raises NotFound, Unavailable while the store is away: follow again then, and StoreRefused.
        """
        turn = await self._checked.turn(viewer, "thread.read", turn_id)
        here = any(work.turn == turn_id for work in self._works.values())
        if turn.ended_at is None and turn.owner == viewer.id and self._tasks is not None and not here:
            # Whoever waits for the answer should not wait for the next sweep too.
            await self._recovery.look_after(turn.thread)
        async with aclosing(follow(self._store, self._wakeups, turn)) as events:
            async for event in events:
                yield event

    async def stop(self, viewer: Viewer, turn_id: str) -> Turn:
        """End the turn, keeping the text so far; it needs no live worker. Stopping an ended turn changes nothing."""
        turn = await self._checked.turn(viewer, "turn.stop", turn_id)
        journal = self._journal(turn.thread)
        await journal.load(turn_id)
        await close_turn(self._equipment, journal, turn_id, "stop", "cancelled", "stopped", by=viewer.id)
        for work in self._works.values():
            if work.turn == turn_id:
                work.supersede()
        stopped = _turn_in(journal, turn_id)
        await self._recovery.tidy(stopped)
        return stopped

    async def decide(
        self,
        viewer: Viewer,
        call_id: str,
        decision: Literal["approve", "deny"],
        digest: str,
        arguments: Mapping[str, Json] | None = None,
        reason: str | None = None,
    ) -> ToolCall:
        """A person's word on a waiting call: `digest` is that of the arguments they were shown.

        `arguments` other than None run in place of those; both stay on record. The first word counts: the call is
        returned as it then is. Raises NotFound, and InvalidInput for a digest or arguments that do not fit.
        """
        call = await self._checked.call(viewer, "call.decide", call_id)
        self._check_open()
        if decision not in ("approve", "deny"):
            raise InvalidInput("a decision is approve or deny")
        if reason is not None and len(reason) > MAX_REASON:
            raise InvalidInput(f"a reason may have {MAX_REASON} characters")
        changed = None
        if arguments is not None:
            tool = self._equipment.tools.get(call.tool)
            if tool is None:
                raise InvalidInput(f"this desk has no tool {call.tool} to check changed arguments with")
            changed = tool.validate(dict(arguments))
            if len(canonical(changed)) > MAX_ARGUMENTS:
                raise InvalidInput(f"arguments may have {MAX_ARGUMENTS} bytes of JSON")
        journal = self._journal(call.thread)
        await journal.load(call.turn)
        worker = new_worker(self._clock)
        approval = Approval(
            call=call_id, outcome=decision, digest=digest, arguments=changed, reason=reason, worker=worker
        )
        await self._append_and_work(journal, approval, worker, call.turn, by=viewer.id)
        decided = journal.state.items[call_id]
        assert isinstance(decided, ToolCall)
        if viewer.id != decided.owner and (decided.decision is None or decided.decision.by != viewer.id):
            # Somebody else was first: this viewer decided nothing, and only looks.
            await record_look(
                self._store, self._clock, viewer, "call.read", Owned(kind="call", id=decided.id, owner=decided.owner)
            )
        return decided

    async def rename(self, viewer: Viewer, thread_id: str, title: str) -> Thread:
        """Give the thread another title, of 1 to 200 characters."""
        return await self._note(viewer, thread_id, Renamed(content=TitleContent(title=check_title(title))))

    async def update_metadata(self, viewer: Viewer, thread_id: str, metadata: Mapping[str, Json] | BaseModel) -> Thread:
        """Replace the thread's metadata; what it was before stays in the log."""
        return await self._note(
            viewer, thread_id, MetadataChanged(content=MetadataContent(metadata=as_metadata(metadata)))
        )

    async def give_feedback(
        self, viewer: Viewer, turn_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Rate an answer; None takes an earlier rating back. Earlier ones stay in the log."""
        turn = await self._checked.turn(viewer, "thread.write", turn_id)
        if rating not in ("up", "down", None):
            raise InvalidInput("a rating is up, down or None")
        journal = self._journal(turn.thread)
        await journal.load(turn_id)
        fact = FeedbackGiven(turn=turn_id, rating=rating, content=FeedbackContent(comment=comment[:4000]))
        await journal.append(Note(fact=fact), by=viewer.id)

    async def resolve(self, viewer: Viewer, call_id: str, happened: bool, evidence: str) -> ToolCall:
        """An auditor's word on whether an `unknown` call took effect, and how they know; its status stays beside it.

        Raises InvalidInput for a call that is not `unknown`, and without evidence; NotFound for the asker's own.
        """
        call = await self._checked.call(viewer, "call.resolve", call_id)
        if call.status != "unknown":
            raise InvalidInput(f"call {call_id} is {call.status}: only an unknown one can be resolved")
        if not 1 <= len(evidence.strip()) <= 4000:
            raise InvalidInput("say in 1 to 4000 characters how you know")
        journal = self._journal(call.thread)
        await journal.load(call.turn)
        fact = CallResolved(
            turn=call.turn, call=call_id, happened=happened, content=EvidenceContent(evidence=evidence.strip())
        )
        await journal.append(Note(fact=fact), by=viewer.id)
        resolved = journal.state.items[call_id]
        assert isinstance(resolved, ToolCall)
        return resolved

    async def recover(self) -> None:
        """Look after open turns now, rather than at the next sweep."""
        await self._recovery.sweep()

    async def _note(self, viewer: Viewer, thread_id: str, fact: Renamed | MetadataChanged) -> Thread:
        await self._checked.thread(viewer, "thread.write", thread_id)
        journal = self._journal(thread_id)
        await journal.load()
        await journal.append(Note(fact=fact), by=viewer.id)
        assert journal.thread
        return journal.thread

    def _journal(self, thread_id: str) -> Journal:
        return Journal(self._store, self._clock, self._wakeups, thread_id, self.options, patience=_PATIENCE)

    def _instructions_of(self, journal: Journal) -> str:
        return (journal.thread.instructions if journal.thread else "") or self._instructions

    async def _snapshot(self, instructions: str, schema: type[BaseModel] | None) -> Snapshot:
        equipment = self._equipment
        versions: Mapping[str, str] = {}
        if equipment.retriever:
            try:
                versions = await equipment.retriever.versions()
            except Exception:  # the boundary of a retriever: a question is taken while its index is down
                log.exception("the retriever does not say which handbooks are in force")
        return Snapshot(
            models=tuple(equipment.chain.names),
            instructions=await self._blob(instructions),
            tools=await self._blob([tool_json(tool.schema) for tool in equipment.tools.values()]),
            options=await self._blob(self.options.model_dump(mode="json")),
            handbooks=await self._blob(dict(versions)),
            output=await self._blob(schema_of(schema)) if schema else None,
        )

    async def _blob(self, value: Json) -> str:
        """The value's digest, once the value itself is stored under it."""
        name = digest(value)
        if name not in self._blobs:
            blob = Blob(content=BlobContent(value=value))
            await begin_stream(self._store, self._clock, f"blob:{name}", [blob], patience=_PATIENCE)
            self._blobs.add(name)
        return name

    async def _append_and_work(
        self, journal: Journal, command: Submit | Approval | Claim, worker: Worker, turn_id: str, *, by: str
    ) -> None:
        """Put the command on record and, if it gives this worker the turn, set the worker to work."""
        begin(worker)  # before the claim is on record: nobody may take this worker for a dead one
        try:
            # A caller who leaves now must not leave a turn on record without its worker; `patience` ends the wait.
            with anyio.CancelScope(shield=True):
                facts = await journal.append(command, by=by)
                claimed = any(fact.kind == "turn.claimed" for fact in facts)
                open = journal.thread.open if journal.thread and claimed else None
                able = not isinstance(command, Approval) or open is None or await self._recovery.can_go_on(open)
        except BaseException:
            end(worker)
            raise
        if open is None or self._tasks is None:
            end(worker)
            return
        journal.patience = self.options.lease
        work = TurnWorker(self._equipment, journal, worker, turn_id, self._instructions_of(journal))
        if not able:
            work.leave()  # decided here, where the turn's tools or model are not: a desk that has them goes on
        self._works[worker.nonce] = work
        self._tasks.start_soon(self._carry_out, work, worker, journal)

    async def _adopt(self, journal: Journal, claim: Claim) -> None:
        await self._append_and_work(journal, claim, claim.worker, claim.turn, by=DESK)

    async def _carry_out(self, work: TurnWorker, worker: Worker, journal: Journal) -> None:
        try:
            await work.run()
        except BaseException as error:  # the boundary of a worker: whatever its model or hook threw is its own end only
            if isinstance(error, anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf:
                raise
            log.exception("turn %s: its worker broke; recovery goes on from its log", work.turn)
        finally:
            end(worker)
            self._works.pop(worker.nonce, None)
            self._idle.set()
        turn = journal.state.items.get(work.turn)
        if isinstance(turn, Turn):
            try:
                await self._recovery.tidy(turn)
            except RolltopError:
                log.exception("turn %s: what is not to be kept is still there; the sweep tries again", turn.id)

    async def _supervise(self, ready: anyio.Event, thread_id: str | None) -> None:
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._live.run)
            tasks.start_soon(self._sweep, thread_id)
            ready.set()

    async def _sweep(self, thread_id: str | None) -> None:
        while True:
            try:
                await self._recovery.sweep(thread_id)
            except Exception:  # the boundary of the recovery loop: it must be there at the next sweep, whatever broke
                log.exception("recovery could not look at the store; it looks again in %g s", SWEEP)
            await anyio.sleep(SWEEP)

    def _check_open(self) -> None:
        if self._supervisor is None or self._supervisor.done():
            raise DeskClosed


def as_metadata(metadata: Mapping[str, Json] | BaseModel | None) -> dict[str, Json]:
    """Metadata as JSON; None is none. Raises InvalidInput where it has no JSON."""
    fields = metadata.model_dump(mode="json") if isinstance(metadata, BaseModel) else dict(metadata or {})
    if len(canonical(fields)) > MAX_TEXT:
        raise InvalidInput(f"metadata may have {MAX_TEXT} bytes of JSON: it is read with every operation")
    return fields


def check_title(title: str) -> str:
    """The title on one line, if it has 1 to 200 characters; raises InvalidInput otherwise."""
    line = " ".join(title.split())
    if not 1 <= len(line) <= 200:
        raise InvalidInput("a title has 1 to 200 characters")
    return line


def check_question(text: object) -> str:
    """The question, if it says something and is at most MAX_QUESTION characters; raises InvalidInput otherwise."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput("a question needs some text")
    if len(text) > MAX_QUESTION:
        raise InvalidInput(f"a question may have {MAX_QUESTION} characters; this one has {len(text)}")
    canonical(text)
    return text


def _turn_in(journal: Journal, turn_id: str) -> Turn:
    turn = journal.state.items.get(turn_id)
    if not isinstance(turn, Turn):
        raise NotFound("turn", turn_id)
    return turn
