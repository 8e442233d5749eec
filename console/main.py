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
from console.drawing.troubles import draw_away, draw_corrupt, draw_not_done, draw_refused, guard_clicks
from console.menu import APPROVALS, CHAT, all_pages, offered_to, roles_offered
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
[data-testid=stTable] td { overflow-wrap: anywhere }
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
guard_clicks()
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

waiting = ""
if caller and "approver" in caller.viewer.roles and start().failure is None:
    waiting = waiting_badge(partial(caller.run, app().desk.oversight.count_waiting(caller.viewer)))
made = {
    page: st.Page(
        f"../pages/{page.name}.py",
        title=page.title + (waiting if page is APPROVALS else ""),
        icon=f":material/{page.icon}:" if page.icon else None,
        url_path=page.url_path if page is not CHAT else None,
        default=page is CHAT,
        visibility="visible" if page.icon else "hidden",
    )
    for page in all_pages()
}

everything = list(made.values())
if caller is None:
    # All pages, hidden: a link to a page is still that page after the sign-in.
    st.navigation(everything, position="hidden")
    if not refusal:
        draw_banner(demo=demo)
    draw_sign_in(refusal)
    st.stop()

viewer = caller.viewer
offered = {title: [made[entry] for entry in entries] for title, entries in offered_to(viewer.roles).items()}
menu = [page for pages in offered.values() for page in pages]
# In the place of a page that was lost an empty one, outside of the menu: else Streamlit would say that it never was.
gone = [
    st.Page(lambda: None, title=entry.title, url_path=entry.url_path, visibility="hidden")
    for entry, page in made.items()
    if not roles_offered(entry).isdisjoint(caller.lost) and page not in menu and entry is not CHAT
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
except Unavailable as error:
    draw_away(error)
    st.stop()
except RolltopError as error:
    draw_refused(error, "The desk cannot be opened")
    st.stop()
opened = next((entry for entry, one in made.items() if one == page), CHAT)
if not viewer.purpose and not roles_offered(opened).isdisjoint(viewer.roles.intersection(LOOKERS)):
    draw_purpose(caller)
    st.stop()
draw_not_done()
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
except Unavailable as error:
    draw_away(error)
