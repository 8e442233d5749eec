"""Thread: one conversation for an auditor, as the employee saw it, and how each answer came about.

Opening it is recorded. The URL names the thread and the turn to begin with.
"""

from functools import partial

import streamlit as st

from console.app import app
from console.drawing.branches import draw_place
from console.drawing.care import draw_care
from console.drawing.exports import draw_export
from console.drawing.handovers import draw_handovers
from console.drawing.judge import draw_judge
from console.drawing.made_with import draw_produced
from console.drawing.parts import draw_part
from console.drawing.permalinks import draw_link, scroll_to
from console.drawing.sources import draw_sources, with_markers
from console.drawing.status_words import OUTCOME_WORDS
from console.drawing.text import label, titled, when
from console.drawing.timeline import draw_timeline
from console.drawing.troubles import draw_unreadable, store_says
from console.drawing.turns import draw_ending, draw_question, draw_unsourced
from console.drawing.walk import Steps, Walk
from console.format import cost, counted, lasted, took
from console.sign_in.roles import current_caller
from core.desk.archive import Transcript
from core.desk.oversight import ThreadRow
from core.desk.turn_views import TurnView
from core.errors import Full, InvalidInput, NotFound, RolltopError, StoreRefused, Unavailable
from core.log.records import FOLD, Thread, Turn
from core.values import Cause, Passage, Verdict

TURNS = 10  # on a page; a docstring here would be drawn by Streamlit

st.set_page_config(page_title="Thread", layout="wide")
caller = current_caller()
viewer, run, desk = caller.viewer, caller.run, app().desk
state, query = st.session_state, st.query_params
thread_id, turn_id = query.get("tr_id", ""), query.get("tr_turn")


def section(passage: Passage) -> list[Passage]:
    return run(app().handbooks.section(viewer, passage))


def lift() -> None:
    try:
        run(desk.lift_seal(viewer, thread_id, state.tr_reason))
    except NotFound:
        pass  # another handler was faster: the page below says that the thread is not theirs any more
    else:
        state.tr_lifted = thread_id


def judge(turn_id: str, verdict: Verdict, cause: Cause | None, note: str, corrected: str) -> str | None:
    """Put the verdict on record; returns why it was not saved, None if it was."""
    try:
        run(desk.judge(viewer, turn_id, verdict, cause=cause, note=note, corrected=corrected))
    except NotFound:
        return "Not saved: this answer is not open to you any more."
    except InvalidInput as error:
        return f"Not saved: {error}"
    except (Unavailable, StoreRefused, Full) as error:
        return f"Not saved: {store_says(error)}"
    return None


def next_page(walk: Walk) -> Walk | None:
    """The walk with the next page of its list; None, and a message, if that cannot be read now."""
    wanted, oversight = walk.query, desk.oversight
    try:
        if walk.sealed:
            sealed = run(
                oversight.sealed_threads(viewer, since=wanted.since, until=wanted.until, limit=50, cursor=walk.cursor)
            )
            return walk.longer([thread.id for thread in sealed.items], sealed.cursor)
        listing = run(oversight.search_threads(viewer, wanted, limit=50, cursor=walk.cursor))
    except RolltopError:
        # A callback has no page yet that could show what happened.
        st.toast("The next page of the list cannot be read now. Try again.", icon=":material/error:")
        return None
    return walk.longer([row.thread.id for row in listing.items if isinstance(row, ThreadRow)], listing.cursor)


def go(turn: str | None = None, before: int | None = None) -> None:
    """Show the page that begins with this turn, or ends before this entry; the newest one without either."""
    query.from_dict({"tr_id": thread_id} | ({"tr_turn": turn} if turn else {}))
    state.tr_before = (thread_id, before)


def draw_head(transcript: Transcript) -> None:
    thread = transcript.thread
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(label(titled(thread)), anchor=False, width="content")
        draw_link("thread", tr_id=thread.id)
    st.caption(
        f"Review · {label(thread.owner)} · created {when(thread.created_at)} · "
        f"{counted(thread.turns, 'turn')} · {counted(thread.totals.model_calls, 'model call')} · "
        f"{counted(thread.totals.tool_calls, 'tool call')} · cost {label(cost(thread.totals))}"
    )
    draw_outcomes(thread)
    if "auditor" in viewer.roles:
        draw_export(run, desk.exports, viewer, thread_id, "tr")
    if thread.sealed:
        draw_seal()
    if thread.rejected:
        st.error(
            f"{counted(thread.rejected, 'entry')} in the log came from a worker that had lost its turn, and do not "
            "count. Tell the operator: `rolltop doctor` names the thread.",
            icon=":material/warning:",
        )
    draw_unreadable(transcript.unreadable)
    if not transcript.turns and not transcript.unreadable:
        st.info("This thread has no questions yet.", icon=":material/chat_bubble:")


def draw_outcomes(thread: Thread) -> None:
    """How many turns ended in each way: one badge for the whole thread would hide all turns but the newest."""
    if thread.fold != FOLD:
        st.caption("How its turns ended is not counted yet: the thread is from an older version.")
        return
    current = {outcome: 1 for outcome in thread.outcomes if outcome not in thread.outcome_counts}
    counts = {**thread.outcome_counts, **current}
    badges = [
        f":{word.color}-badge[{word.icon} {counts[outcome]:,} · {word.text}]"
        for outcome, word in OUTCOME_WORDS.items()
        if outcome in counts
    ]
    if badges:
        st.markdown(" ".join(badges))


def draw_seal() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":violet-badge[:material/lock: Sealed] Closed to HR auditors.", width="content")
        with st.popover("Lift the seal", icon=":material/lock_open:"):
            st.markdown("HR auditors will see the whole thread. A new message of this kind seals it again.")
            reason = st.text_input("Reason (required, recorded)", key="tr_reason", max_chars=500)
            st.button("Lift the seal", key="tr_lift", type="primary", disabled=not reason.strip(), on_click=lift)


def draw_turn(view: TurnView, thread: Thread, steps: Steps) -> None:
    """The turn as the employee saw it, and below it what an auditor needs."""
    with st.container(border=True, key=place_of(view.turn)):
        draw_turn_head(view.turn)
        draw_place(view, thread, go)
        draw_report(view.turn)
        draw_answered(view)
        draw_judge(view.turn, view.review, viewer, judge, steps)


def draw_turn_head(turn: Turn) -> None:
    ran = lasted(turn.opened_at, turn.ended_at)
    duration = f" · {took(ran)}" if ran is not None else ""
    # What was answered elsewhere took no time here, and what it cost is not known here.
    facts = "" if turn.imported else f"{duration} · cost {label(cost(turn.totals))}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"{OUTCOME_WORDS[turn.outcome].badge} :small[:gray[{when(turn.opened_at)}{facts}]]",
            width="content",
        )
        draw_link("thread", tr_id=turn.thread, tr_turn=turn.id)


def draw_report(turn: Turn) -> None:
    """Where the turn comes from, if nobody asked it."""
    if turn.report:
        st.page_link(
            "../pages/call.py",
            label="Reports the decision on a request: open it",
            icon=":material/approval:",
            query_params={"tc_id": turn.report},
        )


# A fragment: to open a part of it reads nothing anew but that part, and is not another look at the whole thread.
@st.fragment
def draw_answered(view: TurnView) -> None:
    draw_conversation(view)
    draw_evidence(view)


def draw_conversation(view: TurnView) -> None:
    turn = view.turn
    draw_question(turn)
    with st.chat_message("assistant", avatar=":material/smart_toy:"):
        if turn.concern:
            draw_care(turn.concern, turn.id)
        if turn.text:
            st.markdown(with_markers(turn.text, turn.citations), anchors=False)
        elif turn.answer_erased:
            st.caption("The answer has been erased.")
        draw_sources(turn.text, turn.citations, view.retrievals, section, turn.id)
        draw_ending(turn)
        draw_unsourced(view)
        draw_handovers(view.handovers)


def draw_evidence(view: TurnView) -> None:
    turn = view.turn
    draw_part(
        f"Timeline · {counted(len(view.steps), 'step')}",
        f"tr_timeline_{turn.id}",
        partial(draw_timeline, view, go),
        icon=":material/timeline:",
    )
    draw_part(
        "Made with · instructions, tools, handbook versions",
        f"tr_made_{turn.id}",
        lambda: draw_produced(run(desk.archive.produced(viewer, turn.id)), turn.id),
        icon=":material/receipt_long:",
    )


def draw_pages(transcript: Transcript) -> None:
    if transcript.earlier is None and transcript.later is None:
        return
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button(
            "Earlier",
            key="tr_earlier",
            icon=":material/chevron_left:",
            disabled=transcript.earlier is None,
            on_click=go,
            kwargs={"before": transcript.earlier},
        )
        st.button(
            "Later",
            key="tr_later",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=transcript.later is None,
            on_click=go,
            kwargs={"turn": transcript.later},
        )
        st.button("Newest", key="tr_newest", type="tertiary", disabled=transcript.later is None, on_click=go)


def place_of(turn: Turn) -> str:
    return f"tr_turn_{turn.id}"


if state.get("tr_lifted") == thread_id and "auditor" not in viewer.roles:
    state.pop("tr_lifted")
    st.success("The seal is lifted: HR auditors can read the thread, handlers no longer.", icon=":material/lock_open:")
    st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
    st.stop()
st.page_link("../pages/threads.py", label="Back to threads", icon=":material/arrow_back:")
paged, before = state.get("tr_before", ("", None))
if turn_id or paged != thread_id:
    before = None
transcript = run(desk.archive.transcript(viewer, thread_id, last=TURNS, before=before, at=turn_id))

draw_head(transcript)
earlier = partial(go, before=transcript.earlier) if transcript.earlier is not None else None
steps = Steps(state.get("th_walk", Walk()), thread_id, transcript.turns, viewer, earlier, next_page)
steps.draw()
for view in transcript.turns:
    draw_turn(view, transcript.thread, steps)
draw_pages(transcript)
if transcript.turns:
    shown = {view.turn.id: view.turn for view in transcript.turns}
    first = shown.get(turn_id or "", transcript.turns[-1].turn)
    # An answer that is open to be judged is brought into view by its own panel.
    scroll_to(place_of(first), go=steps.open is None)
