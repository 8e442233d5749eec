"""Answers with their sources, and the handbooks behind them, as people meet them in a browser."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

PARROTS = b"""---
title: Parrots at work
version: "2026-11"
effective: 2026-11-01
audience: all
owner: Office team
review_by: 2027-11-01
---

# Parrots at work

## Which days

You may bring one parrot to the office on Fridays. It stays in its cage during meetings.
"""


def ask(page, question):
    """Ask, and wait for the whole answer: its thumbs come last."""
    thumbs = page.get_by_test_id("stFeedback")
    before = thumbs.count()
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill(question)
    box.press("Enter")
    expect(thumbs).to_have_count(before + 1)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def sources(page):
    """The titles above the chips below the latest answer."""
    groups = page.get_by_test_id("stChatMessage").last.locator("[class*=st-key-document_]")
    return [text.strip() for text in groups.get_by_test_id("stCaptionContainer").all_inner_texts()]


def chips(page):
    return page.get_by_test_id("stChatMessage").last.get_by_role("button", name=re.compile(r"\d+ · "))


def open_source(page, n):
    """The drawer of the n-th chip below the latest answer, from 0."""
    chips(page).nth(n).click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(re.compile("^Version|^Page")).first).to_be_visible()
    return drawer


def open_handbooks(page, tab):
    page.get_by_role("link", name="Handbooks").click()
    expect(page.get_by_role("heading", name="Handbooks")).to_be_visible()
    page.get_by_role("tab", name=tab).click()


def take_in(page, *files):
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files]
    )
    page.get_by_role("button", name="Import").click()
    for name, _ in files:
        expect(page.get_by_text(name.partition(".")[0], exact=True)).to_be_visible()


def dogs(title, effective, days):
    front = f"---\ntitle: {title}\nversion: {effective}\neffective: {effective}\n---\n"
    return f"{front}# {title}\n\n## Days\n\nYou may bring one dog to the office on {days} days a week.\n".encode()


def test_the_two_questions_of_the_readme_have_the_right_numbered_sources(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, "How many vacation days do I have left?")
    expect(page.get_by_text("Vacation balance", exact=True)).to_be_visible()
    expect(page.get_by_text("Days left: 13", exact=True)).to_be_visible()
    ask(page, "What is our policy on remote work?")
    assert sources(page)[0] == "Remote work"
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.get_by_text("three days a week").first).to_be_visible()
    expect(open_source(page, 0)).to_contain_text("Version 2026-07 · in force since 2026-07-01")


def test_a_citation_opens_in_its_section_with_the_quoted_words_marked(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, "What is our policy on remote work?")
    drawer = open_source(page, 0)
    marks = drawer.locator("span[style*='background-color']")
    expect(marks.first).to_be_visible()
    quoted = marks.first.inner_text()
    assert quoted
    assert quoted in page.get_by_test_id("stChatMessage").last.inner_text()


def test_a_superseded_edition_is_never_cited(offline, sign_in):
    page = sign_in(offline, "e-1042")
    for question in ("What did the 2024 remote work policy allow?", "How many remote days a week may I take?"):
        ask(page, question)
        for n in range(chips(page).count()):
            drawer = open_source(page, n)
            expect(drawer).not_to_contain_text("Version 2024")
            page.keyboard.press("Escape")
            expect(drawer).to_have_count(0)
    keeper = sign_in(offline, "e-4001")
    open_handbooks(keeper, "Documents")
    keeper.get_by_label("Title").fill("remote-work-2024")
    keeper.get_by_label("Title").press("Enter")
    expect(keeper.get_by_text("1 document", exact=True)).to_be_visible()
    expect(keeper.get_by_text(re.compile("Superseded"))).to_be_visible()


@pytest.mark.parametrize(
    ("person", "first", "never"),
    [("e-1203", "Sick leave: UK", "Sick leave: Austria"), ("e-1310", "Sick leave", "Sick leave: UK")],
)
def test_the_rule_of_the_askers_country_comes_first(offline, sign_in, person, first, never):
    page = sign_in(offline, person)
    ask(page, "When do I need a sick note from a doctor?")
    assert sources(page)[0] == first
    assert never not in sources(page)


def test_a_question_outside_the_handbooks_is_refused_and_offers_a_person(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, "What is the capital of France?")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("I found nothing in the handbooks that answers this")
    expect(answer).to_contain_text("came nearest, but is not the answer")
    expect(answer).to_contain_text("Nearest in the handbooks, not an answer")
    expect(answer).to_contain_text("contact the People team")
    assert sources(page) == []


def test_handbooks_that_say_otherwise_are_shown_beside_each_other(company, sign_in):
    page = sign_in(company, "e-4001")
    open_handbooks(page, "Upload")
    take_in(page, ("dogs.md", dogs("Dogs at work", "2026-01-01", 2)), ("dogs-new.md", dogs("Dogs", "2026-06-01", 5)))
    expect(page.get_by_text("Imported")).to_have_count(2)
    page.get_by_role("link", name="Ask HR").click()
    ask(page, "On how many days a week may I bring one dog to the office?")
    drawer = open_source(page, 0)
    drawer.get_by_text("Contradicted by").click()
    expect(drawer).to_contain_text("on 2 days a week")
    expect(drawer).to_contain_text("on 5 days a week")


def test_a_file_is_taken_in_found_and_removed_by_who_keeps_the_handbooks(company, sign_in):
    page = sign_in(company, "e-4001")
    open_handbooks(page, "Upload")
    take_in(page, ("parrots.md", PARROTS), ("broken.pdf", b"%PDF-1.7 of which nothing follows"))
    expect(page.get_by_text("Imported")).to_be_visible()
    expect(page.get_by_text(re.compile("Refused"))).to_be_visible()

    page.get_by_role("tab", name="Documents").click()
    page.get_by_label("Title").fill("parrots")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_text("1 document", exact=True)).to_be_visible()

    page.get_by_role("tab", name="Try a question").click()
    page.get_by_label("Question", exact=True).fill("May I bring a parrot to the office?")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("1 · Parrots at work / Which days")).to_be_visible()

    asker = sign_in(company, "e-1310")
    ask(asker, "May I bring a parrot to the office?")
    assert sources(asker) == ["Parrots at work"]

    page.goto(f"{company.url}/handbook?hb_id=parrots")
    expect(page.get_by_text(re.compile("The passage$"))).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove it from search").click()
    expect(page.get_by_text("Removed from search")).to_be_visible()
    expect(page.get_by_text(re.compile("Removed$"))).to_be_visible()
    ask(asker, "May I bring a parrot to work?")
    assert "Parrots at work" not in sources(asker)


def test_an_employee_cannot_open_the_page(offline, sign_in):
    page = sign_in(offline, "e-1042")
    expect(page.get_by_role("link", name="Handbooks")).to_have_count(0)
    for path in ("handbooks", "handbook?hb_id=working/remote-work"):
        page.goto(f"{offline.url}/{path}")
        expect(page.get_by_text("Page not found")).to_be_visible()
        expect(page.get_by_role("heading", name="Handbook")).to_have_count(0)


def test_no_part_of_the_page_scrolls_sideways_on_a_phone(offline, sign_in):
    page = sign_in(offline, "e-4001", width=390)
    page.goto(f"{offline.url}/handbooks")
    for name in ("Documents", "Upload", "Try a question", "Gaps", "Index"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel").locator("p").first).to_be_visible()
        assert overflow(page) <= 0, name


def test_a_wide_table_scrolls_by_itself_on_a_phone(offline, sign_in):
    page = sign_in(offline, "e-4001", width=390)
    ask(page, "What are the contracted hours in a full-time week?")
    expect(page.get_by_role("table").first).to_be_visible()
    assert overflow(page) <= 0
    page.goto(f"{offline.url}/handbook?hb_id=working/working-hours")
    expect(page.get_by_role("table").first).to_be_visible()
    assert overflow(page) <= 0


def overflow(page):
    """How many pixels the page is wider than what shows it."""
    return page.evaluate("(main => main.scrollWidth - main.clientWidth)(document.querySelector('.stMain'))")


def test_the_rows_that_a_quote_leaves_out_open_with_those_that_were_quoted_marked(offline, sign_in):
    page = sign_in(offline, "e-1042")
    ask(page, "How long is the company's notice period after 6 years?")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.get_by_role("cell", name="5 years")).to_be_visible()
    expect(answer.get_by_role("cell", name="25 years")).to_have_count(0)
    expect(answer.get_by_text("(8 more rows in the source)")).to_be_visible()
    answer.get_by_role("button", name="8 more rows").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("cell", name="25 years")).to_be_visible()
    marked = set(drawer.locator(".stMarkdownColoredBackground").all_inner_texts())
    assert {"5 years", "3 months", "2 months", "5 weeks"} <= marked
    assert "25 years" not in marked
