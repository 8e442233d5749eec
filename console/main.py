"""The entry script of every run: who is asking, which pages they may open, and the page.

The navigation offers what the viewer may open; that is courtesy. What they may see is decided in core, call by call.
"""

from pathlib import Path

import streamlit as st

from console.app import app
from console.drawing.text import label
from console.drawing.troubles import draw_away, draw_refused
from console.sign_in import draw_banner, draw_sign_in, draw_signed_in, refuse_other_addresses, signed_in
from core.errors import Denied, InvalidInput, NotFound, RolltopError, StoreRefused, Unavailable

# Theming has no word for it: without this a wide table in a text widens the page, and on a phone all of it scrolls.
WIDE_TABLES = "<style>:is([data-testid=stMarkdownContainer], blockquote):has(> table) { overflow-x: auto }</style>"

# An icon by its Material name would be fetched from another server.
st.set_page_config(page_title="Rolltop", page_icon=Path(__file__).with_name("favicon.svg"))
st.html(WIDE_TABLES)
refuse_other_addresses()
viewer = signed_in()

chat = st.Page("../pages/chat.py", title="Ask HR", icon=":material/chat:", default=True)
threads = st.Page("../pages/threads.py", title="Threads", icon=":material/forum:", url_path="threads")
thread = st.Page("../pages/thread.py", title="Thread", url_path="thread", visibility="hidden")
tool_calls = st.Page("../pages/tool_calls.py", title="Tool calls", icon=":material/build:", url_path="tool-calls")
call = st.Page("../pages/call.py", title="Tool call", url_path="call", visibility="hidden")
approvals = st.Page("../pages/approvals.py", title="Approvals", icon=":material/approval:", url_path="approvals")
handbooks = st.Page("../pages/handbooks.py", title="Handbooks", icon=":material/menu_book:", url_path="handbooks")
handbook = st.Page("../pages/handbook.py", title="Handbook", url_path="handbook", visibility="hidden")

if viewer is None:
    # All of them, unseen: a link to a page is still that page after the sign-in.
    every = [chat, threads, thread, tool_calls, call, approvals, handbooks, handbook]
    st.navigation(every, position="hidden")
    draw_banner(demo=app().demo)
    draw_sign_in()
    st.stop()

oversight = [threads, thread, tool_calls, call] if "auditor" in viewer.roles else []
oversight += [approvals] if "approver" in viewer.roles else []
knowledge = [handbooks, handbook] if "knowledge_owner" in viewer.roles else []
sections = {"": [chat], "Oversight": oversight, "Knowledge": knowledge}
page = st.navigation({name: pages for name, pages in sections.items() if pages} if oversight or knowledge else [chat])
with st.sidebar:
    draw_signed_in(viewer)
draw_banner(demo=app().demo)
try:
    app()
except Unavailable:
    draw_away()
    st.stop()
except RolltopError as error:
    draw_refused(error, "The desk cannot be opened")
    st.stop()
try:
    page.run()
except NotFound:
    st.error("There is nothing here that you may open.", title="Not found", icon=":material/search_off:")
except Denied:
    st.error("Your role does not open this page.", title="Not allowed", icon=":material/block:")
except InvalidInput as error:
    st.error(label(str(error), 300), title="That cannot be asked", icon=":material/error:")
except StoreRefused as error:
    draw_refused(error)
except Unavailable:
    draw_away()
