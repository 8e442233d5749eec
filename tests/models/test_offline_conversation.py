"""The offline model as a partner in a conversation: small talk, asking back, and German."""

import pytest

from backends.models.offline.phrases import ENGLISH, GERMAN
from core.model import AssistantMessage, UserMessage
from core.retrieval.search import SEARCH
from core.tools import tool
from tests.models.test_offline import POLICY, TOOLS, answer
from tests.retrieval.test_small_talk import SMALL_TALK


@tool(effect="read", name=SEARCH)
def search_handbooks(query: str) -> str:
    """Search the handbooks."""


@tool(effect="unsafe")
def salary_letter(recipient: str) -> str:
    """Issue a salary confirmation letter about the asking employee to a recipient, such as a bank or a landlord."""


@tool(effect="unsafe")
def order_lunch(plates: int, vegan: bool) -> str:
    """Order lunch."""


ALL = (*TOOLS, salary_letter.schema, order_lunch.schema)


async def talk(*messages, tools=ALL):
    """Each answer, and the calls of the last one."""
    before, said, calls = [], [], []
    for message in messages:
        text, calls = await answer(message, tools=tools, before=before)
        said.append(text)
        before += [UserMessage(text=message), AssistantMessage(text=text or "Done.")]
    return said, calls


@pytest.mark.parametrize(("message", "topic", "language"), SMALL_TALK)
async def test_small_talk_gets_a_reply_in_its_language_and_never_a_quote_or_a_call(message, topic, language):
    phrases = GERMAN if language == "de" else ENGLISH
    said, calls = await answer(message, tools=ALL, passages=[POLICY])
    assert said.startswith(phrases.replies[topic].partition("{")[0])
    assert "{" not in said
    assert "Remote work" not in said
    assert calls == []


@pytest.mark.parametrize(
    ("question", "handbooks", "tools"),
    [
        ("What can you do?", "Ask me about anything in the handbooks", "Vacation balance, Request leave"),
        ("Was kannst du?", "Fragen Sie mich nach allem", "Vacation balance, Request leave"),
    ],
)
async def test_what_it_can_do_names_the_handbooks_and_the_tools_that_there_are(question, handbooks, tools):
    both, _ = await answer(question, tools=[*TOOLS, search_handbooks.schema])
    assert handbooks in both
    assert tools in both
    assert "earch handbooks" not in both
    without, _ = await answer(question, tools=TOOLS)
    assert handbooks not in without
    nothing, _ = await answer(question)
    assert (ENGLISH.nothing_offered in nothing) or (GERMAN.nothing_offered in nothing)


LEAVE = {"first_day": "2026-12-07", "last_day": "2026-12-09"}
VACATION = LEAVE | {"kind": "vacation"}


@pytest.mark.parametrize(
    ("messages", "tool_name", "arguments"),
    [
        (("Please book leave", "next Monday to Wednesday"), "request_leave", LEAVE),
        (("Please book leave", "from Monday for 3 days."), "request_leave", LEAVE),
        (("Please book leave", "Monday", "until Wednesday"), "request_leave", LEAVE),
        (("Please book leave", "Monday", "3 days"), "request_leave", LEAVE),
        (("Please book leave from 7 December", "Wednesday 9 December"), "request_leave", LEAVE),
        (("Please book leave", "7.12. - 9.12."), "request_leave", LEAVE),
        (("Bitte Urlaub beantragen", "Montag bis Mittwoch"), "request_leave", VACATION),
        (("Ich möchte Urlaub nehmen", "ab Montag", "drei Tage"), "request_leave", VACATION),
        (("Hello", "Please book leave", "next Monday to Wednesday"), "request_leave", LEAVE),
        (
            ("Request parental leave from 7.12.2026 to 9.12.2026", "unpaid"),
            "request_leave",
            LEAVE | {"kind": "unpaid"},
        ),
        (("I need a salary letter", "Sparkasse Graz"), "salary_letter", {"recipient": "Sparkasse Graz"}),
        (("Please order lunch, vegan", "12"), "order_lunch", {"plates": 12, "vegan": True}),
        (("Please order lunch, 12 plates", "no"), "order_lunch", {"plates": 12, "vegan": False}),
    ],
)
async def test_the_answer_to_what_was_asked_back_completes_the_call(messages, tool_name, arguments):
    said, calls = await talk(*messages)
    assert calls == [(tool_name, arguments)]
    assert ENGLISH.complete_by in said[-2] or GERMAN.complete_by in said[-2]


@pytest.mark.parametrize(
    "message",
    [
        "How long is parental leave?",
        "How many sick days can I take from Monday to Wednesday?",
        "What is the policy from Monday to Wednesday",
        "Thanks!",
        "Never mind",
        "snow",
    ],
)
async def test_another_question_is_no_answer_to_what_was_asked_back(message):
    _, calls = await talk("Please book leave", message)
    assert calls == []


async def test_an_answer_completes_only_what_was_asked_back_just_before():
    _, calls = await talk("Please book leave", "Thanks!", "next Monday to Wednesday")
    assert calls == []
    _, calls = await talk("What is the leave policy?", "next Monday to Wednesday")
    assert calls == []
    lone, _ = await answer("next Monday to Wednesday", tools=ALL)
    assert ENGLISH.complete_by not in lone


async def test_what_is_still_missing_is_asked_for_alone():
    said, _ = await talk("Please book leave", "Monday")
    assert "**First day**" in said[0]
    assert "**First day**" not in said[1]
    assert "**Last day**: until which day, or for how many days?" in said[1]


@pytest.mark.parametrize(
    ("question", "tool_name", "arguments"),
    [
        ("Wie viele Urlaubstage habe ich noch?", "vacation_balance", {}),
        ("Wie viel Urlaub habe ich noch?", "vacation_balance", {}),
        ("Bitte Urlaub von 7.12. bis 9.12. eintragen", "request_leave", VACATION),
        ("Ich möchte am 7. Dezember frei nehmen", "request_leave", LEAVE | {"last_day": "2026-12-07"}),
        ("Gehaltsbestätigung für „Sparkasse Graz“ bitte", "salary_letter", {"recipient": "Sparkasse Graz"}),
        ("Ich möchte von 7. bis 9. Dezember Urlaub nehmen", "request_leave", VACATION),
        ("Ich brauche eine Gehaltsbestätigung für „Sparkasse Graz“", "salary_letter", {"recipient": "Sparkasse Graz"}),
    ],
)
async def test_a_german_request_calls_the_tool(question, tool_name, arguments):
    assert (await answer(question, tools=ALL))[1] == [(tool_name, arguments)]


@pytest.mark.parametrize(
    ("question", "recipient"),
    [
        ("I need a letter for my bank that says what I earn", "bank"),
        ("Please confirm my salary to Northgate Building Society.", "Northgate Building Society"),
        ("Please issue a salary letter for Anna & Co", "Anna & Co"),
        ("Please send a salary letter to the landlord", "landlord"),
    ],
)
async def test_whom_a_letter_is_for_is_read_from_the_request(question, recipient):
    assert (await answer(question, tools=ALL))[1] == [("salary_letter", {"recipient": recipient})]


@pytest.mark.parametrize(
    "question", ["I need a salary letter for my holiday", "Please issue a salary letter", "A salary letter, please."]
)
async def test_whom_a_letter_is_for_is_never_guessed(question):
    said, calls = await answer(question, tools=ALL)
    assert calls == []
    assert "**Recipient**" in said


async def test_a_german_request_is_asked_back_in_german():
    said, _ = await answer("Bitte Urlaub beantragen", tools=ALL)
    assert said.startswith("Für „Request leave“ brauche ich noch:")
    assert "ab welchem Tag?" in said
    assert said.endswith(GERMAN.complete_by)


@pytest.mark.parametrize(
    "question",
    [
        "Wie beantrage ich Urlaub?",
        "Wie viele Urlaubstage bekommen neue Mitarbeiter?",
        "Wie viele Urlaubstage kann ich mitnehmen?",
        "Was passiert mit meinem Resturlaub, wenn ich kündige?",
        "Darf ich Urlaub nehmen, wenn ich in der Probezeit bin?",
        "Warum wurde mein Urlaub abgelehnt?",
        "Welcher Urlaub steht mir zu, bitte?",
    ],
)
async def test_a_german_question_about_how_things_are_calls_no_tool(question):
    assert (await answer(question, tools=ALL))[1] == []


def test_both_languages_say_the_same_with_the_same_blanks():
    for name in ENGLISH.replies:
        english, german = ENGLISH.replies[name], GERMAN.replies[name]
        assert all((blank in english) == (blank in german) for blank in ("{offer}", "{without_model}"))
    assert ENGLISH.asking.keys() == GERMAN.asking.keys()
