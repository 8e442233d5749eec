"""The desk: the one object that owns turns.

It puts questions on record, has a worker for each open turn, and recovers turns whose worker is gone. Followers read
what was committed, so a turn does not depend on them.
"""

import logging
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Literal, Self, cast

import anyio
from pydantic import BaseModel

from core.arguments import checked, checked_methods
from core.canonical import Json, digest
from core.care import Care, recognised
from core.clock import Clock, SystemClock
from core.desk.administration import Administration
from core.desk.archive import Archive
from core.desk.chat import Chat, M
from core.desk.checked_records import CheckedRecords
from core.desk.checks import (
    PARTS,
    check_limits,
    check_models,
    check_options,
    check_parts,
    check_question,
    check_store,
    check_tool_choice,
    check_tools,
)
from core.desk.decisions import Decisions
from core.desk.erasures import Erasures
from core.desk.exports.exports import Exports
from core.desk.figures import Figures
from core.desk.handovers import Handovers
from core.desk.limit_states import LimitStates
from core.desk.new_threads import NewThreads
from core.desk.notes import Notes, as_typed, thread_in
from core.desk.oversight import Oversight
from core.desk.own_data import OwnData
from core.desk.people import People
from core.desk.reviews import Reviews
from core.desk.snapshots import PATIENCE, Snapshots
from core.desk.system import System
from core.desk.versions import load_versions
from core.desk.workers import Workers
from core.errors import InvalidInput, NotFound
from core.gate import Viewer
from core.handover import Handover
from core.ids import check_id
from core.limits import Budget, Limits, LimitState
from core.live.events import ApprovalAskedEvent, EndedEvent, Event, ToolFinishedEvent, ToolStartedEvent
from core.live.follow import follow
from core.live.stream import WINDOW, LiveWriter
from core.live.wakeups import Wakeups
from core.log.audit import AuditLog
from core.log.facts import QuestionContent, TurnOpened
from core.log.fold import State
from core.log.pseudonyms import Pseudonyms
from core.log.records import DeferredCall, HandoverRecord, Person, Review, Thread, ToolCall, Turn
from core.model import Model
from core.options import Options
from core.retrieval.search import with_search
from core.retriever import Retriever
from core.spending.amounts import Moment
from core.spending.spender import Spender
from core.store import Store
from core.tools import Tool, by_name
from core.turn.commands import Show, Submit
from core.turn.journal import Journal
from core.values import Attached, Cause, Dislike, Shelf, Standing, Verdict
from core.worker.claim import Equipment
from core.worker.close_turn import close_turn
from core.worker.earlier import EarlierTurns
from core.worker.hooks import Hooked, Hooks
from core.worker.model_chain import Chain
from core.worker.process import new_worker
from core.worker.reservations import Reservations
from core.worker.structured_output import AnswerSchema
from core.worker.window import NewestTurns, Window

log = logging.getLogger(__name__)

ERASE_AFTER = timedelta(days=30)
"""How long after a person asks for it a thread's content is erased: until then the request can be taken back."""
# At most a month: GDPR, article 12 (3).


@checked_methods
class Desk:
    """Owns the turns of a store. Each turn opened here runs with the desk's models, tools, retriever and options.

    Several models are tried in order, until one gives its first content. Several `hooks` run in order. `instructions`
    are for threads without their own. `window` chooses what a model is sent of a long thread, None for the newest
    turns that fit. Live text is committed every `flush_seconds`. `care` recognises people in need, `handover` brings
    their matter to a person; None leaves either out. `erase_after` is the time from a request for erasure to the
    erasure, `looks_shown_after` the time from another person's look to the day its owner sees it. `archive` reads what
    is on record, `oversight` lists it for auditors, `figures` counts it, `exports` makes files of it, `own_data` says
    what is kept about the viewer. `administration` makes viewers, says who may do what, and switches tools and models
    off. `system` says how the installation is. `limits` say what may be asked and spent, `budget` is a check of the
    program's own before each request to a model.

    Use it as an async context manager, or call `start` and `close`. The caller closes the store and the models. Raises
    InvalidInput for two tools of one name, for a model setting that all its models lack or whose value does not fit one
    of them, for a `tool_choice` without such a tool, and for a limit of costs with a model whose price is unknown.
    """

    @checked(*PARTS)
    def __init__(
        self,
        store: Store,
        model: Model | Sequence[Model],
        *,
        tools: Sequence[Tool] = (),
        retriever: Retriever | None = None,
        window: Window | None = None,
        options: Options | None = None,
        hooks: Sequence[Hooks] = (),
        care: Care | None = None,
        handover: Handover | None = None,
        instructions: str = "",
        clock: Clock | None = None,
        flush_seconds: float = WINDOW,
        erase_after: timedelta = ERASE_AFTER,
        looks_shown_after: timedelta = timedelta(0),
        limits: Limits | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._store = store = check_store(store)
        models, tools = check_models(model), check_tools(tools)
        check_parts(retriever, window, hooks)
        limits = check_limits(limits, budget)
        self._clock: Clock = clock or SystemClock()
        self._audit = AuditLog(store, self._clock)
        self.archive = Archive(store, clock=self._clock, audit=self._audit)
        self.oversight = Oversight(store, clock=self._clock, audit=self._audit)
        self.exports = Exports(store, clock=self._clock, audit=self._audit)
        self.own_data = OwnData(store, clock=self._clock, audit=self._audit, looks_shown_after=looks_shown_after)
        self.figures = Figures(store, clock=self._clock, audit=self._audit)
        self._wakeups = Wakeups()
        self.options = check_options(options)
        # Not methods of the desk: its workers hold them, and a desk that is dropped must not live on with its workers.
        self._journal = partial(Journal, store, self._clock, self._wakeups, options=self.options, patience=PATIENCE)
        self._checked = CheckedRecords(store, self._clock, self._audit)
        self._pseudonyms = Pseudonyms(store, self._clock)
        self.erase_after = erase_after
        self._notes = Notes(store, self._journal, self._checked, self._pseudonyms, erase_after)
        self._care = care
        self._people = People(store, self._clock, self._audit)
        self._reviews = Reviews(store, self._clock, self._checked, self._pseudonyms)
        self._new_threads = NewThreads(self._clock, self._audit, self._journal, self.exports, care)
        self._handovers = Handovers(store, self._clock, self._checked, self._journal, handover)
        self._erasures = Erasures(store, self._clock, self._journal)
        chain = Chain(models, self._clock, self.options)
        chain.check(self.options.model_settings)
        named = by_name(with_search(tools, retriever, self.options))
        check_tool_choice(self.options.tool_choice, named)
        self.administration = Administration(
            store, clock=self._clock, audit=self._audit, tools=named.values(), models=models, limits=limits
        )
        self._limits = LimitStates(store, limits)
        self._spender = Spender(store, self._clock, limits, self.administration.now) if limits else None
        self._reservations = Reservations(self._spender, budget, models, self.options)
        self._equipment = Equipment(
            store=store,
            clock=self._clock,
            live=LiveWriter(store, self._clock, self._wakeups, flush_seconds),
            chain=chain,
            tools=named,
            threads=anyio.CapacityLimiter(self.options.tool_threads),
            retriever=retriever,
            earlier=EarlierTurns(store, window or NewestTurns(), self.options),
            options=self.options,
            hooked=Hooked(hooks, self.options.hook_deadline),
            switches=self.administration,
            reservations=self._reservations,
        )
        self._snapshots = Snapshots(self._equipment, instructions)
        self._sweep = partial(
            _in_turn,
            self._handovers.close_lost,
            self._audit.repair,
            self._reviews.repair,
            self._people.repair,
            self.administration.repair,
            *([self._spender.repair] if self._spender else []),
            self._erasures.carry_out,
        )
        self._workers = Workers(self._equipment, self._journal, self._snapshots, self._sweep)
        self.system = System(store, clock=self._clock, audit=self._audit, recovery=self._workers.recovery)
        self._decisions = Decisions(
            self._equipment, self._journal, self._snapshots, self._workers, self._checked, self._audit
        )

    def __repr__(self) -> str:
        models, tools = self._equipment.chain.names, list(self._equipment.tools)
        return f"Desk({type(self._store).__name__}, models={models}, tools={tools})"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        workers = getattr(self, "_workers", None)  # missing if what was passed was refused
        if workers is not None and workers.forgotten:
            what = "chat" if workers.thread else "desk"
            opened = "await create_chat(...) as chat" if workers.thread else "Desk(...) as desk"
            warnings.warn(
                f"a {what} was not closed: write `async with {opened}:`, or `await {what}.close()`",
                ResourceWarning,
                source=self,
                stacklevel=1,
            )
            workers.abandon()

    async def start(self, thread_id: str | None = None) -> None:
        """Start the desk in this event loop; it recovers all threads, or only `thread_id`. May be called twice."""
        await self._workers.start(thread_id)

    @property
    def started(self) -> bool:
        """Whether it takes questions: from `start` to `close`, unless what works on its turns has ended by an error."""
        return self._workers.started

    @property
    def idle(self) -> bool:
        """Whether all turns of this desk have ended or wait for a person."""
        return self._workers.idle

    async def close(self) -> None:
        """Release or interrupt the running turns; the next desk resumes a released one, and those that wait.

        Waits at most `core.desk.workers.CLOSE_GRACE` seconds for tools that are running. May be called twice.
        """
        await self._workers.close()
        if self._spender:
            await self._spender.close()

    async def create_thread(
        self,
        viewer: Viewer,
        *,
        title: str | None = None,
        metadata: Mapping[str, Json] | BaseModel | None = None,
        instructions: str = "",
        history: Iterable[Mapping[str, Json] | BaseModel] = (),
    ) -> Thread:
        """A new thread of the viewer. Without a title it gets the beginning of its first question.

        A title has 1 to 200 characters. `instructions` are for the model; "" uses those of the desk.

        `history` are messages of an earlier conversation in OpenAI's format: dicts, or objects of its SDK. Questions
        and answers become turns that are `imported`, at the time of the import; calls and results in them are sent to
        the model, and are not tool calls of this desk; the results count as outside results. System messages become
        the thread's instructions. Either all of it is on record, or nothing.

        Raises Denied without the role of an employee, and InvalidInput for a title, metadata, instructions or a history
        that are too long, for a history of more than 1,000 turns, and for a message of it that cannot be kept: the
        error names its place.
        """
        return await self._new_threads.create(viewer, title, metadata, instructions, history)

    async def fork(self, viewer: Viewer, thread_id: str, at: str | None = None) -> Thread:
        """A new thread of the viewer that begins as this one of theirs does, up to and including the turn `at`.

        None takes all turns that are shown. The turns of the fork are `imported`; each names the turn that it is a copy
        of. The title, the instructions and the metadata are the same. Ratings and other versions are not copied.

        The fork is a thread of its own: an erasure of one leaves the other as it is. Raises NotFound, also if `at` is
        not among the turns that are shown, TurnInProgress if the last of the turns has not ended, and InvalidInput
        for more than 1,000 turns and while the thread is being erased.
        """
        return await self._new_threads.fork(viewer, thread_id, at)

    async def create_chat(
        self,
        viewer: Viewer,
        *,
        title: str | None = None,
        metadata: M | None = None,
        instructions: str = "",
        history: Iterable[Mapping[str, Json] | BaseModel] = (),
    ) -> Chat[M]:
        """A new thread of the viewer, as `create_thread` makes it, and a chat on it, whose turns are this desk's."""
        given = cast(Mapping[str, Json] | BaseModel | None, metadata)
        thread = await self.create_thread(
            viewer, title=title, metadata=given, instructions=instructions, history=history
        )
        typed = metadata if isinstance(metadata, BaseModel) else thread.metadata
        return Chat(self, viewer, thread, cast(M, typed))

    async def load_chat(
        self,
        viewer: Viewer,
        thread_id: str,
        *,
        metadata_type: type[M] | None = None,
        instructions: str | None = None,
    ) -> Chat[M]:
        """A chat on an existing thread of the viewer. Raises NotFound, and InvalidInput for metadata of another type.

        `metadata_type` is the pydantic model of the thread's metadata, None for a dict. `instructions` are those of the
        turns from now on, as in `change_instructions`; None leaves the thread's.
        """
        thread = await self.archive.thread(viewer, thread_id)
        typed = as_typed(cast(type[BaseModel], metadata_type), thread.metadata) if metadata_type else thread.metadata
        if instructions is not None:
            await self.change_instructions(viewer, thread_id, instructions)
        return Chat(self, viewer, thread, cast(M, typed))

    async def submit(
        self,
        viewer: Viewer,
        thread_id: str,
        text: str,
        request_id: str | None = None,
        *,
        schema: type[object] | None = None,
        replaces: str | None = None,
    ) -> Turn:
        """Put a question on record and start to answer it; returns as soon as it is on record.

        If the desk works on as many turns as `Options.turns_at_once` says, the turn waits for one of them to end.

        With `schema` the answer has to be JSON that fits this type: a pydantic model, or another type that pydantic
        reads, such as `list[Leave]`. Its validators judge within the turn. If the answer does not fit, the model is
        told why and gets one more try, and then the turn is `failed` (invalid_output). If a validator raises something
        else than ValueError, or takes longer than `Options.hook_deadline`, the turn is `failed` (schema_failed). A desk
        of another process that goes on with the turn does not have the type: there the JSON schema alone judges.
        Validators run again for the reply, so they must not have effects of their own.

        `replaces` is the id of a turn whose place this one takes: the model does not see that turn, nor those after it,
        and the thread shows this one. Both stay on record, and `show` goes back. None asks below the newest turn.

        The same `request_id` again returns the same turn; None always opens a new one. Raises NotFound, InvalidInput,
        TurnInProgress if the thread has an open turn, RequestMismatch if the `request_id` came with another text or
        schema, LimitReached, which says until when, and DeskClosed. NotReplaceable says why the turn cannot be
        replaced: most often it, or a turn after it, has done something that would be done twice. After Full,
        StoreRefused or Unavailable the question may be sent again with the same `request_id`.
        """
        request = self._clock.token() if request_id is None else check_id(request_id, "request id")
        # Derived, so that a repeated request finds its turn by id: the head does not list earlier turns.
        turn_id = digest([thread_id, request])[:24]
        journal = self._journal(thread_id)
        others = [] if replaces is None else [_known_form(replaces)]
        await self._checked.write(viewer, journal, *others, *([] if request_id is None else [turn_id]))
        self._workers.check_started()
        question = check_question(text)
        answer = AnswerSchema(schema) if schema is not None else None
        if self._spender and turn_id not in journal.state.items:
            await self._spender.check_length(viewer.id, question)
            async with self._spender.admitted(viewer.id, turn_id, self._reservations.least(question)):
                return await self._open(viewer, journal, turn_id, request, question, answer, replaces)
        return await self._open(viewer, journal, turn_id, request, question, answer, replaces)

    async def own_limits(self, viewer: Viewer) -> list[LimitState]:
        """How much of each limit for a person the viewer has used, and last how long a question may be.

        [] without limits. Raises Denied.
        """
        await self._audit.authorize(viewer, "person.read")
        return await self._limits.of(viewer.id, Moment(await self.administration.now()))

    async def show(self, viewer: Viewer, turn_id: str) -> Thread:
        """Show another version of a question and its answer, with what followed it when it was last shown.

        The next question goes on from there. A version that is shown stays as it is. Raises NotFound, TurnInProgress,
        and NotReplaceable if an earlier question of the thread is shown in another version by now.
        """
        turn = (await self._checked.turn(viewer, "thread.write", turn_id)).item
        journal = self._journal(turn.thread)
        await journal.load(turn_id)

        async def command(_: State) -> Show:
            return Show(version=turn_id, last=await load_versions(journal, turn_id))

        await journal.append(command, by=viewer.id)
        return thread_in(journal)

    async def follow(self, viewer: Viewer, turn_id: str) -> AsyncGenerator[Event, None]:
        """The turn's events from the first one, until the turn ends or waits for an approval.

        Any process may follow, any number of times; the turn goes on if the caller leaves. Raises NotFound,
        StoreRefused, and Unavailable while the store is away: then follow again.
        """
        known = self._workers.state(turn_id)
        passed = await self._checked.turn(viewer, "thread.read", turn_id, known=known)
        turn = passed.item
        if turn.ended_at is None and turn.owner == viewer.id:
            # The owner waits for the answer: do not leave a turn without a worker until the next sweep.
            await self._workers.see_to(turn)
        async with aclosing(follow(self._store, self._wakeups, turn, self._workers.ahead)) as events:
            async for event in events:
                yield event if passed.named else await self._hidden(event)

    async def stop(self, viewer: Viewer, turn_id: str) -> Turn:
        """End the turn and keep the text so far, whether or not a worker is alive. An ended turn stays as it is."""
        turn = (await self._checked.turn(viewer, "turn.stop", turn_id)).item
        journal = self._journal(turn.thread)
        await journal.load(turn_id)
        await close_turn(
            self._store,
            self._clock,
            journal,
            turn_id,
            "stop",
            "cancelled",
            "stopped",
            by=viewer.id,
            patience=journal.patience,
        )
        self._workers.leave(turn_id)
        stopped = journal.state.item(Turn, turn_id)
        await self._workers.recovery.tidy(stopped)
        await self._workers.report_decisions(journal.thread)
        return stopped

    async def decide(
        self,
        viewer: Viewer,
        call_id: str,
        decision: Literal["approve", "deny"],
        digest: str,
        *,
        arguments: Mapping[str, Json] | None = None,
        reason: str | None = None,
    ) -> ToolCall:
        """Approve or deny a waiting call. `digest` is that of the arguments that the person was shown.

        A turn that waits for the decision goes on. The decision on a deferred call is reported in a turn of its own,
        which first runs the call; if another turn is open, that one ends first.

        `arguments` replace the ones shown, None keeps them; both versions stay on record. The first decision counts:
        after a later one, or if the call expired or was taken back, it is returned as it is. Raises NotFound,
        DeskClosed, and InvalidInput if the digest differs from that of the arguments on record, the arguments do not
        fit the tool, or a deferred call is approved on a desk without its tool.
        """
        decided = await self._decisions.decide(viewer, call_id, decision, digest, arguments, reason)
        self.oversight.recount_waiting()
        return decided

    async def withdraw(self, viewer: Viewer, call_id: str) -> DeferredCall:
        """Take back a call of the viewer's own that waits for an approver; then it is not run.

        A call that was decided on, or closed, stays as it is. Raises NotFound, also for a call that was not deferred.
        """
        return await self._decisions.withdraw(viewer, call_id)

    async def rename(self, viewer: Viewer, thread_id: str, title: str) -> Thread:
        """Give the thread another title, of 1 to 200 characters. Raises NotFound and InvalidInput."""
        return await self._notes.rename(viewer, thread_id, title)

    async def shelve(self, viewer: Viewer, thread_id: str, shelf: Shelf) -> Thread:
        """Pin the thread in the viewer's list, archive it, or list it among the others. Raises NotFound."""
        return await self._notes.shelve(viewer, thread_id, shelf)

    async def ask_erasure(self, viewer: Viewer, thread_id: str) -> Thread:
        """Ask to erase what is written in the viewer's thread; its `erase_due` says when that happens.

        That a thread was there, when, what it cost, which tools ran and who has looked stay on record. A thread that is
        to be erased already stays as it is. Raises NotFound.
        """
        return await self._notes.ask_erasure(viewer, thread_id)

    async def withdraw_erasure(self, viewer: Viewer, thread_id: str) -> Thread:
        """Take the request for erasure back. A thread whose erasure has begun stays as it is. Raises NotFound."""
        return await self._notes.withdraw_erasure(viewer, thread_id)

    async def acknowledge(self, viewer: Viewer, notice: str) -> Person:
        """Put on record that the viewer has read the notice of this version, once for each version."""
        return await self._people.acknowledge(viewer, check_id(notice, "notice"))

    async def change_instructions(self, viewer: Viewer, thread_id: str, instructions: str) -> Thread:
        """Tell the model something else in the turns from now on; "" tells it what the desk does.

        A turn that is open, and those before it, keep the instructions they were opened with, and the earlier ones stay
        in the log. The same instructions again add no entry. Raises NotFound, and InvalidInput if they are too long.
        """
        return await self._notes.change_instructions(viewer, thread_id, instructions)

    async def update_metadata(
        self,
        viewer: Viewer,
        thread_id: str,
        changes: Mapping[str, Json] | BaseModel,
        *,
        replace: bool = False,
        based_on: Mapping[str, Json] | None = None,
        metadata_type: type[BaseModel] | None = None,
    ) -> Thread:
        """Set these fields of the thread's metadata and keep the others, as `dict.update` does: None is a value too.

        With `replace` these fields become the whole metadata; this is how a field is removed. The earlier metadata
        stays in the log.

        `based_on` is the metadata that the caller has read: MetadataConflict is raised, and nothing written, if a field
        to be written has got another value since. Of a pydantic model only the fields that differ from `based_on` are
        written. Without it the last caller wins. `metadata_type` is the pydantic model that the whole metadata has to
        fit. Raises NotFound and InvalidInput.
        """
        return await self._notes.update_metadata(viewer, thread_id, changes, replace, based_on, metadata_type)

    async def give_feedback(
        self,
        viewer: Viewer,
        turn_id: str,
        rating: Literal["up", "down"] | None,
        comment: str = "",
        *,
        dislike: Dislike | None = None,
    ) -> None:
        """Rate an answer; None takes the rating back. Earlier ratings stay in the log.

        `dislike` says why it is rated down. The comment has at most 4000 characters. Raises NotFound and InvalidInput.
        """
        await self._notes.give_feedback(viewer, turn_id, rating, comment, dislike)

    async def resolve(self, viewer: Viewer, call_id: str, happened: bool, evidence: str) -> ToolCall:
        """Record an auditor's statement whether an `unknown` call took effect; the call keeps its status.

        `evidence` says in 1 to 4000 characters how the auditor knows. Raises InvalidInput for a call of another status
        or without evidence, and NotFound also for a call of the viewer's own.
        """
        return await self._notes.resolve(viewer, call_id, happened, evidence)

    async def judge(
        self,
        viewer: Viewer,
        turn_id: str,
        verdict: Verdict,
        *,
        cause: Cause | None = None,
        note: str = "",
        corrected: str = "",
    ) -> Review:
        """Put an auditor's verdict on an answer on record, or a handler's if the thread is sealed.

        `cause` says why a `wrong` answer is wrong; other verdicts have none. `corrected` is the answer as it should
        have been. Both texts have at most 4000 characters. A later verdict replaces the person's earlier one, which
        stays in the log; the same verdict again adds nothing. Raises InvalidInput, also for a turn that has not ended
        or has no answer, and NotFound, also for an answer to the viewer's own question.
        """
        return await self._reviews.judge(viewer, turn_id, verdict, cause, note, corrected)

    async def lift_seal(self, viewer: Viewer, thread_id: str, reason: str) -> Thread:
        """Open a sealed thread to auditors again, as a handler other than its owner; a later concern seals it anew.

        `reason` says in 1 to 4000 characters why, and is on record. Raises NotFound also for a thread without a seal.
        """
        return await self._notes.lift_seal(viewer, thread_id, reason)

    async def hand_over(
        self,
        viewer: Viewer,
        turn_id: str,
        *,
        attach: Attached = "nothing",
        note: str = "",
        request_id: str | None = None,
    ) -> HandoverRecord:
        """Bring the matter of a turn to a person, with the asker's consent; call it only after they have agreed.

        `attach` says what of the thread goes along with `note`: nothing, this answer, the turns from this one on, or
        the thread; at most its newest 200 turns. The request is on record before anything is sent, and is sent once:
        the same `request_id` again returns the same hand-over. Returns when it was sent, or failed, or 20 seconds have
        passed. Raises NotFound, and InvalidInput for a note of more than 4000 characters or a desk without `handover`.
        """
        return await self._handovers.ask(viewer, turn_id, attach, note, request_id)

    async def recover(self) -> None:
        """Recover open turns now, instead of at the next sweep, which runs every 15 seconds."""
        await self._workers.recovery.sweep()
        await self._sweep()

    async def _open(
        self,
        viewer: Viewer,
        journal: Journal,
        turn_id: str,
        request: str,
        question: str,
        answer: AnswerSchema[object] | None,
        replaces: str | None,
    ) -> Turn:
        """Put the question on record as this turn, and start to answer it."""
        worker = new_worker(self._clock)
        concern, sealed = await recognised(self._care, question, viewer)
        opened = TurnOpened(
            turn=turn_id,
            request_id=request,
            snapshot=await self._snapshots.take(journal, answer),
            standing=Standing(roles=tuple(sorted(viewer.roles)), country=viewer.country, entity=viewer.entity),
            sealed=sealed,
            content=QuestionContent(text=question, concern=concern),
        )
        place = self._workers.ask_place()
        release: Literal["waiting"] | None = None if place.held else "waiting"
        submit = Submit(worker=worker, opened=opened, replaces=replaces, release=release)

        async def command(_: State) -> Submit:
            if replaces is not None:
                await load_versions(journal, replaces)
            return submit

        await self._workers.append(journal, command, worker, turn_id, place, by=viewer.id)
        turn = journal.state.item(Turn, turn_id)
        if answer and turn.ended_at is None:
            # Of two types with one JSON schema the first judges, as the turn was asked with it.
            self._equipment.schemas.setdefault(turn_id, answer)
        return turn

    async def _hidden(self, event: Event) -> Event:
        """The event with pseudonyms in its records."""
        match event:
            case ToolStartedEvent() | ToolFinishedEvent():
                return replace(event, call=await self._pseudonyms.hide(event.call))
            case ApprovalAskedEvent():
                return replace(event, calls=tuple([await self._pseudonyms.hide(call) for call in event.calls]))
            case EndedEvent():
                calls = tuple([await self._pseudonyms.hide(call) for call in event.calls])
                return replace(event, turn=await self._pseudonyms.hide(event.turn), calls=calls)
            case _:
                return event


async def _in_turn(*parts: Callable[[], Awaitable[None]]) -> None:
    for part in parts:
        await part()


def _known_form(turn_id: str) -> str:
    """The id, if turns have such ids. Raises NotFound otherwise, as for any other id without a turn."""
    try:
        return check_id(turn_id)
    except InvalidInput:
        raise NotFound("turn", turn_id) from None
