"""The offline model asks back by a form, if its desk can, and completes the call with the answer."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import Field

from backends.models.offline.phrases import ENGLISH, GERMAN
from core.model import AssistantMessage, SentCall, ToolMessage
from core.question_back import ASK_BACK, ask_back
from core.tools import tool
from tests.models.test_offline import TOOLS, answer
from tests.models.test_offline_conversation import ALL, VACATION


@tool(effect="unsafe")
def order_lunch(
    plates: int,
    vegan: bool,
    room: Annotated[Literal["Danube", "Inn"], Field(description="Where it is served.")],
    note: str,
) -> str:
    """Order lunch."""


OFFERED = (*TOOLS, ask_back.schema)


async def answered(question, reply, tools, status="succeeded"):
    """The question back, and what came of the reply to it: a text and calls."""
    _, [(name, asked)] = await answer(question, tools=tools)
    assert name == ASK_BACK
    assert ask_back.validate(asked) == asked
    content = json.dumps(reply) if isinstance(reply, dict) else reply
    after = [
        AssistantMessage(text="", calls=(SentCall(id="t1", tool=ASK_BACK, arguments=asked),)),
        ToolMessage(id="t1", tool=ASK_BACK, content=content, failed=status != "succeeded", status=status),
    ]
    return asked, await answer(question, tools=tools, after=after)


@pytest.mark.parametrize(
    ("question", "labels", "phrases"),
    [
        ("I want to request leave", ["First day", "Last day"], ENGLISH),
        ("Ich möchte Urlaub nehmen", ["Erster Tag", "Letzter Tag"], GERMAN),
        ("Bitte Urlaub beantragen", ["Erster Tag", "Letzter Tag"], GERMAN),
    ],
)
async def test_the_days_that_are_missing_are_asked_for_by_a_form_in_the_language_of_the_question(
    question, labels, phrases
):
    days = {"first_day": "2026-12-21", "last_day": "2026-12-23"}
    asked, (text, calls) = await answered(question, days, OFFERED)
    assert asked["question"] == phrases.still_needed.format(tool="Request leave")
    assert [(field["label"], field["type"]) for field in asked["fields"]] == [(name, "date") for name in labels]
    [(name, arguments)] = calls
    assert (name, text) == ("request_leave", "")
    assert arguments.items() >= days.items()


async def test_what_the_question_holds_already_is_not_asked_for_and_not_lost():
    asked, (_, calls) = await answered("Request vacation from 21 December 2026", {"last_day": "2026-12-24"}, OFFERED)
    assert [field["name"] for field in asked["fields"]] == ["last_day"]
    assert calls == [("request_leave", VACATION | {"first_day": "2026-12-21", "last_day": "2026-12-24"})]


@pytest.mark.parametrize(("question", "yes"), [("Please order lunch", "yes"), ("Bitte bestelle order lunch", "ja")])
async def test_each_type_has_a_field_and_comes_back_as_the_tool_takes_it(question, yes):
    reply = {"plates": 3.0, "vegan": yes, "room": "Inn", "note": "No nuts"}
    asked, (_, calls) = await answered(question, reply, (order_lunch.schema, ask_back.schema))
    fields = {field["name"]: (field["type"], len(field["options"])) for field in asked["fields"]}
    assert fields == {"plates": ("number", 0), "vegan": ("choice", 2), "room": ("choice", 2), "note": ("text", 0)}
    [(_, arguments)] = calls
    assert order_lunch.validate(arguments) == {"plates": 3, "vegan": True, "room": "Inn", "note": "No nuts"}
    assert "Room (Where it is served)" in [field["label"] for field in asked["fields"]]


@pytest.mark.parametrize(
    ("question", "phrases"), [("I want to request leave", ENGLISH), ("Ich möchte Urlaub nehmen", GERMAN)]
)
async def test_after_a_skipped_question_nothing_is_called_and_it_says_so(question, phrases):
    _, said = await answered(question, "A person did not allow this.", OFFERED, status="denied")
    assert said == (phrases.skipped.format(tool="Request leave"), [])


@pytest.mark.parametrize("reply", ["[erased]", "[1, 2]", "{}"])
async def test_an_answer_that_cannot_be_read_calls_the_tool_with_what_is_known_and_the_tool_says_what_is_missing(
    reply,
):
    _, (_, calls) = await answered("I want to request leave", reply, OFFERED)
    assert calls == [("request_leave", {})]


async def test_what_a_form_cannot_ask_for_is_asked_for_in_words():
    text, calls = await answer("Get me a parking permit for plate GZ-4711", tools=OFFERED)
    assert calls == []
    assert ENGLISH.asking["month"] in text


async def test_without_the_tool_it_asks_in_words_and_the_tool_is_none_that_it_offers():
    text, calls = await answer("Please book leave", tools=ALL)
    assert calls == []
    assert ENGLISH.complete_by in text
    able, _ = await answer("What can you do?", tools=OFFERED)
    assert "sk back" not in able
