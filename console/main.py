"""The entry script of every run: the viewer, the pages that the viewer may open, and the page.

The navigation is a courtesy. Core decides in every call what the viewer may see.
"""

from functools import partial
from pathlib import Path

import streamlit as st

from console.app import app, start
from console.components.scripts import component
from console.drawing.requests import waiting_badge
from console.drawing.text import label
from console.drawing.troubles import draw_away, draw_corrupt, draw_refused
from console.sign_in.development import refuse_other_addresses
from console.sign_in.identity import LOOKERS
from console.sign_in.roles import signed_in, viewer_of
from console.sign_in.screens import draw_banner, draw_lost, draw_purpose, draw_sign_in, draw_signed_in
from console.sign_in.way import way
from core.errors import Corrupt, Denied, InvalidInput, NotFound, RolltopError, StoreRefused, Unavailable

# Theming has no options for these. A wide table in a text widens the page, and on a phone all of it would scroll. A
# quote is drawn in a pale grey, but here quotes are the answer. On Ask HR the conversation comes first: above it is one
# small line with its title, below the box another. Scripts take no room.
STYLE = """<style>
:is([data-testid=stMarkdownContainer], blockquote):has(> table) { overflow-x: auto }
[data-testid=stMarkdownContainer] blockquote { opacity: 1; color: inherit }
.st-key-chat_head h1 { font-size: 1rem; padding: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
[data-testid=stBottomBlockContainer] { padding-bottom: 0.25rem }
[data-testid=stBottomBlockContainer] .stVerticalBlock { gap: 0.25rem }
:is([class*=st-key-chat_topic], [class*=st-key-suggestion_]) button > div { justify-content: start; text-align: start }
[class*=st-key-suggestion_] button { min-height: 0; padding-block: 0 }
:has(> [class*=st-key-scripts]) { position: absolute; width: 0 }
</style>"""

# An icon by its Material name would be fetched from another server.
st.set_page_config(page_title="Rolltop", page_icon=Path(__file__).with_name("favicon.svg"))
st.html(STYLE)
with st.container(key="scripts"):
    component("phone")(key="main_phone")
if way().is_development:
    refuse_other_addresses()
caller, refusal = None, ""
try:
    caller = signed_in()
except InvalidInput as error:
    refusal = str(error)
# Not `app()`, which raises while the desk cannot be opened: the sign-in works without a desk.
demo = start().failure is None and start().demo

chat = st.Page("../pages/chat.py", title="Ask HR", icon=":material/chat:", default=True)
my_data = st.Page("../pages/my_data.py", title="My data", icon=":material/shield_person:", url_path="my-data")
overview = st.Page("../pages/overview.py", title="Overview", icon=":material/monitoring:", url_path="overview")
threads = st.Page("../pages/threads.py", title="Threads", icon=":material/forum:", url_path="threads")
thread = st.Page("../pages/thread.py", title="Thread", url_path="thread", visibility="hidden")
tool_calls = st.Page("../pages/tool_calls.py", title="Tool calls", icon=":material/build:", url_path="tool-calls")
call = st.Page("../pages/call.py", title="Tool call", url_path="call", visibility="hidden")
waiting = ""
if caller and "approver" in caller.viewer.roles and start().failure is None:
    waiting = waiting_badge(partial(caller.run, app().desk.oversight.count_waiting(caller.viewer)))
approvals = st.Page(
    "../pages/approvals.py", title=f"Approvals{waiting}", icon=":material/approval:", url_path="approvals"
)
audit_log = st.Page("../pages/audit_log.py", title="Audit log", icon=":material/policy:", url_path="audit-log")
handbooks = st.Page("../pages/handbooks.py", title="Handbooks", icon=":material/menu_book:", url_path="handbooks")
handbook = st.Page("../pages/handbook.py", title="Handbook", url_path="handbook", visibility="hidden")
people = st.Page("../pages/people.py", title="People & roles", icon=":material/group:", url_path="people")

# Each section's pages, and the role that may open them.
sections = [
    ("", "employee", [chat, my_data]),
    ("Oversight", "auditor", [overview, threads, thread, tool_calls, call, audit_log]),
    ("Oversight", "handler", [threads, thread, call, audit_log]),
    ("Oversight", "approver", [approvals, call, audit_log]),
    ("Oversight", "data_protection_officer", [overview, audit_log]),
    ("Knowledge", "knowledge_owner", [handbooks, handbook]),
    ("Administration", "administrator", [people]),
]

everything = list(dict.fromkeys(page for *_, pages in sections for page in pages))
if caller is None:
    # All pages, hidden: a link to a page is still that page after the sign-in.
    st.navigation(everything, position="hidden")
    if not refusal:
        draw_banner(demo=demo)
    draw_sign_in(refusal)
    st.stop()

viewer, offered = caller.viewer, dict[str, list[st.Page]]()
for section, role, pages in sections:
    if role in viewer.roles:
        there = offered.setdefault(section, [])
        there += [page for page in pages if page not in there]
menu = [page for pages in offered.values() for page in pages]
lost = [page for _, role, pages in sections if role in caller.lost for page in pages]
# In the place of a page that was lost an empty one, outside of the menu: else Streamlit would say that it never was.
gone = [
    st.Page(lambda: None, title=page.title, url_path=page.url_path, visibility="hidden")
    for page in everything
    if page in lost and page not in [chat, *menu]
]
if len(offered) > 1:
    page = st.navigation({**offered, "": [*offered.get("", []), *gone]})
elif menu:
    page = st.navigation([*menu, *gone])
else:  # the roles are not known
    page = st.navigation(everything, position="hidden")
with st.sidebar:
    draw_signed_in(caller)
draw_banner(demo=demo)
if draw_lost(caller):
    if page in menu:
        st.rerun()
    st.switch_page(menu[0])
try:
    app()
except Unavailable:
    draw_away()
    st.stop()
except RolltopError as error:
    draw_refused(error, "The desk cannot be opened")
    st.stop()
if not viewer.purpose and any(
    role in LOOKERS and role in viewer.roles and page in pages for _, role, pages in sections
):
    draw_purpose(caller)
    st.stop()
try:
    if not menu:
        viewer_of(caller.identity)  # its error says why the roles are not known
        st.rerun()
    page.run()
except NotFound:
    st.error("This does not exist, or you may not open it.", title="Not found", icon=":material/search_off:")
except Denied:
    st.error("Your role may not open this page.", title="Not allowed", icon=":material/block:")
except InvalidInput as error:
    st.error(label(str(error), 300), title="Invalid request", icon=":material/error:")
except Corrupt as error:
    draw_corrupt(error)
except StoreRefused as error:
    draw_refused(error)
except Unavailable:
    draw_away()
