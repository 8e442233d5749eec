"""The button that exports what a page shows. The file is made, and on record, only when it is downloaded."""

from collections.abc import Coroutine
from functools import partial
from typing import Protocol, TypeVar

import streamlit as st

from console.format import counted
from core.canonical import Json
from core.desk.exports.contents import ExportFormat
from core.desk.exports.exports import Exports, Extent
from core.desk.filters import CallFilter, ThreadFilter
from core.gate import Viewer

FORMATS: dict[ExportFormat, str] = {
    "html": "HTML, to read and print",
    "csv": "CSV, for spreadsheets",
    "jsonl": "JSON lines, all records",
}


T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine of the desk, as `App.run` does."""

    def __call__(self, awaitable: Coroutine[Json, Json, T]) -> T: ...


def draw_export(
    run: Run, exports: Exports, viewer: Viewer, wanted: ThreadFilter | CallFilter | str, prefix: str
) -> None:
    """Export what this filter finds, or the thread of this id. Widget keys begin with `prefix`."""
    popover = st.popover(
        "Export this thread" if isinstance(wanted, str) else "Export",
        icon=":material/download:",
        key=f"{prefix}_export",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        extent = None if isinstance(wanted, str) else _measured(run, exports, viewer, wanted)
        if extent:
            st.markdown(f"**{_counted(extent, calls=isinstance(wanted, CallFilter))}**")
        if extent and extent.refusal:
            st.warning(f"{extent.refusal[0].upper()}{extent.refusal[1:]}.", icon=":material/block:")
            return
        form = st.radio("Format", list(FORMATS), key=f"{prefix}_export_format", format_func=FORMATS.__getitem__)
        st.download_button(
            "Download",
            partial(_made, run, exports, viewer, wanted, form),
            file_name=f"rolltop-{'calls' if isinstance(wanted, CallFilter) else 'threads'}.zip",
            mime="application/zip",
            on_click="ignore",
            type="primary",
            disabled=extent is not None and not extent.threads,
            key=f"{prefix}_export_file_{form}",
        )
        st.caption(
            "A ZIP with a manifest, recorded when you download it. People have pseudonyms; sealed threads are left out."
        )


def _measured(run: Run, exports: Exports, viewer: Viewer, wanted: ThreadFilter | CallFilter) -> Extent:
    if isinstance(wanted, CallFilter):
        return run(exports.measure_calls(viewer, wanted))
    return run(exports.measure_threads(viewer, wanted))


def _counted(extent: Extent, *, calls: bool) -> str:
    """`12 threads of 9 people`."""
    if extent.refusal:
        return "Too much for one export"
    of = f"{counted(extent.threads, 'thread')} of {counted(extent.people, 'person')}"
    return f"{counted(extent.rows, 'tool call')} in {of}" if calls else of


def _made(
    run: Run, exports: Exports, viewer: Viewer, wanted: ThreadFilter | CallFilter | str, form: ExportFormat
) -> bytes:
    """The file. Streamlit calls this on the click, outside of the page's script."""
    if isinstance(wanted, CallFilter):
        made = exports.export_calls(viewer, wanted, form)
    else:
        made = exports.export_threads(viewer, [wanted] if isinstance(wanted, str) else wanted, form)
    return run(made).content
