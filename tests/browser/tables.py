"""Tables in a browser. They are drawn on a canvas, which keeps a table without looks for screen readers."""

from typing import Any

from playwright.sync_api import expect

ROW = 35
MARKER = 34
"""Pixels: the height of a row, and the width of the markers before the first column."""


def cell(page: Any, text: str) -> Any:
    """The first cell with this text, for what it says; it cannot be clicked on."""
    return page.locator("canvas td", has_text=text).first


def open_row(page: Any, text: str) -> None:
    """Click on the first column of the first row that has this text in a cell."""
    found = cell(page, text)
    expect(found).to_be_attached()
    table = page.get_by_test_id("stDataFrame").filter(has=page.locator("canvas td", has_text=text)).first
    table.scroll_into_view_if_needed()
    row = int(found.evaluate("cell => cell.parentElement.ariaRowIndex"))
    table.click(position={"x": MARKER + 40, "y": ROW * (row - 1) + ROW // 2})
