"""The scorer of replies: what counts as holding a fact, and what the sample handbooks' replies must reach."""

import json

from tests.support.paths import QUESTIONS, SAMPLES

from . import replies
from .questions import Question, read_questions
from .replies import replies_to, share
from .test_run import TODAY

FLOOR = {"reply": 0.55, "first": 0.35}
"""Some ten questions in a hundred below what was measured (.65, .44): one question does not fail it."""


def asked(*lines):
    return [Question(**line) for line in lines]


async def test_a_fact_counts_where_it_is_quoted_and_a_bare_yes_where_the_section_is(tmp_path):
    (tmp_path / "dogs.md").write_text("# Dogs\n\nDogs may come to the office on 30 days a year.\n")
    gold = ({"path": "dogs.md", "heading": "Dogs", "evidence": "30 days"},)
    line = {"question": "When may dogs come to the office?", "gold": gold}
    found = await replies_to(
        tmp_path,
        asked(
            {"id": "a", "answer_contains": ("forty||30",), **line},
            {"id": "b", "answer_contains": ("yes",), **line},
            {"id": "c", "answer_contains": ("30", "40"), **line},
            {"id": "d", "question": "Which planet has the most moons?"},
        ),
    )
    assert [(one.holds, one.first_holds) for one in found] == [
        (True, True),
        (True, True),
        (False, False),
        (False, False),
    ]
    assert [one.refused for one in found] == [False, False, False, True]


async def test_the_sample_handbooks_replies_hold_as_many_facts_as_they_did():
    found = await replies_to(SAMPLES, read_questions(QUESTIONS), country="austria", as_of=TODAY)
    some = [one for one in found if one.question.gold]
    assert sum(one.holds for one in some) >= FLOOR["reply"] * len(some)
    assert sum(one.first_holds for one in some) >= FLOOR["first"] * len(some)


def test_a_share_has_an_interval_around_it():
    of = share([True] * 30 + [False] * 10)
    assert of.value == 0.75
    assert 0.5 < of.low < 0.75 < of.high < 1


def test_it_is_a_command_that_prints_a_line_for_each_folder_and_the_replies_without_the_fact(tmp_path, capsys):
    folder = tmp_path / "handbooks"
    folder.mkdir()
    (folder / "dogs.md").write_text("# Dogs\n\nDogs may come to the office on Fridays.\n")
    gold = [{"path": "dogs.md", "heading": "Dogs", "evidence": "on Fridays"}]
    lines = [
        {"id": "a", "question": "When may dogs come to the office?", "gold": gold, "answer_contains": ["Fridays"]},
        {"id": "b", "question": "When may dogs come to the office?", "gold": gold, "answer_contains": ["Mondays"]},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    replies.main(["--handbooks", str(folder), "--questions", str(path), "--misses"])
    said = capsys.readouterr().out
    assert said.startswith("all: fact in the reply 0.500")
    assert "b When may dogs come" in said
    assert "a When may dogs come" not in said
