"""Handbooks read from Markdown, and the local retriever that searches them."""

from datetime import date
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.handbooks import LONGEST, read_handbooks
from backends.local import LocalRetriever
from backends.offline import OfflineModel
from core.citations import citations
from core.errors import InvalidInput
from core.gate import Viewer
from core.model import ModelRequest, UserMessage

SAMPLES = Path(__file__).resolve().parents[1] / "sample_handbooks"
VIEWER = Viewer("employee")
FRONT = """---
title: Remote work
version: 2026-07-01
effective: 2026-07-01
until: 2027-06-30
audience: all
owner: People team
review_by: 2027-01-31
colour: green
---
"""


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_md", ".md")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


def one(folder):
    (handbook,) = read_handbooks(folder)
    return handbook


def test_front_matter_says_what_a_handbook_is_and_when_it_is_in_force(folder):
    found = one(folder(working__remote_md=FRONT + "# Remote work\n\nText."))
    assert (found.document, found.title, found.version) == ("working/remote", "Remote work", "2026-07-01")
    assert (found.effective, found.until) == (date(2026, 7, 1), date(2027, 6, 30))
    assert (found.audience, found.owner, found.review_by) == ("all", "People team", date(2027, 1, 31))


def test_without_front_matter_the_heading_the_file_and_the_content_speak(folder):
    found = one(folder(plain_md="# Parking\n\nText."))
    assert (found.document, found.title, found.effective, found.until) == ("plain", "Parking", None, None)
    assert len(found.version) == 12


def test_without_any_heading_the_file_name_is_the_title(folder):
    assert one(folder(**{"gym-rules_md": "Only text."})).title == "gym rules"


def test_another_content_is_another_version(folder):
    before = one(folder(a_md="Text.")).version
    assert one(folder(a_md="Text!")).version != before


def test_a_readme_is_a_handbook_only_if_its_front_matter_has_a_title(folder):
    assert read_handbooks(folder(README_md="# About this folder")) == []
    assert one(folder(README_md=FRONT + "Text.")).document == "README"


def test_every_passage_knows_its_whole_trail_of_headings(folder):
    found = one(
        folder(
            a_md="Before.\n\n# A\n\nIn A.\n\n## B\n\n### C\n\nIn C.\n\n"
            "## D\n\nIn D.\n\n```\n# no heading\n```\n\nE\n-\n\nIn E."
        )
    )
    assert [(passage.section, passage.text) for passage in found.passages] == [
        ([], "Before."),
        ([], "In A."),
        (["B", "C"], "In C."),
        (["D"], "In D.\n\n```\n# no heading\n```"),
        (["E"], "In E."),
    ]


def test_a_first_heading_that_is_not_the_title_stays_in_the_trail(folder):
    found = one(folder(a_md=FRONT + "# The 2026 edition\n\n## Days\n\nThree."))
    assert found.passages[0].section == ["The 2026 edition", "Days"]


def test_passage_ids_are_the_document_and_a_slug_and_never_repeat(folder):
    found = one(folder(a_md="# T\n\nx\n\n## Days & hours\n\nx\n\n## Days, hours\n\nx\n\n## Days hours 2\n\nx"))
    assert [passage.id for passage in found.passages] == [
        "a#start",
        "a#days-hours",
        "a#days-hours-2",
        "a#days-hours-2-2",
    ]


def test_a_long_section_is_cut_between_paragraphs(folder):
    paragraph = "word " * 100
    found = one(folder(a_md="# T\n\n" + "\n\n".join([paragraph] * 5)))
    assert [len(passage.text.split()) for passage in found.passages] == [200, 200, 100]
    assert len({tuple(passage.section) for passage in found.passages}) == 1


def test_a_paragraph_is_never_cut(folder):
    found = one(folder(a_md="word " * 2 * LONGEST))
    assert len(found.passages) == 1


def test_a_table_that_is_cut_repeats_its_header_and_the_line_before_it(folder):
    rows = [f"| row {n} | {'x ' * 40}|" for n in range(12)]
    found = one(folder(a_md="# T\n\nThe amounts:\n\n" + "\n".join(["| A | B |", "|---|---|", *rows])))
    assert len(found.passages) > 1
    assert all(passage.text.startswith("The amounts:\n\n| A | B |\n|---|---|\n| row ") for passage in found.passages)
    kept = [line.strip() for passage in found.passages for line in passage.text.split("\n") if "row" in line]
    assert kept == rows


def test_a_list_that_is_cut_repeats_the_line_that_leads_in(folder):
    items = [f"- item {n} {'x ' * 40}\n  more" for n in range(12)]
    found = one(folder(a_md="# T\n\nPlease bring:\n\n" + "\n".join(items) + "\n\nEnd."))
    assert len(found.passages) > 1
    listed = [passage.text for passage in found.passages if "item" in passage.text]
    assert all(text.startswith("Please bring:\n\n- item ") for text in listed)
    assert "".join(listed).count("- item") == "".join(listed).count("\n  more") == 12


def test_a_lead_in_is_not_parted_from_its_list(folder):
    found = one(folder(a_md=f"# T\n\n{'word ' * (LONGEST - 10)}\n\nPlease bring:\n\n- one {'x ' * 20}\n- two"))
    assert [passage.text.startswith("Please bring:\n\n- one") for passage in found.passages] == [False, True]


def test_links_into_the_folder_images_and_comments_leave_only_their_words(folder):
    found = one(
        folder(a_md='See [the rules](../r.md "t") and [law](https://law.example), ![logo](http://x/y.png).<!-- no -->')
    )
    assert found.passages[0].text == "See the rules and [law](https://law.example), logo."


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        "---\ntitle: [\n---\n",
        "---\n- list\n---\n",
        "---\neffective: soon\n---\n",
        "---\ntitle: {a: 1}\n---\n",
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_never_left_out(folder, content):
    with pytest.raises(InvalidInput, match="handbook leave/broken "):
        read_handbooks(folder(good_md="Text.", leave__broken_md=content))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no folder"):
        read_handbooks(tmp_path / "none")


def test_windows_line_ends_and_a_byte_order_mark_make_no_difference(folder):
    expected = one(folder(a_md=FRONT + "# T\n\nText.\n")).passages
    assert one(folder(a_md="\ufeff" + (FRONT + "# T\n\nText.\n").replace("\n", "\r\n"))).passages == expected


def test_the_sample_handbooks_are_cut_into_passages_of_a_good_size():
    lengths = [len(passage.text.split()) for handbook in read_handbooks(SAMPLES) for passage in handbook.passages]
    assert len(lengths) > 100
    assert max(lengths) <= LONGEST


def edition(effective, until, words):
    return f"---\ntitle: Bicycles\neffective: {effective}\nuntil: {until}\n---\n{words}\n"


@pytest.fixture
def editions(folder):
    return folder(
        old_md=edition("2025-01-01", "2025-12-31", "Bicycles in the shed."),
        now_md=edition("2026-01-01", "2026-12-31", "Bicycles at the gate."),
        next_md=edition("2027-01-01", "2027-12-31", "Bicycles on the roof."),
        always_md="Bicycles need lights.",
    )


@pytest.mark.parametrize(
    ("today", "in_force"),
    [
        ("2025-12-31", {"old", "always"}),
        ("2026-01-01", {"now", "always"}),
        ("2026-12-31", {"now", "always"}),
        ("2027-01-01", {"next", "always"}),
        ("2029-01-01", {"always"}),
    ],
)
async def test_only_what_is_in_force_today_is_found_and_named(editions, today, in_force):
    retriever = LocalRetriever(editions, today=lambda: date.fromisoformat(today))
    assert {passage.document for passage in await retriever.search("bicycles", VIEWER, 10)} == in_force
    assert set(await retriever.versions()) == in_force


async def test_an_edition_is_taken_up_on_its_day_by_a_retriever_that_was_open_before(editions):
    days = iter([date(2026, 12, 31), date(2027, 1, 1)])
    retriever = LocalRetriever(editions, today=lambda: next(days))
    found = [{p.document for p in await retriever.search("bicycles", VIEWER, 10)} for _ in range(2)]
    assert found == [{"now", "always"}, {"next", "always"}]


async def test_passages_come_best_first_and_no_more_than_asked_for(folder):
    retriever = LocalRetriever(
        folder(
            a_md="# Cars\n\nA bicycle is mentioned once among a good many other words on cars.",
            b_md="# Bicycles\n\nA bicycle is a bicycle.",
            c_md="# Shed\n\n## Bicycle rack\n\nKeys at reception.",
        )
    )
    found = await retriever.search("Where do I put my bicycles?", VIEWER, 10)
    assert [passage.document for passage in found] == ["b", "c", "a"]
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
    assert (
        await retriever.search("bicycle", VIEWER, 2)
        == [passage for passage in await retriever.search("bicycle", VIEWER, 10)][:2]
    )
    assert await retriever.search("bicycle", VIEWER, 0) == []


async def test_a_title_counts_for_more_than_a_mention(folder):
    long = "Keys are at reception, lamps in the cellar, and pumps at the gate for everybody."
    titled = f"---\ntitle: Bicycles\n---\n{long}"
    retriever = LocalRetriever(folder(a_md="A bicycle stood there.", b_md=titled, c_md="x", d_md="y", e_md="z"))
    assert [passage.document for passage in await retriever.search("bicycle", VIEWER, 5)] == ["b", "a"]


async def test_one_fitting_word_is_enough_and_stop_words_are_none(folder):
    retriever = LocalRetriever(folder(a_md="The of and what is our bicycles."))
    assert len(await retriever.search("zebra bicycles", VIEWER, 5)) == 1
    assert await retriever.search("what is the of our", VIEWER, 5) == []
    assert await retriever.search("zebra", VIEWER, 5) == []


async def test_passages_that_say_nearly_the_same_are_found_once(folder):
    said = "Lock your bicycle at the rack behind the building and take the key with you to your desk every day"
    other = "A bicycle of one's own is another matter. " + "It stands at home, at the shop or in the hall. " * 3
    retriever = LocalRetriever(folder(a_md=said, b_md=said + " please.", c_md=other))
    assert len(await retriever.search("bicycle", VIEWER, 10)) == 2
    assert len(await retriever.search("bicycle", VIEWER, 2)) == 2


HOSTILE = ['a-b c++ " ? AND x:y', "NEAR(a b)", "title:x", "\0", "²", "ﬁ", '"""', "*", "' OR 1=1 --"]


@given(query=st.text() | st.sampled_from(HOSTILE))
async def test_any_text_is_a_valid_query(query):
    assert isinstance(await SAMPLE.search(query, VIEWER, 3), list)


async def test_searches_at_the_same_time_do_not_disturb_each_other():
    alone = {query: await SAMPLE.search(query, VIEWER, 6) for query in ("remote work", "sick pay", "vacation days")}
    found: list[bool] = []

    async def search(query):
        found.append(await SAMPLE.search(query, VIEWER, 6) == alone[query])

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            for query in alone:
                tasks.start_soon(search, query)
    assert found == [True] * 30


SAMPLE = LocalRetriever(SAMPLES, today=lambda: date(2026, 11, 24))


async def ask(question):
    passages = tuple(await SAMPLE.search(question, VIEWER, 6))
    request = ModelRequest(
        instructions="", messages=(UserMessage(text=question, passages=passages),), settings={"delay": 0}
    )
    said = "".join([event.text async for event in OfflineModel().stream(request) if event.kind == "text"])
    return said, passages


async def test_the_policy_on_remote_work_is_quoted_from_the_edition_in_force():
    said, passages = await ask("What is our policy on remote work?")
    assert "up to three days a week" in said
    assert {found.passage.document for found in citations(said, passages)} == {"working/remote-work"}
    assert "working/remote-work-2024" not in {passage.document for passage in passages}
    assert "working/remote-work-2024" not in await SAMPLE.versions()


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("How much is the referral bonus?", "pay/referral-bonus", "€1,000"),
        ("How does carry-over of vacation work?", "leave/annual-leave", "carried over"),
        ("How many days can I work from abroad?", "working/remote-work", "20 working days"),
        ("How long do I get sick pay in Austria?", "health/sick-leave-austria", "6 weeks"),
    ],
)
async def test_everyday_questions_find_their_handbook(question, document, words):
    said, passages = await ask(question)
    assert document in {found.passage.document for found in citations(said, passages)}
    assert words in said
