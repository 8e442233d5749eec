"""People in need are recognised as they write, in bounded time, and with phrases alone if the vectors fail."""

import random
import time

import numpy as np
import pytest

import backends.care.recogniser
from backends.care.examples import Examples
from backends.care.opening import FITTED, examples_of, open_care, read_examples
from backends.care.phrases import PhraseReader, Phrases
from backends.care.recogniser import CLOSE, MARGIN, PHRASE, TopicPhrases
from backends.care.spelling import Spelling, sentences
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput
from core.gate import Viewer

READER = Viewer("e-1", country="austria")


@pytest.fixture(scope="module")
def care():
    return open_care(None)


async def topic_of(care, text):
    concern = await care.recognise(text, READER)
    return concern.topic if concern else None


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I want to kill myself", "self_harm"),
        ("Ich möchte mich umbringen", "self_harm"),
        ("My wife hits me", "violence"),
        ("Mein Freund hat mich gewürgt", "violence"),
        ("My boss groped me", "harassment"),
        ("Ich werde gemobbt", "harassment"),
        ("I was diagnosed with leukaemia", "illness"),
        ("Ich habe einen Hirntumor", "illness"),
        ("My manager takes bribes", "whistleblowing"),
        ("Unser Einkäufer nimmt Schmiergeld", "whistleblowing"),
        ("Where do I find my payslip?", None),
        ("Wie viel Urlaub habe ich noch?", None),
    ],
)
async def test_each_topic_is_recognised_in_english_and_german(care, text, topic):
    assert await topic_of(care, text) == topic


@pytest.mark.parametrize(
    "text",
    [
        "i want to KIL myslef",
        "im feeling suicdal",
        "I can\u2019t go on living",
        "i cant go on living",
        "wanna  kill -- myself",
    ],
)
async def test_misspellings_apostrophes_and_capitals_are_read_over(care, text):
    assert await topic_of(care, text) == "self_harm"


async def test_words_may_stand_between_those_of_a_phrase_and_a_sentence_ends_it(care):
    assert await topic_of(care, "He hit, without any warning, me") == "violence"
    phrases_alone = care.compared_with(None)
    assert await topic_of(phrases_alone, "He hit the sales target. Me too.") is None


@pytest.mark.parametrize("text", ["This deadline is killing me.", "How do I kill the process?", "My phone is dead"])
async def test_words_that_only_look_like_it_raise_no_concern(care, text):
    assert await topic_of(care, text) is None


async def test_of_several_topics_the_most_urgent_is_taken(care):
    assert await topic_of(care, "My manager takes bribes. I want to kill myself. My boss groped me.") == "self_harm"


async def test_a_message_that_no_phrase_has_foreseen_is_recognised_by_the_examples(care):
    text = "The girls and I hide in the bathroom until he sleeps"
    without = care.compared_with(None)
    assert await topic_of(without, text) is None
    assert await topic_of(care, text) == "violence"


class Sure:
    """Examples that are sure of what they are told."""

    def __init__(self, **margins):
        self._margins = margins

    def margins(self, sentences):
        return self._margins


@pytest.mark.parametrize(
    ("margins", "topic"),
    [
        ({}, "violence"),
        ({"harassment": PHRASE - 2 * CLOSE}, "violence"),
        ({"harassment": PHRASE + 2 * CLOSE}, "harassment"),
        ({"harassment": PHRASE + CLOSE / 2}, "violence"),
        ({"self_harm": PHRASE - CLOSE / 2}, "self_harm"),
        ({"violence": -1.0}, "violence"),
    ],
)
async def test_examples_that_are_far_surer_of_another_topic_outweigh_a_phrase(care, margins, topic):
    assert await topic_of(care.compared_with(Sure(**margins)), "My wife hits me") == topic


class Stalled:
    """Examples that are late."""

    def margins(self, sentences):
        time.sleep(1)


class Broken:
    """Examples that raise."""

    def margins(self, sentences):
        raise RuntimeError("out of order")


@pytest.mark.parametrize("examples", [Stalled(), Broken()])
async def test_with_late_or_broken_examples_the_phrases_decide(care, monkeypatch, caplog, examples):
    monkeypatch.setattr(backends.care.recogniser, "EXAMPLES_SECONDS", 0.02)
    alone = care.compared_with(examples)
    assert await topic_of(alone, "I want to kill myself") == "self_harm"
    assert await topic_of(alone, "How many days of leave do I have?") is None
    assert "the phrases decided alone" in caplog.text


async def test_without_the_bundled_vectors_the_phrases_decide(monkeypatch, caplog):
    def missing():
        raise InvalidInput("wordllama is not installed")

    monkeypatch.setattr(StaticTokens, "bundled", missing)
    care = open_care(None)
    assert "by phrases alone" in caplog.text
    assert await topic_of(care, "I want to kill myself") == "self_harm"


async def test_the_longest_question_is_read_to_its_end(care):
    dice = random.Random(7)
    long = " ".join("".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(3500))
    assert await topic_of(care, f"{long} and i want to kill myself") == "self_harm"
    assert await topic_of(care, "\n".join(["When do we get paid?"] * 1500)) is None


async def test_a_message_without_full_stops_is_compared_with_the_examples_in_pieces(care):
    plea = "the girls and i hide in the bathroom until he sleeps"
    chatter = "please send me the form for the gym and the link to the menu of the canteen " * 12
    assert await topic_of(care.compared_with(None), chatter + plea) is None
    assert await topic_of(care, chatter + plea) == "violence"
    assert await topic_of(care, chatter) is None


@pytest.mark.parametrize("text", ["", "?!", "\ud83d", "\x00", "🙂" * 100, "killmyself" * 3000])
async def test_anything_can_be_read(care, text):
    assert await topic_of(care, text) is None


def stands(phrase, text, sets=None, language="en"):
    spelling = Spelling(lambda word: False)
    phrases = Phrases([PhraseReader(spelling, language, sets or {}).read(phrase)])
    return any(
        True for sentence in sentences(text) for _ in phrases.spans([spelling.numbers(word) for word in sentence])
    )


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("want to|must leave", "she wanted to leaves", True),
        ("want to|must leave", "want leave", False),
        ("want ... leave", "want one two three four leave", True),
        ("want ... leave", "want one two three four five leave", False),
        ("want really? leave", "want leave", True),
        ("give_up|stop now", "giving up now", True),
        ("give_up|stop now", "give now", False),
        ("threat* me", "threatening me", True),
        ("the <boss> shouts", "the team lead shouted", True),
        ("harassed", "harrased", True),
        ("raped", "rated", False),
        ("threatened", "thraetened", True),
        ("threat|\n  menace me", "menace me", True),
    ],
)
def test_what_a_phrase_covers(phrase, text, found):
    assert stands(phrase, text, {"boss": ["manager", "<lead>"], "lead": ["team lead"]}) is found


def test_a_german_phrase_covers_umlauts_however_they_are_typed():
    for text in ("er würgt mich", "er wuergt mich", "er wurgt mich", "er würgte mich"):
        assert stands("würgt|würgte mich", text, language="de")


def test_an_example_is_of_its_own_topic_and_the_same_in_every_run(care):
    def vectors(texts):
        rows = np.array([[len(text) % 3 + 1, len(text) % 5 + 1] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    known = {"ordinary": [["my", "leave"], ["pay", "day"]], "fire": [["it", "burns"], ["smoke", "again"]]}
    first, second = Examples(vectors, known), Examples(vectors, known)
    for one in (first, second):
        assert one.margins([["my", "leave"], ["smoke", "again"]])["fire"] > MARGIN
        assert one.margins([["pay", "day"]])["fire"] < 0
        assert one.margins([]) == {}
    assert first.margins([["smoke"]]) == second.margins([["smoke"]])


def test_an_exception_hides_only_the_words_that_it_covers():
    spelling = Spelling(lambda word: False)
    reader = PhraseReader(spelling, "en", {})
    topic = TopicPhrases(phrases=Phrases([reader.read("kill me")]), excepted=Phrases([reader.read("shoes kill me")]))
    read = [
        [spelling.numbers(word) for word in sentence] for sentence in sentences("my shoes kill me and he may kill me")
    ]
    assert backends.care.recogniser._stands(topic, read)
    assert not backends.care.recogniser._stands(topic, [read[0][:4]])


@pytest.mark.parametrize(
    "text", ["eye test", "and in Germany?", "and on Saturdays?", "A picture (https://host/picture.png)"]
)
async def test_a_few_words_that_no_phrase_has_are_not_taken_for_need(text):
    assert await open_care(None).recognise(text, Viewer("e-1")) is None


def test_what_each_example_counts_was_fitted_to_the_examples_as_they_are():
    tokens = StaticTokens.bundled()
    fitted = examples_of(tokens, read_examples()).counts
    again = "the examples have changed: run python -m tests.eval.care_examples --write"
    shipped = np.load(FITTED)
    assert shipped.shape == fitted.shape, again
    assert np.allclose(shipped, fitted, atol=1e-3), again
