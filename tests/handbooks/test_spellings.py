"""One word in several spellings: characters apart or in one, soft hyphens, ligatures; in texts, questions and names."""

from contextlib import closing
from io import BytesIO
from unicodedata import normalize

import apsw
import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.model import Refused
from backends.handbooks.documents.read import read_document
from backends.handbooks.ingest.ingest import Upload
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.search.words import WordsLeg
from core.gate import Viewer
from core.words import plain, words
from tests.support.handbook_folders import DayClock, check_whole, found_texts, handbook, statuses, take_in, write

TODAY = "2026-11-15"
COMPOSED = "Kündigung"
APART = normalize("NFD", COMPOSED)
OLD, NEW = handbook(COMPOSED, "Frist\nEs sind vier Wochen."), handbook(COMPOSED, "Frist\nEs sind acht Wochen.")


@pytest.fixture
def catalogue(tmp_path):
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as opened:
        yield opened


def found(catalogue, query):
    """The documents that are found by words."""
    lexicon = Lexicon(catalogue.vocabulary(), len(catalogue.table().rows))
    leg = WordsLeg(catalogue, Synonyms([]))
    everything = catalogue.in_force(Viewer("e-1042"), None, catalogue.clock.now().date())
    scores = leg.search(leg.terms(lexicon.repaired(query), lexicon), everything, 20)
    return {one.document for one in catalogue.passages(list(scores))}


def markdown(text):
    return read_document(text.encode(), "a.md")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (APART, COMPOSED),
        ("Ur\u00adlaubs\u00adan\u00adspruch", "Urlaubsanspruch"),
        ("zero\u200bwidth wo\u2060rd by\ufefftes", "zerowidth word bytes"),
        ("Auf\u200clage", "Auflage"),
        ("\ufb01nal o\ufb03ce", "final office"),
        ("\u2f47\u672c", "\u65e5\u672c"),
        ("\uff12\uff15 days", "25 days"),
        ("CO\u2082", "CO2"),
        ("\u2163", "IV"),
    ],
)
def test_a_document_is_read_in_one_spelling(written, read):
    document = markdown(f"# Of {written}\n\n- {written}\n\n| A | B |\n|---|---|\n| {written} | 1 |")
    assert document.title == f"Of {read}"
    assert document.text == f"# Of {read}\n\n- {read}\n\n| A | B |\n|---|---|\n| {read} | 1 |"
    (piece,) = document.pieces
    assert document.text[piece.start : piece.end] == document.text


def test_a_word_that_a_soft_hyphen_parts_at_the_end_of_a_line_is_whole():
    assert markdown("Der Urlaubs\u00ad\nanspruch, Urlaubs\u00ad- und").text == "Der Urlaubsanspruch, Urlaubs- und"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("25²", ["25", "²"]),
        ("25¹⁾", ["25", "¹"]),
        ("1½", ["1", "½"]),
        ("①Apply", ["①", "apply"]),
        ("№5", ["5"]),
        ("x\u00b4y", ["x", "y"]),
        ("\uff0825\uff09", ["25"]),
        ("👩\u200d💻", []),
        ("\u0645\u06cc\u200c\u062e\u0648", ["\u0645\u06cc\u062e\u0648"]),
    ],
)
def test_what_a_plainer_spelling_would_change_stays_as_it_is(kept, said):
    assert plain(kept) == kept
    assert words(kept) == said


@given(st.text())
def test_a_plain_text_stays_as_it_is_and_words_are_words_again(text):
    assert plain(plain(text)) == plain(text)
    assert words(plain(text)) == words(text)
    assert words(" ".join(words(text))) == words(text)
    assert words(normalize("NFD", text)) == words(normalize("NFC", text))


def test_a_text_of_nothing_that_is_seen_is_refused():
    with pytest.raises(Refused, match="holds no text"):
        markdown("\u200b\n\n\u00ad")


def test_the_audience_of_a_document_is_the_same_in_both_spellings():
    (country,) = markdown(f"---\naudience: {normalize('NFD', 'Österreich')}\n---\nText.").front.audience.countries
    assert country == "österreich"


def test_tabs_and_breaks_part_words_in_word_and_soft_hyphens_do_not():
    document = docx.Document()
    runs = "<w:t>Ur\u00adlaub</w:t><w:softHyphen/><w:t>s</w:t><w:tab/><w:t>25</w:t><w:br/><w:t>Tage\tim</w:t>"
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}><w:r>{runs}</w:r></w:p>"))
    file = BytesIO()
    document.save(file)
    assert read_document(file.getvalue(), "a.docx").text == "Urlaubs 25\nTage im"


def test_tabs_and_paragraphs_part_words_in_footnotes_of_word():
    document = docx.Document()
    inside = "<w:p><w:r><w:t>25</w:t><w:tab/><w:t>days</w:t></w:r></w:p><w:p><w:r><w:t>or more</w:t></w:r></w:p>"
    notes = f'<w:footnotes {nsdecls("w")}><w:footnote w:id="7">{inside}</w:footnote></w:footnotes>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
    document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes")
    run = document.add_paragraph("Leave").add_run()
    run._r.append(parse_xml(f'<w:footnoteReference {nsdecls("w")} w:id="7"/>'))
    file = BytesIO()
    document.save(file)
    assert read_document(file.getvalue(), "a.docx").text == "Leave [25 days or more]"


async def test_a_word_is_found_in_every_spelling_of_the_text_and_of_the_question(catalogue):
    texts = {
        "apart": APART,
        "composed": COMPOSED,
        "soft": "Kün\u00addi\u00adgung",
        "wide": "\uff12\uff15",
        "plain": "25",
    }
    uploads = [
        Upload(name=f"{name}.md", data=handbook("T", f"S\nText {text}").encode()) for name, text in texts.items()
    ]
    await take_in(catalogue, *uploads)
    for query in (APART, COMPOSED, "KÜNDIGUNG", "Kündi\u00adgung"):
        assert found(catalogue, query) == {"apart", "composed", "soft"}
    assert found(catalogue, "25") == found(catalogue, "\uff12\uff15") == {"wide", "plain"}


@pytest.mark.parametrize("names", [(APART, COMPOSED), (COMPOSED, APART)])
async def test_a_name_in_two_spellings_is_one_document(catalogue, names):
    first, second = (f"hr/{name}.md" for name in names)
    await take_in(catalogue, Upload(name=first, data=OLD.encode()))
    report = await take_in(catalogue, Upload(name=second, data=NEW.encode()))
    assert statuses(report) == {f"hr/{COMPOSED}": "published"}
    assert found_texts(catalogue, TODAY) == {f"hr/{COMPOSED}": ["Es sind acht Wochen."]}
    check_whole(catalogue)


async def test_a_folder_whose_names_change_their_spelling_keeps_its_documents(catalogue, tmp_path):
    books = tmp_path / "books"
    write(books, {f"{APART}/{APART}.md": OLD, f"{APART}.md": OLD})
    await take_in(catalogue, books)
    write(books, {f"{COMPOSED}/{COMPOSED}.md": OLD, f"{COMPOSED}.md": OLD})
    assert statuses(await take_in(catalogue, books)) == {
        COMPOSED: "unchanged",
        f"{COMPOSED}/{COMPOSED}": "unchanged",
    }
    write(books, {f"{COMPOSED}.md": OLD})
    assert statuses(await take_in(catalogue, books)) == {COMPOSED: "unchanged", f"{COMPOSED}/{COMPOSED}": "removed"}
    check_whole(catalogue)


async def test_a_part_of_a_folder_with_a_name_apart_loses_the_documents_whose_files_are_gone(catalogue, tmp_path):
    books = tmp_path / "books"
    write(books, {f"{APART}/one.md": OLD, f"{APART}/two.md": NEW})
    await take_in(catalogue, books)
    write(books, {f"{APART}/one.md": OLD})
    report = await take_in(catalogue, books / APART)
    assert statuses(report) == {f"{COMPOSED}/one": "unchanged", f"{COMPOSED}/two": "removed"}


async def test_of_two_files_with_one_name_the_other_is_refused_in_words(catalogue, tmp_path):
    write(tmp_path / "books", {f"{APART}.md": OLD, f"{COMPOSED}.md": NEW})
    if len(list((tmp_path / "books").iterdir())) < 2:
        pytest.skip("this file system has one spelling for both")
    for status in ("published", "unchanged"):
        report = await take_in(catalogue, tmp_path / "books")
        assert statuses(report) == {COMPOSED: status, f"{APART}.md": "refused"}
        (reason,) = (one.reason for one in report.documents if one.status == "refused")
        assert "rename" in reason
    assert found_texts(catalogue, TODAY) == {COMPOSED: ["Es sind acht Wochen."]}


async def test_of_two_uploads_with_one_name_the_second_is_refused_in_words(catalogue):
    for names in ((APART, COMPOSED), (COMPOSED, APART), (COMPOSED, COMPOSED)):
        uploads = [Upload(name=f"{name}.md", data=text.encode()) for name, text in zip(names, (OLD, NEW), strict=True)]
        report = await take_in(catalogue, *uploads)
        assert [(one.document, one.status) for one in report.documents if one.status == "refused"] == [
            (f"{COMPOSED}.md", "refused")
        ]
        assert found_texts(catalogue, TODAY) == {COMPOSED: ["Es sind vier Wochen."]}


def earlier(path):
    """Make the catalogue what it was before names and words were read in one spelling."""
    with closing(apsw.Connection(str(path))) as connection:
        for table, column in (("document", "id"), ("version", "document"), ("source", "document")):
            values = connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()
            changes = [(normalize("NFD", value), value) for (value,) in values]
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", changes)
        connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
        connection.execute("DELETE FROM vocabulary; INSERT INTO vocabulary VALUES ('ku', 1), ('ndigung', 1)")
        connection.execute("DELETE FROM meta WHERE key = 'reading'; PRAGMA user_version = 2")


async def test_a_document_that_an_earlier_catalogue_has_under_a_name_apart_stays_one(tmp_path):
    write(tmp_path / "books", {f"{APART}.md": OLD})
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as before:
        await take_in(before, tmp_path / "books")
        await take_in(before, Upload(name="Prämie.md", data=OLD.encode()))
    earlier(tmp_path / "index.db")
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as catalogue:
        write(tmp_path / "books", {f"{COMPOSED}.md": NEW})
        assert statuses(await take_in(catalogue, tmp_path / "books")) == {APART: "published"}
        await take_in(catalogue, Upload(name="Prämie.md", data=NEW.encode()))
        assert found_texts(catalogue, TODAY) == {
            APART: ["Es sind acht Wochen."],
            normalize("NFD", "Prämie"): ["Es sind acht Wochen."],
        }
        check_whole(catalogue)


async def test_the_words_of_an_earlier_catalogue_are_made_anew(tmp_path):
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as before:
        await take_in(before, Upload(name="form.md", data=handbook(APART, "S\nUse HR-204.").encode()))
        vocabulary = before.vocabulary()
    earlier(tmp_path / "index.db")
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as catalogue:
        assert found(catalogue, COMPOSED) == found(catalogue, "hr204") == {"form"}
        assert catalogue.vocabulary() == vocabulary
        check_whole(catalogue)
        revision = catalogue.revision()
    with closing(Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))) as again:
        assert again.revision() == revision
