"""What employees find in and under an answer: sources and records, the row of actions, what to ask next."""

import re
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from console.app import app
from console.drawing.answer_text import answer_text
from console.drawing.suggestions import suggestions
from core.clock import iso
from core.desk.turn_views import TurnView
from core.log.records import DeferredCall, HandoverRecord, ModelCall, Retrieval, ToolCall, Totals, Turn, Wait
from core.values import Citation, Concern, Passage, Usage
from tests.console.test_asking_again import REMOTE, button, click, questions
from tests.console.test_pages import EMPLOYEE, LEAVE, ask, labels, open_as, texts

__all__ = ["open_as"]  # the fixture

THEN = "2026-03-04T14:02:00.000Z"


def passage(document, section, **more):
    fields = {"title": document.title(), "version": "3", "text": "Text.", "score": 1.0}
    return Passage(id=f"{document}-{section}", document=document, section=[section] if section else [], **fields | more)


def cited(number, of):
    return Citation(number=number, passage=of, quote="")


def search(*passages, **more):
    fields = {"call": None, "query": "How?", "answers": True, "error": None, "count": len(passages), "at_n": 2}
    return Retrieval.model_construct(passages=list(passages), **fields | more)


def call(tool="vacation_balance", **more):
    fields = {
        "id": f"call-{tool}",
        "effect": "read",
        "status": "succeeded",
        "finished_at": THEN,
        "result": {"left": 13},
    }
    return ToolCall.model_construct(tool=tool, **fields | more)


def view(*citations, calls=(), retrievals=(), model_calls=(), deferred=(), handovers=(), **more):
    """A view of a turn that has completed in English."""
    fields = {"id": "t", "text": "It is so [1].", "status": "completed", "question": "How many days do I have?"}
    fields |= {"opened_at": THEN, "ended_at": "2026-03-04T14:02:05.000Z"}
    turn = Turn.model_construct(citations=list(citations), **fields | more)
    done = {"calls": list(calls), "retrievals": list(retrievals), "model_calls": list(model_calls)}
    done |= {"deferred": list(deferred), "handovers": list(handovers), "summaries": []}
    return TurnView(turn=turn, **done, reports=None, versions=[], review=None)


def draw(page, **given):
    at = AppTest.from_function(page)
    for name, value in given.items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    return at


def test_chips_name_sections_below_their_documents_title_which_is_said_once():
    def page():
        import streamlit as st

        from console.drawing.sources import draw_sources

        draw_sources("[1] [2] [3]", st.session_state["citations"], [], lambda passage: [], "key")

    leave = [passage("leave", "Carry-over"), passage("leave", "Half days")]
    at = draw(page, citations=[cited(3, leave[1]), cited(2, passage("travel", "")), cited(1, leave[0])])
    assert labels(at) == ["1 · Carry\\-over", "3 · Half days", "2 · Travel"]
    assert [caption.value for caption in at.caption] == ["Leave", "Travel"]
    assert "Policy says" in texts(at)


def test_own_records_are_headed_and_dated_and_neither_an_act_nor_a_failure_nor_a_search_is_one():
    def page():
        import streamlit as st

        from console.drawing.records import draw_records

        draw_records(st.session_state["calls"])

    others = [call("book", effect="unsafe"), call("pay", status="failed"), call("search_handbooks")]
    at = draw(page, calls=[call(), *others, call("pay_slips", result={"slips": [1, 2]}), call("gone", result=None)])
    said = texts(at).replace("\\", "")
    assert said.count("Your record says") == 3
    assert "Left: **13**" in said
    assert "as of 4 Mar 2026, 14:02 UTC" in said
    assert said.count("Its whole result is in the step above.") == 2
    today = datetime.now(UTC)
    fresh = texts(draw(page, calls=[call(finished_at=iso(today))])).replace("\\", "")
    assert re.search(r"as of \d\d:\d\d UTC", fresh) or today.date() != datetime.now(UTC).date()


def test_an_answer_is_copied_with_its_sources_and_its_records():
    leave = passage("leave", "Carry-over", effective="2026-01-01", page=4)
    assert answer_text(view(cited(1, leave), cited(1, leave), calls=[call()])) == (
        "It is so [1].\n\n"
        "Sources\n[1] Leave, Carry-over, Page 4, Version 3, in force since 2026-01-01\n\n"
        "Your records\nVacation balance, as of 4 Mar 2026, 14:02 UTC"
    )
    assert answer_text(view(text="Hello.")) == "Hello."


LEFT = passage("leave", "Carry-over")
FOUND = [passage("travel", "Meals"), LEFT, passage("dogs", "Food"), passage("cats", "Food"), passage("leave", "Notice")]


def test_what_was_found_and_not_cited_is_suggested_cited_documents_first_and_what_is_far_off_never():
    on = "What does “{}” say about “{}”?".format
    expected = [on("Leave", "Notice"), on("Travel", "Meals"), on("Dogs", "Food")]
    assert suggestions(view(cited(1, LEFT), retrievals=[search(*FOUND)])) == expected
    assert suggestions(view(cited(1, LEFT), retrievals=[search(*FOUND, *FOUND)]), asked=expected[:1]) == expected[1:]
    german = view(cited(1, LEFT), retrievals=[search(*FOUND)], question="Wie viele Tage habe ich?")
    assert suggestions(german)[0] == "Was steht in „Leave“ über „Notice“?"


@pytest.mark.parametrize(
    "ended",
    [
        {"status": "cancelled"},
        {"status": "truncated"},
        {"concern": Concern(topic="self_harm")},
        {"question": None},
        {"report": "call"},
        {"retrievals": [search(*FOUND, answers=False)]},
    ],
)
def test_nothing_is_suggested_after_another_ending_or_to_a_person_in_need_or_if_the_search_found_no_answer(ended):
    assert suggestions(view(**{"retrievals": [search(*FOUND)]} | ended)) == []


def test_suggestions_stand_below_the_newest_answer_alone_and_a_click_asks_one(open_as):
    def offered():
        return [one.label for one in at.button if str(one.key).startswith("suggestion_")]

    at = ask(open_as(EMPLOYEE), REMOTE)
    first = offered()
    assert 1 <= len(first) <= 3
    at = click(at, first[0])
    assert questions(at) == [REMOTE, first[0].replace("\\", "")]
    assert first[0] not in offered()
    thread = at.query_params["thread"]
    assert len({one.key.rpartition("_")[0] for one in at.button if str(one.key).startswith("suggestion_")}) <= 1
    ask(at, LEAVE)
    assert offered() == []
    assert "Copy" not in labels(at)  # a component, beside the buttons
    assert labels(at).count("How was this produced?") == 2
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).turns == 3


def test_a_thumb_down_counts_at_once_asks_why_and_can_be_changed_and_taken_back(open_as):
    def rated():
        turn = app().run(app().desk.archive.transcript(EMPLOYEE, thread)).turns[0].turn
        return turn.rating, turn.dislike, turn.comment or None

    at = ask(open_as(EMPLOYEE), REMOTE)
    thread = at.query_params["thread"]
    at.feedback[0].set_value(0).run()
    assert rated() == ("down", None, None)
    at.button_group[0].set_value("outdated")
    at.text_area[0].set_value("The rule of *2024*")
    click(at, "Send")
    assert rated() == ("down", "outdated", "The rule of *2024*")
    at = open_as(EMPLOYEE, thread=thread)
    assert "You said: It is out of date" in texts(at)
    assert "The rule of *2024*" in texts(at)
    click(at, "Change the reason")
    assert at.text_area[0].value == "The rule of *2024*"
    at.button_group[0].set_value("unclear")
    click(at, "Send")
    assert rated() == ("down", "unclear", "The rule of *2024*")
    at.feedback[0].set_value(None).run()
    assert rated() == (None, None, None)
    assert "You said" not in texts(at)
    assert not at.text_area


def test_any_answer_can_go_to_a_person_and_the_consent_above_the_one_button_names_what_they_may_read(open_as):
    at = ask(ask(open_as(EMPLOYEE), REMOTE), "How many vacation days do I have left?")
    assert labels(at).count("Talk to a person") == 2
    click(at, "Talk to a person", 0)
    assert "I agree that the People team gets my employee id" in texts(at)
    assert "They may read this question and its answer." in texts(at)
    assert "Agree and send" in labels(at)
    assert at.radio[0].value == "answer"


def test_how_an_answer_was_produced_is_said_in_words(open_as):
    at = click(ask(open_as(EMPLOYEE), "How many vacation days do I have left?"), "How was this produced?")
    said = texts(at)
    assert "No language model: the text is quotes from the handbooks and results of tools." in said
    assert "Vacation balance: succeeded" in said
    assert re.search(
        r"Searched the handbooks for “How many vacation days do I have left.{0,2}”: \d+ passages found", said
    )
    assert "Cost: $0" in said.replace("\\", "")
    assert "Tokens" not in said


def test_what_is_unknown_of_an_answer_is_said_to_be_unknown_and_waiting_and_failed_attempts_are_named():
    def page():
        import streamlit as st

        from console.drawing.provenance import draw_provenance

        draw_provenance(st.session_state["view"], lambda turn: None)

    def attempt(status, **more):
        fields = {"model": "openai:gpt", "purpose": "answer", "code": None, "at_n": 3, "status": status}
        return ModelCall.model_construct(**fields | more)

    letter = DeferredCall.model_construct(tool="salary_letter", status="waiting", expires=THEN, at_n=5)
    person = HandoverRecord.model_construct(status="sent", asked_at=THEN, at_n=6)
    said = texts(
        draw(
            page,
            view=view(
                cited(1, passage("leave", "Notice", effective="2026-01-01")),
                retrievals=[search(*FOUND)],
                model_calls=[attempt("failed", code="overloaded"), attempt("answered")],
                calls=[call("book", status="denied", effect="unsafe", at_n=4, duration_ms=None)],
                deferred=[letter],
                handovers=[person],
                waits=[Wait(n=1, since=THEN, until="2026-03-04T14:02:03.000Z")],
                totals=Totals(model_calls=2, tokens_unknown=2, cost_unknown=2),
            ),
        )
    ).replace("\\", "")
    for words in (
        "The language model openai:gpt.",
        "1 attempt failed: The language model is overloaded.",
        "Book: denied",
        "5 passages found, which answer the question",
        "1 passage cited",
        "Cited: Leave, version 3, in force since 2026-01-01",
        "waits for an approver until 4 Mar 2026, 14:02 UTC",
        "Handed to a person: sent, 4 Mar 2026",
        "took 5.0 s",
        "Waited for a free place: 3.0 s",
        "Tokens: unknown",
        "Cost: unknown",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("ended", "step"),
    [
        ({"status": "cancelled"}, "Ask again"),
        ({"status": "cancelled", "code": "approval_expired"}, "Ask again"),
        ({"status": "interrupted"}, "Ask again"),
        ({"status": "refused"}, "Rephrase the question, or ask the People team"),
        ({"status": "refused", "code": "refused_by_hook", "message": "Ask on Monday."}, "Ask on Monday"),
        ({"status": "truncated"}, "Ask for the rest"),
        ({"status": "failed", "code": "overloaded"}, "Try again in a minute"),
        ({"status": "failed", "code": "of a newer core"}, "Try again"),
    ],
)
def test_each_other_ending_names_a_next_step(ended, step):
    def page():
        import streamlit as st

        from console.drawing.turns import draw_ending

        draw_ending(st.session_state["turn"])

    assert step in texts(draw(page, turn=view(**{"code": None} | ended).turn))


def test_the_reasoning_of_a_model_call_is_a_closed_part_of_its_evidence():
    def page():
        import streamlit as st

        from console.drawing.evidence import draw_model_call

        draw_model_call(st.session_state["call"])

    fields = {"id": "m1", "model": "m", "asked_at": THEN, "ended_at": THEN, "ttft_ms": 1, "duration_ms": 2}
    fields |= {"usage": Usage(), "cost": None, "request": "d", "fence": 1, "window": 1, "answer": "12 days."}
    thought = ModelCall.model_construct(**fields, reasoning_text="I should look.")
    assert [part.label for part in draw(page, call=thought).expander] == ["Technical details", "Reasoning"]
    at = draw(page, call=thought, reasoning_m1=True)
    assert "I should look." in [one.value for one in at.text]
    silent = ModelCall.model_construct(**fields)
    assert [part.label for part in draw(page, call=silent).expander] == ["Technical details"]


def test_a_search_in_vain_says_what_was_searched_and_offers_a_person(open_as):
    at = ask(open_as(EMPLOYEE), "How do I boil an egg so that the yolk stays soft?")
    said = texts(at).replace("\\", "")
    assert "Searched the handbooks for “How do I boil an egg so that the yolk stays soft?”, without an answer." in said
    assert "Nearest: " in said
    assert labels(at).count("Talk to a person") == 1
    assert not [one for one in at.button if str(one.key).startswith("suggestion_")]


def test_a_dialog_is_known_to_be_open_until_a_run_of_the_whole_page_closes_it(open_as):
    at = ask(open_as(EMPLOYEE), REMOTE)
    assert at.session_state["dialog_open"] is False
    button(at, "Talk to a person").click().run()
    assert at.session_state["dialog_open"] is True
    assert at.run().session_state["dialog_open"] is False
