"""What auditors find: pseudonyms in place of ids, filters over what came of turns, and snippets of what was said."""

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from backends.stores.opening import open_store
from core.clock import SystemClock
from core.desk.desk import Desk
from core.desk.filters import CallFilter, ThreadFilter
from core.desk.snippets import WIDTH, snippet
from core.errors import Denied, InvalidInput
from core.gate import Viewer
from core.log.pseudonyms import Pseudonyms
from core.log.records import record
from core.tools import tool
from tests.support.desks import QUICK, ended

ASKER = Viewer("e-1042")
OTHER = Viewer("e-1077")
AUDITOR = Viewer("e-2001", {"auditor", "employee"}, purpose="complaint 7")


@tool(effect="read", filters=["start"], subject="employee")
def balance(start: str, employee: str | None = None) -> dict[str, str]:
    """The balance of an employee."""
    if start == "never":
        raise ValueError("Ask for a day.")
    return {"days": "12"}


@tool(effect="unsafe")
def pay() -> str:
    """Pay."""
    return "paid"


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("You have 12 days.")]
    text = request.messages[-1].text
    match text.split():
        case ["pay"]:
            return [Call("pay", {})]
        case ["balance", start]:
            return [Call("balance", {"start": start})]
        case ["balance", start, employee]:
            return [Call("balance", {"start": start, "employee": employee})]
    return [Say(f"You said: {text}")]


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/desk.db"
    async with (
        open_store(url) as store,
        Desk(store, ScriptedModel(script), tools=[balance, pay], options=QUICK) as desk,
    ):
        yield desk


async def asked(desk, viewer, *questions, metadata=None):
    thread = (await desk.create_thread(viewer, metadata=metadata)).id
    turns = [await ended(desk, await desk.submit(viewer, thread, question), viewer) for question in questions]
    return thread, [turn.id for turn in turns]


def ids(listing):
    return [row.thread.id for row in listing.items]


async def test_an_auditor_is_shown_pseudonyms_and_a_person_their_own_id(desk):
    thread, (turn,) = await asked(desk, ASKER, "balance monday")
    seen = await desk.archive.transcript(AUDITOR, thread)
    call = seen.turns[0].calls[0]
    row = (await desk.oversight.search_threads(AUDITOR)).items[0].thread
    found = (await desk.oversight.search_calls(AUDITOR)).items[0]
    shown = {
        one.owner
        for one in (
            *(seen.thread, seen.turns[0].turn, call, row, found),
            await desk.archive.turn(AUDITOR, turn),
            await desk.archive.call(AUDITOR, call.id),
            *await desk.archive.messages(AUDITOR, thread),
            *await desk.archive.tool_calls(AUDITOR, thread),
            *await desk.archive.model_calls(AUDITOR, thread),
        )
    }
    assert len(shown) == 1
    assert next(iter(shown)).startswith("EMP-")
    assert "e-1042" not in repr(seen)
    assert (await desk.archive.thread(ASKER, thread)).owner == "e-1042"


async def test_an_auditor_who_follows_a_turn_is_shown_pseudonyms_and_the_asker_their_own_id(desk):
    _, (ended_turn,) = await asked(desk, ASKER, "balance monday e-1042")
    thread = (await desk.create_thread(ASKER)).id
    parked = (await desk.submit(ASKER, thread, "pay")).id
    for turn, kinds in (
        (ended_turn, {"tool.started", "tool.finished", "text", "ended"}),
        (parked, {"approval.asked"}),
    ):
        own = [event async for event in desk.follow(ASKER, turn) if event.kind != "beat"]
        seen = [event async for event in desk.follow(AUDITOR, turn) if event.kind != "beat"]
        assert [event.kind for event in seen] == [event.kind for event in own]
        assert {event.kind for event in seen} == kinds
        assert "owner='e-1042'" in repr(own)
        assert "owner='e-1042'" not in repr(seen)


async def test_two_processes_give_a_person_one_pseudonym_and_two_installations_give_two():
    one, other = MemoryStore(), MemoryStore()
    names = []

    async def name(store):
        names.append(await Pseudonyms(store, SystemClock()).of("e-1042"))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(name, one)
    await name(other)
    assert len({*names[:5]}) == 1
    assert names[5] != names[0]


async def test_naming_a_person_is_a_look_of_its_own_and_needs_a_purpose(desk):
    thread, _ = await asked(desk, ASKER, "hello")
    await asked(desk, OTHER, "hello")
    assert ids(await desk.oversight.search_threads(AUDITOR, ThreadFilter(owner="e-1042"))) == [thread]
    (entry,) = await desk._store.read("audit:e-2001")
    assert (entry.shell["action"], entry.shell["object"]) == ("person.search", "person:e-1042")
    with pytest.raises(InvalidInput, match="purpose"):
        await desk.oversight.search_calls(Viewer("e-2001", {"auditor"}), CallFilter(owner="e-1042"))
    with pytest.raises(Denied):
        await desk.oversight.search_threads(ASKER, ThreadFilter(owner="e-1042"))


async def test_threads_are_found_by_what_came_of_any_of_their_turns(desk):
    good, (first, _) = await asked(desk, ASKER, "hello", "balance monday", metadata={"site": {"town": "Graz"}})
    bad, _ = await asked(desk, OTHER, "balance never", "hello")
    await desk.give_feedback(ASKER, first, "up")
    await desk.give_feedback(ASKER, first, "down")

    async def found(**filters):
        return ids(await desk.oversight.search_threads(AUDITOR, ThreadFilter(**filters)))

    assert {*await found(outcomes=("unsourced",))} == {bad, good}
    assert await found(outcomes=("failed", "waiting")) == []
    assert await found(tools=("balance",), call_statuses=("failed", "timed_out")) == [bad]
    assert await found(call_statuses=("succeeded",)) == [good]
    assert await found(ratings=("down",)) == [good]
    assert await found(ratings=("up",)) == []
    assert await found(models=("scripted:",), metadata={"site.town": "Graz"}) == [good]
    assert await found(metadata={"site.town": "Wien"}) == []
    assert await found(tools=("invented",)) == []
    head = await desk.archive.thread(ASKER, good)
    assert (head.outcome_counts, head.rating_counts) == ({"unsourced": 2}, {"down": 1})


async def test_calls_are_found_by_declared_arguments_and_by_whom_they_are_about(desk):
    await asked(desk, ASKER, "balance monday", "balance tuesday e-1042", "balance monday e-1077")

    async def found(**filters):
        listing = await desk.oversight.search_calls(AUDITOR, CallFilter(**filters))
        return [call.arguments["start"] for call in listing.items]

    assert await found() == ["monday", "tuesday", "monday"]
    assert await found(arguments={"start": "tuesday"}) == ["tuesday"]
    assert await found(about_other=True) == ["monday"]
    assert await found(about_other=True, arguments={"start": "tuesday"}) == []
    (other,) = (await desk.oversight.search_calls(AUDITOR, CallFilter(about_other=True))).items
    assert other.about == await Pseudonyms(desk._store, SystemClock()).of("e-1077")


async def test_the_id_of_the_person_a_call_is_about_is_hidden_in_its_arguments_too(desk):
    thread, _ = await asked(desk, ASKER, "balance monday e-1077")
    (call,) = (await desk.oversight.search_calls(AUDITOR)).items
    assert call.arguments == call.planned == {"start": "monday", "employee": call.about}
    assert "e-1077" not in repr(await desk.archive.call_history(AUDITOR, call.id))
    (own,) = await desk.archive.tool_calls(ASKER, thread)
    assert own.arguments["employee"] == "e-1077"


async def test_what_is_on_record_before_the_head_that_seals_its_thread_is_in_no_list(desk):
    thread, _ = await asked(desk, ASKER, "balance monday")
    (call,), (message, *_) = await desk.archive.tool_calls(ASKER, thread), await desk.archive.messages(ASKER, thread)
    head = await desk._store.get("thread", thread)
    ahead = [
        record(one.model_copy(update={"id": f"{one.id}x", "n": head.n + 1, **changes}))
        for one, changes in ((call, {}), (message, {"text": "I am ill, and monday is far"}))
    ]
    await desk._store.commit(f"thread:{thread}", head.n, [], ahead, id="0" * 32)
    assert [one.id for one in (await desk.oversight.search_calls(AUDITOR)).items] == [call.id]
    (row,) = (await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="monday"))).items
    assert "ill" not in row.hit.snippet.text
    assert (await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="ill"))).items == []


async def test_threads_are_found_by_their_verdicts_and_nobody_sees_those_on_their_own(desk):
    wrong, (turn,) = await asked(desk, ASKER, "hello")
    unjudged, _ = await asked(desk, OTHER, "hello")
    own, (of_auditor,) = await asked(desk, AUDITOR, "hello")
    await desk.judge(AUDITOR, turn, "wrong", cause="tone")
    await desk.judge(Viewer("e-2002", {"auditor"}, purpose="second"), of_auditor, "right")

    async def found(*verdicts):
        return ids(await desk.oversight.search_threads(AUDITOR, ThreadFilter(verdicts=verdicts)))

    assert await found("wrong", "right") == [wrong]
    assert await found("none") == [own, unjudged]
    assert await found("none", "wrong") == [own, unjudged, wrong]
    rows = {row.thread.id: row.verdicts for row in (await desk.oversight.search_threads(AUDITOR)).items}
    assert rows == {wrong: {"wrong": 1}, unjudged: {}, own: {}}


async def test_a_hit_names_its_turn_and_marks_the_words(desk):
    thread, (_, second) = await asked(desk, ASKER, "hello", "my dragon question")
    (row,) = (await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="dragon"))).items
    assert (row.thread.id, row.hit.turn) == (thread, second)
    text, ((start, end),) = row.hit.snippet.text, row.hit.snippet.marks
    assert text[start:end] == "dragon"


@pytest.mark.parametrize(
    ("text", "wanted", "marked"),
    [
        ("Parental leave is 14 weeks.", "LEAVE", ["leave"]),
        ("Urlaub in Österreich: 25 Tage", "österr", ["Österreich:"]),
        ("nothing of it", "dragon", []),
        ("word " * 100 + "dragon here " + "word " * 100, "dragon", ["dragon"]),
        ("x" * 1000, "dragon", []),
        ("", "dragon", []),
    ],
)
def test_a_snippet_shows_the_words_in_their_place(text, wanted, marked):
    shown = snippet(text, wanted)
    assert [shown.text[start:end] for start, end in shown.marks] == marked
    assert len(shown.text) <= WIDTH + 4


def test_a_snippet_of_a_text_without_a_blank_is_no_longer_than_any_other():
    found = snippet("leave" * 10_000, "leave")
    assert len(found.text) <= WIDTH + len(" …") + 1
