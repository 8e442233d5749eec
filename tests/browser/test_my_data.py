"""My data in a real browser: an employee learns of a look, takes their data along, and asks for an erasure."""

import json
import re

import pytest

from tests.browser.conftest import PURPOSE
from tests.browser.test_console import ask, expect
from tests.browser.waits import wait_until

accessibility = pytest.importorskip("tests.browser.test_accessibility", reason="axe-playwright-python is not installed")

BALANCE = "How many vacation days do I have left?"


def test_an_employee_sees_who_looked_takes_their_data_along_and_asks_for_an_erasure(offline, sign_in):
    employee = sign_in(offline, "e-1042")
    ask(employee, BALANCE)
    employee.get_by_test_id("stFeedback").wait_for()
    thread = employee.url.partition("thread=")[2]
    auditor = sign_in(offline, "e-2001")
    auditor.goto(f"{offline.url}/thread?tr_id={thread}")
    auditor.get_by_role("heading", name=BALANCE).wait_for()

    employee.get_by_role("link", name="My data").click()
    expect(employee.get_by_text(re.compile(f"^HR auditor · .* · Purpose: {PURPOSE}$"))).to_be_visible()
    assert "e-2001" not in employee.content()

    employee.get_by_role("button", name="Export everything").click()
    files = {}
    for name in ("HTML, to read and print", "JSON Lines, all records"):
        with employee.expect_download() as download:
            employee.get_by_role("button", name=name).click()
        with open(download.value.path(), encoding="utf-8") as file:
            files[download.value.suggested_filename] = file.read()
    assert f"<h2>{BALANCE}</h2>" in files["rolltop-my-threads.html"]
    lines = [json.loads(line) for line in files["rolltop-my-threads.jsonl"].splitlines()]
    assert [line["id"] for line in lines if line["kind"] == "thread"] == [thread]
    employee.keyboard.press("Escape")

    employee.get_by_role("button", name="Ask for erasure").click()
    dialog = employee.get_by_role("dialog")
    expect(dialog.get_by_text("will be erased in 30 days")).to_be_visible()
    dialog.get_by_role("button", name="Ask for erasure").click()
    expect(dialog).to_have_count(0)
    expect(employee.get_by_text("Your requests for erasure")).to_be_visible()

    for width, scheme in ((1280, "dark"), (390, "light")):
        employee.set_viewport_size({"width": width, "height": 844})
        employee.emulate_media(color_scheme=scheme)
        employee.reload()
        employee.get_by_role("button", name="Take back the request").wait_for()
        wait_until(employee, "!document.querySelector('[data-testid=stStatusWidget]')")
        assert accessibility.faults(employee) == {}
        assert employee.evaluate("document.documentElement.scrollWidth") <= width

    employee.get_by_role("button", name="Take back", exact=True).click()
    expect(employee.get_by_role("button", name="Ask for erasure")).to_be_visible()
    expect(employee.get_by_text("Your requests for erasure")).to_have_count(0)
    employee.get_by_role("link", name=BALANCE).click()
    expect(employee.get_by_test_id("stFeedback")).to_be_visible()
