"""The offline model: when it calls a tool, how it words a result, what it quotes, and when it says nothing.

Most tools here are ones that this repository does not ship: nothing may be wired to its own.
"""

import json
from datetime import date, timedelta
from threading import get_ident
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from backends.glossary import Glossary
from backends.models.offline.dates import find_dates, find_months
from backends.models.offline.model import OfflineModel
from backends.models.offline.phrases import ENGLISH
from backends.models.offline.results import render
from backends.models.opening import open_model
from backends.stems import question_words, stem
from core.canonical import Json
from core.errors import InvalidInput, ModelError
from core.model import AssistantMessage, ModelRequest, SentCall, ToolMessage, UserMessage
from core.retrieval.citations import citations
from core.tools import ToolContext, tool
from core.values import Passage, Usage


@tool(effect="read")
def vacation_balance(context: ToolContext, year: int | None = None) -> Json:
    """The vacation days of the employee who asks: entitlement, taken, planned and left."""


@tool(effect="unsafe")
def request_leave(
    first_day: date,
    last_day: Annotated[date, Field(description="the last day of leave, included")],
    kind: Literal["vacation", "unpaid", "special"] = "vacation",
    half_day: bool = False,
    note: str | None = None,
) -> Json:
    """Request leave for the employee who asks, from a first to a last day."""


@tool(effect="idempotent")
def parking_permit(plate: str, month: str) -> Json:
    """Issue a parking permit for the garage, for one month."""


@tool(effect="unsafe")
def book_room(room: str, date: date, seats: int) -> Json:
    """Book a meeting room for a day."""


@tool(effect="unsafe")
def cancel_gym_membership() -> Json:
    """Cancel the gym membership of the person who asks."""


@tool(effect="read")
def public_holidays(country: Literal["Austria", "Germany", "UK"], year: int) -> Json:
    """The public holidays of a country in a year."""


ASKED_AT = "2026-11-30T09:00:00.000Z"
"""A Monday."""
TODAY = date(2026, 11, 30)

TOOLS = tuple(
    each.schema
    for each in (vacation_balance, request_leave, parking_permit, book_room, cancel_gym_membership, public_holidays)
)


def passage(text, *, title="Remote work", section=(), document="remote"):
    return Passage(
        id=f"{document}#1", document=document, title=title, section=list(section), version="1", text=text, score=1.0
    )


async def answer(question, *, tools=(), passages=(), after=(), before=(), settings=None, at=ASKED_AT, country=None):
    """What was said, and the calls that were made as pairs of tool and arguments."""
    messages = (*before, UserMessage(text=question, passages=tuple(passages)), *after)
    request = ModelRequest(
        instructions="",
        messages=messages,
        tools=tuple(tools),
        settings=settings or {"delay": 0},
        asked_at=at,
        country=country,
    )
    events = [event async for event in OfflineModel().stream(request)]
    calls = [(event.tool, json.loads(event.arguments)) for event in events if event.kind == "call"]
    assert events[-1].kind == "finish"
    assert events[-1].stop_reason == ("tool_calls" if calls else "end")
    return "".join(event.text for event in events if event.kind == "text"), calls


LEAVE = {"first_day": "2026-12-21", "last_day": "2026-12-24"}
ONE_DAY = {"first_day": "2026-12-21", "last_day": "2026-12-21"}
VACATION = LEAVE | {"kind": "vacation"}
ROOM = {"room": "Danube", "date": "2026-12-01", "seats": 8}


@pytest.mark.parametrize(
    ("question", "called", "arguments"),
    [
        ("How many vacation days do I have left?", "vacation_balance", {}),
        ("What's my vacation balance?", "vacation_balance", {}),
        ("What\u2019s my vacation balance?", "vacation_balance", {}),
        ("What is my vacation balance for 2025?", "vacation_balance", {"year": 2025}),
        ("Do I have vacation days left?", "vacation_balance", {}),
        ("I read the policy. How many vacation days do I have left?", "vacation_balance", {}),
        ("Hi, I'm off to Italy over Christmas, how many vacation days do I have left?", "vacation_balance", {}),
        ("Please request vacation from 2026-12-21 to 2026-12-24", "request_leave", VACATION),
        ("Please request vacation from 21 December to 24 December 2026.", "request_leave", VACATION),
        ("Book vacation from 21 to 24 December 2026", "request_leave", VACATION),
        ("I'd like to take vacation until 24.12.2026, from 21.12.2026", "request_leave", VACATION),
        ("Can I take vacation from 2026-12-21 to 2026-12-24?", "request_leave", VACATION),
        (
            'Request unpaid leave from 2026-12-21 until 2026-12-24, note "visiting family"',
            "request_leave",
            LEAVE | {"kind": "unpaid", "note": "visiting family"},
        ),
        (
            "Request a half day of vacation from 2026-12-21 to 2026-12-24",
            "request_leave",
            VACATION | {"half_day": True},
        ),
        ("I want to take leave on 21 December 2026", "request_leave", ONE_DAY),
        ("Book next Monday off", "request_leave", {"first_day": "2026-12-07", "last_day": "2026-12-07"}),
        ("I'd like a week's leave from 21 December", "request_leave", LEAVE | {"last_day": "2026-12-25"}),
        ("Get me a parking permit for plate GZ-4711 in December 2026", "parking_permit", {"plate": "GZ-4711"}),
        ("I need a parking permit for 'W 123 AB' for 2026-12", "parking_permit", {"plate": "W 123 AB"}),
        ("Book the Danube room on 2026-12-01 for 8 seats", "book_room", ROOM),
        ("Could you book room Danube for 8 people on 1 December 2026?", "book_room", ROOM),
        ("Please cancel my gym membership", "cancel_gym_membership", {}),
        ("I want to cancel my gym membership.", "cancel_gym_membership", {}),
        (
            "Which public holidays are there in Austria in 2026?",
            "public_holidays",
            {"country": "Austria", "year": 2026},
        ),
    ],
)
async def test_a_question_that_clearly_asks_for_a_tool_calls_it(question, called, arguments):
    if called == "parking_permit":
        arguments = arguments | {"month": "2026-12"}
    said, calls = await answer(question, tools=TOOLS)
    assert calls == [(called, arguments)]
    assert said == ""


@pytest.mark.parametrize(
    "question",
    [
        "What is our policy on remote work?",
        "How does carry-over of vacation work?",
        "How do I request vacation?",
        "How many vacation days do new employees get?",
        "How many vacation days can I carry over?",
        "What happens to my vacation balance when I leave?",
        "Do I get my vacation days back when I am ill?",
        "What was the asker's vacation balance?",
        "Is vacation paid out when someone leaves the company?",
        "Can I be refused vacation from 2026-12-21 to 2026-12-24 if I am in probation?",
        "Why was my leave request from 2026-12-21 to 2026-12-24 refused?",
        "What does a parking permit cost?",
        "I lost my parking permit.",
        "What is the status of my permit?",
        "Who may book a meeting room?",
        "Don't cancel my gym membership",
        "Tell me how to cancel my gym membership",
        "Please explain the vacation balance",
        "Can I cancel my gym membership?",
        "How can I cancel my gym membership?",
        "Is the gym membership taxable?",
        "What are the rules for public holidays in Austria in 2026?",
        "Tell me about parental leave",
        "The rules on vacation, please",
        "What does a parking permit cost, please?",
        "Hello",
        "",
        "???",
    ],
)
async def test_a_question_about_how_things_are_calls_no_tool(question):
    _, calls = await answer(question, tools=TOOLS)
    assert calls == []
    for alone in TOOLS:
        assert (await answer(question, tools=[alone]))[1] == []


async def test_without_tools_nothing_is_called():
    assert (await answer("How many vacation days do I have left?"))[1] == []


async def test_asking_after_ones_own_affairs_is_not_asked_to_fill_in_a_form():
    said, calls = await answer("How many vacation days do I have left?", tools=[request_leave.schema])
    assert said.startswith(ENGLISH.nothing_found)
    assert calls == []


async def test_two_tools_that_fit_alike_are_both_left_alone():
    @tool(effect="read")
    def gym_visits() -> Json:
        """How often the person who asks visited the gym."""

    @tool(effect="read")
    def visits_to_gym() -> Json:
        """How often the person who asks visited the gym."""

    question = "How many gym visits do I have?"
    assert (await answer(question, tools=[gym_visits.schema]))[1] == [("gym_visits", {})]
    assert (await answer(question, tools=[gym_visits.schema, visits_to_gym.schema]))[1] == []


@pytest.mark.parametrize(
    ("question", "needed", "given"),
    [
        (
            "Please request vacation",
            ["**First day**: from which day?", "**Last day**: until which day, or for how many days?"],
            [],
        ),
        ("Please request vacation", ["(the last day of leave, included)"], []),
        ("Please request vacation until 24 December 2026", ["**First day**"], ["**Last day**"]),
        ("I want to take leave from 24 December 2026", ["**Last day**"], ["**First day**"]),
        ("Please request vacation from 31.2.2026 to 24 December", ["**First day**"], ["**Last day**"]),
        ("I need a parking permit", ["**Plate**", "**Month**: which month, such as December 2026?"], []),
        ("Book a meeting room for 8 people on 2026-12-01", ["**Room**"], ["**Seats**", "**Date**"]),
        ("Show me the public holidays in Germany", ["**Year**: how many, or which number?"], ["**Country**"]),
        ("Book the Meeting room on 2026-12-01 for 8 seats", ["**Room**"], ["**Seats**"]),
        ("Request vacation from 2026-12-21 to 2026-12-24, not 2026-11-02", ["**First day**", "**Last day**"], []),
        (
            "Request parental leave from 2026-12-21 to 2026-12-24",
            ["**Kind**: which one: vacation, unpaid, special?"],
            [],
        ),
        ("Get me a parking permit for plate GZ-4711 in May 2026 or June 2026", ["**Month**"], ["**Plate**"]),
        ("Show me the public holidays of 2026", ["**Country**: which one: Austria, Germany, UK?"], ["**Year**"]),
    ],
)
async def test_what_a_tool_lacks_is_asked_for_in_words(question, needed, given):
    said, calls = await answer(question, tools=TOOLS)
    assert calls == []
    assert all(words in said for words in needed), said
    assert not any(words in said for words in given), said


async def test_a_value_that_does_not_fit_its_pattern_is_missing():
    @tool(effect="read")
    def badge_lookup(badge: Annotated[str, Field(pattern=r"^B-\d{4}$")]) -> Json:
        """Look up a badge."""

    assert (await answer("Look up badge B-1234", tools=[badge_lookup.schema]))[1] == [
        ("badge_lookup", {"badge": "B-1234"})
    ]
    said, calls = await answer("Look up badge XYZ", tools=[badge_lookup.schema])
    assert (calls, "**Badge**" in said) == ([], True)


async def test_a_date_goes_to_no_parameter_that_the_word_before_it_speaks_against():
    @tool(effect="idempotent")
    def set_reminder(start: date) -> Json:
        """Set a reminder."""

    assert (await answer("Set a reminder on 2026-12-24", tools=[set_reminder.schema]))[1] == [
        ("set_reminder", {"start": "2026-12-24"})
    ]
    assert (await answer("Set a reminder until 2026-12-24", tools=[set_reminder.schema]))[1] == []


async def test_a_date_goes_first_to_the_parameter_that_the_word_before_it_names():
    @tool(effect="idempotent")
    def order_badge(valid: date, until: date) -> Json:
        """Order a badge."""

    assert (await answer("Order a badge until 2026-12-24, valid 2026-12-01", tools=[order_badge.schema]))[1] == [
        ("order_badge", {"valid": "2026-12-01", "until": "2026-12-24"})
    ]


async def test_of_several_numbers_each_goes_to_the_name_beside_it():
    @tool(effect="unsafe")
    def order_lunch(plates: int, budget: float, vegan: bool) -> Json:
        """Order lunch."""

    question = "Order lunch: 12 plates, budget 99.50, not vegan"
    assert (await answer(question, tools=[order_lunch.schema]))[1] == [
        ("order_lunch", {"plates": 12, "budget": 99.5, "vegan": False})
    ]
    said, calls = await answer("Order lunch for 12 on 99.50", tools=[order_lunch.schema])
    assert calls == []
    assert all(name in said for name in ("**Plates**", "**Budget**", "**Vegan**: yes or no"))


async def test_a_number_that_no_json_integer_holds_is_no_argument():
    said, calls = await answer(f"Book room Danube on 2026-12-01 for {'9' * 20} seats", tools=TOOLS)
    assert (calls, "**Seats**" in said) == ([], True)


@given(
    question=st.text()
    | st.lists(
        st.sampled_from(["book", "room", "Danube", "8", '"x"', "'", "2026-12-01", ".", "31.02.2026", "my", "?"])
    ).map(" ".join)
)
async def test_any_question_gets_an_answer_and_any_call_fits_its_schema(question):
    _, calls = await answer(question, tools=TOOLS, passages=[passage("Some text: a.\n\n- b\n\n| c |\n|---|\n| d |")])
    known = {each.name: each for each in (vacation_balance, request_leave, parking_permit, book_room)}
    for name, arguments in calls:
        if name in known:
            known[name].validate(arguments)


def called(tool_name, *results):
    """An answer that called the tool, and the results of its calls."""
    calls = tuple(SentCall(id=f"c{n}", tool=tool_name, arguments={}) for n, _ in enumerate(results))
    messages = (ToolMessage(id=f"c{n}", tool=tool_name, **result) for n, result in enumerate(results))
    return AssistantMessage(text="", calls=calls), *messages


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("12", "Vacation balance: **12**"),
        ("12.0", "Vacation balance: **12**"),
        ('"all clear"', "Vacation balance: **all clear**"),
        ("true", "Vacation balance: **yes**"),
        ("null", "Vacation balance: done, without a result."),
        ("", "Vacation balance: done, without a result."),
        ("[]", "Vacation balance: nothing on record."),
        ("{}", "Vacation balance: nothing on record."),
        ("no JSON at all", "Vacation balance: no JSON at all"),
        (
            '{"days_left": 12.5, "until": "2026-12-31", "carriedOver": null, "steps": [], "half": [1, 2]}',
            "Vacation balance:\n\n- Days left: 12.5\n- Until: Thursday 31 December 2026\n- Carried over: not given\n"
            "- Steps: none\n- Half: 1, 2",
        ),
        ('{"a": {"b": {"c": 1}}}', "Vacation balance:\n\n- A:\n  - B:\n    - C: 1"),
        (
            '[{"day": "2026-01-01", "name": "New|Year"}, {"day": "x", "name": "y"}]',
            "Vacation balance:\n\n| Day | Name |\n| --- | --- |\n| Thursday 1 January 2026 | New\\|Year |\n| x | y |",
        ),
        ('[{"a": 1}, {"b": [2]}]', "Vacation balance:\n\n- A: 1\n- B: 2"),
        ('["x", "y"]', "Vacation balance:\n\n- x\n- y"),
    ],
)
async def test_a_result_is_put_into_plain_words(content, said):
    after = called("vacation_balance", {"content": content})
    assert await answer("How many vacation days do I have left?", tools=TOOLS, after=after) == (said, [])


@pytest.mark.parametrize("content", ["The employee denied this.", "Whether it happened is not known."])
async def test_a_call_without_success_is_told_in_the_words_of_its_message(content):
    after = called("request_leave", {"content": content, "failed": True})
    said, calls = await answer("Please request vacation from 2026-12-21 to 2026-12-24", tools=TOOLS, after=after)
    assert (said, calls) == (f"Request leave: no result. {content}", [])


async def test_every_result_of_the_turn_is_told_and_nothing_is_called_again():
    after = called("vacation_balance", {"content": "12"}, {"content": "late", "failed": True})
    said, calls = await answer("How many vacation days do I have left?", tools=TOOLS, after=after)
    assert (said, calls) == ("Vacation balance: **12**\n\nVacation balance: no result. late", [])


async def test_results_of_an_earlier_turn_are_not_told_again():
    after = (
        *called("vacation_balance", {"content": "12"}),
        AssistantMessage(text="12"),
        UserMessage(text="What's my vacation balance?"),
    )
    assert (await answer("How many vacation days do I have left?", tools=TOOLS, after=after))[1] == [
        ("vacation_balance", {})
    ]


POLICY = passage(
    "Apprentices work on site. Employees may work remotely up to three days a week. Ask your manager, e.g. Tuesday. "
    "Snow is not a reason.\n\nThe company pays:\n\n- a desk\n- a chair\n\n| Topic | Rule |\n"
    "|---|---|\n| Office | 2 days |",
    section=["Hybrid days"],
)


async def test_an_answer_quotes_the_fitting_sentences_and_says_where_they_stand():
    long = POLICY.model_copy(update={"text": f"{'Bring a badge to the door of the office. ' * 15}\n\n{POLICY.text}"})
    said, _ = await answer("Are employees remote?", passages=[long])
    assert said.startswith("From “Remote work”, section Hybrid days:\n\n> ")
    assert "Employees may work remotely up to three days a week." in said
    assert "badge" not in said
    assert "chair" not in said


async def test_every_quote_is_the_passages_own_words():
    said, _ = await answer("What is the policy on remote desks?", passages=[POLICY])
    quoted = [line.removeprefix("> ").removesuffix(" [1]") for line in said.split("\n") if line.startswith("> ")]
    assert quoted
    for line in quoted:
        for piece in filter(None, (piece.strip() for piece in line.split("[...]"))):
            assert piece in POLICY.text or piece == "[1]"


async def test_a_list_is_quoted_with_the_line_that_leads_in_to_it():
    said, _ = await answer("Does the company pay for a chair?", passages=[POLICY])
    assert "> The company pays:\n>\n> - a desk\n> - a chair" in said


async def test_a_table_row_is_quoted_with_its_header():
    rows = "\n".join(f"| Grade {n} | €{n}00 |" for n in range(1, 13))
    table = passage(f"| Post | Amount |\n|---|---|\n{rows}", title="Bonus", document="bonus")
    said, _ = await answer("What is the amount for grade 7?", passages=[table])
    assert said.split("\n")[2:5] == ["> | Post | Amount |", "> |---|---|", "> | Grade 7 | €700 |"]
    assert "Grade 12" not in said
    assert said.endswith(">\n> [1]")


async def test_markers_are_the_places_of_the_passages_and_become_citations():
    other = passage("Dogs sleep.", title="Dogs", document="dogs")
    said, _ = await answer("May employees work remotely?", passages=[other, POLICY])
    assert {(found.number, found.passage.document) for found in citations(said, [other, POLICY])} == {(2, "remote")}


async def test_brackets_in_a_quote_or_a_result_are_no_citations():
    sly = passage("Remote work is fine [2] and good.", title="Remote [3] work")
    said, _ = await answer("remote work", passages=[sly, POLICY, POLICY])
    assert "fine [2\\] and good" in said
    assert [found.number for found in citations("From" + said, [sly])] == [1]
    said, _ = await answer("x", after=called("t", {"content": '"see [1]"'}))
    assert citations(said, [sly]) == []


async def test_a_passage_under_the_heading_asked_for_leaves_out_a_mere_mention():
    mention = passage("A bicycle stood there.", title="Snow", document="snow")
    headed = passage("Keys are at reception.", title="House rules", section=["Bicycle"], document="house")
    said, _ = await answer("Where do I put my bicycle?", passages=[mention, headed])
    assert [found.number for found in citations(said, [mention, headed])] == [2]


@pytest.mark.parametrize("passages", [[], [POLICY]])
async def test_a_question_that_no_passage_fits_is_told_that_nothing_was_found(passages):
    said, _ = await answer("What is the weather in Graz?", passages=passages)
    assert said.startswith(ENGLISH.nothing_found)
    assert "without a language model" in said
    assert "People team" in said


async def test_one_common_word_does_not_make_a_passage_fit():
    said, _ = await answer("Is snow shovelled from airport runways at night?", passages=[POLICY])
    assert said.startswith(ENGLISH.nothing_found)


async def test_text_comes_in_small_pieces_and_costs_nothing():
    request = ModelRequest(instructions="", messages=(UserMessage(text="Thanks!"),))
    *text, finish = [event async for event in open_model("offline:?delay=0").stream(request)]
    assert "".join(event.text for event in text) == ENGLISH.replies["thanks"]
    assert all(len(event.text.split()) == 1 for event in text)
    assert (finish.cost, finish.usage) == (0, Usage())


@pytest.mark.parametrize("settings", [{"temperature": 1}, {"delay": -1}, {"delay": "slow"}, {"delay": None}])
async def test_a_setting_it_does_not_have_is_an_invalid_request(settings):
    with pytest.raises(ModelError) as caught:
        await answer("Hello", settings=settings)
    assert caught.value.code == "invalid_request"


@pytest.mark.parametrize(
    "url", ["offline:?delay=x", "offline:?delay=-1", "offline:?speed=1", "offline:/x", "offline:?delay"]
)
def test_an_offline_url_with_anything_but_a_delay_is_refused(url):
    with pytest.raises(InvalidInput):
        open_model(url)


def test_its_name_is_the_same_at_every_pace():
    assert open_model("offline:").name == open_model("offline:?delay=0.02").name == "offline:"


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("2026-12-21", ["2026-12-21"]),
        ("on 21.12.2026, 1/2/2027", ["2026-12-21", "2027-02-01"]),
        ("21st of December 2026", ["2026-12-21"]),
        ("Dec. 21, 2026", ["2026-12-21"]),
        ("from 21 to 24 December 2026", ["2026-12-21", "2026-12-24"]),
        ("21-24 December 2026", ["2026-12-21", "2026-12-24"]),
        ("21.–24.12.2026", ["2026-12-21", "2026-12-24"]),  # noqa: RUF001 - people type dashes
        ("21.12. - 24.12.2026", ["2026-12-21", "2026-12-24"]),
        ("28 December to 3 January 2027", ["2026-12-28", "2027-01-03"]),
        ("December 21 to 24, 2026", ["2026-12-21", "2026-12-24"]),
        ("December 21 to December 24, 2026", ["2026-12-21", "2026-12-24"]),
        ("between 21 and 24 December 2026", ["2026-12-21", "2026-12-24"]),
        ("room 21 and 24 December 2026", ["2026-12-24"]),
        ("24 to 21 December 2026", ["2026-12-21"]),
        ("31 February 2026", []),
        ("2026-02-30", []),
        ("21 December", ["2026-12-21"]),
        ("3 January", ["2027-01-03"]),
        ("29 February", ["2028-02-29"]),
        ("24.12.2026 to 21.12.2026", ["2026-12-24", "2026-12-21"]),
        ("21.12.", ["2026-12-21"]),
        ("21.12. until 23.12.", ["2026-12-21", "2026-12-23"]),
        ("1.1. until 3.1.", ["2027-01-01", "2027-01-03"]),
        ("from 21 December to 2 January", ["2026-12-21", "2027-01-02"]),
        ("December 21 to 24", ["2026-12-21", "2026-12-24"]),
        ("from 3. until 5. January", ["2027-01-03", "2027-01-05"]),
        ("Friday 4 December to Tuesday 8 December", ["2026-12-04", "2026-12-08"]),
        ("21 December to 24 December 2028", ["2028-12-21", "2028-12-24"]),
        ("today", ["2026-11-30"]),
        ("tomorrow", ["2026-12-01"]),
        ("the day after tomorrow", ["2026-12-02"]),
        ("next Friday", ["2026-12-04"]),
        ("Monday", ["2026-12-07"]),
        ("next Monday to Wednesday", ["2026-12-07", "2026-12-09"]),
        ("Friday to Monday", ["2026-12-04", "2026-12-07"]),
        ("in two weeks", ["2026-12-14"]),
        ("in 3 days", ["2026-12-03"]),
        ("from Monday for a week", ["2026-12-07", "2026-12-11"]),
        ("from Wednesday for two weeks", ["2026-12-02", "2026-12-15"]),
        ("from Friday for 3 days", ["2026-12-04", "2026-12-08"]),
        ("a week of leave from Monday", ["2026-12-07", "2026-12-11"]),
        ("next week", ["2026-12-07", "2026-12-11"]),
        ("this week", ["2026-11-30", "2026-12-04"]),
        ("the last week of March", ["2027-03-29", "2027-04-02"]),
        ("last March week", ["2027-03-29", "2027-04-02"]),
        ("the first week of November", ["2027-11-01", "2027-11-05"]),
        ("from Monday to tomorrow", ["2026-12-07", "2026-12-01"]),
        ("the first week of December 2026", ["2026-12-07", "2026-12-11"]),
        ("may I have 99.50 in 2026", []),
        ("version 3.14 of 8 handbooks", []),
        ("on a Fri", []),
        ("12026-12-210", []),
        ("29 February 2028", ["2028-02-29"]),
    ],
)
def test_dates_are_found_as_people_write_them_and_never_guessed(text, dates):
    assert [found.day.isoformat() for found in find_dates(text, TODAY)] == dates


@pytest.mark.parametrize(
    ("german", "dates"),
    [
        ("nächsten Freitag", ["2026-12-04"]),
        ("ab Montag eine Woche", ["2026-12-07", "2026-12-11"]),
        ("eine Woche Urlaub ab Montag", ["2026-12-07", "2026-12-11"]),
        ("21.12. bis 23.12.", ["2026-12-21", "2026-12-23"]),
        ("vom 3. bis 5. Jänner", ["2027-01-03", "2027-01-05"]),
        ("am 24. Dezember 2026", ["2026-12-24"]),
        ("die letzte Märzwoche", ["2027-03-29", "2027-04-02"]),
        ("letzte Woche im März", ["2027-03-29", "2027-04-02"]),
        ("morgen", ["2026-12-01"]),
        ("übermorgen", ["2026-12-02"]),
        ("in zwei Wochen", ["2026-12-14"]),
        ("Montag bis Mittwoch", ["2026-12-07", "2026-12-09"]),
    ],
)
def test_german_dates_are_read_through_the_glossary(german, dates):
    assert [found.day.isoformat() for found in find_dates(Glossary.bundled().english(german), TODAY)] == dates


DAYS = st.dates(date(2026, 11, 30), date(2035, 12, 31))


@given(DAYS, DAYS, st.sampled_from(["{0:%Y-%m-%d}", "{0.day}.{0.month}.{0.year}", "{0.day} {0:%B} {0.year}"]))
def test_a_whole_date_is_found_as_it_is_from_any_day(day, today, form):
    assert [found.day for found in find_dates(f"leave on {form.format(day)}, please", today)] == [day]


@given(
    DAYS,
    st.sampled_from(
        ["Monday", "tomorrow", "21.12.", "3 January", "next Friday", "in 5 days", "29 February", "last week of May"]
    ),
)
def test_a_day_without_a_year_is_never_in_the_past(today, phrase):
    assert all(found.day >= today for found in find_dates(phrase, today))
    assert find_dates(phrase, today)


@given(DAYS, st.integers(1, 20))
def test_a_length_in_days_ends_on_a_working_day_and_counts_them(today, days):
    first, last = find_dates(f"from next Monday for {days} days", today)
    between = [first.day + timedelta(n) for n in range((last.day - first.day).days + 1)]
    assert sum(day.weekday() < 5 for day in between) == days
    assert last.day.weekday() < 5


@given(st.text(max_size=60))
def test_any_text_can_be_looked_through_for_dates(text):
    for found in find_dates(text, TODAY):
        assert 0 <= found.start <= found.end <= len(text)


@pytest.mark.parametrize(("month_first", "day"), [(False, "2027-02-01"), (True, "2027-01-02")])
def test_the_order_of_day_and_month_is_the_countrys(month_first, day):
    assert [found.day.isoformat() for found in find_dates("1/2/2027", TODAY, month_first=month_first)] == [day]


@pytest.mark.parametrize(
    ("country", "day"), [("austria", "2026-12-01"), ("DE", "2026-12-01"), ("uk", "2026-11-30"), (None, "2026-11-30")]
)
async def test_tomorrow_is_the_askers_tomorrow(country, day):
    _, calls = await answer(
        "Book the Danube room tomorrow for 8 seats", tools=TOOLS, at="2026-11-29T23:30:00.000Z", country=country
    )
    assert calls == [("book_room", {"room": "Danube", "date": day, "seats": 8})]


def test_months_need_a_year():
    assert [found.iso for found in find_months("in May, in 2026-12 and in January 2027, not 2026-13")] == [
        "2026-12",
        "2027-01",
    ]


def test_how_something_works_is_no_question_about_work():
    assert question_words("How does carry-over work?") == ["carry"]
    assert question_words("How do I work from home?") == ["work", "home"]


@pytest.mark.parametrize(
    "forms",
    ["policy policies", "request requests requested requesting", "cancel cancelled cancellation", "approve approval"],
)
def test_the_forms_of_a_word_have_one_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


async def test_the_offline_model_reads_a_question_off_the_event_loop():
    threads = set[int]()

    class Noting(Glossary):
        def language(self, text):
            threads.add(get_ident())
            return super().language(text)

    model = OfflineModel(delay=0, glossary=Noting([]))
    request = ModelRequest(instructions="", messages=(UserMessage(text="How many days of leave do I have?"),))
    assert [event async for event in model.stream(request)]
    assert threads
    assert get_ident() not in threads


def test_a_result_nested_more_deeply_than_results_can_be_is_shown_as_the_text_it_is():
    text = "[" * 900 + "]" * 900
    assert render(ToolMessage(id="c1", tool="days_left", content=text, failed=False), ENGLISH) == f"Days left: {text}"
