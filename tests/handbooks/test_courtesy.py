"""Courtesies are left out of a question, and all that asks for something stays."""

import pytest

from backends.handbooks.search.courtesy import without_courtesy


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Hello! What does parking cost? Thank you very much in advance.", "What does parking cost?"),
        ("I was wondering if you could kindly tell me what parking costs", "what parking costs"),
        ("Could you please let me know when the kitchen is cleaned?", "when the kitchen is cleaned?"),
        ("I'd like to know whether dogs are allowed, many thanks", "dogs are allowed,"),
        ("Sorry to bother you, but my nan died. How long can I stay off?", "but my nan died. How long can I stay off?"),
        ("Do you happen to know if dogs are allowed?", "dogs are allowed?"),
        ("Would you mind helping me? Are dogs allowed?", "Are dogs allowed?"),
        ("dogs allowed Many thanks", "dogs allowed"),
        ("If it is not too much trouble, are dogs allowed?", "are dogs allowed?"),
        ("Whenever you have a spare moment, are dogs allowed?", "are dogs allowed?"),
        ("I have a quick question about parking. What does it cost?", "parking. What does it cost?"),
        ("I have one more question. Are dogs allowed?", "Are dogs allowed?"),
        ("What is the bonus?\nThanks! And in grade 5?", "What is the bonus?\nAnd in grade 5?"),
    ],
)
def test_courtesies_are_left_out(said, meant):
    assert without_courtesy(said) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What does parking cost?",
        "Thanks to the flu I missed my holiday. Can I have it back?",
        "I hope to retire at 60. What becomes of my pension?",
        "They're letting me go. Do I get hours off to look around elsewhere?",
        "Can I give my bonus to charity?",
        "Can I ask for a rise?",
        "I have checked my payslip and found a mistake. Whom do I call?",
        "I want to make sure I am paid for overtime. What must I do?",
        "I don't know where to park. Is there a car park?",
        "I am not sure whom to contact about a stolen phone. It happened today.",
        "We have paid the wrong person. What now?",
        "I want a week off. how far in advance do I ask",
        "We had a good day at the fair. Does it count as work with regards to overtime?",
        "What are the five questions of the code of conduct?",
        "Is there time off for a good day out?",
        "A debt collector may phone about my wages. Would you tell them?",
        "Thank you very much!",
        "Hello\nHi there",
    ],
)
def test_what_asks_for_something_or_is_all_there_is_stays(text):
    assert without_courtesy(text) == text
