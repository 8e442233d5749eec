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
    """Click on the first column of the first row of the page's last table that has this text in a cell."""
    table = page.get_by_test_id("stDataFrame").filter(has=page.locator("canvas td", has_text=text)).last
    found = table.locator("canvas td", has_text=text).first
    expect(found).to_be_attached()
    row = int(found.evaluate("cell => cell.parentElement.ariaRowIndex"))
    table.click(position={"x": MARKER + 40, "y": ROW * (row - 1) + ROW // 2})
