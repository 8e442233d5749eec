"""The desk without a key over the sample handbooks: the right handbook is quoted, with the words that answer."""

from datetime import date
from pathlib import Path

import pytest

from backends.handbooks.opening import open_handbooks
from backends.models.offline.model import OfflineModel
from backends.models.offline.phrases import ENGLISH, GERMAN
from core.gate import Viewer
from core.model import ModelRequest, UserMessage
from core.retrieval.citations import citations

DAY = date(2026, 11, 24)


async def ask(catalogue: Path, question: str, country: str = "austria"):
    async with open_handbooks(catalogue) as handbooks:
        passages = tuple(await handbooks.retriever.search(question, Viewer("e-1042", country=country), 6, as_of=DAY))
        judgement = await handbooks.retriever.judge(question, passages)
    message = UserMessage(text=question, passages=passages, judgement=judgement)
    request = ModelRequest(instructions="", messages=(message,), settings={"delay": 0})
    said = "".join([event.text async for event in OfflineModel().stream(request) if event.kind == "text"])
    return said, passages


async def test_the_policy_on_remote_work_is_quoted_from_the_edition_in_force(sample_catalogue):
    said, passages = await ask(sample_catalogue, "What is our policy on remote work?")
    assert "up to three days a week" in said
    assert citations(said, passages)[0].passage.document == "working/remote-work"
    assert "working/remote-work-2024" not in {passage.document for passage in passages}


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("How much is the referral bonus?", "pay/referral-bonus", "€1,000"),
        ("How does carry-over of vacation work?", "leave/annual-leave", "carried over"),
        ("How many days can I work from abroad?", "working/remote-work", "20 working days"),
        ("How long do I get sick pay in Austria?", "health/sick-leave-austria", "6 weeks"),
    ],
)
async def test_everyday_questions_find_their_handbook(sample_catalogue, question, document, words):
    said, passages = await ask(sample_catalogue, question)
    assert document in {found.passage.document for found in citations(said, passages)}
    assert words in said


async def test_the_same_question_is_answered_from_the_askers_country(sample_catalogue):
    question = "How long is sick pay?"
    for country, document in (("uk", "health/sick-leave-uk"), ("austria", "health/sick-leave-austria")):
        said, passages = await ask(sample_catalogue, question, country)
        cited = [found.passage.document for found in citations(said, passages)]
        assert cited[0] == document
        other = {"health/sick-leave-uk", "health/sick-leave-austria"} - {document}
        assert other.isdisjoint(passage.document for passage in passages)


async def test_a_question_outside_the_handbooks_is_refused_with_what_came_nearest(sample_catalogue):
    said, passages = await ask(sample_catalogue, "What is the capital of France?")
    assert said.startswith(ENGLISH.nothing_found)
    assert f"“{passages[0].title}”" in said
    assert "People team" in said


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("Wie hoch ist das Kilometergeld für mein Auto?", "travel/expenses", "€0.50"),
        ("Wie viele Tage pro Woche darf ich im Homeoffice arbeiten?", "working/remote-work", "three days a week"),
        ("Ab welchem Tag brauche ich eine Bestätigung vom Arzt?", "health/sick-leave-austria", "third"),
    ],
)
async def test_a_german_question_is_answered_from_an_english_handbook_with_a_german_frame(
    sample_catalogue, question, document, words
):
    said, passages = await ask(sample_catalogue, question)
    assert "Aus „" in said
    assert "From “" not in said
    assert document in {found.passage.document for found in citations(said, passages)}
    assert words in said


async def test_a_german_question_outside_the_handbooks_is_refused_in_german(sample_catalogue):
    said, _ = await ask(sample_catalogue, "Was ist die Hauptstadt von Frankreich?")
    assert said.startswith(GERMAN.nothing_found)
    assert said.endswith(GERMAN.without_model)
