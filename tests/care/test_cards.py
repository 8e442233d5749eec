"""The cards that a company writes: in the asker's language and country, and checked before anybody needs them."""

import pytest

from backends.care.cards import read_cards
from backends.care.opening import open_care
from backends.languages import language_of
from core.errors import InvalidInput
from core.gate import Viewer

CARD = """
topic: self_harm
card:
  en: {title: You are not alone, text: Help is here., contact: "People team, extension 12"}
  de: {title: Du bist nicht allein, text: Hilfe ist da., contact: "People-Team, Durchwahl 12"}
lines:
  Austria: [{name: Telefonseelsorge, number: "142", hours: 24/7}]
  uk: [{name: Samaritans, number: 116 123}]
  any: [{name: Counselling, number: "555"}]
document: health/support
section: If it is urgent
"""


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


async def concern_of(folder, text, country=None):
    return await open_care(folder).recognise(text, Viewer("e-1", country=country))


async def test_a_card_has_the_lines_of_the_askers_country_and_those_for_all(tmp_path):
    write(tmp_path, self_harm=CARD)
    for country, numbers in {"AUSTRIA": ["142", "555"], "uk": ["116 123", "555"], None: ["555"]}.items():
        concern = await concern_of(tmp_path, "I want to kill myself", country)
        assert [line.number for line in concern.card.lines] == numbers
        assert (concern.topic, concern.seals) == ("self_harm", True)
    card = concern.card
    assert (card.title, card.contact) == ("You are not alone", "People team, extension 12")
    assert (card.document, card.section) == ("health/support", "If it is urgent")


async def test_a_card_is_in_the_language_of_the_question_or_in_english(tmp_path):
    write(tmp_path, self_harm=CARD)
    card = (await concern_of(tmp_path, "Ich will nicht mehr leben")).card
    assert (card.title, card.contact) == ("Du bist nicht allein", "People-Team, Durchwahl 12")
    write(tmp_path, self_harm="topic: self_harm\ncard: {en: {title: You are not alone, text: Help is here.}}")
    assert (await concern_of(tmp_path, "Ich will nicht mehr leben")).card.title == "You are not alone"


async def test_a_topic_without_a_card_is_recognised_all_the_same(tmp_path):
    concern = await concern_of(tmp_path, "My husband beats me")
    assert (concern.topic, concern.card, concern.seals) == ("violence", None, True)


async def test_a_company_adds_phrases_of_a_language_that_is_not_shipped(tmp_path):
    write(
        tmp_path,
        harassment="topic: harassment\ncard: {en: {title: You are not alone, text: Help is here.}}\n"
        'phrases: {fr: ["me harcèle"]}\nexcept: {fr: ["harcèle pour rire"]}',
    )
    assert (await concern_of(tmp_path, "Mon chef me harcelait encore hier")).topic == "harassment"
    assert await concern_of(tmp_path, "Il me harcèle pour rire") is None


async def test_a_company_adds_phrases_exceptions_and_topics_of_its_own(tmp_path):
    write(
        tmp_path,
        self_harm=CARD + 'phrases: {en: ["the black bird ... back"]}\nexcept: {en: ["kill myself laughing"]}',
        money="""
topic: debts
seals: false
card: {en: {title: Debts, text: Talk to us.}}
phrases: {en: ["cannot pay my rent"], de: ["miete nicht bezahlen"]}
""",
    )
    assert (await concern_of(tmp_path, "The black bird is coming back.")).topic == "self_harm"
    assert await concern_of(tmp_path, "I could kill myself laughing") is None
    debts = await concern_of(tmp_path, "I cannot pay my rent this month")
    assert (debts.topic, debts.seals) == ("debts", False)
    assert (await concern_of(tmp_path, "Ich kann die Miete nicht bezahlen")).topic == "debts"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("topic: Self Harm\ncard: {en: {title: a, text: b}}", "topic"),
        ("card: {en: {title: a, text: b}}", "topic is missing: write it"),
        ("topic: a\ncard: {de: {title: a, text: b}}", "write at least `en`"),
        ("topic: a\ncard: {en: {title: a}}", "card.en.text is missing"),
        ("topic: a\ncard: {en: {title: a, text: ''}}", "card.en.text"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nlines: {uk: [{name: a, number: 142}]}", "into quotation marks"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nseal: true", "seal is unknown: the fields are topic, seals"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nphrases: {xx: [a]}", "'xx' is not a language"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nexcept: {french: [a]}", "write two letters, such as fr"),
        ("topic: a\ncard: {en: {title: a, text: b}}\ncontact: c", "contact is unknown"),
        ("- a list", "the file"),
        ("topic: [", "cannot be read as YAML"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nphrases: {en: ['<nobody> left']}", "not a set of words"),
        ("topic: a\ncard: {en: {title: a, text: b}}\nphrases: {en: ['... left']}", "begin and end with a word"),
    ],
)
def test_an_invalid_file_is_refused_with_its_name_and_field(tmp_path, text, told):
    write(tmp_path, wrong=text)
    with pytest.raises(InvalidInput) as raised:
        open_care(tmp_path)
    assert told in str(raised.value)
    assert "wrong.yaml" in str(raised.value) or "the card of a" in str(raised.value)


def test_two_files_of_one_topic_and_a_missing_folder_are_refused(tmp_path):
    write(tmp_path, one=CARD, two=CARD)
    with pytest.raises(InvalidInput, match=r"two.yaml and one.yaml are both about self_harm"):
        read_cards(tmp_path)
    with pytest.raises(InvalidInput, match="does not exist"):
        read_cards(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days of leave do I have?", "en"),
        ("Wie viele Urlaubstage habe ich?", "de"),
        ("I want to die", "en"),
        ("hab krebs was nun, wie lang bekomm ich lohn", "de"),
        ("Überstunden", "de"),
        ("payslip", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language
