"""The examples of people in need are told apart, and what is recognised in them is counted rightly."""

from itertools import chain

from backends.care.opening import ORDINARY_LISTS, read_examples
from backends.care.recogniser import URGENCY

from .care import read_sentences
from .care_examples import report
from .matching import plain

TEXTS = read_examples()


def words(text: str) -> frozenset[str]:
    return frozenset(word.strip("?!.,'") for word in plain(text).split())


def test_each_topic_has_examples_and_no_text_is_there_twice():
    assert set(TEXTS) == {*URGENCY, *ORDINARY_LISTS}
    assert min(map(len, TEXTS.values())) >= 350
    every = [text.casefold() for text in chain.from_iterable(TEXTS.values())]
    assert len(set(every)) == len(every)


def test_no_example_has_most_words_of_a_sentence_that_measures():
    measuring = [words(one.text) for one in read_sentences()]
    examples = [(text, words(text)) for text in chain.from_iterable(TEXTS.values())]
    alike = [text for text, own in examples for other in measuring if len(own & other) > 0.7 * len(own | other)]
    assert alike == []


def test_the_report_counts_own_topics_and_any():
    lines = report({"illness": ["illness", "violence", None, None], "near_misses": [None, "illness"]}).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["illness", "4", "0.250", "0.500"],
        ["near_misses", "2", "-", "0.500"],
    ]
