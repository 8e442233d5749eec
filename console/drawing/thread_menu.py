"""Drawing the menu of what can be done with the open thread, and the dialogs that it opens."""

from functools import partial

import streamlit as st

from console.asking import Asking
from console.drawing.erasure import draw_erasure
from core.log.records import Thread


def draw_thread_menu(asking: Asking, thread: Thread) -> None:
    """The menu."""
    deeds = {
        ":material/edit: Rename": partial(asking.begin, "rename", thread.id),
        **(
            {":material/keep_off: Unpin": partial(asking.shelve, thread.id, "listed")}
            if thread.shelf == "pinned"
            else {":material/keep: Pin": partial(asking.shelve, thread.id, "pinned")}
        ),
        **(
            {":material/unarchive: Put back": partial(asking.shelve, thread.id, "listed")}
            if thread.shelf == "archived"
            else {":material/archive: Archive": partial(asking.shelve, thread.id, "archived")}
        ),
        **(
            {":material/undo: Take back the request for erasure": partial(asking.withdraw_erasure, thread.id)}
            if thread.erase_due
            else {":material/auto_delete: Ask for erasure": partial(asking.begin, "erase", thread.id)}
        ),
    }
    st.menu_button(
        "This thread",
        list(deeds),
        key="chat_menu",
        icon=":material/forum:",
        type="tertiary",
        on_click=lambda: deeds[st.session_state.chat_menu](),
    )


def draw_begun(asking: Asking, thread: Thread) -> None:
    """What was chosen in the menu and is not done yet, in a dialog that is open until it is done or left."""
    match asking.deed:
        case "rename", thread.id:
            st.dialog("Rename", icon=":material/edit:", on_dismiss=asking.leave)(_draw_rename)(asking, thread)
        case "erase", thread.id:
            title, icon = "Ask for erasure", ":material/auto_delete:"
            st.dialog(title, icon=icon, on_dismiss=asking.leave)(_draw_erasure)(asking, thread)


def _draw_rename(asking: Asking, thread: Thread) -> None:
    with st.form("chat_rename", border=False):
        st.text_input("Title", thread.title or "", key="chat_title", max_chars=200)
        with st.container(horizontal=True):
            st.form_submit_button(
                "Save",
                key="chat_rename_save",
                type="primary",
                on_click=lambda: asking.rename(thread.id, st.session_state.chat_title),
            )
            st.form_submit_button("Cancel", key="chat_rename_cancel", on_click=asking.leave)
    asking.draw_notice()
    if asking.deed is None:
        st.rerun()


def _draw_erasure(asking: Asking, thread: Thread) -> None:
    def leave() -> None:
        asking.leave()
        st.rerun()

    draw_erasure(thread, asking.desk.erase_after, asking.ask_erasure, leave)
