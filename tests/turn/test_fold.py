"""The fold of any legal log: the same from any start, in any process, with and without what was erased."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.canonical import canonical
from core.clock import iso
from core.errors import Corrupt, InvalidInput, NotFound, NotReplaceable
from core.ids import check_id
from core.log.branches import MAX_HIDDEN
from core.log.entry import Draft, chain, verify
from core.log.facts import (
    VERSIONS,
    ErasureAsked,
    ErasureWithdrawn,
    InstructionsChanged,
    InstructionsContent,
    MetadataChanged,
    MetadataContent,
    Renamed,
    ResultContent,
    Shelved,
    ThreadErased,
    ThreadFact,
    TitleContent,
    ToolFinished,
    draft,
    fact,
    thread_fact,
)
from core.log.fold import State, fold, fold_all
from core.log.records import Item, Message, ModelCall, Retrieval, Thread, ToolCall, Turn, item, item_of, record
from core.options import Options
from core.turn.commands import Answered, Start, WrittenCall
from core.turn.deferred import report_turn
from core.values import GENESIS, Entry
from tests.checker.logs import FORGETTABLE, Log, created, erase, erased, forget, logs, show, stop, submit
from tests.checker.world import AT, SALT, STREAM
from tests.support.commands import answered, finished, requested

HEAD_BYTES = 8_000
"""What the head of a thread with one open turn may take, however large its contents are."""

many = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
fewer = settings(many, max_examples=60)


@many
@given(logs())
def test_any_log_says_what_was_meant_and_folds_to_the_records_its_writer_kept(log: Log) -> None:
    """Three properties of one log: what takes long is to draw it."""
    _the_kept_records_are_those_of_a_fold_from_scratch(log)
    _every_entry_says_what_its_fact_said_and_chains(log)
    _every_record_and_payload_has_one_encoding_and_comes_back(log)


def _the_kept_records_are_those_of_a_fold_from_scratch(log: Log) -> None:
    folded = fold_all(State(), log.entries)
    assert folded.thread == log.state.thread
    assert dict(folded.items) == dict(log.state.items)
    assert folded.thread.rejected == 0  # type: ignore[union-attr]  # a log begins with its thread


def _every_entry_says_what_its_fact_said_and_chains(log: Log) -> None:
    for entry in log.entries:
        said = thread_fact(entry)
        if not entry.erased:
            written = draft(said)
            assert (written.kind, written.v, written.shell, written.payload) == (
                entry.kind,
                entry.v,
                entry.shell,
                entry.payload,
            )
        assert fact(entry) == said
    assert verify(log.entries) == (log.state.n, log.state.hash)


def _every_record_and_payload_has_one_encoding_and_comes_back(log: Log) -> None:
    for entry in log.entries:
        assert canonical(entry.shell)
        assert canonical(entry.payload)
    assert log.state.thread
    for one in (log.state.thread, *log.state.items.values()):
        kept = record(one)
        assert canonical(dict(kept.fields)) == canonical(dict(record(item(kept)).fields))
        assert item(kept) == one


@fewer
@given(logs(), st.data())
def test_writers_that_take_turns_and_lose_records_leave_those_of_a_fold_from_scratch(log: Log, data: Any) -> None:
    """Each writer starts from the head and the records it finds, folds on, and writes some records, the head last."""
    stored: dict[str, Item] = {}
    head: Thread | None = None
    end = 0
    for size in log.commits:
        end += size
        state = _loaded(head, stored)
        clean = state.n
        for entry in log.entries[state.n : end]:
            state = fold(state, entry)
        touched = [item for item in state.items.values() if item.n > clean]
        cut = data.draw(st.integers(0, len(touched)) | st.just(len(touched) + 1))
        for one in touched[:cut]:
            if one.id not in stored or stored[one.id].n < one.n:
                stored[one.id] = one
        if cut > len(touched):
            head = state.thread
    state = fold_all(_loaded(head, stored), log.entries[head.n if head else 0 :])
    folded = fold_all(State(), log.entries)
    assert state.thread == folded.thread
    assert {id: _said(one) for id, one in state.items.items()} == {id: _said(one) for id, one in folded.items.items()}


def _said(one: Item) -> Item:
    # A question follows its turn's status; where the turn's record was ahead, it hears of it an entry or so later.
    return one.model_copy(update={"n": 0}) if isinstance(one, Message) and one.role == "user" else one


def _loaded(head: Thread | None, stored: dict[str, Item]) -> State:
    return State(item(record(head)), {id: item(record(one)) for id, one in stored.items()}) if head else State()  # type: ignore[arg-type]


@fewer
@given(logs(max_turns=1), st.data())
def test_a_gap_a_change_and_a_swap_are_found_where_they_are(log: Log, data: Any) -> None:
    at = data.draw(st.integers(0, len(log.entries) - 1))
    entry = log.entries[at]
    before, after = log.entries[:at], log.entries[at + 1 :]
    wrong: dict[str, list[Entry]] = {
        "shell": [*before, dataclasses.replace(entry, shell={**entry.shell, "x": 1}), *after],
        "by": [*before, dataclasses.replace(entry, by="somebody"), *after],
        "kind": [*before, dataclasses.replace(entry, kind="thread.renamed "), *after],
        "rehashed": [*before, dataclasses.replace(entry, prev="1" * 64), *after],
    }
    if not entry.erased:
        wrong["payload"] = [*before, dataclasses.replace(entry, payload={"x": 1}), *after]
    if after:
        wrong["gap"] = [*before, *after]
        wrong["swap"] = [*before, after[0], entry, *after[1:]]
        renumbered = chain(
            STREAM,
            at,
            entry.prev,
            [Draft(kind=entry.kind, v=entry.v, shell=entry.shell, payload={"x": 2})],
            by="u",
            at=AT,
            salts=[SALT],
        )
        wrong["forged in the middle"] = [*before, *renumbered, *after]
    for what, entries in wrong.items():
        with pytest.raises(Corrupt) as found:
            verify(entries)
        assert found.value.stream == STREAM, what
        assert found.value.n in (at + 1, at + 2), what
    for what in ("gap", "swap", "forged in the middle"):
        if what in wrong:
            with pytest.raises(Corrupt):
                fold_all(State(), wrong[what])


@fewer
@given(logs(), st.data())
def test_erasing_leaves_the_chain_whole_and_the_fold_without_content(log: Log, data: Any) -> None:
    kinds = data.draw(st.sets(st.sampled_from(sorted(VERSIONS)), min_size=1))
    entries = erased(log.entries, lambda entry: entry.kind in kinds)
    assert verify(entries) == (log.state.n, log.state.hash)
    folded = fold_all(State(), entries)
    assert folded.thread
    assert log.state.thread
    assert folded.thread.open == log.state.thread.open
    assert (folded.thread.n, folded.thread.totals, folded.thread.rejected) == (log.state.n, log.state.thread.totals, 0)
    assert folded.items.keys() == log.state.items.keys()
    for id, kept in log.state.items.items():
        assert _without_content(folded.items[id]) == _without_content(kept)


def _without_content(one: Item) -> Any:
    """What must be the same whatever was erased: who, when, which status, at what cost."""
    match one:
        case Turn():
            return one.status, one.fence, one.code, one.ended_at, one.totals, one.rating, one.waiting
        case ToolCall():
            return one.status, one.effect, one.attempts, one.fence, one.digest, one.code, one.size
        case ModelCall():
            return one.status, one.usage, one.cost, one.code
        case Retrieval():
            return one.count, one.error, one.first_number
        case _:
            return one.n, one.id


@many
@given(logs(), st.sets(st.sampled_from(FORGETTABLE), min_size=1))
def test_forgotten_content_is_in_no_record(log: Log, kinds: set[str]) -> None:
    canary = "xyzzy-canary"
    if log.open:
        stop(log, "")
    _told(log, canary)
    turn = log.turns()[-1]
    forget(log, turn, sorted({*kinds, "tool.finished"}))
    assert dict(fold_all(State(), log.entries).items) == dict(log.state.items)
    assert not [id for id, one in log.state.items.items() if canary in one.model_dump_json()]


def _told(log: Log, result: str) -> None:
    """One more turn, whose tool's result is this, ended."""
    submit(log, "more?")
    me = log.open.worker  # type: ignore[union-attr]  # just submitted
    assert me
    turn = log.turns()[-1].id
    log.command(requested(me))
    log.command(_answer(log, (WrittenCall(tool="look", effect="read", approval=None, arguments={}),)))
    log.command(Start(worker=me, calls=(f"{turn}-t1",)))
    log.command(finished(me, f"{turn}-t1", result=result, size=len(result)))
    stop(log, "")


def _answer(log: Log, calls: tuple[WrittenCall, ...]) -> Answered:
    assert log.open
    assert log.open.worker
    assert log.open.model_call
    return answered(log.open.worker, log.open.model_call.call, "", "tool_calls", calls)


def test_an_entry_from_a_fence_no_longer_in_force_is_counted_and_changes_nothing() -> None:
    log = created(Options())
    submit(log, "why?")
    _ask_for_a_look(log)
    before, turn = log.state, log.turns()[-1].id
    stale = ToolFinished(turn=turn, fence=0, call=f"{turn}-t1", status="succeeded", content=ResultContent(result="no"))
    log.append([draft(stale)])
    assert before.thread
    assert log.state.thread
    assert log.state.thread.rejected == 1
    assert log.state.thread.open == before.thread.open
    assert dict(log.state.items) == dict(before.items)


def test_an_outcome_is_recorded_under_the_turn_and_fence_in_force_whatever_its_worker_believed() -> None:
    log = created(Options())
    submit(log, "why?")
    _ask_for_a_look(log)
    assert log.open
    assert log.open.worker
    turn, fence = log.open.turn, log.open.fence
    command = finished(log.open.worker, f"{turn}-t1", result="yes", turn="another", fence=fence + 7)
    log.command(command)
    shell = log.entries[-1].shell
    assert (log.entries[-1].kind, shell["turn"], shell["fence"]) == ("tool.finished", turn, fence)
    assert log.state.item(ToolCall, f"{turn}-t1").result == "yes"


def test_a_record_that_is_not_there_or_of_another_type_is_not_found() -> None:
    log = created(Options())
    submit(log, "why?")
    turn = log.turns()[-1].id
    assert log.state.item(Turn, turn).question == "why?"
    for item_id in (turn, "nowhere"):
        with pytest.raises(NotFound) as missing:
            log.state.item(ToolCall, item_id)
        assert (missing.value.kind, missing.value.id) == ("tool_call", item_id)


def _ask_for_a_look(log: Log) -> None:
    assert log.open
    me = log.open.worker
    assert me
    log.command(requested(me))
    log.command(_answer(log, (WrittenCall(tool="look", effect="read", approval=None, arguments={}),)))
    log.command(Start(worker=me, calls=(f"{log.open.turn}-t1",)))


@many
@given(logs(), st.data())
def test_any_entry_said_again_from_an_older_fence_is_rejected(log: Log, data: Any) -> None:
    open = log.open
    fenced = [entry for entry in log.entries if "fence" in entry.shell and entry.kind not in ("turn.claimed", "late")]
    if not fenced:
        return
    entry = data.draw(st.sampled_from(fenced))
    shell = {**entry.shell, "fence": entry.shell["fence"] - 1}
    if open and shell["turn"] == open.turn and shell["fence"] == open.fence:
        return
    before = log.state
    log.append([Draft(kind=entry.kind, v=entry.v, shell=shell, payload=_payload(entry))])
    assert before.thread
    assert log.state.thread
    assert log.state.thread.rejected == 1
    assert log.state.thread.open == before.thread.open
    assert dict(log.state.items) == dict(before.items)


def _payload(entry: Entry) -> Any:
    said = thread_fact(entry)
    content = getattr(said, "content", None)
    return content.model_dump(mode="json") if content else entry.payload


@pytest.mark.parametrize(
    ("told", "newer"),
    [
        (Renamed(content=TitleContent(title="My days")), False),
        (InstructionsChanged(content=InstructionsContent(instructions="Be brief.")), False),
        (Shelved(shelf="pinned"), False),
        (ErasureAsked(due=iso(AT)), False),
        (ErasureWithdrawn(), False),
        (ThreadErased(upto=1), False),
        (MetadataChanged(content=MetadataContent(metadata={"site": "Graz"})), True),
    ],
    ids=lambda told: getattr(told, "kind", ""),
)
def test_a_title_a_shelf_and_an_erasure_do_not_make_a_thread_newer(told: ThreadFact, newer: bool) -> None:
    state = created(Options()).state
    later = AT + timedelta(days=3)
    (entry,) = chain(STREAM, state.n, state.hash, [draft(told)], by="e-1042", at=later, salts=[SALT])
    head = fold(state, entry).thread
    assert head
    assert state.thread
    assert head.n == state.n + 1
    assert head.updated_at == (iso(later) if newer else state.thread.updated_at)


@pytest.mark.parametrize(
    ("kind", "v", "shell"),
    [
        ("thread.exploded", 1, {}),
        ("thread.renamed", 2, {}),
        ("live.text", 1, {"call": "c"}),
        ("turn.released", 1, {"turn": "t"}),
        ("turn.released", 1, {"turn": "t", "fence": 1, "more": 1}),
    ],
)
def test_what_this_code_does_not_know_is_refused_by_name(kind: str, v: int, shell: Any) -> None:
    log = created(Options())
    with pytest.raises(Corrupt, match=r"thread:t entry 2") as found:
        log.append([Draft(kind=kind, v=v, shell=shell, payload={"text": "x"})])
    assert (found.value.stream, found.value.n) == (STREAM, 2)
    assert kind in str(found.value)


def test_a_record_is_given_under_its_own_type_or_not_at_all() -> None:
    log = created(Options())
    submit(log, "why?")
    assert log.open
    turn = log.open.turn
    stored = record(log.state.item(Turn, turn))
    assert item_of(Turn, stored) == item(stored)
    with pytest.raises(NotFound, match=f"^tool_call {turn} was not found$"):
        log.state.item(ToolCall, turn)
    with pytest.raises(NotFound, match=r"^turn never was not found$"):
        log.state.item(Turn, "never")
    with pytest.raises(Corrupt, match=f"record turn:{turn}"):
        item_of(ToolCall, stored)


def test_messages_that_an_erasure_finds_behind_their_turn_say_how_the_turn_ended() -> None:
    log = created(Options())
    submit(log, "why?")
    lagging = log.state
    stop(log, "half")
    erase(log, gone=False)
    assert lagging.thread
    (turn,) = log.turns()
    state = fold_all(State(lagging.thread, {**lagging.items, turn.id: turn}), log.entries[lagging.n :])
    assert {one.id: one for one in state.items.values()} == log.state.items
    assert {one.status for one in state.items.values() if isinstance(one, Message)} == {"cancelled"}


def test_a_log_begins_with_its_thread() -> None:
    with pytest.raises(Corrupt, match="begins"):
        Log().append([Draft(kind="turn.released", v=1, shell={"turn": "t", "fence": 1}, payload={})])


@pytest.mark.parametrize("size", [10, 4_000_000])
def test_the_head_holds_no_content(size: int) -> None:
    log = created(Options())
    submit(log, "why? " * 6000)
    _ask_for_a_look(log)
    assert log.open
    assert log.open.worker
    call = f"{log.open.turn}-t1"
    log.command(finished(log.open.worker, call, result="x" * size, size=size))
    assert log.state.thread
    assert len(canonical(dict(record(log.state.thread).fields))) < HEAD_BYTES


def test_the_first_entry_follows_nothing() -> None:
    assert created(Options()).entries[0].prev == GENESIS


def test_what_a_branch_leaves_out_stays_within_its_bound_however_often_versions_are_shown_in_turn() -> None:
    log = created(Options())
    submit(log, "why?")
    stop(log, "")
    first = log.turns()[0]
    submit(log, "why?", replaces=first.id)
    stop(log, "")
    second = log.turns()[1]

    def go_to_and_fro() -> None:
        for number in range(2 * MAX_HIDDEN + 2):
            show(log, (first, second)[number % 2])
            submit(log, "and now?")
            stop(log, "")

    with pytest.raises(NotReplaceable, match="open a new thread"):
        go_to_and_fro()
    assert log.state.thread
    assert len(log.state.thread.hidden) <= MAX_HIDDEN


def test_the_request_of_a_report_is_one_that_no_caller_can_send() -> None:
    _, request = report_turn("t", "t-r1-t1")
    with pytest.raises(InvalidInput):
        check_id(request)
