"""Drawing the state of an installation: what is open, what an examination has found, the store, the versions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import streamlit as st

from console.doctor.finding import Finding
from console.drawing.evidence import draw_facts
from console.drawing.text import label, markdown, when
from console.format import ago, counted
from core.clock import iso
from core.desk.system import SystemState
from core.log.records import Restore
from core.values import ClaimReason

Examine = Callable[[], AbstractContextManager[Iterator[Finding]]]
"""Begins an examination, whose findings come one after another."""

_REASONS: dict[ClaimReason, str] = {
    "opened": "it had just been asked",
    "lost": "its worker was lost",
    "retried": "it was tried again",
    "resumed": "it had been released",
    "stop": "it was stopped",
    "expired": "it had not been approved in time",
    "restored": "the store had been restored from a backup",
}


def draw_waiting(state: SystemState) -> None:
    """What is open now, each with the age of the oldest."""
    grid = st.grid(min_column_width=150)
    for name, waiting, what in (
        ("Running", state.running, "asked"),
        ("With the asker", state.awaiting_approval, "asked"),
        ("With an approver", state.deferred, "asked"),
        ("Erasures due", state.overdue, "due"),
    ):
        with grid.container(border=True, height="stretch"):
            st.metric(name, waiting.count)
            if waiting.oldest:
                st.caption(f"The oldest {what} {ago(state.at - waiting.oldest)}")


def draw_examination(examine: Examine) -> Sequence[Finding] | None:
    """The button that examines everything, and its progress. Returns what was found last, None before that."""
    if st.button("Examine everything", key="sy_examine", icon=":material/stethoscope:"):
        found: list[Finding] = []
        with st.status("Examining …") as status, examine() as findings:
            for finding in findings:
                found.append(finding)
                status.update(label=f"Examining … {label(finding.about)}, {counted(len(found), 'finding')} so far")
            status.update(label=f"Examined: {counted(len(found), 'finding')}", state="complete")
        st.session_state.sy_found = found
    examined: Sequence[Finding] | None = st.session_state.get("sy_found")
    return examined


def draw_findings(findings: Sequence[Finding], *, whole: bool) -> None:
    """What needs an operator, then what is not set yet; all else is folded away. `whole`: everything was examined."""
    troubles = [one for one in findings if one.level == "trouble"]
    for one in troubles:
        st.error(_line(one), icon=":material/build:")
    if not troubles:
        less = "" if whole else " among the settings; turns and handbooks have not been examined yet"
        st.success(f"Nothing needs an operator{less}.", icon=":material/check:")
    if unset := [one for one in findings if one.level == "open"]:
        with st.container(border=True, gap="small"):
            st.markdown(":material/tune: **Not set yet**")
            for one in unset:
                st.markdown(_line(one))
    facts = [one for one in findings if one.level == "fact"]
    with st.expander(f"How it is: {counted(len(facts), 'line')}", key="sy_facts"):
        for one in facts:
            st.markdown(_line(one))


def draw_store(address: str, promises: Mapping[str, bool], state: SystemState) -> None:
    """What keeps the records, what it promises, how many of them are behind, and how old the newest backup is."""
    draw_facts(
        {
            "Store": address,
            **{f"It {promise}": "yes" if true else "no" for promise, true in promises.items()},
            "Records older than their log": counted(state.lagging, "stream"),
            "Records of an older fold": counted(state.outdated, "log"),
            "Newest backup": _backup(state),
            **({"Restored": _restored(state.restored)} if state.restored else {}),
        }
    )


def draw_recovery(state: SystemState) -> None:
    """What the recovery of this process did last."""
    done = state.recovered
    if done is None:
        st.caption("The recovery of this process has not looked for turns without a worker yet.")
        return
    text = f"Recovery looked {when(iso(done.at), seconds=True)}, at {counted(done.threads, 'unfinished thread')}"
    text += f", {done.broken} of them broken" if done.broken else ""
    if done.took_over_at and done.reason:
        text += (
            f"; since this process began it took over {counted(done.taken_over, 'turn')}, the last one "
            f"{when(iso(done.took_over_at))}, because {_REASONS[done.reason]}"
        )
    else:
        text += "; it has taken over no turn since this process began"
    st.caption(label(f"{text}.", 400))


def draw_versions(versions: Mapping[str, str]) -> None:
    """The versions of what runs here."""
    draw_facts(dict(versions))


def _backup(state: SystemState) -> str:
    if (backup := state.backup) is None:
        return "none yet: the operator makes one with the command rolltop backup"
    return f"{ago(state.at - backup.taken_time)}, {counted(backup.entries, 'entry')}, by {backup.by}"


def _restored(restored: Restore) -> str:
    made = f"{when(restored.restored_at)} by {restored.by}, from a backup of {when(restored.backup.taken_at)}"
    closed = f"{counted(restored.turns, 'open turn')} and {counted(restored.calls, 'request')} closed"
    return f"{made}; {closed}: {restored.why or 'erased'}"


def _line(finding: Finding) -> str:
    # What to do names settings and commands, as code.
    to_do = f"  \n:material/arrow_forward: {markdown(finding.to_do)}" if finding.to_do else ""
    about = finding.about[:1].upper() + finding.about[1:]
    return f"**{label(about)}:** {label(finding.what, 600)}{to_do}"
