"""Whether passages answer: by what they cover of the question, and neither by its length nor by its form."""

import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.search.confidence import MEANT, THRESHOLD, judged
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.gate import Viewer
from core.retrieval.followup import with_context
from core.values import Judgement, Passage
from tests.eval.questions import read_questions
from tests.eval.wordings import POLITE, polite
from tests.support.handbook_folders import handbook, take_in, write
from tests.support.paths import QUESTIONS, SAMPLES

TOKENS = StaticTokens.bundled()
LEXICON = Lexicon({"annual": 5, "leave": 20, "days": 30, "nursery": 1, "costs": 2, "month": 9, "pays": 4}, 50)
NONE = Synonyms([])
ANYBODY = Viewer("e-1042")


def passage(text: str, section: str = "Rules") -> Passage:
    return Passage(id=text[:20], document="d", title="Staff", section=[section], version="1", text=text, score=1)


def confidence(question: str, *texts: str, synonyms: Synonyms = NONE) -> float:
    return judged(question, [passage(text) for text in texts], LEXICON, synonyms, TOKENS).confidence


def test_a_rare_word_that_is_nowhere_costs_more_than_a_common_one():
    assert confidence("annual nursery", "Annual holidays.") < confidence("annual days", "Annual holidays.")


def test_a_word_that_is_meant_covers_nearly_as_much_as_one_that_is_said():
    said = "All of us have annual leave."
    without = confidence("vacation", said)
    meant = confidence("vacation", said, synonyms=Synonyms(["vacation > annual leave"]))
    assert meant - without >= MEANT / 2 - 0.01


def test_a_word_of_a_phrase_is_covered_by_what_the_phrase_means():
    synonyms = Synonyms(["turn down > refusal"])
    said = "A refusal is given in writing."
    assert confidence("turned down", said, synonyms=synonyms) > confidence("turned up", said, synonyms=synonyms) + 0.2


def test_a_word_that_is_like_another_covers_in_part():
    assert confidence("bicycle", "A bike is lent for the summer.") > confidence(
        "bicycle", "A desk is lent for the summer."
    )


def test_the_subject_must_be_covered_by_one_passage():
    question = "annual nursery costs"
    together = confidence(question, "The nursery costs are annual.")
    assert together > confidence(question, "A nursery.", "It costs.", "Annual.") + 0.2


def test_two_words_that_are_both_said_are_an_answer():
    assert confidence("What does parking cost?", "Parking costs EUR 20 a month.") >= THRESHOLD


@pytest.mark.parametrize(
    "form",
    ["Is annual leave paid?", "When is annual leave paid?", "annual leave paid", "How much annual leave is paid?!"],
)
def test_how_a_question_asks_makes_no_difference(form):
    said = "Annual leave is paid in May."
    assert confidence(form, said) == pytest.approx(confidence("annual leave paid", said), abs=1e-6)


@pytest.mark.parametrize("follow_up", ["And how much?", "How long before do I have to ask?", "When is it?"])
def test_a_follow_up_without_words_of_its_own_is_judged_by_the_question_before_it(follow_up):
    query = f"Is there a nursery?\n{follow_up}"
    assert confidence(query, "The nursery is open in May.") >= THRESHOLD
    assert confidence(query, "Ask long before, and how much.") < THRESHOLD


def test_the_own_words_of_a_follow_up_weigh_more_than_those_before_it():
    query = "Is the annual leave paid?\nAnd the nursery?"
    assert confidence(query, "The nursery is open in May.") > confidence(query, "The leave is open in May.")


def test_the_questions_before_one_that_stands_alone_are_no_part_of_its_subject():
    alone = "What are the monthly costs of the nursery?"
    said = "The annual leave is paid."
    assert confidence(f"Is annual leave paid?\n{alone}", said) == confidence(alone, said)


@pytest.mark.parametrize("wrapping", POLITE)
def test_politeness_makes_no_difference(wrapping):
    said = "Annual leave has 25 days. The nursery costs 20 a month. I hope you are well and answer quickly."
    for question in ("What does the nursery cost?", "How do I boil an egg?", "How many days of annual leave?"):
        assert confidence(wrapping.format(question), said) == pytest.approx(confidence(question, said), abs=0.02)


def test_a_follow_up_is_judged_on_its_own_text():
    said = "The nursery costs 20 a month."
    assert confidence("What does the nursery cost?\nHow do I boil an egg?", said) == confidence(
        "How do I boil an egg?", said
    )


@pytest.mark.parametrize("query", ["", "\n", "???", "🚂", "x" * 5000, "\0", "\ud800", "the", "And how long?"])
def test_any_query_has_a_judgement_and_without_a_subject_it_is_not_answered(query):
    for passages in ([], [passage("Annual leave has 25 days.")]):
        judgement = judged(query, passages, LEXICON, NONE, TOKENS)
        assert 0 <= judgement.confidence < THRESHOLD
        assert not judgement.answers


def test_a_judgement_names_its_threshold_and_where_its_figures_come_from():
    judgement = judged("leave", [], LEXICON, NONE, TOKENS)
    assert judgement.threshold == THRESHOLD
    assert "handbooks" in judgement.calibration


SHORT_HANDBOOK = handbook(
    "Our office",
    "Parking\nParking costs EUR 20 a month. Ask reception for a permit.",
    "Kitchen\nThe kitchen is cleaned on Fridays at 16:00. Label your food in the fridge.",
    "Visitors\nVisitors sign in at reception and wear a badge all day.",
    "Holidays\nYou have 25 days of annual leave. Your manager approves each request within a week.",
    "Sickness\nIf you are ill, call your manager before 9:00. A doctor's note is due from the third day.",
)
ANSWERED = (
    "What does parking cost?",
    "parking permit",
    "When is the kitchen cleaned?",
    "Do I have to label my food?",
    "Where do visitors sign in?",
    "Must a visitor wear a badge?",
    "How many days of annual leave do I have?",
    "Who approves my holiday request?",
    "I'm ill, whom do I call?",
    "From which day is a doctor's note due?",
)
UNRELATED = (
    "How do I boil an egg?",
    "Which planet has the most moons?",
    "capital of Mongolia",
    "Who painted the Mona Lisa?",
    "What is a good recipe for lentil soup?",
    "guitar tuning",
    "How far is the moon from the earth?",
    "Is it going to rain in Lisbon tomorrow?",
    "Which chess opening is best against e4?",
    "How long does a blue whale live?",
)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("wrapping", ["{}", POLITE[0]])
async def test_one_handbook_of_five_paragraphs_is_enough(tmp_path, vectors, wrapping):
    write(tmp_path / "books", {"office.md": SHORT_HANDBOOK})
    catalogue = Catalogue(":memory:")
    embedder = StaticEmbedder(TOKENS) if vectors else None
    await take_in(catalogue, tmp_path / "books", tokens=TOKENS if vectors else None, embedder=embedder)
    retriever = HandbookRetriever(
        catalogue,
        vectors=LocalVectors(catalogue) if vectors else None,
        embedder=embedder,
        tokens=TOKENS if vectors else None,
    )

    async def answers(question: str) -> bool:
        query = wrapping.format(question)
        return (await retriever.judge(query, await retriever.search(query, ANYBODY, 6))).answers

    try:
        assert [question for question in ANSWERED if not await answers(question)] == []
        assert [question for question in UNRELATED if await answers(question)] == []
    finally:
        catalogue.close()


async def test_politeness_changes_neither_what_is_found_nor_whether_it_answers():
    catalogue, embedder = Catalogue(":memory:"), StaticEmbedder(TOKENS)
    await take_in(catalogue, SAMPLES, tokens=TOKENS, embedder=embedder)
    retriever = HandbookRetriever(catalogue, vectors=LocalVectors(catalogue), embedder=embedder, tokens=TOKENS)

    async def seen(question: str, history: tuple[str, ...]) -> tuple[Judgement, str]:
        found = await retriever.search(with_context(history, question), ANYBODY, 6)
        return await retriever.judge(question, found), found[0].id

    try:
        pairs = [
            (await seen(one.question, one.history), await seen(polite(one.question), one.history))
            for one in read_questions(QUESTIONS)[::3]
        ]
    finally:
        catalogue.close()
    assert max(abs(before.confidence - after.confidence) for (before, _), (after, _) in pairs) < 0.1
    assert [(before, after) for (before, _), (after, _) in pairs if before.answers != after.answers] == []
    assert sum(first != first_too for (_, first), (_, first_too) in pairs) <= len(pairs) / 50
