"""Waits for what a script of the page says, under the console's content policy."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.support.desks import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def wait_until(page: "Page", expression: str, arg: Any = None, *, pause: int = 50) -> None:
    """Wait until the expression is true in the page; `pause` are the milliseconds between two looks.

    Playwright's own `wait_for_function` evaluates a text within the page, which the policy refuses. Raises
    TimeoutError after PATIENCE.
    """
    from playwright.sync_api import Error

    for _ in range(int(1000 * PATIENCE / pause)):
        # A page that is left, or loaded anew, has nothing to say for a moment.
        with suppress(Error):
            if page.evaluate(expression, arg):
                return
        page.wait_for_timeout(pause)
    raise TimeoutError(f"the page never came to {expression}")


def drawn(page: "Page") -> None:
    """Wait until the page is drawn: until then a click may meet what has just moved to its place."""
    from playwright.sync_api import expect

    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def unfold(part: "Locator") -> None:
    """Open a part of a page, a `summary`, once the page is drawn."""
    drawn(part.page)
    part.click()


def press(page: "Page", key: str) -> None:
    """Press the key of a button, "Escape" or "Control+Enter", once Streamlit listens for it.

    Streamlit draws the button first, and listens for its key a moment later.
    """
    shortcut = key.lower().replace("control", "ctrl")
    wait_until(page, "key => hotkeys.getAllKeyCodes().some(listened => listened.shortcut == key)", shortcut)
    page.keyboard.press(key)
