"""The first start: a demo for a newcomer, which gives way to handbooks of one's own; a company's desk without any."""

import pytest

from tests.browser.test_handbooks import PARROTS, ask, dogs, open_handbooks, sources, take_in

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=20_000)

OWN = [
    ("parrots.md", PARROTS),
    ("dogs.md", dogs("Dogs at work", "2026-01-01", 2)),
    ("cats.md", dogs("Cats", "2026-06-01", 5)),
]
DEMO = "Demo: choose any sample person. All data is fictional."


def test_the_first_command_starts_a_demo_and_a_handbook_of_ones_own_takes_the_samples_place(newcomer, sign_in):
    page = sign_in(newcomer, "e-4001")
    expect(page.get_by_text(DEMO)).to_be_visible()
    ask(page, "What is our policy on remote work?")
    assert sources(page)[0] == "Remote work"
    ask(page, "How many vacation days do I have left?")
    expect(page.get_by_text("Vacation balance", exact=True)).to_be_visible()

    open_handbooks(page, "Upload")
    expect(page.get_by_text("30 sample handbooks of a fictional company")).to_be_visible()
    take_in(page, *OWN)
    expect(page.get_by_text("30 sample handbooks withdrawn")).to_be_visible()

    asker = sign_in(newcomer, "e-1042")
    expect(asker.get_by_role("button", name="How many vacation days")).to_be_visible()
    expect(asker.get_by_role("button", name="What is our policy on remote work?")).to_have_count(0)
    ask(asker, "What is our policy on remote work?")
    assert "Remote work" not in sources(asker)
    ask(asker, "May I bring a parrot to the office?")
    assert sources(asker) == ["Parrots at work"]


def test_a_companys_desk_says_what_it_is_and_what_it_needs(company, sign_in):
    page = sign_in(company, "e-4001")
    expect(page.get_by_text("No handbook applies to you yet")).to_be_visible()
    expect(page.get_by_text("Anyone on this machine can sign in as anyone")).to_have_count(0)
    expect(page.get_by_role("button", name="How many vacation days")).to_have_count(0)
    open_handbooks(page, "Documents")
    expect(page.get_by_text("There is no handbook to answer from")).to_be_visible()
