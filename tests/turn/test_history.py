"""Whatever became of the turns before, the next request can be sent, and tells the model what people saw."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backends import open_store
from core.canonical import canonical
from core.log.facts import VERSIONS
from core.log.fold import State, fold, fold_all
from core.log.records import DeferredCall, ModelCall, OpenTurn, ToolCall, Turn, record
from core.model import AssistantMessage, ModelRequest, SentMessage, ToolMessage, UserMessage
from core.options import Options
from core.token_estimates import CHARACTERS_PER_TOKEN
from core.turn.commands import Start, WrittenCall
from core.turn.plan import plan
from core.worker.earlier import EarlierTurns
from core.worker.history import ERASED, Encoded, as_json, request_bytes, turn_messages
from core.worker.window import NewestTurns
from tests.checker.account import Account
from tests.checker.logs import Log, created, erased, logs, stop, submit
from tests.checker.world import STREAM
from tests.support.commands import answered, failed, finished, requested

ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
QUESTION = re.compile(r"Which ([A-Za-z0-9_-]+)\?")
NOTE = re.compile(r"(?:\n\n)?\[this answer (?:ended early: [a-z_]+|was empty)\]$")

many = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
fewer = settings(many, max_examples=60)
limits = st.builds(
    Options,
    window_tokens=st.integers(1, 60) | st.just(24_000),
    window_messages=st.integers(1, 8) | st.just(40),
    tool_result_tokens=st.integers(1, 20) | st.just(4_000),
)


@many
@given(logs(max_turns=4), limits)
def test_the_next_request_can_be_sent_whatever_happened(log: Log, options: Options) -> None:
    check_sendable(next_request(log, options))


@many
@given(logs(max_turns=4), st.sets(st.sampled_from(sorted(VERSIONS)), min_size=1))
def test_the_next_request_can_be_sent_whatever_was_erased(log: Log, kinds: set[str]) -> None:
    if log.open:
        stop(log, "")
    log.entries = erased(log.entries, lambda entry: entry.kind in kinds)
    log.state = fold_all(State(), log.entries)
    messages = next_request(log, Options())
    check_sendable(messages)
    if "turn.opened" in kinds:
        assert ERASED in next(m.text for m in messages if isinstance(m, UserMessage))


@many
@given(logs(max_turns=4), limits)
def test_the_window_keeps_the_newest_whole_turns_that_fit(log: Log, options: Options) -> None:
    ask_again(log)
    *earlier, newest = branch(log)
    kept = anyio.run(windowed, log, newest, options)
    assert kept == [turn.model_copy(update={"citations": []}) for turn in earlier[len(earlier) - len(kept) :]]
    budget = options.window_tokens * CHARACTERS_PER_TOKEN
    assert len(kept) <= options.window_messages // 2
    assert sum(turn.size for turn in kept) <= budget
    more = earlier[len(earlier) - len(kept) - 1 :]
    if len(kept) < len(earlier) and len(kept) < options.window_messages // 2:
        assert sum(turn.size for turn in more) > budget


@many
@given(logs(max_turns=6), limits)
def test_the_model_is_sent_the_newest_turns_of_the_shown_branch_and_of_no_other(log: Log, options: Options) -> None:
    ask_again(log)
    items = {
        id: one.model_copy(update={"question": f"Which {id}?"}) if isinstance(one, Turn) else one
        for id, one in log.state.items.items()
    }
    log.state = replace(log.state, items=items)
    turns = [turn.id for turn in branch(log)]
    for of, everything in ((options, False), (Options(window_tokens=10**6, window_messages=1000), True)):
        texts = [m.text for m in anyio.run(_next_request, log, of) if isinstance(m, UserMessage)]
        sent = [turn for text in texts for turn in QUESTION.findall(text)]
        assert sent[-1] == turns[-1]
        assert sent == turns[0 if everything else len(turns) - len(sent) :]


@fewer
@given(logs(max_turns=4))
def test_what_is_kept_of_earlier_turns_is_what_would_be_read(log: Log) -> None:
    anyio.run(read_along, log)


async def read_along(log: Log) -> None:
    """One desk answers all turns of a thread, and another one begins anew with each of them."""
    options = Options()
    async with open_store("memory:") as store:
        kept, state, clean = EarlierTurns(store, NewestTurns(), options), State(), 0
        for entry in log.entries:
            state = fold(state, entry)
            if entry.kind not in ("turn.opened", "turn.ended"):
                continue
            changed = [record(item) for item in state.items.values() if item.n > clean]
            await store.commit(STREAM, 0, (), changed, id=f"c{entry.n}")
            clean = entry.n
            turn = state.items.get(entry.shell.get("turn", ""))
            if entry.kind == "turn.opened":
                assert isinstance(turn, Turn)
                anew = EarlierTurns(store, NewestTurns(), options)
                chosen = (await kept.choose(turn)).turns
                assert [one.id for one in chosen] == [one.id for one in (await anew.choose(turn)).turns]
                assert await kept.messages(turn, chosen) == await anew.messages(turn, chosen)
            if entry.kind == "turn.ended":
                assert isinstance(turn, Turn)
                kept.add("t", turn, state.items)


@many
@given(logs(max_turns=3))
def test_an_ended_turn_is_told_as_it_was_seen(log: Log) -> None:
    """Text for text, and what broke off says so."""
    ask_again(log)
    for turn in log.turns()[:-1]:
        messages = anyio.run(told, log, turn)
        spoken = [m.text for m in messages if isinstance(m, AssistantMessage)]
        if not turn.erased:
            assert " ".join(NOTE.sub("", text) for text in spoken).split() == turn.text.split()
        assert (turn.status != "completed") == bool(spoken and "early" in spoken[-1])
        assert not any(NOTE.search(text) for text in spoken[:-1])


@many
@given(logs(max_turns=3))
def test_every_call_of_a_kept_turn_is_told_with_its_outcome(log: Log) -> None:
    ask_again(log)
    for turn in log.turns()[:-1]:
        messages = anyio.run(told, log, turn)
        calls = {i.id: i for i in log.state.items.values() if isinstance(i, ToolCall) and i.turn == turn.id}
        results = {m.id: m for m in messages if isinstance(m, ToolMessage)}
        reports = [m.report for m in messages if isinstance(m, UserMessage) and m.report]
        assert len(reports) == (turn.report is not None)
        carried_out = {report.id: report for report in reports if report.id != turn.report}
        assert results.keys() | carried_out.keys() == calls.keys()
        for id, call in calls.items():
            assert (id in carried_out) == (call.carries_out is not None)
            assert (results | carried_out)[id].failed == (call.status not in ("succeeded", "deferred"))
            if call.status == "unknown":
                assert "Nobody knows" in (results | carried_out)[id].content


def test_a_window_of_any_size_is_accepted() -> None:
    log = created(Options())
    submit(log, "why?")
    for messages in (1, 2, 999, 1000, 10_000):
        check_sendable(next_request(log, Options(window_messages=messages)))


def test_a_partial_answer_is_told_as_seen_and_marked_cut_off() -> None:
    log = created(Options())
    submit(log, "why?")
    request_model(log)
    stop(log, "Because the")
    spoken = [m.text for m in next_request(log, Options()) if isinstance(m, AssistantMessage)]
    assert spoken == ["Because the\n\n[this answer ended early: cancelled]"]


def test_an_attempt_that_was_replaced_is_not_told() -> None:
    log = created(Options(on_interruption="retry"))
    submit(log, "why?")
    request_model(log)
    worker, call = held(log)
    log.command(failed(worker, call, "connection", "Never m"))
    request_model(log)
    answer(log, "Let me look.", WrittenCall(tool="look", effect="read", approval=None, arguments={}))
    stop(log, "")
    told_text = str(as_json(ModelRequest(instructions="", messages=tuple(next_request(log, Options())))))
    assert "Never m" not in told_text
    assert "Let me look." in told_text


def test_an_erased_result_leaves_a_placeholder_beside_its_call() -> None:
    log = created(Options())
    submit(log, "why?")
    request_model(log)
    answer(log, "", WrittenCall(tool="look", effect="read", approval=None, arguments={}))
    worker, _ = held(log)
    call = f"{log.turns()[-1].id}-t1"
    log.command(Start(worker=worker, calls=(call,)))
    log.command(finished(worker, call, result="secret", size=8))
    stop(log, "")
    log.entries = erased(log.entries, lambda entry: entry.kind == "tool.finished")
    log.state = fold_all(State(), log.entries)
    results = [m.content for m in next_request(log, Options()) if isinstance(m, ToolMessage)]
    assert results == [ERASED]


def check_sendable(messages: Sequence[SentMessage]) -> None:
    """What both wire formats demand of a request."""
    assert isinstance(messages[0], UserMessage)
    waiting: list[tuple[str, str]] = []
    seen: set[str] = set()
    for message in messages:
        match message:
            case ToolMessage():
                assert waiting, "a result of no call"
                assert (message.id, message.tool) == waiting.pop(0)
                assert message.content
            case UserMessage():
                assert not waiting, "a call without its result"
                assert message.text.strip()
            case AssistantMessage():
                assert not waiting, "a call without its result"
                assert message.text.strip() or (message.calls and not message.text)
                waiting = [(call.id, call.tool) for call in message.calls]
                for call in message.calls:
                    assert ID.fullmatch(call.id)
                    assert call.id not in seen
                    seen.add(call.id)
                    assert isinstance(call.arguments, dict)
    assert not waiting, "a call without its result"
    assert canonical(as_json(ModelRequest(instructions="", messages=tuple(messages))))


def next_request(log: Log, options: Options) -> list[SentMessage]:
    """What the model is sent next: on the open turn if it is about to be asked, else on one more."""
    ask_again(log)
    return anyio.run(_next_request, log, options)


def branch(log: Log) -> list[Turn]:
    """The turns of the shown branch, oldest first, by an account that knows no ranges."""
    account = Account().after(log.entries)
    return [log.state.item(Turn, turn) for turn in account.path(account.last)][::-1]


def ask_again(log: Log) -> None:
    """Let the newest turn be one whose model is about to be asked."""
    if log.open and not _about_to_ask(log.open):
        stop(log, "Half an ans" if log.open.model_call else "")
    if log.open is None:
        submit(log, "and now?")


@many
@given(logs(max_turns=3), limits)
def test_a_request_has_the_digest_of_its_json_whether_its_messages_are_new_or_sent_again(
    log: Log, options: Options
) -> None:
    ask_again(log)
    encoded: Encoded = {}
    messages = tuple(anyio.run(_next_request, log, options))
    for sent in (messages, messages[-1:], (*messages, UserMessage(text='"messages":[],"output":'))):
        request = ModelRequest(instructions=',"messages":[],"output":', messages=sent, settings={"messages": []})
        assert request_bytes(request, encoded) == canonical(as_json(request))


def _about_to_ask(open: OpenTurn) -> bool:
    return plan(open, retrieves=False).kind == "request_model"


async def _next_request(log: Log, options: Options) -> list[SentMessage]:
    async with open_store("memory:") as store:
        await _keep(store, log)
        turn = log.turns()[-1]
        earlier = EarlierTurns(store, NewestTurns(), options)
        chosen = await earlier.choose(turn)
        messages = await earlier.messages(turn, chosen.turns)
        return [*messages, *turn_messages(turn, log.state.items, options)]


async def windowed(log: Log, turn: Turn, options: Options) -> list[Turn]:
    async with open_store("memory:") as store:
        await _keep(store, log)
        return list((await EarlierTurns(store, NewestTurns(), options).choose(turn)).turns)


async def told(log: Log, turn: Turn) -> list[SentMessage]:
    async with open_store("memory:") as store:
        await _keep(store, log)
        return await EarlierTurns(store, NewestTurns(), Options()).messages(log.turns()[-1], [turn])


async def _keep(store: Any, log: Log) -> None:
    """The records of the log, as its writers leave them."""
    records = [record(item) for item in log.state.items.values()]
    await store.commit(STREAM, 0, (), records, id="kept")


def request_model(log: Log) -> None:
    """A model request goes out."""
    assert log.open
    assert log.open.worker
    act = plan(log.open, retrieves=False)
    log.command(requested(log.open.worker, step=act.step, attempt=act.attempt))


def held(log: Log) -> tuple[Any, str]:
    """The worker, and the open model call or ""."""
    assert log.open
    return log.open.worker, log.open.model_call.call if log.open.model_call else ""


def answer(log: Log, text: str, *calls: WrittenCall) -> None:
    """The model answers."""
    worker, call = held(log)
    log.command(answered(worker, call, text, "tool_calls" if calls else "end", calls))


class Enough(Exception):
    """Everything was seen: there is nothing more to look for."""


def test_the_generated_logs_hold_everything_that_can_go_wrong() -> None:
    """Or the properties above would prove little."""
    statuses = ("completed", "cancelled", "interrupted", "failed", "refused", "truncated", "awaiting_approval")
    outcomes = (
        "succeeded",
        "failed",
        "timed_out",
        "denied",
        "unknown",
        "unknown_tool",
        "invalid_arguments",
        "cancelled",
        "deferred",
    )
    expected = {*(f"turn {status}" for status in statuses), *(f"call {outcome}" for outcome in outcomes)}
    expected |= {
        f"deferred {became}" for became in ("waiting", "decided", "reported", "expired", "withdrawn", "tool_gone")
    }
    expected |= {"version", "version shown again", "report", "report that runs a call"}
    expected |= {"late", "model empty", "model pause", "model length", "model worker_lost"}
    seen: set[str] = set()

    @settings(many, max_examples=6000, database=None, derandomize=True, phases=[Phase.generate])
    @given(logs(max_turns=4))
    def look(log: Log) -> None:
        if any(entry.kind == "approval.asked" for entry in log.entries):
            seen.add("turn awaiting_approval")  # which the turn's record said from there on
        for one in log.state.items.values():
            match one:
                case Turn():
                    seen.add(f"turn {one.status}")
                    seen.update(["version"] if one.replaces else [])
                    seen.update(["report"] if one.report else [])
                    seen.update(["version shown again"] if any(len(v.seen) > 1 for v in one.versions) else [])
                case DeferredCall():
                    seen.add(f"deferred {one.closed or one.status}")
                case ToolCall():
                    seen.add(f"call {one.status}")
                    seen.update(["late"] if one.late else [])
                    seen.update(["report that runs a call"] if one.carries_out else [])
                case ModelCall():
                    seen.add(f"model {one.code or one.stop_reason}")
        if expected <= seen:
            raise Enough

    with suppress(Enough):
        look()
    assert expected <= seen
