"""Permalinks: a link to copy, and the place on a page to which a link leads."""

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

# The browser cannot find the place itself: what a link names is drawn after the page has loaded. The reader's own
# scrolling ends it, so that what is drawn late does not move the page under their hands.
_SCROLL = """
export default ({ data, parentElement }) => {
  if (parentElement.rolltopPlace === data.place) return;
  parentElement.rolltopPlace = data.place;
  let moved = false;
  const stop = () => { moved = true; };
  for (const sign of ["wheel", "touchmove", "keydown", "mousedown"]) {
    window.addEventListener(sign, stop, { once: true, passive: true });
  }
  const go = () => {
    const place = document.querySelector(`.st-key-${data.place}`);
    if (place && data.go && !moved) {
      place.style.scrollMarginTop = "4rem";
      place.scrollIntoView({ block: "start" });
    }
  };
  for (const delay of [0, 100, 300, 700, 1500]) setTimeout(go, delay);
}
"""
_scroll = st.components.v2.component("rolltop.scroll_to_place", js=_SCROLL)


def draw_link(page: str, **query: str) -> None:
    """A button that opens the link to this page, with a button to copy it."""
    with st.popover("Link", icon=":material/link:", type="tertiary"):
        st.caption("Opens for those who may read it; each time is recorded.")
        st.code(permalink(st.context.url or "", page, query), language=None, wrap_lines=True)


def permalink(here: str, page: str, query: dict[str, str]) -> str:
    """The address of another page of the app that is open at `here`, a page's own address."""
    scheme, host, path, *_ = urlsplit(here)
    return urlunsplit((scheme, host, f"{path.rpartition('/')[0]}/{page}", urlencode(query), ""))


def scroll_to(key: str, *, go: bool) -> None:
    """Bring the container of this key to the top of the screen, once. Call it after all that stands above is drawn.

    If `go` is false, the screen stays where it is, and this place counts as reached.
    """
    _scroll(key="scroll_to_place", data={"place": key, "go": go})
