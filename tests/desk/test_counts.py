"""Counts beside the choices of a list, and figures per tool: what the lists hold, without what is sealed."""

import pytest

from backends.models.scripted.model import Call, Fail, Say, ScriptedModel
from backends.stores.opening import open_store
from core import Concern, Denied, Desk, InvalidInput, OutcomeUnknown, Viewer, tool
from core.desk.filters import CallFilter, ThreadFilter
from core.desk.kept_totals import KEPT_SECONDS
from tests.support.desks import APPROVER, ASKER, AUDITOR, OTHER, QUICK, HandClock, ended

IN_NEED = Viewer("e-1099")


class SealsOne:
    """A care that seals the threads of one person."""

    async def recognise(self, text, viewer):
        return Concern(topic="illness") if viewer.id == IN_NEED.id else None


@tool(effect="read", filters=["start"])
def balance(start: str) -> dict[str, str]:
    """The balance on a day."""
    if start == "never":
        raise ValueError("Ask for a day.")
    return {"days": "12"}


@tool(effect="idempotent")
def send() -> None:
    """Send."""
    raise OutcomeUnknown("the line went dead")


@tool(effect="unsafe", approval="approver")
def pay() -> None:
    """Pay."""


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("Done.")]
    match request.messages[-1].text.split():
        case ["balance", start]:
            return [Call("balance", {"start": start})]
        case ["balance"]:
            return [Call("balance", {})]
        case ["send"]:
            return [Call("send", {})]
        case ["pay"]:
            return [Call("pay", {})]
        case ["fail"]:
            return [Fail("auth")]
    return [Say("Hello.")]


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request, tmp_path, clock):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/desk.db"
    model = ScriptedModel(script)
    async with (
        open_store(url) as store,
        Desk(store, model, tools=[balance, send, pay], options=QUICK, care=SealsOne(), clock=clock) as desk,
    ):
        yield desk


async def asked(desk, viewer, *questions):
    thread = (await desk.create_thread(viewer)).id
    return thread, [(await ended(desk, await desk.submit(viewer, thread, one), viewer)).id for one in questions]


async def looks(desk):
    return [entry.shell["action"] for entry in await desk._store.read("audit:e-2001")]


async def test_a_choice_is_counted_as_the_list_that_it_would_lead_to(desk):
    await asked(desk, ASKER, "hello", "balance monday")
    await asked(desk, ASKER, "balance never")
    _, (turn,) = await asked(desk, OTHER, "fail")
    await desk.give_feedback(OTHER, turn, "down")
    wanted = ThreadFilter(outcomes=("unsourced",))
    among = {
        "outcomes": [("unsourced",), ("failed",), ("failed", "unsourced"), ("stopped",)],
        "tools": [("balance",), ("send",)],
        "call_statuses": [("failed", "timed_out"), ("succeeded",)],
        "ratings": [("up",), ("down",)],
        "models": [("scripted:",)],
    }
    counts = (await desk.oversight.count_threads(AUDITOR, wanted, among)).value
    assert counts.total == 2
    assert counts.facets == {
        "outcomes": {("unsourced",): 2, ("failed",): 1, ("failed", "unsourced"): 3, ("stopped",): 0},
        "tools": {("balance",): 2, ("send",): 0},
        "call_statuses": {("failed", "timed_out"): 1, ("succeeded",): 1},
        "ratings": {("up",): 0, ("down",): 0},
        "models": {("scripted:",): 2},
    }
    for facet, choices in among.items():
        for choice in choices:
            chosen = ThreadFilter(**{"outcomes": ("unsourced",), facet: choice})
            found = await desk.oversight.search_threads(AUDITOR, chosen)
            assert counts.facets[facet][choice] == len(found.items)


async def test_calls_are_counted_by_what_they_are_filtered_by(desk):
    await asked(desk, ASKER, "balance monday", "balance never", "send")
    await asked(desk, OTHER, "balance", "pay")
    among = {
        "tools": [("balance",), ("send",), ("pay",), ("invented",)],
        "statuses": [("failed", "invalid_arguments"), ("succeeded",), ("unknown",)],
        "effects": [("read",), ("unsafe",)],
        "approvals": [("asker",), ("approver",)],
    }
    counts = (await desk.oversight.count_calls(AUDITOR, CallFilter(tools=("balance",)), among)).value
    assert counts.facets["tools"] == {("balance",): 3, ("send",): 1, ("pay",): 1, ("invented",): 0}
    assert counts.facets["statuses"] == {("failed", "invalid_arguments"): 2, ("succeeded",): 1, ("unknown",): 0}
    assert counts.facets["effects"] == {("read",): 3, ("unsafe",): 0}
    assert counts.total == 3
    assert (await desk.oversight.count_calls(AUDITOR, CallFilter(unresolved=True), {})).value.total == 1
    waiting = await desk.oversight.count_calls(AUDITOR, CallFilter(waiting=True), {"tools": [("pay",), ("send",)]})
    assert (waiting.value.total, waiting.value.facets["tools"]) == (1, {("pay",): 1, ("send",): 0})


async def test_choices_are_counted_of_facets_alone_so_that_no_person_is_looked_at_off_the_record(desk):
    for count, wanted in ((desk.oversight.count_threads, ThreadFilter()), (desk.oversight.count_calls, CallFilter())):
        with pytest.raises(InvalidInput, match="`among` must be a mapping"):
            await count(AUDITOR, wanted, {"owner": ["e-1042"]})


async def test_what_is_sealed_is_in_no_count_and_no_figure(desk):
    await asked(desk, IN_NEED, "balance monday", "balance never", "send")
    await asked(desk, ASKER, "balance monday")
    threads = await desk.oversight.count_threads(
        AUDITOR, ThreadFilter(), {"outcomes": [("unsourced",)], "call_statuses": [("failed",), ("unknown",)]}
    )
    assert threads.value.total == 1
    assert threads.value.facets["outcomes"] == {("unsourced",): 1}
    assert threads.value.facets["call_statuses"] == {("failed",): 0, ("unknown",): 0}
    calls = await desk.oversight.count_calls(AUDITOR, CallFilter(), {"statuses": [("failed",), ("succeeded",)]})
    assert (calls.value.total, calls.value.facets["statuses"]) == (1, {("failed",): 0, ("succeeded",): 1})
    (figures,) = (await desk.oversight.tool_report(AUDITOR)).value
    assert (figures.tool, figures.calls, figures.errors, figures.last_failure) == ("balance", 1, 0, None)


async def test_the_report_says_what_became_of_the_calls_of_each_tool(desk):
    await asked(desk, ASKER, "balance monday", "balance never", "balance", "send", "send")
    _, (turn,) = await asked(desk, OTHER, "pay")
    (unknown, _) = (await desk.oversight.search_calls(AUDITOR, CallFilter(statuses=("unknown",)))).items
    await desk.resolve(AUDITOR, unknown.id, True, "I saw the letter")
    last = (await desk.oversight.search_calls(AUDITOR, CallFilter(statuses=("invalid_arguments",)))).items[0]
    of = {figures.tool: figures for figures in (await desk.oversight.tool_report(AUDITOR)).value}
    assert list(of) == ["balance", "pay", "send"]
    one = of["balance"]
    assert (one.calls, one.succeeded, one.errors, one.timed_out, one.denied) == (3, 1, 2, 0, 0)
    assert (one.last_failure.call, one.last_failure.at) == (last.id, last.planned_at)
    assert (of["send"].errors, of["send"].unresolved, of["send"].last_failure) == (0, 1, None)
    assert (of["pay"].waiting, of["pay"].p50_ms, of["pay"].denied) == (1, None, 0)
    assert (await desk.oversight.tool_report(AUDITOR, until=one_hour_ago(desk))).value == ()
    (view,) = (await desk.archive.turn_view(OTHER, turn)).calls
    await desk.decide(APPROVER, view.id, "deny", view.digest)
    desk._clock.advance(KEPT_SECONDS + 1)
    of = {figures.tool: figures for figures in (await desk.oversight.tool_report(AUDITOR)).value}
    assert (of["pay"].calls, of["pay"].waiting) == (1, 0)


def one_hour_ago(desk):
    return desk._clock.now().replace(year=desk._clock.now().year - 1)


async def test_the_reports_times_are_those_of_the_calls_at_most_a_tenth_too_high(desk):
    await asked(desk, ASKER, *["balance monday"] * 5)
    times = sorted(call.duration_ms for call in (await desk.oversight.search_calls(AUDITOR)).items)
    (figures,) = (await desk.oversight.tool_report(AUDITOR)).value
    assert times[2] <= figures.p50_ms <= max(times[2] * 1.1, times[2] + 1)
    assert times[4] <= figures.p95_ms <= max(times[4] * 1.1, times[4] + 1)


async def test_counts_are_kept_for_a_minute_and_say_when_they_were_counted(desk, clock):
    await asked(desk, ASKER, "hello")
    first = await desk.oversight.count_threads(AUDITOR, ThreadFilter(), {})
    await asked(desk, ASKER, "hello")
    again = await desk.oversight.count_threads(AUDITOR, ThreadFilter(), {})
    assert (again.value.total, again.at) == (1, first.at)
    clock.advance(KEPT_SECONDS + 1)
    later = await desk.oversight.count_threads(AUDITOR, ThreadFilter(), {})
    assert later.value.total == 2
    assert later.at > first.at


async def test_kept_counts_are_those_of_the_same_filters_and_choices(desk):
    await asked(desk, ASKER, "hello")
    count = desk.oversight.count_threads
    assert (await count(AUDITOR, ThreadFilter(owner="e-1042"), {})).value.total == 1
    assert (await count(AUDITOR, ThreadFilter(owner="e-1077"), {})).value.total == 0
    assert (await count(AUDITOR, ThreadFilter(metadata={"a": 1}), {})).value.total == 0
    with_choice = await count(AUDITOR, ThreadFilter(owner="e-1042"), {"outcomes": [("unsourced",)]})
    assert with_choice.value.facets == {"outcomes": {("unsourced",): 1}}


async def test_a_count_is_a_look_even_if_it_is_kept_and_naming_a_person_is_one_of_its_own(desk):
    for _ in range(2):
        await desk.oversight.count_threads(AUDITOR, ThreadFilter(owner="e-1042"), {})
    assert {*await looks(desk)} == {"person.search"}
    await desk.oversight.count_calls(AUDITOR, CallFilter(), {})
    await desk.oversight.tool_report(AUDITOR)
    assert {*await looks(desk)} == {"person.search", "audit.search", "figures.read"}
    for call in (
        lambda viewer: desk.oversight.count_threads(viewer, ThreadFilter(owner="e-1042"), {}),
        lambda viewer: desk.oversight.tool_report(viewer),
    ):
        with pytest.raises(Denied):
            await call(ASKER)
        with pytest.raises(InvalidInput, match="purpose"):
            await call(Viewer("e-2001", {"auditor"}))


@pytest.mark.parametrize("wanted", [ThreadFilter(words="hello"), ThreadFilter(verdicts=("none",))])
async def test_what_cannot_be_counted_gets_no_number(desk, wanted):
    await asked(desk, ASKER, "hello")
    assert await desk.oversight.count_threads(AUDITOR, wanted, {"outcomes": [("unsourced",)]}) is None
