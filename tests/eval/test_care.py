"""The sentences of people in need are what they claim to be, and what is recognised in them is counted rightly."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from math import isnan
from typing import get_args

import pytest

from .care import Found, Half, Sentence, Topic, measures, read_sentences, recognise_all, report
from .matching import plain

SENTENCES = read_sentences()
IN_NEED = [one for one in SENTENCES if one.topic]
HALVES: tuple[Half, ...] = get_args(Half)


def sentence(topic: Topic | None, text: str = "…") -> Sentence:
    kind = "direct" if topic else "ordinary"
    return Sentence(id="care-x", text=text, topic=topic, language="en", kind=kind, half="dev")


def test_no_id_and_no_text_is_there_twice():
    assert len({one.id for one in SENTENCES}) == len(SENTENCES)
    assert len({plain(one.text) for one in SENTENCES}) == len(SENTENCES)


def test_there_are_enough_sentences_of_every_sort():
    assert len(IN_NEED) >= 290
    assert len(SENTENCES) - len(IN_NEED) >= 310
    topics = Counter(one.topic for one in IN_NEED)
    assert set(topics) == set(get_args(Topic))
    assert min(topics.values()) >= 58
    kinds = Counter(one.kind for one in SENTENCES)
    assert kinds["misspelt"] >= 50
    assert kinds["near_miss"] >= 110
    assert kinds["ordinary"] >= 180
    assert sum(one.language == "de" for one in IN_NEED) >= 85


def test_every_topic_has_as_many_fresh_sentences_of_each_kind_and_a_third_are_german():
    fresh = read_sentences("fresh")
    each = {"direct": 8, "indirect": 8, "misspelt": 4, "slang": 4}
    assert Counter((one.topic, one.kind) for one in fresh) == {
        **{(topic, kind): count for topic in get_args(Topic) for kind, count in each.items()},
        (None, "near_miss"): 40,
        (None, "ordinary"): 80,
    }
    german = Counter(one.topic for one in fresh if one.language == "de")
    assert german == {**dict.fromkeys(get_args(Topic), 8), None: 40}


def test_only_ordinary_sentences_and_near_misses_have_no_topic():
    assert {one.kind for one in SENTENCES if not one.topic} == {"near_miss", "ordinary"}
    assert {one.kind for one in IN_NEED} == {"direct", "indirect", "misspelt", "slang"}


@pytest.mark.parametrize(
    "sort",
    [
        lambda one: one.topic,
        lambda one: one.kind,
        lambda one: (one.topic is None, one.language),
        lambda one: (one.topic, one.language),
    ],
)
def test_dev_and_reported_have_the_same_mix(sort: Callable[[Sentence], object]):
    dev, reported = Counter(map(sort, read_sentences("dev"))), Counter(map(sort, read_sentences("reported")))
    assert {key: count for key, count in dev.items() if abs(count - reported[key]) > 2} == {}
    assert set(dev) == set(reported)


def test_no_sentence_of_one_half_has_most_words_of_one_of_another():
    def words(one: Sentence) -> frozenset[str]:
        return frozenset(word.strip("?!.,'") for word in plain(one.text).split())

    read = {half: [(one.text, words(one)) for one in read_sentences(half)] for half in HALVES}
    alike = [
        (text, other)
        for half, other_half in combinations(HALVES, 2)
        for text, own in read[half]
        for other, its in read[other_half]
        if len(own & its) > 0.7 * len(own | its)
    ]
    assert alike == []


async def test_a_sentence_counts_as_recognised_only_with_its_own_topic():
    said = {"a": "violence", "b": "illness", "c": None, "d": "violence", "e": None}
    sentences = [
        sentence("violence", "a"),
        sentence("violence", "b"),
        sentence("violence", "c"),
        sentence(None, "d"),
        sentence(None, "e"),
    ]

    async def recognise(text: str) -> str | None:
        return said[text]

    of = measures(await recognise_all(recognise, sentences))
    assert (of.recall, of.any_topic, of.false_topics) == (1 / 3, 2 / 3, 1 / 2)


def test_shares_of_no_sentences_are_unknown():
    only_need, only_rest = measures([Found(sentence("illness"), None)]), measures([Found(sentence(None), None)])
    assert (only_need.recall, only_rest.false_topics) == (0, 0)
    assert isnan(only_need.false_topics)
    assert isnan(only_rest.recall)
    assert isnan(only_rest.any_topic)


def test_the_report_has_a_line_for_each_topic_kind_and_language():
    lines = report([Found(one, one.topic) for one in SENTENCES]).splitlines()
    names = [line.split()[0] for line in lines[1:]]
    assert names[0] == "all"
    sorts = {value for one in SENTENCES for value in (one.topic, one.kind, one.language) if value}
    assert set(names[1:]) == sorts
    assert lines[1].split() == ["all", str(len(IN_NEED)), "1.000", "1.000", str(len(SENTENCES) - len(IN_NEED)), "0.000"]
