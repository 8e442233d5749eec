"""The questions over the sample handbooks are what they claim to be."""

import json
from collections import Counter

import pytest
import yaml

from tests.support.paths import QUESTIONS, SAMPLES

from .matching import Sections, plain, says
from .questions import Gold, Question, Run, corpora, read_questions, read_run, write_run

ASKED = read_questions(QUESTIONS)
SHORT, NEAR, UNRELATED = (
    read_questions(QUESTIONS.with_name(f"{name}.jsonl")) for name in ("short_questions", "near_misses", "unrelated")
)
ANSWERABLE = [question for question in ASKED if question.gold]
LEAST = {
    "paraphrase": 45,
    "numeric": 20,
    "typo": 8,
    "direct": 8,
    "multi": 8,
    "followup": 8,
    "country": 6,
    "superseded": 3,
    "unanswerable": 32,
}


@pytest.fixture(scope="module")
def handbooks():
    return Sections(SAMPLES)


def _audience(path: str) -> str:
    front = next(yaml.safe_load_all((SAMPLES / path).read_text("utf-8")))
    return front["audience"]


def test_there_are_enough_of_every_kind():
    counts = Counter(question.kind for question in ASKED)
    assert set(counts) == set(LEAST)
    assert {kind: counts[kind] for kind in LEAST if counts[kind] < LEAST[kind]} == {}


def test_no_id_and_no_question_is_there_twice():
    every = [*ASKED, *SHORT, *NEAR, *UNRELATED]
    assert len({question.id for question in every}) == len(every)
    talks = [(question.history, question.question.casefold(), question.country) for question in every]
    assert len(set(talks)) == len(talks)


def test_short_questions_are_short_and_have_answers_and_the_others_have_none():
    assert all(2 <= len(question.question.split()) <= 4 and question.gold for question in SHORT)
    assert not any(question.gold for question in [*NEAR, *UNRELATED])
    assert {question.kind for question in NEAR} == {"unanswerable"}
    assert {question.kind for question in UNRELATED} == {"unrelated"}


def test_each_gold_section_exists_and_holds_its_evidence(handbooks):
    for question in [*ANSWERABLE, *SHORT]:
        for gold in question.gold:
            section = handbooks.text(gold)
            assert section is not None, (question.id, gold)
            assert says(plain(section), gold.evidence), (question.id, gold)
            assert plain(gold.evidence) != plain(gold.heading), f"{question.id}: a heading proves nothing"
        assert all((SAMPLES / path).is_file() for path in question.never), question.id


def test_only_questions_with_two_parts_need_two_sections():
    assert {question.kind for question in ASKED if {gold.group for gold in question.gold} == {0, 1}} == {"multi"}
    assert all({gold.group for gold in question.gold} <= {0, 1} for question in ASKED)


def test_only_the_unanswerable_have_no_gold_and_no_answer():
    assert {question.kind for question in ASKED if not question.gold} == {"unanswerable"}
    assert all(question.answer_contains for question in ANSWERABLE)
    assert not any(question.answer_contains for question in ASKED if not question.gold)


def test_a_follow_up_has_a_history():
    assert all(question.history for question in ASKED if question.kind == "followup")


def test_gold_holds_for_who_asks():
    for question in ANSWERABLE:
        assert {_audience(gold.path) for gold in question.gold} <= {"all", question.country}, question.id


def test_a_country_question_is_answered_by_its_countrys_file_alone():
    asked = [question for question in ASKED if question.kind == "country"]
    assert all({_audience(gold.path) for gold in question.gold} == {question.country} for question in asked)
    assert all({_audience(path) for path in question.never}.isdisjoint({"all", question.country}) for question in asked)


def test_a_superseded_edition_answers_nothing():
    assert not any("2024" in gold.path for question in ASKED for gold in question.gold)
    asked = [question for question in ASKED if question.kind == "superseded"]
    assert all(question.never == ("working/remote-work-2024.md",) for question in asked)


def test_paraphrases_use_few_of_the_handbooks_words(handbooks):
    """On average a third of a paraphrase's longer words at most stand in its section; of a direct question's, half."""

    def shared(question: Question) -> float:
        said = {word for word in plain(question.question).replace("?", " ").split() if len(word) > 3}
        return sum(says(plain(handbooks.text(question.gold[0])), word) for word in said) / max(1, len(said))

    mean = {
        kind: sum(map(shared, of)) / len(of)
        for kind in ("paraphrase", "direct")
        if (of := [question for question in ASKED if question.kind == kind])
    }
    assert mean["paraphrase"] < 1 / 3
    assert mean["direct"] > 1 / 2


# Files of others


def test_fields_of_other_peoples_files_are_left_alone_and_nulls_are_not_there(tmp_path):
    line = {"id": 7, "question": "How?", "history": None, "difficulty": 3, "gold": [{"path": "a.md", "heading": None}]}
    (tmp_path / "questions.jsonl").write_text(f"\ufeff{json.dumps(line)}\r\n\n", "utf-8")
    assert read_questions(tmp_path / "questions.jsonl") == [
        Question(id="7", question="How?", gold=(Gold(path="a.md"),)),
    ]


@pytest.mark.parametrize("line", ["{", "[]", '{"question": "without an id"}'])
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "a", "question": "b"}\n' + line, "utf-8")
    with pytest.raises(ValueError, match=r"questions\.jsonl:2"):
        read_questions(path)


def test_a_run_is_read_as_it_was_written(tmp_path):
    run = Run(id="q", confidence=0.25, abstained=True, results=[{"path": "a.md", "heading": ["A", "B"], "text": "ü"}])
    write_run(tmp_path / "run.jsonl", [run])
    assert read_run(tmp_path / "run.jsonl") == {"q": run}


def test_questions_are_asked_of_the_folder_they_name(tmp_path):
    (tmp_path / "north").mkdir()
    north = Question(id="n", question="?", corpus="north")
    south = Question(id="s", question="?", corpus="south")
    whole = Question(id="w", question="?")
    assert corpora([north, south, whole], tmp_path) == {tmp_path / "north": [north], tmp_path: [south, whole]}
    assert corpora([north, south, whole], tmp_path / "north") == {tmp_path / "north": [north]}
