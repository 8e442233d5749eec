"""A turn that searches: before its first answer, whenever its model asks, and with the questions before it."""

import pytest

from backends.models.prompt import user_text
from backends.models.scripted.model import Call, Cut, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Audience, Desk, InvalidInput, Judgement, Options, Passage, Viewer, tool
from core.worker.history import check_sendable
from tests.desk.test_chat import records_are_what_the_log_says
from tests.support.desks import APPROVER, ASKER, QUICK, chatting, ended, events, kinds, live_text, log_of, logged, until


@pytest.fixture
def store():
    return MemoryStore()


def passage(id, text="Text.", **more):
    given = {"document": "d", "title": "Leave", "section": ["Days"], "version": "1", "score": 1.0} | more
    return Passage(id=id, text=text, **given)


class Library:
    """A retriever that finds what was put under a query, and keeps what it was asked."""

    def __init__(self, found=None, judgement=None):
        self.found = found or {}
        self.judgement = judgement
        self.asked = []

    async def search(self, query, viewer, limit, filters=None, as_of=None):
        self.asked.append((query, viewer))
        return self.found.get(query, [passage("p1", "25 days."), passage("p2", "30 days.")])

    async def judge(self, query, passages):
        return self.judgement

    async def versions(self):
        return {"d": "1"}


SEARCH = Call("search_handbooks", {"query": "carry over"})


async def test_what_a_call_finds_is_on_record_before_its_result_and_numbered_after_what_was_found_before(store):
    library = Library({"carry over": [passage("p2", "30 days."), passage("p3", "Five days.")]})
    model = ScriptedModel([[SEARCH], [Say("25 [1], five [3].")]])
    async with chatting(store, model, retriever=library) as chat:
        reply = await chat.ask("How many days?")
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
        await records_are_what_the_log_says(store, chat.id)
    assert [found.passage.id for found in reply.citations] == ["p1", "p3"]
    first, second = view.retrievals
    assert (first.call, first.first_number, [p.id for p in first.passages]) == (None, 1, ["p1", "p2"])
    assert (second.call, second.first_number, [p.id for p in second.passages]) == (view.calls[0].id, 3, ["p3"])
    assert view.calls[0].result == {"passages": [2, 3]}
    order = await kinds(store, chat.id)
    assert order.index("tool.started") < order.index("passages.retrieved", 4) < order.index("tool.finished")
    told = model.requests[1].messages[-1].content
    assert "[2] Leave / Days (version 1)\n30 days." in told
    assert "[3] Leave / Days (version 1)\nFive days." in told
    assert [p.id for p in model.requests[1].messages[0].passages] == ["p1", "p2"]


async def test_a_later_turn_is_not_sent_the_passages_of_an_earlier_one(store):
    model = ScriptedModel([[SEARCH], [Say("25 [1].")], [Say("Yes.")]])
    async with chatting(store, model, retriever=Library()) as chat:
        await chat.ask("How many days of leave are there?")
        await chat.ask("When is the annual bonus paid?")
    check_sendable(model.requests[2])
    earlier = [message for message in model.requests[2].messages if message.role == "tool"]
    assert [message.content for message in earlier] == ['{"passages": [1, 2]}']


async def test_a_search_that_fails_is_a_failed_call_and_the_turn_goes_on(store):
    class Broken(Library):
        async def search(self, query, viewer, limit, filters=None, as_of=None):
            if query == "carry over":
                raise OSError("the index is gone")
            return await super().search(query, viewer, limit)

    async with chatting(store, [[SEARCH], [Say("25 [1].")]], retriever=Broken()) as chat:
        reply = await chat.ask("How many days?")
    assert reply.status == "completed"
    assert [(call.status, call.code) for call in reply.tool_calls] == [("failed", "raised")]


async def test_without_a_retriever_there_is_no_search_and_a_tool_of_its_name_is_refused_beside_one(store):
    @tool(effect="read")
    def search_handbooks() -> str:
        """Look."""
        return "x"

    plain = ScriptedModel([[Say("Yes.")]])
    async with chatting(store, plain) as chat:
        await chat.ask("?")
    assert plain.requests[0].tools == ()
    with pytest.raises(InvalidInput, match="two tools are called"):
        Desk(store, plain, tools=[search_handbooks], retriever=Library())


async def test_the_first_search_can_be_left_to_the_model(store):
    library = Library()
    options = QUICK.model_copy(update={"retrieve_first": False})
    async with chatting(store, [[SEARCH], [Say("30 [2].")]], retriever=library, options=options) as chat:
        reply = await chat.ask("How many days?")
    assert [query for query, _ in library.asked] == ["carry over"]
    assert [found.passage.id for found in reply.citations] == ["p2"]


async def test_no_passages_means_no_search_at_all(store):
    library, model = Library(), ScriptedModel([[Say("a[1] = 2")]])
    options = QUICK.model_copy(update={"passages": 0})
    async with chatting(store, model, retriever=library, options=options) as chat:
        reply = await chat.ask("How many days?")
    assert (library.asked, model.requests[0].tools, reply.text) == ([], (), "a[1] = 2")


async def test_a_marker_that_points_to_nothing_is_never_shown_and_is_on_record(store):
    async with chatting(
        store, [[Say("25 days [1"), Say("]. Or [9] so"), Say(" [2, 7].")]], retriever=Library()
    ) as chat:
        reply = await chat.ask("How many days?")
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
        shown = await live_text(store, reply.turn_id)
    assert reply.text == "25 days [1]. Or so [2]."
    assert reply.text.startswith(shown)
    assert view.model_calls[0].left_out == [9, 7]
    assert [found.number for found in reply.citations] == [1, 2]


async def test_an_answer_that_breaks_off_within_a_marker_is_kept_without_it(store):
    async with chatting(store, [[Say("25 days [9] or [1"), Cut()]], retriever=Library()) as chat:
        reply = await chat.ask("How many days?")
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
    assert (reply.status, reply.text) == ("interrupted", "25 days or")
    assert view.model_calls[0].left_out == [9]


async def test_an_answer_in_json_may_hold_a_list_of_numbers(store):
    from pydantic import BaseModel

    class Days(BaseModel):
        days: list[int]

    async with chatting(store, [[Say('{"days": [9]}')]], retriever=Library()) as chat:
        reply = await chat.ask("How many days?", schema=Days)
    assert reply.parsed == Days(days=[9])


@pytest.mark.parametrize("judgement", [None, Judgement(confidence=0.2, threshold=0.3, calibration="c")])
async def test_the_judgement_is_on_record_and_the_model_is_told_of_a_bad_one(store, judgement):
    model = ScriptedModel([[Say("No.")]])
    async with chatting(store, model, retriever=Library(judgement=judgement)) as chat:
        reply = await chat.ask("How many days?")
        found = (await chat.desk.archive.turn_view(ASKER, reply.turn_id)).retrievals[0]
    assert found.judgement == judgement
    assert found.answers is (None if judgement is None else False)
    assert ("do not answer the question" in user_text(model.requests[0].messages[0])) is (judgement is not None)


async def test_who_asks_is_known_to_the_retriever_as_they_were_when_they_asked(store):
    library = Library()
    user = Viewer("e-1203", country="UK", entity="York Ltd")
    async with chatting(store, [[SEARCH], [Say("x")]], retriever=library, user=user) as chat:
        await chat.ask("How many days?")
    assert [viewer for _, viewer in library.asked] == [user, user]
    assert (user.country, user.entity) == ("uk", "york ltd")


async def test_a_worker_that_takes_a_turn_over_knows_the_askers_country(store):
    class Lost(Library):
        async def search(self, query, viewer, limit, filters=None, as_of=None):
            if not self.found:
                raise BaseException("the worker dies")
            return await super().search(query, viewer, limit)

    user = Viewer("e-1203", country="uk")
    lost, library = Lost(), Library()
    async with Desk(store, ScriptedModel([[Say("x")]]), retriever=lost, options=QUICK) as desk:
        turn = await desk.submit(user, (await desk.create_thread(user)).id, "How many days?")
        await until(lambda: _asked(lost, desk))
    async with Desk(store, ScriptedModel([[Say("x")]]), retriever=library, options=QUICK) as desk:
        await desk.recover()
        assert (await ended(desk, turn, user)).status == "completed"
    assert [viewer.country for _, viewer in library.asked] == ["uk"]


async def _asked(library, desk):
    return desk._workers.idle


async def test_what_does_not_hold_for_the_asker_is_dropped_whatever_the_index_says(store):
    foreign = passage("p9", "60 days.", audience=Audience(countries=["germany"]))
    library = Library({"How many days?": [foreign, passage("p1")]})
    model = ScriptedModel([[Say("x")]])
    async with chatting(store, model, retriever=library, user=Viewer("e-1203", country="uk")) as chat:
        await chat.ask("How many days?")
    assert [p.id for p in model.requests[0].messages[0].passages] == ["p1"]


async def test_a_follow_up_is_searched_after_the_questions_before_it(store):
    library = Library()
    async with chatting(store, [[Say("25.")], [Say("Less.")], [Say("April.")]], retriever=library) as chat:
        await chat.ask("How many days of leave are there?")
        await chat.ask("And for part-timers?")
        await chat.ask("When is the annual bonus paid?")
    assert [query for query, _ in library.asked] == [
        "How many days of leave are there?",
        "How many days of leave are there?\nAnd for part-timers?",
        "When is the annual bonus paid?",
    ]


async def test_a_question_that_finds_nothing_alone_is_searched_after_the_questions_before_it(store):
    class Context(Library):
        async def judge(self, query, passages):
            answers = query == "By when do I hand in the form?" and passages[0].id == "p9"
            return Judgement(confidence=0.9 if answers else 0.1, threshold=0.3, calibration="c")

    joined = "How many days of leave are there?\nBy when do I hand in the form?"
    library = Context({joined: [passage("p9")]})
    async with chatting(store, [[Say("25.")], [Say("Yes.")]], retriever=library) as chat:
        await chat.ask("How many days of leave are there?")
        reply = await chat.ask("By when do I hand in the form?")
        found = (await chat.desk.archive.turn_view(ASKER, reply.turn_id)).retrievals
    assert [query for query, _ in library.asked][-2:] == ["By when do I hand in the form?", joined]
    assert [(one.query, one.answers) for one in found] == [(joined, True)]


async def test_a_question_of_another_matter_is_not_answered_by_what_the_earlier_one_finds(store):
    class Earlier(Library):
        async def judge(self, query, passages):
            return Judgement(confidence=0.9 if "leave" in query else 0.1, threshold=0.3, calibration="c")

    async with chatting(store, [[Say("25.")], [Say("No.")]], retriever=Earlier()) as chat:
        await chat.ask("How many days of leave are there?")
        reply = await chat.ask("What is the capital of France?")
        found = (await chat.desk.archive.turn_view(ASKER, reply.turn_id)).retrievals
    assert [(one.query, one.answers) for one in found] == [("What is the capital of France?", False)]


async def test_a_model_that_can_rewrites_a_follow_up_on_record_and_shown_to_nobody(store):
    library = Library()
    script = [[Say("25 [1].")], [Say("How many days of leave do part-timers get?")], [Say("Less [2].")]]
    model = ScriptedModel(script, phrases=True)
    async with chatting(store, model, retriever=library) as chat:
        await chat.ask("How many days of leave are there?")
        reply = await chat.ask("And for part-timers?")
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
        await records_are_what_the_log_says(store, chat.id)
        assert "Less [2].".startswith(await live_text(store, reply.turn_id))
    assert library.asked[-1][0] == "How many days of leave do part-timers get?"
    assert [(call.purpose, call.step, call.status) for call in view.model_calls] == [
        ("query", 0, "answered"),
        ("answer", 1, "answered"),
    ]
    assert (reply.status, reply.text) == ("completed", "Less [2].")
    assert "25 [1]." in model.requests[1].messages[0].text
    assert not any("Last question" in getattr(m, "text", "") for m in model.requests[2].messages)


async def test_a_rewriting_that_fails_leaves_the_questions_before_it_in_front(store):
    library = Library()
    script = [[Say("25.")], [Cut()], [Say("Less.")]]
    async with chatting(store, ScriptedModel(script, phrases=True), retriever=library) as chat:
        await chat.ask("How many days of leave are there?")
        reply = await chat.ask("And for part-timers?")
    assert reply.status == "completed"
    assert library.asked[-1][0] == "How many days of leave are there?\nAnd for part-timers?"


@tool(effect="unsafe", approval="approver")
def book(days: int) -> str:
    """Book days."""
    return "booked"


@pytest.mark.parametrize("phrases", [False, True])
async def test_a_report_of_a_decision_is_no_question_and_stands_before_no_follow_up(store, phrases):
    library = Library()
    rewriting = [[Say("How many days of leave do part-timers get?")]] if phrases else []
    script = [[Call("book", {"days": 3})], [Say("It waits.")], [Say("Booked.")], *rewriting, [Say("Less.")]]
    model = ScriptedModel(script, phrases=phrases)
    async with chatting(store, model, retriever=library, tools=[book]) as chat:
        reply = await chat.ask("How many days of leave are there? Book three.")
        (call,) = reply.tool_calls
        await chat.desk.decide(APPROVER, call.id, "approve", call.digest)
        report = (await chat.desk.archive.deferred_call(ASKER, call.id)).report
        await events(chat.desk, report)
        view = await chat.desk.archive.turn_view(ASKER, report)
        assert (view.retrievals, [one.purpose for one in view.model_calls]) == ([], ["answer"])
        await chat.ask("And for part-timers?")
    if phrases:
        rewritten = model.requests[3].messages[0].text
        assert "Employee: How many days of leave are there? Book three." in rewritten
        assert "was approved" not in rewritten
    else:
        earlier = "How many days of leave are there? Book three."
        assert library.asked[-1][0] == f"{earlier}\nAnd for part-timers?"


async def test_nothing_is_rewritten_that_stands_by_itself_or_where_the_options_say_no(store):
    library = Library()
    model = ScriptedModel([[Say("25.")]] * 4, phrases=True)
    options = QUICK.model_copy(update={"rewrite_queries": False})
    async with chatting(store, model, retriever=library, options=options) as chat:
        await chat.ask("And for part-timers?")
        await chat.ask("When is the annual bonus paid?")
        await chat.ask("And for part-timers?")
    assert len(model.requests) == 3


async def test_passages_that_say_otherwise_are_shown_as_such_to_the_model(store):
    found = [passage("p1", "25 days.", conflicts=["p2"]), passage("p2", "30 days.", conflicts=["p1", "gone"])]
    model = ScriptedModel([[Say("x")]])
    async with chatting(store, model, retriever=Library({"How many days?": found})) as chat:
        await chat.ask("How many days?")
    text = user_text(model.requests[0].messages[0])
    assert "[1] Leave / Days (version 1, says otherwise than [2])" in text
    assert "[2] Leave / Days (version 1, says otherwise than [1])" in text


OWNER = Viewer("e-4001", roles={"knowledge_owner"})


async def test_gaps_are_what_found_nothing_and_what_was_rated_down_without_who_asked(store):
    bad = Judgement(confidence=0.1, threshold=0.3, calibration="c")
    async with chatting(store, [[Say("Nothing.")]], retriever=Library(judgement=bad)) as chat:
        await chat.ask("Is there a pool?")
    good = Judgement(confidence=0.9, threshold=0.3, calibration="c")
    async with chatting(store, [[Say("25 [1].")], [Say("Yes.")]], retriever=Library(judgement=good)) as chat:
        reply = await chat.ask("How many days of leave are there?")
        await chat.desk.give_feedback(ASKER, reply.turn_id, "down")
        await chat.ask("When is the annual bonus paid?")
        gaps = await chat.desk.archive.gaps(OWNER)
    assert [(gap.question, gap.answers, gap.rated_down, gap.titles) for gap in gaps] == [
        ("How many days of leave are there?", True, True, ["Leave"]),
        ("Is there a pool?", False, False, []),
    ]
    assert ASKER.id not in repr(gaps)
    looks = await store.read(f"audit:{OWNER.id}")
    assert [look.shell["action"] for look in looks] == ["gaps.list"]


async def test_there_are_no_gaps_before_anybody_asked(store):
    async with chatting(store, []) as chat:
        assert await chat.desk.archive.gaps(OWNER) == []


async def test_every_non_read_tool_waits_for_a_person_after_a_call_searched(store):
    @tool(effect="idempotent")
    def note() -> str:
        """Note."""
        return "noted"

    script = [[SEARCH], [Call("note", {})], [Say("Done.")]]
    options = QUICK.model_copy(update={"retrieve_first": False})
    async with chatting(store, script, tools=[note], retriever=Library(), options=options) as chat:
        reply = await chat.ask("Note it")
    assert [call.tool for call in reply.waiting] == ["note"]


async def test_the_options_say_how_many_passages_are_found(store):
    with pytest.raises(ValueError, match="less than or equal to 50"):
        Options(passages=51)
    assert await log_of(store, "none") == await logged(store, "none", "x") == []
