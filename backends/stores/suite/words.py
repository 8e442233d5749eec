"""The suite's tests of `find`: a query's words."""

from typing import Any

from backends.stores.suite.steps import each_finds, found, noted, put, refused
from core.errors import InvalidInput
from core.store import Query, Store

TEXTS = {
    "vacation": "How many vacation days?",
    "vacant": "A vacant desk; DAYS go by",
    "street": "Hauptstraße 12a",
    "istanbul": "İstanbul office",
    "number": "form 4711 and 4712-b",
    "under": "snake_case words",
    "emoji": "party 🎉 naïve café",
    "cjk": "請假 規定",
    "NUL": "be\x00fore",
    "quotes": 'say "or" not',
    "apart": "Ku\u0308ndigung",
    "hyphens": "Ur\u00adlaubs\u00adan\u00adspruch zero\u200bwidth",
    "folded": "\ufb01nal \u2f47\u672c \uff12\uff15",
    "footnote": "pay 31\u00b2 per 1\u00bd",
}


WORDS: list[tuple[str, list[str]]] = [
    ("", [*TEXTS, "list", "nothing"]),
    (" ?! ", [*TEXTS, "list", "nothing"]),
    ("vacation", ["vacation"]),
    ("vaca", ["vacant", "vacation"]),
    ("vaca days", []),
    ("days vaca", ["vacant", "vacation"]),
    ("Days VACATION", ["vacation"]),
    ("acation", []),
    ("vacations", []),
    ("day", ["vacant", "vacation"]),
    ("strasse", []),
    ("hauptstrasse", ["street"]),
    ("HAUPTSTRASSE 12", ["street"]),
    ("hauptstraße", ["street"]),
    ("12", ["street"]),
    ("İstanbul", ["istanbul"]),
    ("4711", ["number"]),
    ("471 form", []),
    ("form 471", ["number"]),
    ("4712-b", ["number"]),
    ("snake", ["under"]),
    ("case", ["under"]),
    ("snake_case", ["under"]),
    ("naive", []),
    ("naïve CAFÉ", ["emoji"]),
    ("party party", ["emoji"]),
    ("請", ["cjk"]),
    ("fore", ["NUL"]),
    ("before", []),
    ('"or"', ["quotes"]),
    ("vacation OR", []),
    ("form* NEAR(", []),
    ("say: -not", ["quotes"]),
    ("text:say", []),
    ("vacation AND days", []),
    ("K\u00fcndigung", ["apart"]),
    ("ku\u0308ndi", ["apart"]),
    ("ndigung", []),
    ("urlaubsanspruch", ["hyphens"]),
    ("urlaubs\u00adanspruch zerowidth", ["hyphens"]),
    ("final", ["folded"]),
    ("\u65e5\u672c", ["folded"]),
    ("25", ["folded"]),
    ("pay 31", ["footnote"]),
    ("312", []),
    ("1 per", ["footnote"]),
    ("%", [*TEXTS, "list", "nothing"]),
]


async def test_words(store: Store) -> None:
    for kind in ("note", "message"):  # a store may keep an index of words for messages only
        texts = [noted(name, kind=kind, text=text) for name, text in TEXTS.items()]
        await put(store, *texts, noted("list", kind=kind, text=["vacation"]), noted("nothing", kind=kind))
        await each_finds(
            store, [({"kind": kind, "words": words, "limit": 5}, sorted(expected)) for words, expected in WORDS]
        )


async def test_words_of_a_wrong_form_are_refused(store: Store) -> None:
    wrong: list[Any] = [None, 7, ["a"], "\ud800"]
    for words in wrong:
        with refused(InvalidInput, f"{words!r} was taken for words"):
            await store.find(Query(kind="note", words=words))


async def test_words_are_found_in_their_kind_and_order(store: Store) -> None:
    await put(
        store, noted("other", kind="other", text="leave"), *[noted(f"r{n}", i=-n, text="leave days") for n in range(7)]
    )
    ids = await found(store, words="leave", order=("i",), limit=3)
    assert ids == [f"r{n}" for n in range(6, -1, -1)], "a search by words left its kind, its order or its pages"


async def test_words_are_found_newest_first_however_many_have_them(store: Store) -> None:
    messages = [
        noted(
            f"m{n:02}", kind="message", at=None if n < 2 else f"2026-11-{n:02}", text=f"leave {'rare' * (n % 13 == 1)}"
        )
        for n in range(30)
    ]
    await put(store, *messages)
    newest = [f"m{n:02}" for n in range(29, -1, -1)]
    for words, limit, expected in (
        ("leave", 2, newest),
        ("le", 7, newest),
        ("rare leave", 1, ["m27", "m14", "m01"]),
        ("rare", 2, ["m27", "m14", "m01"]),
        ("leaves", 2, []),
    ):
        ids = await found(store, kind="message", words=words, order=("-at",), limit=limit)
        assert ids == expected, f"the words {words!r}, in pages of {limit}, found {ids}; {expected} is right"
    text = "m27 is not what it was"
    await put(store, noted("m27", n=2, kind="message", at="2026-11-27", text=text))
    assert await found(store, kind="message", words="rare", order=("-at",)) == ["m14", "m01"], (
        "a record is found by words that it does not have any more"
    )
    assert await found(store, kind="message", words="wa", order=("-at",)) == ["m27"], (
        "a record is not found by its new words"
    )
