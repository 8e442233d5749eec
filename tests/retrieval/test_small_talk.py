"""What is small talk, and that it is not searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.models.offline.model import OfflineModel
from backends.models.scripted.model import Say
from backends.stores.memory import MemoryStore
from core import CareCard, Concern, Judgement
from core.gate import Viewer
from core.retrieval.small_talk import small_talk
from tests.retrieval.test_searching import Library
from tests.support.desks import ASKER, chatting

SMALL_TALK = [
    ("Good morning!", "greeting", "en"),
    ("Hi there", "greeting", "en"),
    ("HELLO!!!", "greeting", "en"),
    ("Hello, I have a question", "greeting", "en"),
    ("Thanks!", "thanks", "en"),
    ("Thank you very much for your help.", "thanks", "en"),
    ("ok, thanks", "thanks", "en"),
    ("Great", "agreement", "en"),
    ("bye", "farewell", "en"),
    ("Hi, how are you?", "wellbeing", "en"),
    ("Hello, who are you?", "identity", "en"),
    ("Am I talking to a real person?", "identity", "en"),
    ("What can you do?", "abilities", "en"),
    ("Help!", "abilities", "en"),
    ("Can I speak to a person, please?", "person", "en"),
    ("Is this confidential?", "privacy", "en"),
    ("Who can read what I write here?", "privacy", "en"),
    ("Can my boss see this?", "privacy", "en"),
    ("Guten Morgen!", "greeting", "de"),
    ("Guten Tag", "greeting", "de"),
    ("Schönen Abend noch", "farewell", "de"),
    ("Grüß Gott", "greeting", "de"),
    ("Servus, ich hätte da mal eine Frage", "greeting", "de"),
    ("Vielen Dank für die Hilfe", "thanks", "de"),
    ("Alles klar, danke!", "thanks", "de"),
    ("Wer bist du?", "identity", "de"),
    ("Was kannst du?", "abilities", "de"),
    ("Kann ich mit einem Menschen sprechen?", "person", "de"),
    ("Ist das vertraulich?", "privacy", "de"),
    ("Wer liest das mit?", "privacy", "de"),
    ("👍", "silence", None),
    ("???", "silence", None),
]

SEARCHED = [
    "Thanks, and how long is parental leave?",
    "Hello, how many days of leave do I get?",
    "Good morning, what about sick pay?",
    "Can I talk to someone about stress?",
    "Who can read my personnel file?",
    "Is my sick note confidential?",
    "Can my manager see my payslip?",
    "morning sickness",
    "Help with childcare",
    "please",
    "HR",
    "yes",
    "no",
    "holiday",
    "good leaver",
    "What can you do if you are ill?",
    "Danke, und wie lange ist die Elternzeit?",
    "Guten Morgen, ich bin krank",
    "Kann ich mit jemandem über Mobbing sprechen?",
    "bitte",
]


@pytest.mark.parametrize(("message", "topic", "language"), SMALL_TALK)
def test_a_message_that_is_nothing_but_small_talk_has_a_topic(message, topic, language):
    said = small_talk(message)
    assert said is not None
    assert (said.topic, said.language) == (topic, language)


@pytest.mark.parametrize("message", SEARCHED)
def test_a_message_with_a_subject_is_no_small_talk(message):
    assert small_talk(message) is None


@given(st.sampled_from(SMALL_TALK), st.sampled_from(["leave", "overtime", "Elternzeit", "x7"]), st.booleans())
def test_one_word_that_is_on_no_list_makes_any_small_talk_a_question(said, word, first):
    message = f"{word} {said[0]}" if first else f"{said[0]} {word}"
    assert (small_talk(message) is None) == (small_talk(word) is None)


@given(st.text(max_size=300))
def test_any_text_can_be_judged(message):
    small_talk(message)


NOT_ANSWERED = Judgement(confidence=0.01, threshold=0.5, calibration="test")


async def test_a_greeting_is_not_searched_and_is_no_gap_in_the_handbooks():
    store, library = MemoryStore(), Library(judgement=NOT_ANSWERED)
    keeper = Viewer("e-4001", roles={"knowledge_owner"})
    async with chatting(store, [[Say("Hello.")], [Say("Two weeks.")]], retriever=library) as chat:
        greeted = await chat.ask("Good morning!")
        view = await chat.desk.archive.turn_view(ASKER, greeted.turn_id)
        assert (greeted.text, view.retrievals, library.asked) == ("Hello.", [], [])
        assert await chat.desk.archive.gaps(keeper) == []
        await chat.ask("Thanks, and what is the notice period?")
        assert [gap.question for gap in await chat.desk.archive.gaps(keeper)] == [
            "Thanks, and what is the notice period?"
        ]


async def test_a_follow_up_is_searched_without_the_small_talk_before_it():
    library = Library()
    async with chatting(MemoryStore(), [[Say("25.")], [Say("Welcome.")], [Say("20.")]], retriever=library) as chat:
        await chat.ask("How many days of annual leave are there?")
        await chat.ask("Thank you!")
        await chat.ask("And for part-timers?")
    assert [query for query, _ in library.asked] == [
        "How many days of annual leave are there?",
        "How many days of annual leave are there?\nAnd for part-timers?",
    ]


class EveryCry:
    """A care that takes every message for a cry for help."""

    async def recognise(self, text, viewer):
        return Concern(topic="self_harm", card=CareCard(title="You are not alone", text="Call 142."))


async def test_help_me_of_a_person_in_need_is_searched_and_is_no_small_talk():
    library = Library()
    model = OfflineModel(delay=0)
    async with chatting(MemoryStore(), model, retriever=library) as chat:
        calm = await chat.ask("Help me")
    assert library.asked == []
    assert "Ask me about anything" in calm.text
    async with chatting(MemoryStore(), model, retriever=library, care=EveryCry()) as chat:
        need = await chat.ask("Help me")
    assert [query for query, _ in library.asked] == ["Help me"]
    assert "Ask me about anything" not in need.text
