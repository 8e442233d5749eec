"""The rules broken on purpose, one at a time: a checker that stays green with one of these proves nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from core.log.branches import is_shown, without
from core.log.facts import BranchShown, ToolFinished, TurnOpened
from core.log.fold import State, fold
from core.log.record_ids import deferred_id
from core.log.records import DeferredCall, OpenDeferred, OpenTurn, Thread, ToolCall
from core.options import Options
from core.turn.commands import (
    Answered,
    Approval,
    Claim,
    Close,
    CloseDeferred,
    Command,
    Defer,
    Finished,
    ReportDecision,
    Show,
    Start,
    Submit,
)
from core.turn.decide import decide
from core.turn.plan import Act, plan, take_over
from core.values import ClaimReason, Entry
from tests.checker.scenarios import ASKED, BOOK, CROWDS, DONE, LOOK, PAY, SENT
from tests.checker.world import Answer, Habits, Rules, Scenario

Facts = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """What is broken, where it shows, and which promises may be the first to fail."""

    name: str
    scenario: Scenario
    rules: Rules = field(default_factory=Rules)
    habits: Habits = field(default_factory=Habits)
    breaks: tuple[str, ...]


def _with_open(state: State, **changes: Any) -> State:
    assert state.thread
    assert state.thread.open
    open = state.thread.open.model_copy(update=changes)
    return replace(state, thread=state.thread.model_copy(update={"open": open}))


def _forgetting(state: State) -> State:
    assert state.thread
    return replace(state, thread=state.thread.model_copy(update={"open": None}))


def no_check_of_the_holder(state: State, command: Command, options: Options) -> Facts:
    open = state.thread.open if state.thread else None
    if isinstance(command, (Start, Finished)) and open and open.worker:
        command = replace(command, worker=open.worker)
    return decide(state, command, options)


def calls_left_open(state: State, command: Command, options: Options) -> Facts:
    facts = decide(state, command, options)
    return tuple(f for f in facts if not isinstance(f, ToolFinished)) if isinstance(command, Close) else facts


def not_judged_anew(state: State, command: Command, options: Options) -> Facts:
    open = state.thread.open if state.thread else None
    if isinstance(command, Claim) and open:
        command = replace(command, fence=open.fence, n=state.n)
    return decide(state, command, options)


def closed_without_judging_anew(state: State, command: Command, options: Options) -> Facts:
    return decide(state, replace(command, n=None) if isinstance(command, Close) else command, options)


def any_digest(state: State, command: Command, options: Options) -> Facts:
    open = state.thread.open if state.thread else None
    if isinstance(command, Approval) and open and (call := open.call(command.call)):
        command = replace(command, digest=call.digest)
    return decide(state, command, options)


def no_claim_with_the_last_decision(state: State, command: Command, options: Options) -> Facts:
    facts = decide(state, command, options)
    return facts[:1] if isinstance(command, Approval) else facts


def open_turn_ignored(state: State, command: Command, options: Options) -> Facts:
    if isinstance(command, Submit) and command.opened.turn not in state.items:
        state = _forgetting(state)
    return decide(state, command, options)


def open_turn_ignored_by_all(state: State, entry: Entry) -> State:
    return fold(_forgetting(state) if entry.kind == "turn.opened" and state.thread else state, entry)


def request_forgotten(state: State, command: Command, options: Options) -> Facts:
    if isinstance(command, Submit):
        state = replace(state, items={id: item for id, item in state.items.items() if id != command.opened.turn})
    return decide(state, command, options)


def ended_with_open_calls(state: State, entry: Entry) -> State:
    if entry.kind == "turn.ended" and state.thread and state.thread.open:
        closed = [call for call in state.thread.open.calls if call.closed]
        state = _with_open(state, calls=closed, model_call=None)
    return fold(state, entry)


def stale_fences_folded(state: State, entry: Entry) -> State:
    open = state.thread.open if state.thread else None
    fence = entry.shell.get("fence")
    if open and entry.kind.startswith("tool.") and fence != open.fence:
        folded = fold(_with_open(state, fence=fence), entry)
        return _with_open(folded, fence=open.fence)
    return fold(state, entry)


def pauses_do_not_count(state: State, command: Command, options: Options) -> Facts:
    pauses = isinstance(command, Answered) and command.answered.stop_reason == "pause"
    return decide(state, command, options.model_copy(update={"max_steps": 1000}) if pauses else options)


def late_word_counts(state: State, entry: Entry) -> State:
    open = state.thread.open if state.thread else None
    call = open.call(entry.shell["call"]) if open and entry.kind == "late" else None
    if open and call and call.closed:
        running = {"status": "running", "fence": entry.shell["fence"]}
        calls = [c.model_copy(update=running) if c.call == call.call else c for c in open.calls]
        item = state.items[call.call].model_copy(update=running)
        state = replace(_with_open(state, calls=calls), items={**state.items, call.call: item})
    return fold(state, entry)


def run_again_whatever_it_is(open: OpenTurn, *, retrieves: bool) -> Act:
    act = plan(open, retrieves=retrieves)
    return replace(act, kind="run_tools", calls=(act.call,)) if act.kind == "close_lost_call" else act


def nobody_is_asked(open: OpenTurn, *, retrieves: bool) -> Act:
    act = plan(open, retrieves=retrieves)
    if act.kind == "park":
        waiting = next(call for call in open.calls if call.status == "planned")
        return Act(kind="run_tools", calls=(waiting.call,))
    return act


def waiting_turns_taken_at_once(open: OpenTurn, *, gone: bool, silent: bool) -> ClaimReason | None:
    return take_over(open.model_copy(update={"waiting": False}), gone=gone, silent=silent)


def waiting_turns_are_lost(open: OpenTurn, *, gone: bool, silent: bool) -> ClaimReason | None:
    return take_over(open.model_copy(update={"waiting": False, "released": False}), gone=gone, silent=silent)


def no_new_claim(state: State, command: Command, options: Options) -> Facts:
    released = state.thread and state.thread.open and state.thread.open.released
    return decide(_with_open(state, released=False) if released else state, command, options)


def a_wait_forgotten(state: State, entry: Entry) -> State:
    folded = fold(state, entry)
    return _with_open(folded, released=False, waiting=False) if entry.kind == "turn.released" else folded


def _with_thread(state: State, **changes: Any) -> State:
    assert state.thread
    return replace(state, thread=state.thread.model_copy(update=changes))


def acts_forgotten(state: State, command: Command, options: Options) -> Facts:
    return decide(_with_thread(state, acted=0) if isinstance(command, Submit) else state, command, options)


def out_of_sight(state: State, command: Command, options: Options) -> Facts:
    """Acts and requests of versions that are not shown do not count."""
    if isinstance(command, Submit) and (thread := state.thread):
        deferred = [item for item in thread.deferred if is_shown(thread.hidden, item.first_n)]
        acted = thread.acted if is_shown(thread.hidden, thread.acted) else 0
        state = _with_thread(state, acted=acted, deferred=deferred)
    return decide(state, command, options)


def requests_forgotten(state: State, command: Command, options: Options) -> Facts:
    wanted = isinstance(command, (Submit, Defer))
    return decide(_with_thread(state, deferred=[]) if wanted else state, command, options)


def acts_not_kept(state: State, entry: Entry) -> State:
    folded = fold(state, entry)
    return _with_thread(folded, acted=0) if entry.kind == "turn.ended" else folded


def _changed(facts: Facts, change: Callable[[Any], dict[str, Any]]) -> Facts:
    """The facts, with what `change` says of the fork of a turn or of a version that is shown."""
    found = []
    for fact in facts:
        if isinstance(fact, TurnOpened) and fact.fork:
            fork = fact.fork.model_copy(update=change(fact.fork))
            fact = fact.model_copy(update={"fork": fork})
        elif isinstance(fact, BranchShown):
            fact = fact.model_copy(update=change(fact))
        found.append(fact)
    return tuple(found)


def left_forgotten(state: State, command: Command, options: Options) -> Facts:
    return _changed(decide(state, command, options), lambda fact: {"left": "t-r1"})


def nothing_hidden(state: State, command: Command, options: Options) -> Facts:
    return _changed(decide(state, command, options), lambda fact: {"hidden": []})


def all_before_hidden(state: State, command: Command, options: Options) -> Facts:
    hidden = without([], 1, state.n)
    return _changed(decide(state, command, options), lambda fact: {"hidden": hidden})


def hidden_one_too_few(state: State, command: Command, options: Options) -> Facts:
    """The range begins after the first entry of the turn that is left out."""
    facts = decide(state, command, options)
    return _changed(facts, lambda fact: {"hidden": [(first + 1, max(first + 1, last)) for first, last in fact.hidden]})


def open_turn_hidden(state: State, command: Command, options: Options) -> Facts:
    return decide(_forgetting(state) if isinstance(command, Show) else state, command, options)


def shown_while_open(state: State, entry: Entry) -> State:
    if entry.kind != "branch.shown" or state.thread is None:
        return fold(state, entry)
    return _with_thread(fold(_forgetting(state), entry), open=state.thread.open)


def reported_while_open(state: State, command: Command, options: Options) -> Facts:
    return decide(_forgetting(state) if isinstance(command, ReportDecision) else state, command, options)


def _again(state: State, call: str, **changes: Any) -> State:
    """The state with this deferred call open again, as it was asked for."""
    thread, record = state.thread, state.items.get(deferred_id(call))
    if thread is None or not isinstance(record, DeferredCall):
        return state
    item = OpenDeferred(
        call=call, turn=record.turn, first_n=1, tool=record.tool, digest=record.digest, expires=record.expires
    )
    others = [one for one in thread.deferred if one.call != call]
    return _with_thread(state, deferred=[*others, item.model_copy(update=changes)])


def reported_twice(state: State, command: Command, options: Options) -> Facts:
    if isinstance(command, ReportDecision):
        decision = state.item(DeferredCall, deferred_id(command.call)).decision
        state = _again(state, command.call, decision=decision.outcome if decision else None)
    return decide(state, command, options)


def reported_as_given(state: State, command: Command, options: Options) -> Facts:
    if isinstance(command, ReportDecision):
        state = _again(state, command.call, decision="given")
    return decide(state, command, options)


def decided_again(state: State, command: Command, options: Options) -> Facts:
    return decide(_again(state, command.call) if isinstance(command, Approval) else state, command, options)


def decided_again_by_all(state: State, entry: Entry) -> State:
    again = entry.kind in ("approval.given", "approval.denied")
    return fold(_again(state, entry.shell["call"]) if again else state, entry)


def closed_again(state: State, command: Command, options: Options) -> Facts:
    return decide(_again(state, command.call) if isinstance(command, CloseDeferred) else state, command, options)


def closed_again_by_all(state: State, entry: Entry) -> State:
    return fold(_again(state, entry.shell["call"]) if entry.kind == "deferred.closed" else state, entry)


def _after(kind: str, change: Callable[[Thread, Thread], list[OpenDeferred]]) -> Callable[[State, Entry], State]:
    """The fold, with other open deferred calls after entries of a kind: from the heads before and after."""

    def folded(state: State, entry: Entry) -> State:
        after = fold(state, entry)
        if state.thread is None or after.thread is None or entry.kind != kind:
            return after
        return _with_thread(after, deferred=change(state.thread, after.thread))

    return folded


item_outlives_its_report = _after("turn.opened", lambda before, after: before.deferred)
item_dropped_at_the_decision = _after(
    "approval.given", lambda before, after: [item for item in after.deferred if item.decision is None]
)
item_dropped_at_the_end = _after("turn.ended", lambda before, after: [])


def decisions_not_reported(state: State, command: Command, options: Options) -> Facts:
    return () if isinstance(command, ReportDecision) else decide(state, command, options)


def decided_too_late(state: State, command: Command, options: Options) -> Facts:
    return decide(state, replace(command, now="") if isinstance(command, Approval) else command, options)


def any_digest_of_a_deferred_call(state: State, command: Command, options: Options) -> Facts:
    deferred = state.thread.deferred if state.thread else []
    if isinstance(command, Approval):
        item = next((item for item in deferred if item.call == command.call), None)
        command = replace(command, digest=item.digest) if item else command
    return decide(state, command, options)


def runs_what_was_asked(state: State, command: Command, options: Options) -> Facts:
    """What runs are the arguments that the model wrote, and not those that were approved."""
    facts = []
    for fact in decide(state, command, options):
        if isinstance(fact, TurnOpened) and fact.report and fact.report.call:
            asked = state.item(ToolCall, fact.report.deferred)
            call = fact.report.call.model_copy(update={"digest": asked.digest})
            fact = fact.model_copy(update={"report": fact.report.model_copy(update={"call": call})})
        facts.append(fact)
    return tuple(facts)


def _cast(name: str, *actors: str, answers: tuple[Answer, ...] = (DONE,), **bounds: Any) -> Scenario:
    return Scenario(name=name, actors=actors, answers=answers, **bounds)


def _mutant(name: Callable[..., object] | str, scenario: Scenario, *breaks: str, **broken: Any) -> Mutant:
    called = name if isinstance(name, str) else name.__name__.replace("_", " ")
    habits = Habits(**{key: value for key, value in broken.items() if key in Habits.__dataclass_fields__})
    rules = Rules(**{key: value for key, value in broken.items() if key in Rules.__dataclass_fields__})
    return Mutant(name=called, scenario=scenario, breaks=breaks, rules=rules, habits=habits)


_PAID = (Answer((), (PAY,)), DONE)
_LOST = _cast("lost", "opener", "recoverer", "recoverer", answers=_PAID, crashes=1)
_SHOWN = _cast("shown", "opener", "recoverer", "stopper", answers=(Answer(("a", "b")),), crashes=1)
_BROKEN = _cast("broken", "opener", "recoverer", "stopper", answers=(Answer(("a", "b")),), breaks=1)
_STOPPED = _cast("stopped", "opener", "stopper", answers=(Answer((), (BOOK, PAY)), DONE))
_DECIDED = _cast("decided", "opener", "approver", "denier", answers=(Answer((), (ASKED, ASKED)), DONE))
_MISLED = _cast("misled", "opener", "misled", answers=(Answer((), (ASKED,)), DONE))
_EXPIRED = _cast("expired", "opener", "recoverer", "approver", answers=(Answer((), (ASKED,)), DONE))
_PAUSED = _cast("paused", "opener", answers=(Answer(("a",), pauses=True),), options=Options(max_steps=2))
_ASKED_TWICE = _cast("asked twice", "opener", "again", "second")
_FULL = _cast("full", "opener", "recoverer", "recoverer", full=("opener",), crashes=1)
_READ = _cast("read", "opener", *["recoverer"] * 4, answers=(Answer((), (LOOK,)), DONE), crashes=4)

_ACTED = _cast("acted", "opener", "regenerator", answers=_PAID, others=(DONE,))
_SENT = (Answer((), (SENT,)), DONE)
_WAITING = _cast("waiting", "opener", "regenerator", answers=_SENT, others=(DONE,))
_BESIDE = ("opener", "regenerator", "shower", "repeater")
_ACTED_BESIDE = _cast("acted beside", *_BESIDE, others=_PAID)
_WAITING_BESIDE = _cast("waiting beside", *_BESIDE, others=_SENT)
_VERSIONS = _cast("versions", "opener", "regenerator", "later", "shower")
_BELOW = _cast("below", "opener", "later", "reviser")
_GIVEN = _cast("given", "opener", "approver", "recoverer", "recoverer", answers=_SENT)
_BETWEEN = _cast("between", "opener", "denier", "recoverer", "later", answers=_SENT, others=(DONE,), rounds=3)
_DENIED = _cast("denied", "opener", "denier", "recoverer", "recoverer", answers=_SENT, rounds=2)
_TAKEN_BACK = _cast("taken back", "opener", "approver", "withdrawer", answers=_SENT)
_OVER = _cast("over", "opener", "approver", "recoverer", answers=_SENT)
_BOTH = _cast("both", "opener", "approver", "denier", answers=_SENT)
_TARDY = _cast("tardy", "opener", "tardy", answers=_SENT)
_SENT_MISLED = _cast("sent, misled", "opener", "misled", answers=_SENT)
_EDITED = _cast("edited", "opener", "editor", "recoverer", answers=_SENT)
_TWICE = _cast("twice", "opener", "later", answers=_SENT)

ACCEPTED = "what was decided is accepted"
STALE = "nothing is accepted from below the highest fence"
HOLDER = "only the holder of the claim works"
READABLE = "the log can be read"
ONCE = "an unsafe effect is attempted once at most"
STARTS = "a call starts no more often than its effect allows"
GRANTED = "no effect without an acknowledged start of its own"
PLANNED = "no effect is off the committed plan"
KEPT = "shown text is kept"
CLOSED = "an ended turn has no open call"
JUDGED = "a turn is taken from others only as it was judged"
ENDS = "every accepted turn can end"
LEFT = "a waiting turn is left to its process"
UNCOUNTED = "a wait counts for nothing"
IN_VIEW = "what has acted stays in view"
REQUEST_IN_VIEW = "what waits for an approver stays in view"
BRANCH = "the head shows a branch of the tree"
VERSIONS = "a version is never lost"
BETWEEN = "what is shown changes between turns"
OPEN = "one turn is open at a time"
AGREE = "the head and the records agree"
LISTED = "a deferred call is open until it is over"
ONE_TURN = "one decision opens one turn"
APPROVED = "a deferred call runs only as it was approved"
FIRST = "the first word on a deferred call counts"
REPORTED = "every decision is reported in the end"

MUTANTS = (
    _mutant("appends at the newest n without reading", _LOST, ACCEPTED, STALE, HOLDER, JUDGED, appends_unread=True),
    _mutant(
        "appends unread, and stale fences count",
        _LOST,
        *(ACCEPTED, STALE, HOLDER, JUDGED),
        appends_unread=True,
        fold=stale_fences_folded,
    ),
    _mutant(no_check_of_the_holder, _LOST, HOLDER, decide=no_check_of_the_holder),
    _mutant("acts before its start is acknowledged", _LOST, GRANTED, acts_unacknowledged=True),
    _mutant("acts again after a conflict", _LOST, GRANTED, ONCE, repeats_acts=True),
    _mutant("retries an unsafe call after a loss", _LOST, STARTS, plan=run_again_whatever_it_is),
    _mutant("reads without end", _READ, STARTS, plan=run_again_whatever_it_is),
    _mutant("acts on an uncommitted answer", _LOST, PLANNED, acts_uncommitted=True),
    _mutant("a stop leaves calls open", _STOPPED, ACCEPTED, decide=calls_left_open),
    _mutant("an end with open calls counts", _STOPPED, CLOSED, decide=calls_left_open, fold=ended_with_open_calls),
    _mutant("commit ids are derived", _LOST, READABLE, HOLDER, STALE, derives_ids=True),
    _mutant("claims again without judging anew", _LOST, JUDGED, decide=not_judged_anew),
    _mutant("closes without judging anew", _EXPIRED, JUDGED, decide=closed_without_judging_anew),
    _mutant("keeps its intent across a conflict", _LOST, ACCEPTED, STALE, HOLDER, JUDGED, keeps_intent=True),
    _mutant("takes over without the seal", _SHOWN, KEPT, takes_over_unsealed=True),
    _mutant("stops without the seal", _SHOWN, KEPT, stops_unsealed=True),
    _mutant("gives up without the seal", _BROKEN, KEPT, gives_up_unsealed=True),
    _mutant("keeps the sealed text across a conflict", _SHOWN, KEPT, keeps_partial=True),
    _mutant("writes past seals", _SHOWN, KEPT, writes_past_seals=True),
    _mutant(
        "takes a decision on a stale digest",
        _MISLED,
        "a decision is on the arguments that were shown",
        decide=any_digest,
    ),
    _mutant(
        no_claim_with_the_last_decision,
        _DECIDED,
        "a parked turn waits for somebody",
        decide=no_claim_with_the_last_decision,
    ),
    _mutant("runs what waits for a person", _DECIDED, "a call that needs a person waits for one", plan=nobody_is_asked),
    _mutant("approvals never expire", _EXPIRED, ENDS, never_expires=True),
    _mutant(pauses_do_not_count, _PAUSED, ENDS, decide=pauses_do_not_count),
    _mutant("a submit ignores the open turn", _ASKED_TWICE, ACCEPTED, decide=open_turn_ignored),
    _mutant(
        "two turns are open",
        _ASKED_TWICE,
        "one turn is open at a time",
        decide=open_turn_ignored,
        fold=open_turn_ignored_by_all,
    ),
    _mutant("a request is forgotten", _ASKED_TWICE, "one request is one turn", decide=request_forgotten),
    _mutant("a late word replaces the last one", _LOST, "terminal is final", fold=late_word_counts),
    _mutant(waiting_turns_taken_at_once, _FULL, LEFT, take_over=waiting_turns_taken_at_once),
    _mutant(waiting_turns_are_lost, _FULL, UNCOUNTED, take_over=waiting_turns_are_lost),
    _mutant("waiting turns are claimed without judging anew", _FULL, JUDGED, decide=not_judged_anew),
    _mutant(
        "a waiting turn is worked on without a new claim",
        _FULL,
        HOLDER,
        works_while_it_waits=True,
        decide=no_new_claim,
    ),
    _mutant("a wait is forgotten", _FULL, UNCOUNTED, fold=a_wait_forgotten),
    _mutant("a turn that acted is replaced", _ACTED, IN_VIEW, decide=acts_forgotten),
    _mutant("the head forgets what has acted", _ACTED, AGREE, fold=acts_not_kept),
    _mutant("a turn with a deferred call is replaced", _WAITING, REQUEST_IN_VIEW, decide=requests_forgotten),
    _mutant("an act of another version does not count", _ACTED_BESIDE, IN_VIEW, decide=out_of_sight),
    _mutant("a request of another version does not count", _WAITING_BESIDE, REQUEST_IN_VIEW, decide=out_of_sight),
    _mutant("where a version was left is forgotten", _VERSIONS, VERSIONS, decide=left_forgotten),
    _mutant("a version is shown without what followed it", _VERSIONS, BRANCH, shows_only_the_version=True),
    _mutant("a branch hides nothing", _VERSIONS, BRANCH, decide=nothing_hidden),
    _mutant("a branch hides all before it", _BELOW, BRANCH, decide=all_before_hidden),
    _mutant("a branch hides an entry too few", _VERSIONS, BRANCH, decide=hidden_one_too_few),
    _mutant("a version is shown while a turn is open", _VERSIONS, ACCEPTED, decide=open_turn_hidden),
    _mutant(
        "a version is shown while a turn is open, and counts",
        _VERSIONS,
        BETWEEN,
        decide=open_turn_hidden,
        fold=shown_while_open,
    ),
    _mutant("a decision opens a turn again", _DENIED, ONE_TURN, decide=reported_twice),
    _mutant("a denied call is run", _DENIED, APPROVED, decide=reported_as_given),
    _mutant("a report does not close its request", _GIVEN, LISTED, fold=item_outlives_its_report),
    _mutant("a decision is forgotten until its turn is opened", _GIVEN, LISTED, fold=item_dropped_at_the_decision),
    _mutant("a request is forgotten once its turn has ended", _GIVEN, LISTED, fold=item_dropped_at_the_end),
    _mutant(decisions_not_reported, _GIVEN, REPORTED, decide=decisions_not_reported),
    _mutant("an expired call is approved", _OVER, FIRST, decide=decided_again, fold=decided_again_by_all),
    _mutant(
        "a call that was taken back is approved", _TAKEN_BACK, FIRST, decide=decided_again, fold=decided_again_by_all
    ),
    _mutant("two deciders both count", _BOTH, FIRST, decide=decided_again, fold=decided_again_by_all),
    _mutant("the second decider overrules the record", _BOTH, ACCEPTED, decide=decided_again),
    _mutant("a decided call is taken back", _TAKEN_BACK, FIRST, decide=closed_again, fold=closed_again_by_all),
    _mutant(decided_too_late, _TARDY, "a decision comes before its call expires", decide=decided_too_late),
    _mutant(
        any_digest_of_a_deferred_call,
        _SENT_MISLED,
        "a decision is on the arguments that were shown",
        decide=any_digest_of_a_deferred_call,
    ),
    _mutant("runs other arguments than those approved", _EDITED, APPROVED, decide=runs_what_was_asked),
    _mutant("a report is opened while a turn is open", _BETWEEN, ACCEPTED, decide=reported_while_open),
    _mutant(
        "a report is opened beside another turn",
        _BETWEEN,
        OPEN,
        decide=reported_while_open,
        fold=open_turn_ignored_by_all,
    ),
    _mutant("a request is made twice", _TWICE, "a request waits once", decide=requests_forgotten),
    _mutant("deferred calls never expire", _OVER, ENDS, never_expires=True),
    _mutant("losses are not counted", CROWDS[2], "claims are bounded", ENDS, counts_no_losses=True),
)
