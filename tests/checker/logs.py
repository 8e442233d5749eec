"""Legal logs, as hypothesis draws them: `decide` writes every entry, chance says what happens to the turns.

Workers are lost and replaced, models cut off, tools fail in every way, people approve, deny, stop and forget. Questions
are asked again in their places, calls wait for approvers while their threads go on, and owners have theirs erased.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from core.canonical import canonical, digest
from core.errors import NotReplaceable
from core.log.entry import chain
from core.log.facts import (
    CallResolved,
    Erased,
    ErasureAsked,
    EvidenceContent,
    FeedbackContent,
    FeedbackGiven,
    ImportedContent,
    InstructionsChanged,
    InstructionsContent,
    MetadataChanged,
    MetadataContent,
    Renamed,
    ThreadContent,
    ThreadCreated,
    TitleContent,
    TurnImported,
    draft,
)
from core.log.fold import State, fold
from core.log.records import OpenCall, OpenDeferred, OpenTurn, ToolCall, Turn
from core.options import Options
from core.retrieval.search import Found
from core.turn.branches import left_at
from core.turn.commands import (
    Approval,
    BeginErasure,
    Claim,
    Close,
    CloseDeferred,
    Command,
    Defer,
    EndErasure,
    Finished,
    GiveUp,
    Note,
    Park,
    Release,
    ReportDecision,
    Retrieved,
    Show,
    Start,
    WrittenCall,
)
from core.turn.decide import MAX_LOST, decide, late, lost_call
from core.turn.plan import plan
from core.values import Entry, ImportedAnswer, ImportedCall, Judgement, Passage, Usage, Worker
from tests.checker.world import AT, SALT, SNAPSHOT, STREAM
from tests.support.commands import answered, failed, finished, requested, submitted

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
said = st.one_of(texts, st.sampled_from(["", "Yes [1].", "No.\n\n", "  "]))
results = st.one_of(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    st.integers(1, 40_000).map(lambda size: "long " * (size // 5)),
)
arguments = st.one_of(
    st.dictionaries(texts, texts | st.integers(0, 9), max_size=2), texts.map(lambda raw: {"INVALID_JSON": raw})
)
usages = st.builds(Usage, input=st.none() | st.integers(0, 9), output=st.none() | st.integers(0, 9))
_ids = st.uuids().map(str)
_imported_calls = st.builds(ImportedCall, id=_ids, tool=st.just("old"), arguments=arguments, result=texts)
_answers = st.lists(
    st.builds(ImportedAnswer, text=texts.filter(str.strip), calls=st.lists(_imported_calls, max_size=2)),
    min_size=1,
    max_size=2,
)
FORGETTABLE = ("model.failed", "passages.retrieved", "tool.finished")
EXPIRES = "2026-12-01T09:30:00.000Z"


class Log:
    """A log being written: its entries, how many each commit had, and the state they fold to."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.entries: list[Entry] = []
        self.commits: list[int] = []
        self.state = State()
        self.workers = 0

    def __repr__(self) -> str:
        return " ".join(f"{entry.n}:{entry.kind}" for entry in self.entries)

    @property
    def open(self) -> OpenTurn | None:
        return self.state.thread.open if self.state.thread else None

    def command(self, command: Command, by: str = "u") -> None:
        """One commit of what `decide` makes of the command, if anything."""
        facts = decide(self.state, command, self.options)
        if facts:
            self.append([draft(fact) for fact in facts], by)

    def append(self, drafts: Sequence[Any], by: str = "u") -> None:
        salts = [SALT] * len(drafts)
        entries = chain(STREAM, self.state.n, self.state.hash, drafts, by=by, at=AT, salts=salts)
        for entry in entries:
            self.state = fold(self.state, entry)
        self.entries += entries
        self.commits.append(len(entries))

    def worker(self) -> Worker:
        """Somebody new."""
        self.workers += 1
        return Worker(nonce=f"w{self.workers}", host="h", pid=1, start="s")

    def turns(self) -> list[Turn]:
        """The turns, oldest first."""
        return sorted((i for i in self.state.items.values() if isinstance(i, Turn)), key=lambda turn: turn.first_n)


def created(options: Options) -> Log:
    """A thread without turns."""
    log = Log(options)
    content = ThreadContent(title=None, metadata={}, instructions="")
    log.append([draft(ThreadCreated(thread="t", owner="u", content=content))])
    return log


@st.composite
def logs(draw: Draw, max_turns: int = 3, *, imports: bool = False) -> Log:
    """A log with some turns, the last of which may be open; with `imports` some turns before them were imported."""
    steps = draw(st.integers(1, 3))
    options = Options(max_steps=steps, on_interruption=draw(st.sampled_from(["keep_partial", "retry"])))
    log = created(options)
    for number in range(draw(st.integers(0, 2)) if imports else 0):
        content = ImportedContent(question=draw(texts.filter(str.strip)), answers=draw(_answers))
        turn = digest(["t", "imported", number])[:24]
        acted, outside = draw(st.booleans()), draw(st.booleans())
        log.append([draft(TurnImported(turn=turn, acted=acted, outside=outside, content=content))])
    for _ in range(draw(st.integers(1, max_turns))):
        if log.open:
            stop(log, "")
        if log.turns() and draw(st.integers(0, 3)) == 0:
            with suppress(NotReplaceable):
                show(log, draw(st.sampled_from(log.turns())))
        _open(draw, log)
        retrieves = draw(st.booleans())
        for _ in range(draw(st.integers(0, 16))):
            if log.open is None:
                break
            _advance(draw, log, log.open, retrieves)
            if draw(st.integers(0, 5)) == 0:
                _aside(draw, log)
        if draw(st.integers(0, 5)) == 0:
            erase(log, gone=draw(st.booleans()))
    return log


def _open(draw: Draw, log: Log) -> None:
    """Another turn: it reports a decision, takes another turn's place, or is asked below."""
    decided = [item for item in deferred(log) if item.decision]
    if decided and draw(st.integers(0, 2)) > 0:
        report(log, draw(st.sampled_from(decided)), waits=draw(st.integers(0, 3)) == 0)
        return
    text, waits = draw(texts.filter(str.strip)), draw(st.integers(0, 3)) == 0
    if log.turns() and draw(st.booleans()):
        try:
            submit(log, text, waits=waits, replaces=draw(st.sampled_from(log.turns())).id)
        except NotReplaceable:
            pass
        else:
            return
    submit(log, text, waits=waits)


def submit(log: Log, text: str, *, waits: bool = False, replaces: str | None = None) -> None:
    """Another turn. Raises NotReplaceable."""
    request = f"r{len(log.turns()) + 1}"
    turn = digest(["t", request])[:24]
    asked = submitted(log.worker(), turn, request, text, SNAPSHOT, waits=waits)
    log.command(replace(asked, replaces=replaces))


def show(log: Log, turn: Turn) -> None:
    """The branch of this turn is shown. Raises NotReplaceable if its place is not."""
    original = log.state.item(Turn, turn.original or turn.id)
    log.command(Show(version=turn.id, last=left_at(original, turn.id)))


def deferred(log: Log) -> Sequence[OpenDeferred]:
    """The deferred calls that are neither reported nor closed."""
    return log.state.thread.deferred if log.state.thread else ()


def report(log: Log, item: OpenDeferred, *, waits: bool = False) -> None:
    """A turn reports the decision on this call."""
    release: Any = "waiting" if waits else None
    log.command(ReportDecision(call=item.call, worker=log.worker(), snapshot=SNAPSHOT, release=release))


def stop(log: Log, partial: str) -> None:
    """The open turn ends where it stands."""
    assert log.open
    _close(log, log.open, "stop", partial)


def _close(log: Log, open: OpenTurn, reason: Any, partial: str = "") -> None:
    status: Any = "failed" if reason == "lost" else "cancelled"
    log.command(
        Close(
            turn=open.turn,
            worker=log.worker(),
            reason=reason,
            status=status,
            code=reason,
            message=None,
            partial=partial,
        )
    )


def _advance(draw: Draw, log: Log, open: OpenTurn, retrieves: bool) -> None:
    """One thing more happens to the open turn."""
    assert open.worker
    me = open.worker
    if open.status == "awaiting_approval":
        _awaited(draw, log, open)
        return
    mishap = draw(st.integers(0, 24))
    if open.released or mishap == 0:
        _take_over(draw, log, open)
    elif mishap == 1:
        stop(log, draw(said))
    elif mishap == 2:
        log.command(GiveUp(worker=me, partial=draw(said), code="internal", message="ValueError"))
    elif open.model_call and open.model_call.fence == open.fence:
        log.command(_model_said(draw, open, me))
    elif (running := next((c for c in open.calls if c.status == "running"), None)) and running.fence == open.fence:
        log.command(_tool_gave(draw, running.call, me))
    elif mishap == 3 and not open.model_call:
        log.command(Release(worker=me))
    else:
        _act(draw, log, open, me, retrieves)


def _act(draw: Draw, log: Log, open: OpenTurn, me: Worker, retrieves: bool) -> None:
    act = plan(open, retrieves=retrieves, rewrites=draw(st.booleans()))
    match act.kind:
        case "retrieve":
            search = _search(draw)
            error = None if search.passages else draw(st.sampled_from([None, "TimeoutError"]))
            log.command(Retrieved(worker=me, search=search, duration_ms=1, error=error))
        case "rewrite":
            log.command(requested(me, step=0, with_tools=False, window=open.first_n, request="q", purpose="query"))
        case "request_model":
            tools = act.step <= log.options.max_steps
            log.command(requested(me, step=act.step, attempt=act.attempt, with_tools=tools, window=open.first_n))
        case "run_tools" if draw(st.integers(0, 9)) == 0:
            log.command(finished(me, act.calls[0], "denied", code="denied_by_hook", error=draw(texts)))
        case "run_tools":
            log.command(Start(worker=me, calls=act.calls))
        case "close_lost_call":
            log.command(lost_call(open, act.call, me))
        case "salvage":
            log.command(failed(me, act.call, "worker_lost", draw(said)))
        case "defer":
            log.command(Defer(worker=me, calls=act.calls, expires=EXPIRES))
        case "park":
            log.command(Park(worker=me, expires=EXPIRES))


def _take_over(draw: Draw, log: Log, open: OpenTurn) -> None:
    running = next((call for call in open.calls if call.status == "running"), None)
    reason: Any = "resumed" if open.released else "lost"
    if reason == "lost" and open.lost >= MAX_LOST:
        _close(log, open, "lost", draw(said))
        return
    log.command(Claim(turn=open.turn, worker=log.worker(), reason=reason, fence=open.fence, n=log.state.n))
    if running and open.worker and draw(st.booleans()):
        outcome = _tool_gave(draw, running.call, open.worker)
        mine = outcome.finished.model_copy(update={"turn": open.turn, "fence": running.fence})
        log.command(Note(fact=late(mine, outcome.search)))


def _awaited(draw: Draw, log: Log, open: OpenTurn) -> None:
    """What becomes of a parked turn; nothing, as often as not."""
    waiting = [call for call in open.calls if call.status == "awaiting_approval"]
    call = draw(st.sampled_from(waiting))
    match draw(st.sampled_from(["approve", "approve", "change", "deny", "expire", "stop", "wait"])):
        case "expire":
            _close(log, open, "expired")
        case "stop":
            stop(log, "")
        case "wait":
            return
        case word:
            _decide(draw, log, call, word)


def _decide(draw: Draw, log: Log, call: OpenCall | OpenDeferred, word: str) -> None:
    outcome: Any = "deny" if word == "deny" else "approve"
    log.command(
        Approval(
            call=call.call,
            outcome=outcome,
            digest=call.digest,
            arguments=draw(arguments) if word == "change" else None,
            reason=draw(st.none() | texts),
            worker=log.worker(),
            release=draw(st.sampled_from([None, None, "waiting", "left"])),
            snapshot=draw(st.sampled_from([SNAPSHOT, None])) if isinstance(call, OpenDeferred) else None,
        )
    )


def _model_said(draw: Draw, open: OpenTurn, me: Worker) -> Command:
    assert open.model_call
    call, text, usage = open.model_call.call, draw(said), draw(usages)
    cost = draw(st.none() | st.integers(0, 9))
    if draw(st.integers(0, 3)) == 0:
        code = draw(st.sampled_from(["overloaded", "connection", "quota", "protocol", "worker_left"]))
        return failed(me, call, code, text, message="m", retryable=code != "quota", usage=usage, cost=cost)
    calls = tuple(draw(st.lists(_calls(), max_size=3)))
    if not text and not calls and draw(st.booleans()):
        return failed(me, call, "empty", message="m", retryable=open.model_call.attempt == 1, cost=cost)
    reason: Any = "tool_calls" if calls else draw(st.sampled_from(["end", "end", "refusal", "pause", "pause", "other"]))
    if reason == "end" and not text:
        text = "Nothing."  # an empty answer is a failure, and never gets here
    if draw(st.integers(0, 9)) == 0:
        reason = "length"
    return answered(me, call, text, reason, calls, usage=usage, cost=cost, ttft_ms=1, duration_ms=2)


@st.composite
def _calls(draw: Draw) -> WrittenCall:
    match draw(st.sampled_from(["read", "read", "idempotent", "unsafe", "wrong", "unknown"])):
        case "wrong":
            fault: Any = {"fault": "invalid_arguments", "message": "do not fit"}
            return WrittenCall(tool="look", effect="read", approval=None, arguments=draw(arguments), **fault)
        case "unknown":
            fault = {"fault": "unknown_tool", "message": "There is no such tool."}
            return WrittenCall(tool="none", effect=None, approval=None, arguments=draw(arguments), **fault)
        case effect:
            approval: Any = draw(
                st.sampled_from(["asker", "approver"] if effect == "unsafe" else [None, None, "approver"])
            )
            return WrittenCall(tool=effect, effect=effect, approval=approval, arguments=draw(arguments))  # type: ignore[arg-type]  # one of three


def _tool_gave(draw: Draw, call: str, me: Worker) -> Finished:
    status: Any = draw(st.sampled_from(["succeeded", "succeeded", "failed", "timed_out", "unknown"]))
    if status != "succeeded":
        return finished(me, call, status, code="raised", error=draw(texts))
    if draw(st.integers(0, 3)) == 0:
        return finished(me, call, status, search=_search(draw))
    result = draw(results)
    return finished(me, call, status, result=result, size=len(canonical(result)), digest=digest(result))


def _aside(draw: Draw, log: Log) -> None:
    """Something that is legal at any time."""
    ended = [turn for turn in log.turns() if turn.ended_at]
    unknown = [i for i in log.state.items.values() if isinstance(i, ToolCall) and i.status == "unknown"]
    waiting = [item for item in deferred(log) if item.decision is None]
    # Rare as they are, what becomes of deferred calls is drawn more often than the rest.
    decisions = ["decide"] * 8 if waiting else ["close"] * 4 if deferred(log) else []
    match draw(
        st.sampled_from(["rename", "metadata", "instruct", "feedback", "resolve", "forget", "close", *decisions])
    ):
        case "rename":
            log.command(Note(fact=Renamed(content=TitleContent(title=draw(texts)))))
        case "metadata":
            log.command(Note(fact=MetadataChanged(content=MetadataContent(metadata={"k": draw(texts)}))))
        case "instruct":
            content = InstructionsContent(instructions=draw(texts))
            log.command(Note(fact=InstructionsChanged(content=content)))
        case "feedback" if ended:
            rating: Any = draw(st.sampled_from(["up", "down", None]))
            content = FeedbackContent(comment=draw(texts))
            log.command(Note(fact=FeedbackGiven(turn=ended[-1].id, rating=rating, content=content)))
        case "resolve" if unknown:
            content_ = EvidenceContent(evidence=draw(texts))
            said_so = CallResolved(
                turn=unknown[0].turn, call=unknown[0].id, happened=draw(st.booleans()), content=content_
            )
            log.command(Note(fact=said_so))
        case "decide":
            word = draw(st.sampled_from(["approve", "approve", "change", "deny"]))
            _decide(draw, log, draw(st.sampled_from(waiting)), word)
        case "close" if items := deferred(log):
            item = draw(st.sampled_from(items))
            closing: Any = "tool_gone" if item.decision else draw(st.sampled_from(["expired", "withdrawn"]))
            log.command(CloseDeferred(call=item.call, reason=closing))
        case "forget" if ended:
            forget(log, ended[-1], sorted(draw(st.sets(st.sampled_from(FORGETTABLE), min_size=1))))


def forget(log: Log, turn: Turn, kinds: list[str]) -> None:
    """As `Recovery.tidy` does: payloads go first, then the log says so."""
    log.entries = erased(log.entries, lambda e: turn.first_n <= e.n <= turn.last_n and e.kind in kinds)
    log.command(Note(fact=Erased(turn=turn.id, kinds=kinds)))


def erase(log: Log, *, gone: bool) -> None:
    """As a sweep does: the log says that it begins, and payloads go after that. It begins if nothing is open."""
    log.command(Note(fact=ErasureAsked(due="2026-11-01T00:00:00.000Z")))
    log.command(BeginErasure(before=EXPIRES))
    assert log.state.thread
    if log.state.thread.erasing:
        upto = log.state.n
        log.entries = erased(log.entries, lambda entry: gone and entry.n <= upto)
        log.command(EndErasure(upto=upto))


def erased(entries: Sequence[Entry], which: Callable[[Entry], bool]) -> list[Entry]:
    """The entries as a store gives them back once these payloads are gone."""
    return [replace(entry, payload=None, salt=None) if which(entry) else entry for entry in entries]


def _search(draw: Draw) -> Found:
    passages = tuple(_passage(number, draw(texts)) for number in draw(st.sets(st.integers(0, 4), max_size=2)))
    judged = Judgement(confidence=0.5, threshold=0.25, calibration="test")
    return Found(query=draw(texts), passages=passages, judgement=draw(st.sampled_from([None, judged])))


def _passage(number: int, text: str) -> Passage:
    return Passage(id=f"p{number}", document="d", title="T", section=["S"], version="1", text=text, score=0.5)
