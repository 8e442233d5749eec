"""Asking again, versions, and requests that wait for an approver, as employees meet them in a browser."""

import json
import re
import shutil

import pytest

from tests.support.consoles import CATALOGUE, running

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

LETTER = "Please issue a letter to my bank"
COLOURS = [[{"say": f"Number {number}."}] for number in range(1, 100)]
SCRIPT = {
    "questions": [
        {"contains": "was approved", "steps": [[{"say": "Your letter is on its way."}]]},
        {"contains": "was denied", "steps": [[{"say": "There is no letter for you."}]]},
        {
            "contains": "letter",
            "steps": [
                [{"call": "salary_letter", "arguments": {"recipient": "Bank Graz"}}],
                [{"say": "An approver looks at it."}],
            ],
        },
        {
            "contains": "leave",
            "steps": [
                [{"call": "request_leave", "arguments": {"start": "2030-03-04", "end": "2030-03-05"}}],
                [{"say": "It is booked."}],
            ],
        },
        {"contains": "broken", "answers": [[{"say": "As far as"}, {"cut": True}], [{"say": "All of it."}]]},
        {"contains": "slowly", "steps": [[{"say": "One two"}, {"wait_for_file": "go"}, {"say": " three."}]]},
    ],
    "answers": COLOURS,
}


@pytest.fixture(scope="module")
def numbering(browser, sample_catalogue, tmp_path_factory):
    """A console whose model numbers its answers: none is given twice."""
    folder = tmp_path_factory.mktemp("numbering")
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    with running(folder, f"scripted:{folder}/script.json") as console:
        yield console


def ask(page, question, answer):
    """Ask, and return the answer's text once it is complete."""
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill(question)
    box.press("Enter")
    return settled(page, question, answer)


def settled(page, question, answer):
    """The newest answer's text, once it fits and its turn is over."""
    expect(page.get_by_test_id("stChatMessage").filter(has_text=question).last).to_be_visible()
    newest = page.get_by_test_id("stChatMessage").last
    expect(newest).to_contain_text(re.compile(answer))
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(newest.get_by_test_id("stFeedback")).to_be_visible()
    return re.search(answer, newest.inner_text())[0]


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


NUMBER = r"Number \d+\."


def test_an_answer_asked_for_again_and_clicked_twice_has_one_more_version_and_both_come_back(numbering, sign_in):
    page = sign_in(numbering, "e-1077")
    first = ask(page, "Which one?", NUMBER)
    expect(button(page, "Previous")).to_have_count(0)
    button(page, "Ask again").dblclick()
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()
    expect(page.get_by_text(first, exact=True)).to_have_count(0)
    second = settled(page, "Which one?", NUMBER)
    assert second != first
    expect(button(page, "Next")).to_be_disabled()
    button(page, "Previous").click()
    expect(page.get_by_text("Version 1 of 2")).to_be_visible()
    expect(page.get_by_text(first, exact=True)).to_be_visible()
    expect(page.get_by_text(second, exact=True)).to_have_count(0)
    expect(button(page, "Previous")).to_be_disabled()
    page.reload()
    expect(page.get_by_text("Version 1 of 2")).to_be_visible()
    button(page, "Next").click()
    expect(page.get_by_text(second, exact=True)).to_be_visible()
    expect(page.get_by_text(first, exact=True)).to_have_count(0)


def test_an_answer_that_is_asked_for_again_is_followed_as_it_comes(numbering, sign_in):
    page = sign_in(numbering, "e-1203")
    ask(page, "The first one?", NUMBER)
    before = ask(page, "Which one?", NUMBER)
    button(page, "Edit").last.click()
    page.get_by_label("Edit your question").fill("Tell me slowly")
    button(page, "Send").click()
    expect(page.get_by_text("One two")).to_be_visible()
    expect(page.get_by_text(before, exact=True)).to_have_count(0)
    for name in ("Ask again", "Edit", "Previous", "Next"):
        expect(button(page, name)).to_have_count(0)
    (numbering.folder / "go").touch()
    expect(page.get_by_text("One two three.", exact=True)).to_be_visible()
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()


def test_an_earlier_question_is_edited_and_what_followed_each_version_comes_back_with_it(numbering, sign_in):
    page = sign_in(numbering, "e-1310")
    ask(page, "The first one?", NUMBER)
    followed = ask(page, "And then?", NUMBER)
    button(page, "Edit").first.click()
    form = page.get_by_label("Edit your question")
    expect(form).to_have_value("The first one?")
    form.fill("Another one?")
    form.press("Control+Enter")
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()
    expect(page.get_by_text("And then?", exact=True)).to_have_count(0)
    settled(page, "Another one?", NUMBER)
    below = ask(page, "Something else?", NUMBER)
    button(page, "Previous").click()
    expect(page.get_by_text(followed, exact=True)).to_be_visible()
    expect(page.get_by_text("And then?", exact=True)).to_be_visible()
    expect(page.get_by_text(below, exact=True)).to_have_count(0)
    button(page, "Next").click()
    expect(page.get_by_text(below, exact=True)).to_be_visible()
    expect(page.get_by_text(followed, exact=True)).to_have_count(0)


def test_a_tab_that_does_not_show_the_newest_branch_is_told_so(numbering, sign_in):
    page = sign_in(numbering, "e-1042")
    ask(page, "The first one?", NUMBER)
    ask(page, "And then?", NUMBER)
    other = page.context.new_page()
    other.goto(page.url)
    button(other, "Ask again").first.click()
    expect(other.get_by_text("Version 2 of 2")).to_be_visible()
    newest = settled(other, "The first one?", NUMBER)
    button(page, "Ask again").last.click()
    expect(page.get_by_text("an earlier question is shown in another version now")).to_be_visible()
    expect(page.get_by_text(newest, exact=True)).to_be_visible()
    expect(page.get_by_text("And then?", exact=True)).to_have_count(0)


def test_an_edit_during_a_turn_of_another_tab_stays_in_its_form(numbering, sign_in):
    page = sign_in(numbering, "e-2001")
    ask(page, "Which one?", NUMBER)
    button(page, "Edit").click()
    other = page.context.new_page()
    other.goto(page.url)
    box = other.get_by_role("textbox", name="Ask about leave")
    box.fill("Book leave")
    box.press("Enter")
    expect(button(other, "Approve")).to_be_visible()
    form = page.get_by_label("Edit your question")
    form.fill("In other words?")
    button(page, "Send").click()
    expect(page.get_by_text("the last question is not finished")).to_be_visible()
    expect(form).to_have_value("In other words?")
    button(other, "Deny").click()
    expect(button(other, "Deny")).to_have_count(0)
    button(page, "Send").click()
    settled(page, "In other words?", NUMBER)
    expect(form).to_have_count(0)


def test_booked_leave_is_asked_for_again_below_and_not_in_its_place(numbering, sign_in):
    page = sign_in(numbering, "e-1077")
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Book leave")
    box.press("Enter")
    button(page, "Approve").click()
    settled(page, "Book leave", "It is booked")
    expect(button(page, "Ask again")).to_have_count(0)
    expect(button(page, "Edit")).to_have_count(0)
    button(page, "Ask again below").hover()
    expect(page.get_by_text("has done something that would be done twice")).to_be_visible()
    button(page, "Ask again below").click()
    expect(button(page, "Deny")).to_be_visible()
    expect(page.get_by_text("It is booked.", exact=True)).to_be_visible()
    button(page, "Deny").click()
    expect(page.get_by_text("Leave request · Denied")).to_be_visible()


def test_an_answer_that_was_cut_off_is_asked_for_again_in_its_place(numbering, sign_in):
    page = sign_in(numbering, "e-4001")
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Something broken")
    box.press("Enter")
    expect(page.get_by_text("The answer was cut off")).to_be_visible()
    button(page, "Ask again").click()
    settled(page, "Something broken", "All of it")
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()
    expect(page.get_by_text("The answer was cut off")).to_have_count(0)


@pytest.mark.parametrize(
    ("outcome", "asker", "said", "report"),
    [("Approve", "e-1042", "approved", "on its way"), ("Deny", "e-1310", "denied", "no letter for you")],
)
def test_a_decision_and_its_report_come_to_the_asker_by_themselves(numbering, sign_in, outcome, asker, said, report):
    page = sign_in(numbering, asker)
    ask(page, LETTER, "An approver looks at it")
    expect(page.get_by_text("Waits for an approver until")).to_be_visible()
    ask(page, "What else?", NUMBER)
    page.reload()
    expect(page.get_by_text("Waits for an approver until")).to_be_visible()
    approver = sign_in(numbering, "e-3001")
    approver.goto(f"{numbering.url}/approvals")
    approver.get_by_label("Reason").fill("as agreed")
    approver.get_by_label("Reason").press("Enter")
    button(approver, outcome).click()
    expect(page.get_by_text(f"was {said} by e-3001")).to_be_visible()
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text(report)
    expect(page.get_by_text("The request is reported below.")).to_be_visible()
    expect(page.get_by_text("Reason: as agreed")).to_have_count(2)
    expect(button(page, "Withdraw")).to_have_count(0)
    ask(page, "And now?", NUMBER)


def test_a_request_is_withdrawn_and_stays_so(numbering, sign_in):
    page = sign_in(numbering, "e-1203")
    ask(page, LETTER, "An approver looks at it")
    button(page, "Withdraw").click()
    expect(page.get_by_text("You took the request back")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You took the request back")).to_be_visible()
    expect(button(page, "Withdraw")).to_have_count(0)
    approver = sign_in(numbering, "e-3001")
    approver.goto(f"{numbering.url}/approvals")
    expect(approver.get_by_text("No requests are waiting")).to_be_visible()
