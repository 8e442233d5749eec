"""The console as a person meets it: started by its command, seen in a browser."""

import os
import re
import subprocess
import sys
import urllib.request

import pytest

from console.headers import HEADERS
from tests.browser.tables import ROW, cell, open_row
from tests.browser.waits import press, wait_until
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

LEAVE = "Request annual leave from 2030-03-04 to 2030-03-05"


def ask(page, question):
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill(question)
    box.press("Enter")


def ended(page):
    """The turn is over: nothing is left to stop."""
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_an_example_clicked_twice_is_asked_once(offline, sign_in):
    page = sign_in(offline, "e-1077")
    page.get_by_role("button", name="How many vacation days").dblclick()
    expect(page.get_by_role("listitem").filter(has_text="Days left:")).to_have_count(1)
    ended(page)
    expect(page.get_by_role("listitem").filter(has_text="Days left:")).to_have_count(1)
    listed = page.get_by_test_id("stSidebar").get_by_role("button", name=re.compile("^How many vacation days"))
    expect(listed).to_have_count(1)


def test_an_approval_survives_a_reload_and_books_the_leave(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, LEAVE)
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_visible()
    page.reload()
    expect(page.get_by_text("Book annual leave from Monday 4 March 2030 to Tuesday 5 March 2030")).to_be_visible()
    approve.click()
    expect(page.get_by_text("Working days: 2")).to_be_visible()
    expect(approve).to_have_count(0)


def test_a_closed_tab_stops_nothing_and_the_next_one_sees_the_same_text(scripted, sign_in):
    page = sign_in(scripted, "e-1042")
    ask(page, "Tell me slowly")
    expect(page.get_by_text("One two three")).to_be_visible()
    url, context = page.url, page.context
    page.close()
    again = context.new_page()
    again.goto(url)
    expect(again.get_by_text("One two three")).to_be_visible()
    (scripted.folder / "go").touch()
    expect(again.get_by_text("One two three four five six seven.", exact=True)).to_have_count(1)
    ended(again)
    expect(again.get_by_text("One two three four five six seven.", exact=True)).to_have_count(1)


@pytest.mark.parametrize("by", ["button", "key"])
def test_stop_keeps_the_text_so_far(scripted, sign_in, by):
    page = sign_in(scripted, "e-1042")
    ask(page, f"Talk forever, until the {by}")
    expect(page.get_by_text("It begins")).to_be_visible()
    if by == "button":
        page.get_by_role("button", name="Stop").click()
    else:
        press(page, "Escape")
    expect(page.get_by_text("Ask again if you want the whole answer")).to_be_visible()
    expect(page.get_by_text("It begins", exact=True)).to_be_visible()
    ended(page)


def test_a_cut_answer_says_so_and_can_be_asked_for_again(scripted, sign_in):
    page = sign_in(scripted, "e-1042")
    ask(page, "Something broken")
    expect(page.get_by_text("The answer was cut off")).to_be_visible()
    expect(page.get_by_text("As far as", exact=True)).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()


def test_an_auditor_reads_the_thread_and_the_call_and_comes_back(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, "How many vacation days do I have left?")
    expect(page.get_by_text("Days left: 1").first).to_be_visible()
    auditor = sign_in(offline, "e-2001")
    auditor.get_by_role("link", name="Tool calls").click()
    open_row(auditor, "Vacation balance")
    expect(auditor).to_have_url(re.compile(r"/call\?tc_id="))
    expect(auditor.get_by_text("vacation_balance")).to_be_visible()
    auditor.get_by_role("link", name="Open its thread").click()
    expect(auditor).to_have_url(re.compile(r"/thread\?tr_id=\w+&tr_turn="))
    expect(timeline(auditor)).to_be_visible()
    auditor.get_by_role("link", name="Back to threads").click()
    expect(auditor.get_by_role("heading", name="Threads")).to_be_visible()


def test_a_tool_that_ran_before_its_model_failed_is_in_the_evidence_with_both_calls_and_their_cost(scripted, sign_in):
    page = sign_in(scripted, "e-1042")
    ask(page, "Read my balance, then fails the model")
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    auditor = sign_in(scripted, "e-2001")
    auditor.get_by_role("link", name="Tool calls").click()
    open_row(auditor, "Vacation balance")
    expect(auditor.get_by_text("days left")).to_be_visible()
    auditor.get_by_role("link", name="Open its thread").click()
    expect(auditor.get_by_text(re.compile(r"2 model calls · 1 tool call · cost"))).to_be_visible()
    timeline(auditor).click()
    expect(auditor.get_by_text(re.compile(r"step 1, attempt 1 .*answered.*[$]0[.]0012"))).to_be_visible()
    expect(auditor.get_by_text(re.compile(r"step 2, attempt 1 .*failed.*unknown"))).to_be_visible()


def test_filters_are_in_the_url_and_words_and_people_are_not(offline, sign_in):
    page = sign_in(offline, "e-2001")
    page.goto(f"{offline.url}/threads?th_outcome=stopped&th_time=30d")
    expect(page.get_by_text("No threads match")).to_be_visible()
    page.get_by_label("Words").fill("secret words")
    page.get_by_label("Words").press("Enter")
    page.get_by_role("button", name="More filters").click()
    person = page.get_by_role("textbox", name="Person")
    person.fill("e-1042")
    person.press("Enter")
    expect(page.get_by_text("One person")).to_be_visible()
    expect(page).to_have_url(f"{offline.url}/threads?th_outcome=stopped&th_time=30d")


def test_all_that_failed_in_the_last_week_is_two_clicks_away(scripted, sign_in):
    page = sign_in(scripted, "e-1042")
    ask(page, "Read my balance, then fails the model")
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    auditor = sign_in(scripted, "e-2001")
    auditor.get_by_role("link", name="Threads").click()
    auditor.get_by_role("button", name=re.compile("^Failed")).click()
    expect(auditor).to_have_url(re.compile(r"th_outcome=failed"))
    expect(cell(auditor, "1 Failed")).to_be_attached()
    auditor.get_by_role("link", name="Tool calls").click()
    expect(auditor.get_by_role("heading", name="Tool calls")).to_be_visible()
    auditor.get_by_role("button", name=re.compile("^Failed")).click()
    expect(auditor).to_have_url(re.compile(r"tc_status=failed"))
    expect(auditor.get_by_text("No tool calls match")).to_be_visible()


def test_a_row_opens_its_thread_at_the_words_by_a_click_or_a_key_and_the_way_back_keeps_the_filters(offline, sign_in):
    page = sign_in(offline, "e-1310")
    ask(page, "How many vacation days do I have left?")
    expect(page.get_by_text("Days left:").first).to_be_visible()
    ended(page)
    ask(page, "May I bring a capybara to work?")
    ended(page)
    auditor = sign_in(offline, "e-2001")
    auditor.get_by_role("link", name="Threads").click()
    auditor.get_by_label("Words").fill("capybara")
    auditor.get_by_label("Words").press("Enter")
    expect(cell(auditor, "May I bring a capybara")).to_be_attached()
    open_row(auditor, "May I bring a capybara")
    expect(auditor).to_have_url(re.compile(r"/thread\?tr_id=\w+&tr_turn=\w+$"))
    expect(auditor.get_by_text("Model calls").first).to_be_visible()
    auditor.get_by_role("link", name="Back to threads").click()
    expect(auditor.get_by_label("Words")).to_have_value("capybara")
    expect(auditor.get_by_text("press Shift+Space on its row")).to_be_visible()
    auditor.locator("canvas[data-testid=data-grid-canvas]").focus()
    auditor.keyboard.press("ArrowDown")
    expect(auditor.locator("canvas td[aria-selected=true]")).to_be_attached()
    auditor.keyboard.press("Shift+Space")
    expect(auditor).to_have_url(re.compile(r"/thread\?tr_id="))


def test_a_figure_of_a_tool_leads_to_its_calls(offline, sign_in):
    page = sign_in(offline, "e-1203")
    ask(page, "How many vacation days do I have left?")
    expect(page.get_by_text("Days left:").first).to_be_visible()
    auditor = sign_in(offline, "e-2001")
    auditor.get_by_role("link", name="Tool calls").click()
    figures = auditor.get_by_test_id("stDataFrame").first
    expect(figures.locator("canvas td", has_text="Vacation balance")).to_be_attached()
    row = int(figures.locator("canvas tr", has_text="Vacation balance").get_attribute("aria-rowindex"))
    figures.click(position={"x": 140 + 60 - 14, "y": ROW * (row - 1) + ROW // 2})
    expect(auditor).to_have_url(re.compile(r"tc_tool=vacation_balance$"))


def test_a_link_to_a_page_is_still_that_page_after_the_sign_in_and_after_a_reload(offline, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{offline.url}/threads")
    page.get_by_text("e-2001", exact=True).click()
    page.get_by_label("Purpose").fill("complaint 7")
    page.get_by_label("Purpose").press("Enter")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Threads")).to_be_visible()
    wait_until(page, "document.cookie.includes('complaint%207')")
    page.reload()
    expect(page.get_by_role("heading", name="Threads")).to_be_visible()
    expect(page.get_by_text("e-2001", exact=True)).to_be_visible()
    context.close()


def test_on_a_phone_nothing_scrolls_sideways(offline, sign_in):
    page = sign_in(offline, "e-1042", width=390)
    ask(page, "What is our policy on remote work?")
    expect(page.get_by_text("Policy says")).to_be_visible()
    assert overflow(page) <= 0
    auditor = sign_in(offline, "e-2001", width=390)
    for path, heading in (("threads", "Threads"), ("tool-calls", "Tool calls")):
        auditor.goto(f"{offline.url}/{path}")
        expect(auditor.get_by_role("heading", name=heading)).to_be_visible()
        assert overflow(auditor) <= 0
    auditor.goto(f"{offline.url}/threads")
    open_row(auditor, "What is our policy")
    timeline(auditor).click()
    expect(auditor.get_by_text("In the order of the log").first).to_be_visible()
    assert overflow(auditor) <= 0


def timeline(page):
    """What opens the timeline of the last answer."""
    return page.locator("summary", has_text="Timeline").last


def overflow(page):
    """How many pixels the page is wider than what shows it."""
    return page.evaluate(
        "Math.max(...[document.documentElement, ...document.querySelectorAll('.stMain')]"
        ".map(element => element.scrollWidth - element.clientWidth))"
    )


def test_no_image_is_loaded_from_anywhere(scripted, catcher, sign_in):
    page = sign_in(scripted, "e-1077")
    ask(page, f"A picture ![question]({catcher.url}/question.png)")
    expect(page.get_by_text("Seen.")).to_be_visible()
    ended(page)
    auditor = sign_in(scripted, "e-2001")
    auditor.get_by_role("link", name="Threads").click()
    open_row(auditor, "A picture")
    expect(auditor.get_by_text("Seen.").first).to_be_visible()
    assert page.locator("img[src^=http]").count() == auditor.locator("img[src^=http]").count() == 0
    assert catcher.paths == []


def test_the_links_of_an_answer_show_where_they_lead_and_tell_no_other_server_where_they_were(
    scripted, catcher, sign_in
):
    page = sign_in(scripted, "e-1077")
    ask(page, "And which links?")
    expect(page.get_by_text("Seen.")).to_be_visible()
    ended(page)
    links = page.get_by_test_id("stChatMessage").last.get_by_role("link")
    host = catcher.url.partition("://")[2]
    assert [(link.inner_text(), link.get_attribute("href")) for link in links.all()] == [
        (f"the portal ({host})", f"{catcher.url}/portal"),
        ("https://c.example", "https://c.example"),
        (f"{catcher.url}/r", f"{catcher.url}/r"),
        ("in a table (a.example)", "https://a.example"),
        ("mail (hr@b.example)", "mailto:hr@b.example"),
    ]
    with page.context.expect_event("response", lambda response: response.url == f"{catcher.url}/portal"):
        links.first.click()
    assert (catcher.paths.pop(), catcher.referers.pop()) == ("/portal", None)


def test_every_response_carries_the_security_headers(offline):
    with urllib.request.urlopen(offline.url, timeout=PATIENCE) as response:
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


def test_what_got_into_a_page_can_neither_run_nor_load_nor_send_anything(scripted, catcher, sign_in):
    page = sign_in(scripted, "e-1077")
    page.evaluate(
        """elsewhere => {
            window.refused = new Set()
            document.addEventListener("securitypolicyviolation", event => window.refused.add(event.effectiveDirective))
            const add = (name, fields) => document.body.appendChild(Object.assign(document.createElement(name), fields))
            add("script", {textContent: "window.ran = true"})
            add("b", {innerHTML: '<b onclick="window.ran = true"></b>'}).firstChild.click()
            add("script", {src: `${elsewhere}/script.js`})
            add("link", {rel: "stylesheet", href: `${elsewhere}/style.css`})
            add("iframe", {src: `${elsewhere}/frame`})
            add("object", {data: `${elsewhere}/object`})
            add("form", {action: `${elsewhere}/form`, method: "post"}).submit()
            new FontFace("F", `url(${elsewhere}/font)`).load().catch(() => {})
            fetch(`${elsewhere}/fetch`).catch(() => {})
            setTimeout("window.ran = true")
        }""",
        catcher.url,
    )
    wait_until(page, "refused.size === 9")
    directives = {f"{name}-src" for name in ("frame", "object", "font", "connect", "script")} | {"form-action"}
    assert set(page.evaluate("[...refused]")) == directives | {"script-src-elem", "script-src-attr", "style-src-elem"}
    assert page.evaluate("window.ran") is None
    assert catcher.paths == []


def test_the_console_does_not_start_on_another_address(tmp_path):
    command = [sys.executable, "-m", "streamlit", "run", "console", "--server.headless=true", "--server.port=0"]
    environment = {**os.environ, "ROLLTOP_STORE": f"sqlite:///{tmp_path}/desk.db"}
    ran = subprocess.run(
        [*command, "--server.address=0.0.0.0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode != 0
    assert "the development sign-in does not start on 0.0.0.0" in ran.stdout + ran.stderr
