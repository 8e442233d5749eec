"""A store that goes away in the middle of an answer: the page keeps what is saved, says so, and goes on by itself."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

NOT_SAVED = "The rest of the answer is shown once it can be saved"
NO_STORE = "Nothing can be read or saved right now"


def test_while_the_store_is_away_the_page_says_what_is_not_saved_and_when_it_is_back_it_goes_on(
    on_mongodb, mongodb_to_kill, sign_in
):
    page = sign_in(on_mongodb, "e-1042", width=390)
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Please count")
    box.press("Enter")
    expect(page.get_by_text("One two three")).to_be_visible()
    expect(page.get_by_text("What is our policy on remote work?")).to_have_count(0)  # that was offered before
    mongodb_to_kill.kill()
    expect(page.get_by_text(NOT_SAVED)).to_be_visible()
    expect(page.get_by_text("One two three")).to_be_visible()
    (on_mongodb.folder / "go").touch()  # the model goes on; what it says now is not saved, and so not shown
    expect(page.get_by_text("four")).to_have_count(0)
    mongodb_to_kill.start()
    expect(page.get_by_text("One two three four five six.", exact=True)).to_have_count(1)
    expect(page.get_by_text(NOT_SAVED)).to_have_count(0)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_question_that_finds_no_store_stays_in_its_box_and_the_page_tries_again_by_itself(
    on_mongodb, mongodb_to_kill, sign_in
):
    page = sign_in(on_mongodb, "e-1042")
    box = page.get_by_role("textbox", name="Ask about leave")
    mongodb_to_kill.kill()
    box.fill("Please count")
    box.press("Enter")
    expect(page.get_by_text(NO_STORE)).to_be_visible()
    expect(box).to_have_value("Please count")
    mongodb_to_kill.start()
    expect(page.get_by_text(NO_STORE)).to_have_count(0)
    expect(box).to_have_value("Please count")
    box.press("Enter")
    expect(page.get_by_text("One two three")).to_be_visible()
