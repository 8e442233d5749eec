"""Drawing how an answer came about: each step of a turn in the order of its log, as a line that opens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from console.drawing.call_record import draw_call
from console.drawing.evidence import draw_facts, draw_model_call, draw_technical, draw_turn_facts
from console.drawing.handovers import ATTACHED
from console.drawing.paging import draw_numbered
from console.drawing.parts import draw_part
from console.drawing.requests import decision_words, draw_request_facts, request_word
from console.drawing.sources import draw_legs, draw_passage
from console.drawing.status_words import CALL_WORDS, DISLIKE_WORDS, TURN_WORDS, Word
from console.drawing.text import exactly, label
from console.format import counted, lasted, money, took
from console.tool_words import tool_words
from core.desk.turn_views import TurnView
from core.log.records import DeferredCall, HandoverRecord, ModelCall, Retrieval, Summary, ToolCall, Turn, Wait
from core.values import HandoverStatus, Judgement, Passage

A_PAGE = 50
_ASIDE = {"summary": "Summary of earlier turns", "query": "Search query"}
_ANSWERED = Word("answered", "green", ":material/check:")
_MODEL_WORDS = {
    "asked": Word("no answer yet", "blue", ":material/progress_activity:"),
    "failed": Word("failed", "red", ":material/error:"),
}
_HANDOVER_WORDS: dict[HandoverStatus, Word] = {
    "asked": Word("On its way", "blue", ":material/send:"),
    "sent": Word("Sent", "green", ":material/check:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "unknown": Word("Outcome unknown", "orange", ":material/help:"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A step as a line. `n` and `number` are its place in the log; `at` is None if the time is not in the record.

    `key` sets its part apart, if it opens: `draw` is None if it does not.
    """

    key: str
    n: int
    number: int
    at: str | None
    icon: str
    title: str
    draw: Callable[[], object] | None


def draw_timeline(view: TurnView, go: Callable[[str], None]) -> None:
    """The turn from its question to its end, and what came after, a page of the lines. Call it inside a fragment.

    `go` makes the page that of another turn of the thread.
    """
    st.caption(f"In the order of the log, from {exactly(view.turn.opened_at)}")
    lines = sorted(_lines(view, go), key=lambda line: (line.n, line.number))
    draw_numbered(lines, f"tl_page_{view.turn.id}", A_PAGE, partial(_draw_line, view.turn.opened_at))
    draw_turn_facts(view.turn)


def _draw_line(opened_at: str, line: _Line) -> None:
    title = f"{_clock(line.at, opened_at)} {line.title}".strip()
    if line.draw is None:
        st.caption(f"{line.icon} {title}")
    else:
        draw_part(title, f"tl_{line.key}", line.draw, icon=line.icon)


def judgement_words(judgement: Judgement | None) -> Word:
    """Whether the passages answer, in words."""
    if judgement is None:
        return Word("not judged", "gray", ":material/remove:")
    if judgement.doubtful:
        return Word("not sure", "orange", ":material/help:")
    if judgement.answers:
        return Word("answers", "green", ":material/check:")
    return Word("does not answer", "orange", ":material/search_off:")


def _lines(view: TurnView, go: Callable[[str], None]) -> list[_Line]:
    turn = view.turn
    cited = {citation.number for citation in turn.citations}
    begun = (":material/approval:", "Report of a decision") if turn.report else (":material/person:", "Question")
    if turn.imported:
        begun = (":material/move_to_inbox:", "Imported with its answer")
    lines = [_Line("question", turn.first_n, 0, turn.opened_at, *begun, None)]
    lines += [_wait_line(wait) for wait in turn.waits]
    lines += [_search_line(retrieval, cited) for retrieval in view.retrievals]
    lines += [_model_line(call) for call in view.model_calls]
    lines += [_tool_line(call) for call in view.calls]
    lines += [line for call in view.deferred for line in _request_lines(call, go)]
    lines += [_summary_line(summary) for summary in view.summaries]
    if turn.ended_at and not turn.imported:
        code = f" · {label(turn.code)}" if turn.code else ""
        ended = f"End · {TURN_WORDS[turn.status].sign}{code}"
        # After all that the same commit holds.
        lines.append(_Line("end", turn.last_n, 1_000, turn.ended_at, ":material/flag:", ended, None))
    lines += [_handover_line(handover) for handover in view.handovers]
    if turn.rating:
        lines.append(_feedback_line(turn))
    return lines


def _clock(at: str | None, opened_at: str) -> str:
    """`10:30:15.123`, with its day if that is another than the turn's."""
    if at is None:
        return ""
    day, time = exactly(at).split(", ")
    clock = time.split(" ")[0]
    return clock if day == exactly(opened_at).split(", ")[0] else f"{day}, {clock}"


def _wait_line(wait: Wait) -> _Line:
    lasting = took(lasted(wait.since, wait.until)) if wait.until else "not begun yet"
    title = f"Waited for a free place · {lasting}"
    return _Line(f"wait_{wait.n}", wait.n, 0, wait.since, ":material/hourglass:", title, None)


def _search_line(retrieval: Retrieval, cited: set[int]) -> _Line:
    word = Word("failed", "red", ":material/error:") if retrieval.error else judgement_words(retrieval.judgement)
    title = f"Search · {word.sign} · {counted(retrieval.count, 'passage')} · {took(retrieval.duration_ms)}"
    draw = partial(_draw_search, retrieval, cited)
    return _Line(retrieval.id, retrieval.at_n, 0, retrieval.at, ":material/search:", title, draw)


def _draw_search(retrieval: Retrieval, cited: set[int]) -> None:
    st.caption("Searched for")
    st.text("The query has been erased." if retrieval.query is None else retrieval.query)
    if retrieval.error:
        st.error(label(retrieval.error, 400), title="The search failed")
    judgement = retrieval.judgement
    facts = {"At": exactly(retrieval.at), "Took": took(retrieval.duration_ms)}
    if judgement:
        facts |= {
            "Judgement": judgement_words(judgement).text,
            "Confidence": f"{judgement.confidence:.2f}",
            "Threshold": f"{judgement.threshold:.2f}",
        }
        if judgement.sure is not None:
            facts["Sure from"] = f"{judgement.sure:.2f}"
    draw_facts(facts)
    if retrieval.erased:
        st.caption("The passages have been erased.")
    passages = {passage.id: passage for passage in retrieval.passages}
    numbered = list(enumerate(retrieval.passages, retrieval.first_number))
    for heading, used in (("Cited in the answer", True), ("Found, and not cited", False)):
        group = [(number, passage) for number, passage in numbered if (number in cited) == used]
        if group:
            st.caption(heading)
        for number, passage in group:
            found = partial(_draw_found, passage, passages, retrieval.id)
            draw_part(_passage_title(number, passage), f"tl_passage_{retrieval.id}_{number}", found)
    draw_technical(
        retrieval.id,
        {"Search": retrieval.id, "Entry of the log": str(retrieval.at_n)}
        | ({"Tool call": retrieval.call} if retrieval.call else {})
        | ({"Calibration": judgement.calibration} if judgement else {}),
    )


def _draw_found(passage: Passage, passages: Mapping[str, Passage], key: str) -> None:
    draw_legs(passage)
    draw_passage(passage, [], passages, key)


def _passage_title(number: int, passage: Passage) -> str:
    trail = " / ".join([passage.title, *passage.section[-1:]])
    return f"{number} · {label(trail, 60)} :gray[version {label(passage.version, 20)} · score {passage.score:.3g}]"


def _model_line(call: ModelCall) -> _Line:
    step = _ASIDE.get(call.purpose) or f"Model, step {call.step}, attempt {call.attempt}"
    word = _MODEL_WORDS.get(call.status, _ANSWERED)
    code = f" · {label(call.code)}" if call.code else ""
    repair = " · sent back" if call.repair else ""
    title = f"{step} · {word.sign}{repair}{code} · {took(call.duration_ms)} · cost {label(money(call.cost))}"
    return _Line(call.id, call.at_n, 0, call.asked_at, ":material/smart_toy:", title, partial(draw_model_call, call))


def _tool_line(call: ToolCall) -> _Line:
    edited = call.arguments is not None and call.arguments != call.planned
    decided = {"given": " · approved with changes" if edited else " · approved", "denied": ""}
    approval = decided[call.decision.outcome] if call.decision else ""
    status = CALL_WORDS[call.status].sign + (" · resolved" if call.resolution else "")
    lasting = f" · {took(call.duration_ms)}" if call.duration_ms is not None else ""  # it may never have run
    title = f"{label(tool_words(call.tool).done)} · {status}{lasting}{approval}"
    return _Line(call.id, call.at_n, call.number, call.planned_at, ":material/build:", title, partial(_draw_tool, call))


def _draw_tool(call: ToolCall) -> None:
    draw_call(call)
    st.page_link(
        "../pages/call.py", label="Open this call", icon=":material/open_in_new:", query_params={"tc_id": call.id}
    )


def _request_lines(call: DeferredCall, go: Callable[[str], None]) -> list[_Line]:
    """A request to an approver: when it was asked, the decision on it, and what came of it."""
    name = label(tool_words(call.tool).done)

    def line(key: str, n: int, number: int, at: str | None, icon: str, title: str) -> _Line:
        return _Line(key, n, number, at, icon, f"{name} · {title}", partial(_draw_request, call, key, go))

    # After the call itself, which the same commit may hold.
    lines = [line(call.id, call.at_n, 500, call.asked_at, ":material/approval_delegation:", "passed to an approver")]
    if call.decision:
        title = f"{decision_words(call)} by {label(call.decision.by)}"
        lines.append(line(f"{call.id}_decided", call.n, 0, call.decision.at, ":material/approval:", title))
    if call.status in ("reported", "closed"):
        word = request_word(call)
        lines.append(line(f"{call.id}_over", call.n, 1, None, word.icon, word.text.lower()))
    return lines


def _draw_request(call: DeferredCall, key: str, go: Callable[[str], None]) -> None:
    draw_request_facts(call)
    if call.carried_out_by:
        st.page_link(
            "../pages/call.py",
            label="Open the call that carries it out",
            icon=":material/open_in_new:",
            query_params={"tc_id": call.carried_out_by},
        )
    if call.report and st.button(
        "Open the turn that reports it", key=f"tl_report_{key}", icon=":material/forum:", type="tertiary"
    ):
        go(call.report)
        st.rerun()


def _summary_line(summary: Summary) -> _Line:
    title = f"Earlier turns summarised, entries {summary.first_n} to {summary.last_n}"
    text = "The summary has been erased." if summary.text is None else summary.text
    return _Line(summary.id, summary.at_n, 0, summary.at, ":material/short_text:", title, partial(st.text, text))


def _handover_line(handover: HandoverRecord) -> _Line:
    title = f"Handed over to a person · {_HANDOVER_WORDS[handover.status].sign}"
    draw = partial(_draw_handover, handover)
    return _Line(handover.id, handover.at_n, 0, handover.asked_at, ":material/support_agent:", title, draw)


def _draw_handover(handover: HandoverRecord) -> None:
    draw_facts(
        {
            "Asked": exactly(handover.asked_at),
            "Ended": exactly(handover.ended_at),
            "Attached": ATTACHED[handover.attached],
            "Reference": handover.reference or "none",
        }
        | ({"What went wrong": handover.message} if handover.message else {})
    )
    if handover.note:
        st.caption("The employee's note")
        st.text(handover.note)


def _feedback_line(turn: Turn) -> _Line:
    thumb = "down" if turn.rating == "down" else "up"
    reason = f" · {DISLIKE_WORDS[turn.dislike].lower()}" if turn.dislike else ""
    draw = partial(st.text, turn.comment) if turn.comment else None
    title = f"Feedback: thumbs {thumb}{reason}"
    return _Line(f"rating_{turn.id}", turn.n + 1, 0, None, f":material/thumb_{thumb}:", title, draw)
