"""The offline model on requests that an approver decides: what it says while one waits, and once it is decided."""

from contextlib import asynccontextmanager

import pytest

from backends.models.offline.model import OfflineModel
from backends.models.offline.phrases import ENGLISH, GERMAN
from core import Desk, OutcomeUnknown, tool
from core.model import AssistantMessage, ToolMessage, UserMessage
from tests.models.test_offline import POLICY, answer
from tests.support.desks import APPROVER, ASKER, QUICK, events

ASKED = 'Please issue a salary letter to "Bank Graz"'
GERMAN_ASKED = 'Bitte stelle mir eine Gehaltsbestätigung für "Bank Graz" aus'
DONE_WORDS = ("issued", "ausgestellt", "is done", "erledigt")


@tool(effect="unsafe", approval="approver")
def salary_letter(recipient: str) -> dict[str, str]:
    """Issue a salary confirmation letter about the asking employee to a recipient, such as a bank or a landlord."""
    match recipient:
        case "Bank Graz":
            return {"issued to": recipient}
        case "Bank Wien":
            raise ValueError("This bank takes no letters.")
        case _:
            raise OutcomeUnknown("the HR system did not confirm it")


@asynccontextmanager
async def asked(store, question):
    """A chat in which this was asked."""
    async with (
        Desk(store, OfflineModel(delay=0), tools=[salary_letter], options=QUICK) as desk,
        await desk.create_chat(ASKER) as chat,
    ):
        yield chat, await chat.ask(question)


async def decided(chat, reply, decision, reason=None):
    """The answer of the turn that reports the decision."""
    (call,) = reply.tool_calls
    await chat.desk.decide(APPROVER, call.id, decision, call.digest, reason=reason)
    report = (await chat.desk.archive.deferred_call(ASKER, call.id)).report
    await events(chat.desk, report)
    turn = await chat.desk.archive.turn(ASKER, report)
    assert (turn.status, turn.outcome) == ("completed", "unsourced")
    return turn.text


@pytest.mark.parametrize(("question", "phrases"), [(ASKED, ENGLISH), (GERMAN_ASKED, GERMAN)])
async def test_what_waits_for_an_approver_is_named_and_never_called_done(store, question, phrases):
    async with asked(store, question) as (_, reply):
        assert reply.tool_calls[0].status == "deferred"
        waits = phrases.waits.format(name="Salary letter")
        assert reply.text == f"{waits}\n\n- Recipient: Bank Graz\n\n{phrases.not_yet}"
        assert not any(word in reply.text for word in DONE_WORDS)


@pytest.mark.parametrize(("question", "phrases"), [(ASKED, ENGLISH), (GERMAN_ASKED, GERMAN)])
async def test_what_was_approved_and_done_is_told_with_its_result_in_the_language_of_the_talk(store, question, phrases):
    async with asked(store, question) as (chat, reply):
        told = await decided(chat, reply, "approve")
    approved = phrases.approved.format(name="Salary letter")
    assert told == f"{approved}\n\nSalary letter:\n\n- Issued to: Bank Graz"


@pytest.mark.parametrize(("question", "phrases"), [(ASKED, ENGLISH), (GERMAN_ASKED, GERMAN)])
@pytest.mark.parametrize("reason", [None, "Ask again in May.\nThe bank was wrong."])
async def test_what_was_denied_is_told_with_the_approvers_reason(store, question, phrases, reason):
    async with asked(store, question) as (chat, reply):
        told = await decided(chat, reply, "deny", reason)
    denied = phrases.denied.format(name="Salary letter")
    assert told == (f"{denied} {phrases.reason.format(reason=reason)}" if reason else denied)


@pytest.mark.parametrize(
    ("recipient", "phrase", "reason"),
    [
        ("Bank Wien", "approved_failed", "This bank takes no letters."),
        ("Bank Linz", "approved_unknown", ""),
    ],
)
@pytest.mark.parametrize(("question", "phrases"), [(ASKED, ENGLISH), (GERMAN_ASKED, GERMAN)])
async def test_what_was_approved_and_did_not_succeed_is_not_called_done(
    store, question, phrases, recipient, phrase, reason
):
    async with asked(store, question.replace("Bank Graz", recipient)) as (chat, reply):
        told = await decided(chat, reply, "approve")
    assert told == getattr(phrases, phrase).format(name="Salary letter", reason=reason)
    assert ("People team" if phrases is ENGLISH else "Personalabteilung") in told
    assert not any(word in told for word in DONE_WORDS)


async def test_a_request_that_waits_already_is_not_said_to_be_denied_by_a_person(store):
    async with asked(store, ASKED) as (chat, _):
        again = await chat.ask(ASKED)
    assert again.tool_calls[0].code == "asked_already"
    assert "waits for an approver already" in again.text
    assert "did not allow" not in again.text


def report(text="The request salary_letter was denied. It was not carried out."):
    told = ToolMessage(id="c1", tool="", content=text, failed=True)
    return UserMessage(text=f"[This message is the desk's.]\n{text}", report=told)


async def after(message, *before, tools=(salary_letter.schema,)):
    """The answer to a message after others, and its calls."""
    return await answer(message, tools=tools, before=before, passages=[POLICY])


async def test_a_report_is_no_question_no_small_talk_and_no_answer_to_what_was_asked_back():
    asked_back, _ = await answer("I need a salary letter", tools=(salary_letter.schema,))
    before = UserMessage(text="I need a salary letter"), AssistantMessage(text=asked_back)
    for text in ("thanks", "How long may I work remotely?", ASKED):
        told = await answer("", tools=(salary_letter.schema,), before=before, after=[report(text)])
        assert told == (text, [])


async def test_what_was_asked_back_before_a_report_is_still_open_after_it():
    asked_back, _ = await answer("I need a salary letter", tools=(salary_letter.schema,))
    before = UserMessage(text="I need a salary letter"), AssistantMessage(text=asked_back)
    reported = report(), AssistantMessage(text="It was denied.")
    assert await after("Sparkasse", *before, *reported) == ("", [("salary_letter", {"recipient": "Sparkasse"})])


async def test_the_words_of_a_report_complete_no_request():
    reported = report(ASKED), AssistantMessage(text="It was denied.")
    _, calls = await after("Bank Graz", *reported)
    assert calls == []


async def test_a_report_whose_talk_is_cut_off_is_answered_in_english_and_an_erased_one_in_its_own_words():
    assert (await answer("", after=[report()]))[0] == ENGLISH.denied.format(name="Salary letter")
    erased = "[erased] It was not carried out."
    assert (await answer("", after=[report(erased)]))[0] == erased


def test_both_languages_have_the_same_blanks_for_decisions():
    for name in ("waits", "not_yet", "approved", "approved_failed", "approved_unknown", "denied", "reason"):
        english, german = getattr(ENGLISH, name), getattr(GERMAN, name)
        assert all((blank in english) == (blank in german) for blank in ("{name}", "{reason}"))
