"""The search by words: what a person wrote, spelt as they spelt it, and what handbooks call it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.search.spelling import MOST_REPAIRS, Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.search.words import MOST_ROWS, MOST_TERMS, WordsLeg
from core.errors import InvalidInput
from core.gate import Viewer
from core.retriever import Filters
from core.words import words
from tests.support.handbook_folders import handbook, take_in, write

VOCABULARY = {
    "compassionate": 4,
    "receipt": 9,
    "receipts": 6,
    "type": 5,
    "time": 90,
    "stock": 2,
    "stop": 30,
    "nursery": 3,
    "weeks": 40,
    "works": 8,
    "density": 1,
    "approve": 7,
    "2026": 3,
    "kündigung": 2,
    "leave": 80,
}  # fmt: skip - a table of pairs
LEXICON = Lexicon(VOCABULARY, 100, known={"dentist"}, is_word=lambda word: word == "zebra")
FOLDER = {
    "sickness.md": handbook("Sickness absence", "Telling us\nNotify your line manager by ten.", "Pay\nFull pay."),
    "compassionate.md": handbook("Compassionate leave", "Who\nA close relative has died."),
    "travel.md": handbook(
        "Travel", "Trains\nBook second class. NEAR and OR and NOT are stations.", "Hotels\nUp to 120."
    ),
}


@pytest.fixture
async def catalogue(tmp_path):
    opened = Catalogue(":memory:")
    write(tmp_path / "books", FOLDER)
    await take_in(opened, tmp_path / "books")
    yield opened
    opened.close()


@pytest.fixture
def empty():
    opened = Catalogue(":memory:")
    yield opened
    opened.close()


def found(catalogue: Catalogue, query: str, synonyms: Synonyms | None = None) -> list[str]:
    """The documents of what is found by words, best first."""
    everything = catalogue.in_force(Viewer("e-1042"), None, catalogue.clock.now().date())
    lexicon = Lexicon(catalogue.vocabulary(), len(catalogue.table().rows))
    leg = WordsLeg(catalogue, synonyms or Synonyms([]))
    scores = leg.search(leg.terms(query, lexicon), everything, 20)
    return [one.document for one in catalogue.passages(sorted(scores, key=lambda row: -scores[row]))]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("compasionate", "compassionate"),
        ("reciept", "receipt"),
        ("nursry", "nursery"),
        ("tipe", "type"),
        ("stok", "stock"),
        ("werks", "works"),
        ("Kündgung", "kündigung"),
    ],
)
def test_a_misspelt_word_becomes_the_handbooks_own(written, meant):
    assert LEXICON.repaired(f"About my {written}, please?") == f"About my {meant}, please?"


@pytest.mark.parametrize(
    "right", ["receipt", "Receipts", "approved", "2025", "b2b4", "cat", "which", "dentist", "zebra", "qwertyuiop", ""]
)
def test_words_of_the_handbooks_known_words_numbers_and_strange_ones_stay(right):
    assert LEXICON.repaired(right) == right


def test_a_word_that_is_near_by_letters_but_sounds_otherwise_stays_when_it_is_short():
    assert LEXICON.repaired("knee") == "knee"
    assert Lexicon({"knew": 50}, 100).repaired("knee") == "knee"


def test_of_two_equally_near_the_common_one_is_meant():
    lexicon = Lexicon({"letters": 40, "betters": 1}, 100)
    assert lexicon.repaired("xetters") == "letters"


def test_a_long_text_has_no_more_than_some_repairs():
    text = " ".join(["reciept"] * (MOST_REPAIRS + 3))
    assert LEXICON.repaired(text).split().count("receipt") == MOST_REPAIRS


@given(st.text())
def test_repairing_twice_changes_nothing_more(text):
    once = LEXICON.repaired(text)
    assert LEXICON.repaired(once) == once or len(once.split()) > MOST_REPAIRS


def test_a_rare_word_says_more_than_a_common_one_and_an_unknown_one_most():
    assert LEXICON.rarity("time") < LEXICON.rarity("stock") < LEXICON.rarity("zebra")


def test_an_arrow_leads_one_way_and_an_equals_sign_both():
    synonyms = Synonyms(["boss > line manager", "holiday = vacation"])
    assert synonyms.meant(["boss"]) == [("line", "manag")]
    assert synonyms.meant(["line", "manag"]) == []
    assert synonyms.meant(["holiday"]) == [("vacat",)]
    assert synonyms.meant(["vacat"]) == [("holiday",)]


def test_a_phrase_is_found_in_any_form_and_stands_for_itself_too():
    synonyms = Synonyms(["day off > leave"])
    assert synonyms.meant(["two", "day", "off"]) == [("day", "off"), ("leav",)]
    assert synonyms.meant(["off", "day"]) == []


def test_a_word_of_several_lines_means_all_of_them_and_comments_are_none():
    synonyms = Synonyms(["# about money", "pay > salary", "", "pay > wage  # too"])
    assert synonyms.meant(["pay"]) == [("salari",), ("wage",)]


@pytest.mark.parametrize("line", ["boss", "boss >", "> manager", "holiday =", "=", "?! > manager"])
def test_a_line_that_is_no_synonym_is_an_error_that_names_it(line):
    with pytest.raises(InvalidInput, match="line 2 of the synonyms"):
        Synonyms(["a = b", line])


def test_the_bundled_list_is_read_and_extended():
    synonyms = Synonyms.bundled(["rolltop > desk"])
    assert ("line", "manag") in synonyms.meant(["boss"])
    assert synonyms.meant(["rolltop"]) == [("desk",)]


async def test_without_a_synonym_an_everyday_word_finds_nothing_and_with_one_the_handbooks(catalogue):
    assert found(catalogue, "flu") == []
    assert set(found(catalogue, "flu", Synonyms(["flu > sickness"]))) == {"sickness"}


async def test_a_word_that_was_written_counts_for_more_than_one_that_it_may_mean(catalogue):
    synonyms = Synonyms(["trains > hotels"])
    assert found(catalogue, "trains", synonyms)[0] == found(catalogue, "trains")[0] == "travel"
    everything = catalogue.in_force(Viewer("e-1042"), None, catalogue.clock.now().date())
    lexicon = Lexicon(catalogue.vocabulary(), len(catalogue.table().rows))
    leg = WordsLeg(catalogue, synonyms)
    scores = leg.search(leg.terms("trains", lexicon), everything, 20)
    best, second = sorted(scores, key=lambda row: -scores[row])
    assert [one.section for one in catalogue.passages([best, second])] == [["Trains"], ["Hotels"]]


@pytest.mark.parametrize(
    "query",
    [
        '"trains',
        "trains AND",
        "NEAR(trains hotels, 2)",
        "trains*",
        "title:trains",
        "-trains ^trains +trains",
        "trains; DROP TABLE words",
        "🚂 trains 🚂",
        "trains\0trains",
        "(trains",
        "ﬁrst trains ½ ²",
    ],
)
async def test_any_text_is_a_query_and_its_words_are_searched_for(catalogue, query):
    assert found(catalogue, query)[0] == "travel"


@pytest.mark.parametrize("query", ["", " ", "🚂", "\0", '"', "the of and", "²", "\ud800"])
async def test_a_text_without_a_telling_word_finds_nothing(catalogue, query):
    assert found(catalogue, query) == []


@given(query=st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_refused(query, empty):
    lexicon = Lexicon({word: 1 for word in words(query)}, 1)
    leg = WordsLeg(empty, Synonyms.bundled())
    assert leg.search(leg.terms(query, lexicon), [1], 5) == {}


async def test_of_a_long_question_the_last_words_are_searched_for(catalogue):
    text = " ".join(["hotels", *(f"w{n}" for n in range(500)), "relative", "died"])
    lexicon = Lexicon({word: 1 for word in text.split()}, 500)
    asked, _ = WordsLeg(catalogue, Synonyms([])).terms(text, lexicon)
    assert len(asked) == MOST_TERMS
    assert asked[-1] == ("die",)


def test_of_very_many_passages_the_rare_words_are_searched_for_and_a_common_one_if_there_is_no_other(empty):
    leg = WordsLeg(empty, Synonyms([]))
    lexicon = Lexicon({"employee": MOST_ROWS, "sabbatical": 12, "notice": 900}, 2 * MOST_ROWS)
    assert leg.terms("employee notice sabbatical", lexicon).asked == [("notic",), ("sabbat",)]
    assert leg.terms("employee", lexicon).asked == [("employe",)]


async def test_only_the_versions_that_are_named_are_searched(catalogue):
    travel = catalogue.in_force(Viewer("e-1042"), Filters(documents=["travel"]), catalogue.clock.now().date())
    lexicon = Lexicon(catalogue.vocabulary(), len(catalogue.table().rows))
    leg = WordsLeg(catalogue, Synonyms([]))
    assert leg.search(leg.terms("pay", lexicon), travel, 20) == {}
