"""Codes in questions and handbooks: form numbers, section numbers, mail addresses are found exactly as they are."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.codes import codes, outside_codes
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.search.spelling import Lexicon
from backends.vectors.opening import open_embedder
from backends.vectors.static.tokens import StaticTokens
from core.gate import Viewer
from core.words import plain, words
from tests.support.handbook_folders import handbook, take_in, write

ANYBODY = Viewer("e-1042")
FORMS = {
    "forms.md": handbook(
        "Forms",
        "Sick pay\nFor sick pay hand in form HR-240 at the HR desk, and hr 2040 beside it.",
        "Parental leave\nFor parental leave hand in form HR-204. Your manager signs it.",
        "Moving\nRoom 204 at the HR desk has boxes for HR people who move. HR comes to 204 days.",
        "Kiosk\nThe HR 311 form is at the kiosk, the other is HR312.",
        "Loans\nForm HR-20-4 is for loans.",
        "Pension\nYour 401(k) plan pays 401 dollars for k people.",
        "Savings\nA 403b plan is for savings.",
        "Developers\nC# developers get a licence.",
        "Others\nC++ developers and those who write C get one, too. C is old.",
        "Breaks\nSee section 4.2 for breaks.",
        "Nights\nSee section 4.21, and 4 of 2, and section 4.2.1 for nights. The 4, 2 and 4 say so.",
        "Mail\nWrite to hr-desk@rolltop.example.",
        "More mail\nWrite to the HR desk of rolltop, or example.desk@hr.example for rolltop.",
        "Contract\nThe L-GAV holds for cooks.",
        "Letters\nThe L and the GAV are letters, L more than GAV.",
    )
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Form HR-204, hr204 or HR 204", ["hr204"]),
        ("HR\u2011204 and HR\u2013204", ["hr204"]),
        ("HR-204/HR-205 and HR-206\u2013HR-207", ["hr204", "hr205", "hr206", "hr207"]),
        ("HR-204-Antrag", ["hr204antrag", "hr204"]),
        ("HR-204² and P45¹", ["hr204", "p45"]),
        ("401(k), 401k", ["401k"]),
        ("HR/204, AZ/2024/17, Art. 6(1)(f)", ["hr204", "az2024", "6\ua78f1f"]),
        ("C#, C++", ["csharp", "cplusplus"]),
        ("4.2, 4.2.1 and B.4.2.", ["4\ua78f2", "4\ua78f2\ua78f1", "b4\ua78f2"]),
        ("Jo.Doe@x.example", ["jo\ua78fdoe\ua78fx\ua78fexample"]),
        ("L-GAV", ["lgav"]),
        ("30-day notice, 5pm, part-time, 2026/27, 1,500, day(s), e.g. and/or, 28th, I, COVID", []),
        ("", []),
    ],
)
def test_what_is_a_code_and_what_is_none(text, found):
    assert codes(text) == found


@given(st.text("HR hr204-.4()#+@²½aB\u2011\u2013ü\u0308/é ", max_size=30) | st.text())
def test_a_code_is_one_word_to_an_index_and_no_text_is_lost_around_it(text):
    assert all(words(code) == [code] for code in codes(text))
    assert "".join(part for part, _ in outside_codes(text)) == text
    assert codes(plain(text)) == codes(text)


def test_a_long_run_of_letters_and_figures_is_no_code():
    assert codes("a1-" * 400_000) == []
    assert codes("a1+" * 400_000 + "@") == ["a1"]


@pytest.fixture(params=["none", "static"])
async def retriever(request, tmp_path):
    catalogue = Catalogue(":memory:")
    write(tmp_path / "books", FORMS)
    static = request.param == "static"
    embedder, tokens = (open_embedder("static:"), StaticTokens.bundled()) if static else (None, None)
    vectors = LocalVectors(catalogue) if static else None
    await take_in(catalogue, tmp_path / "books", embedder=embedder, tokens=tokens, vectors=vectors)
    yield HandbookRetriever(
        catalogue, vectors=vectors, embedder=embedder, tokens=tokens, today=lambda: date(2026, 11, 15)
    )
    catalogue.close()


@pytest.mark.parametrize(
    ("query", "section"),
    [
        ("hr204", "Parental leave"),
        ("HR-204", "Parental leave"),
        ("HR 204", "Parental leave"),
        ("form hr 204", "Parental leave"),
        ("HR/204", "Parental leave"),
        ("What is form hr\u2011204 for?", "Parental leave"),
        ("hr240", "Sick pay"),
        ("hr311", "Kiosk"),
        ("HR-312", "Kiosk"),
        ("HR-20-4", "Loans"),
        ("401k", "Pension"),
        ("What is my 401(k) plan?", "Pension"),
        ("403(b)", "Savings"),
        ("Do I get a licence for C#?", "Developers"),
        ("C++ licence", "Others"),
        ("What does section 4.2 say?", "Breaks"),
        ("section 4.2.1", "Nights"),
        ("Who reads hr-desk@rolltop.example?", "Mail"),
        ("example.desk@hr.example", "More mail"),
        ("Does the L-GAV hold for me?", "Contract"),
    ],
)
async def test_a_code_finds_the_passage_that_has_it_first(retriever, query, section):
    found = await retriever.search(query, ANYBODY, 3)
    assert found[0].section == [section]


async def test_a_code_makes_an_answer_more_likely_than_another_code_does(retriever):
    async def confidence(query):
        return (await retriever.judge(query, await retriever.search(query, ANYBODY, 5))).confidence

    assert await confidence("What is form hr204 for?") > await confidence("What is form hr205 for?")


@pytest.mark.parametrize("code", ["HR-204", "leav-204", "HR-ABSNCE", "jon.mangr@rolltop.example", "absnce.c@x.example"])
def test_a_code_is_not_repaired(code):
    lexicon = Lexicon({"hr": 3, "240": 3, "leave": 3, "manager": 3, "absence": 3, "leave240": 1}, 100)
    assert lexicon.repaired(f"absnce of {code}, please") == f"absence of {code}, please"
