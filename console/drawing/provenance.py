"""Drawing how an answer was produced, in words, for its asker."""

from collections.abc import Callable, Iterator

import streamlit as st

from console.drawing.made_with import draw_produced
from console.drawing.parts import draw_part
from console.drawing.status_words import CALL_WORDS, what_went_wrong
from console.drawing.text import label, when
from console.format import cost, counted, lasted, took, total_tokens
from console.tool_words import tool_words
from core.desk.evidence import Produced
from core.desk.turn_views import TurnView
from core.log.records import Decision, Retrieval

NO_MODEL = "offline:"


def draw_provenance(view: TurnView, produced: Callable[[str], Produced | None]) -> None:
    """What the desk did for the answer, a line each, then the instructions it worked with. Call it in a fragment."""
    for heading, lines in (
        ("Who answered", _who(view)),
        ("What was done", _steps(view)),
        ("What was searched", _searches(view)),
        ("Who decided", _decisions(view)),
        ("What it took", _figures(view)),
    ):
        if written := list(lines):
            st.markdown(f"**{heading}**\n\n" + "\n".join(f"- {line}" for line in written))
    title, turn_id = "Instructions, tools and handbook versions in full", view.turn.id
    draw_part(title, f"made_{turn_id}", lambda: draw_produced(produced(turn_id), turn_id), compact=False)


def _who(view: TurnView) -> Iterator[str]:
    answered = list(
        dict.fromkeys(c.model for c in view.model_calls if c.status == "answered" and c.purpose == "answer")
    )
    if answered == [NO_MODEL]:
        yield "No language model: the text is quotes from the handbooks and results of tools."
    elif answered:
        yield f"The language model {label(' and '.join(answered), 200)}. It can make mistakes: check the sources."
    else:
        yield "No language model has answered."
    if failed := [call for call in view.model_calls if call.status == "failed"]:
        yield f"{counted(len(failed), 'attempt')} failed: {label(what_went_wrong(failed[-1].code), 200)}"


def _steps(view: TurnView) -> Iterator[str]:
    yield f"{counted(len(view.steps), 'step')}, {counted(len(view.calls), 'tool call') if view.calls else 'no tools'}"
    for call in view.calls:
        lasting = f", {took(call.duration_ms)}" if call.duration_ms is not None else ""
        yield f"{label(tool_words(call.tool).done)}: {CALL_WORDS[call.status].text.lower()}{lasting}"
    for handover in view.handovers:
        yield f"Handed to a person: {handover.status}, {label(when(handover.asked_at))}"


def _searches(view: TurnView) -> Iterator[str]:
    cited = view.turn.citations
    for search in view.retrievals:
        yield _search_words(search)
    if view.retrievals:
        yield f"{counted(len({one.number for one in cited}), 'passage')} cited"
    versions = {(one.passage.title, one.passage.version, one.passage.effective) for one in cited}
    for title, version, effective in sorted(versions, key=str):
        since = f", in force since {label(effective)}" if effective else ""
        yield f"Cited: {label(title, 120)}, version {label(version)}{since}"


def _search_words(search: Retrieval) -> str:
    query = "erased words" if search.query is None else f"“{label(search.query, 200)}”"
    if search.error:
        return f"Searched the handbooks for {query}: the search failed"
    judged = {True: ", which answer the question", False: ", none of which answers the question", None: ""}
    return f"Searched the handbooks for {query}: {counted(search.count, 'passage')} found{judged[search.answers]}"


def _decisions(view: TurnView) -> Iterator[str]:
    for call in view.calls:
        if call.decision:
            yield f"{label(tool_words(call.tool).done)}: {_decision_words(call.decision)}"
    for deferred in view.deferred:
        if deferred.status == "waiting":
            name = label(tool_words(deferred.tool).done)
            yield f"{name}: waits for an approver until {label(when(deferred.expires))}"


def _decision_words(decision: Decision) -> str:
    word = "approved" if decision.outcome == "given" else "denied"
    return f"{word} by {label(decision.by)}, {label(when(decision.at))}"


def _figures(view: TurnView) -> Iterator[str]:
    turn = view.turn
    ran = lasted(turn.opened_at, turn.ended_at)
    yield f"Asked {label(when(turn.opened_at))}" + (f", took {took(ran)}" if ran is not None else "")
    if turn.waits:
        waited = [lasted(wait.since, wait.until or turn.ended_at) for wait in turn.waits]
        yield f"Waited for a free place: {took(sum(one for one in waited if one is not None))}"
    if any(call.model != NO_MODEL for call in view.model_calls):
        yield f"Tokens: {label(total_tokens(turn.totals))}"
    yield f"Cost: {label(cost(turn.totals))}"
