"""Windows choose what of a thread is sent; what no longer fits is summarised on record, or left out."""

import anyio

from backends.models.scripted.model import Bill, Fail, Say, ScriptedModel, Wait
from backends.models.tuned import TunedModel
from core import Choice, Options, SummarizingWindow, Tuning, Usage
from core.model import AssistantMessage, ToolMessage, UserMessage
from core.store import Query
from core.token_estimates import CHARACTERS_PER_TOKEN, beginning, characters
from core.worker.history import summary_request
from tests.support.desks import QUICK, chatting, logged

SMALL = Options(retry_delay=0.001, window_tokens=60)
"""240 characters: two or three of the turns below."""


def speaking(*, summary="They asked about leave."):
    """Answers each question, and every request for notes with `summary`; a Fail makes it fail."""

    def script(request):
        if "Write notes" in request.messages[-1].text:
            return [summary] if isinstance(summary, Fail) else [Say(summary), Bill(Usage(input=9, output=3), 100)]
        return [Say("You have twelve days of leave left this year."), Bill(Usage(input=5, output=2), 10)]

    return ScriptedModel(script)


async def long_thread(chat, turns=6):
    for n in range(turns):
        reply = await chat.ask(f"Question {n}: how many days of leave do I have left this year?")
        assert reply.status == "completed"
    return reply


def questions(model):
    return [request for request in model.requests if "Write notes" not in request.messages[-1].text]


async def test_what_no_longer_fits_is_summarised_and_the_summary_is_sent_in_its_place(store):
    model = speaking()
    async with chatting(store, model, window=SummarizingWindow(), options=SMALL) as chat:
        await long_thread(chat)
        made = await logged(store, chat.id, "history.summarized")
        assert made
        opened = {entry.shell["turn"]: entry.n for entry in await logged(store, chat.id, "turn.opened")}
        assert {entry.shell["first_n"] for entry in made} == {min(opened.values())}
        last = questions(model)[-1].messages
        assert last[0].text == "Notes of our conversation so far:\nThey asked about leave."
        newest = made[-1].shell
        kept = [m.text for m in last[2:] if m.role == "user"]
        assert (
            kept == [f"Question {n}: how many days of leave do I have left this year?" for n in range(6)][-len(kept) :]
        )
        left_out = [n for turn, n in opened.items() if n > newest["last_n"]]
        assert len(left_out) == len(kept)


async def test_a_summary_is_a_model_call_with_its_bill_and_shows_nothing(store):
    async with chatting(store, speaking(), window=SummarizingWindow(), options=SMALL) as chat:
        reply = await long_thread(chat)
        calls = await chat.model_calls()
        summaries = [call for call in calls if call.covers]
        assert summaries
        assert all(call.cost == 100 for call in summaries)
        assert (await chat.usage()).cost == 100 * len(summaries) + 10 * 6
        assert "asked about" not in reply.text
        assert all("asked about" not in message.text for message in await chat.messages(last=50))
        found = await store.find(Query(kind="summary", where={"thread": chat.id}))
        assert len(found.records) == len(summaries)


async def test_a_turn_goes_on_without_a_summary_that_fails(store):
    model = speaking(summary=Fail("auth"))
    async with chatting(store, model, window=SummarizingWindow(), options=SMALL) as chat:
        reply = await long_thread(chat)
        assert reply.text == "You have twelve days of leave left this year."
        assert not await logged(store, chat.id, "history.summarized")
        assert [call.code for call in await chat.model_calls() if call.covers][-1] == "auth"


async def test_a_thread_that_fits_is_not_summarised(store):
    async with chatting(store, model := speaking(), window=SummarizingWindow()) as chat:
        await long_thread(chat)
        assert len(questions(model)) == len(model.requests)


async def test_notes_take_the_report_of_a_decision_for_the_desks_words():
    report = ToolMessage(id="c1", tool="", content="It was denied.", failed=True)
    earlier = [
        UserMessage(text="Issue a letter."),
        AssistantMessage(text="It waits."),
        UserMessage(text="[This message is the desk's.] It was denied.", report=report),
        AssistantMessage(text="Your request was denied."),
    ]
    text = summary_request(Choice(turns=[]), earlier).messages[0].text
    assert "Employee: Issue a letter.\n\nDesk: It waits.\n\nDesk: [This message is the desk's.] It was denied." in text
    assert text.count("Employee:") == 1


async def test_a_models_own_window_settings_and_deadlines_come_before_the_desks(store):
    scripted = ScriptedModel(lambda _: [Say("年" * 300)])
    scripted.settings = {"temperature": float, "top_p": float}
    tuning = Tuning(settings={"temperature": 0.5}, context_window=3_000)
    options = QUICK.model_copy(update={"model_settings": {"temperature": 1.0, "top_p": 0.1}})
    async with chatting(store, TunedModel(scripted, tuning), options=options) as chat:
        for _ in range(12):
            await chat.ask("假" * 100)
    assert scripted.requests[-1].settings == {"temperature": 0.5, "top_p": 0.1}
    # 3,000 tokens, without a quarter for the answer: what is sent fits, and is about as much as fits.
    sent = [characters(message.text) // CHARACTERS_PER_TOKEN for message in scripted.requests[-1].messages]
    assert 1_500 < sum(sent) <= 2_250
    assert len(scripted.requests[5].messages) == 11


async def test_a_models_own_deadline_ends_a_request_that_the_desks_would_let_wait(store):
    silent = ScriptedModel(lambda _: [Wait(anyio.Event())])
    async with chatting(store, TunedModel(silent, Tuning(first_content=0.01))) as chat:
        reply = await chat.ask("?")
    assert (reply.status, reply.error.code) == ("failed", "timeout")


def test_a_chinese_character_counts_as_a_token_and_a_cut_text_keeps_to_its_size():
    assert [characters(text) for text in ("four", "年", "я", "ü", "")] == [4, 4, 2, 2, 0]
    assert beginning("年假" * 10, 10) == "年假"
    assert beginning("abc", 3) == "abc"
    assert beginning("abcd", 3) == "abc"
    assert beginning("ab年", 4) == "ab"
