"""Documents read from Markdown, text, web pages, Word and PDF: what they say, and what is left out of them."""

import re
from datetime import date
from io import BytesIO

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt, RGBColor
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.handbooks.documents.model import Front, LeftOut, Refused
from backends.handbooks.documents.read import read_document
from core.values import Audience
from tests.support.handbook_copies import FONTS, MISSING, raw_pdf

FRONT = """---
title: Remote work
version: 2026-07-01
effective: 2026-07-01
until: 2027-06-30
audience: Austria
owner: People team
review_by: 2027-01-31
colour: green
---
"""


def markdown(source):
    return read_document(source.encode(), "a.md")


def page(inside, head=""):
    return read_document(f"<!doctype html><html><head>{head}</head><body>{inside}</body></html>".encode(), "a.html")


def word(document):
    file = BytesIO()
    document.save(file)
    return read_document(file.getvalue(), "a.docx")


def told(document):
    return [(list(piece.section), piece.text) for piece in document.pieces]


def test_front_matter_says_what_a_document_is_and_when_it_is_in_force():
    found = markdown(FRONT + "# Remote work\n\nText.")
    assert (found.kind, found.title, found.pages) == ("markdown", "Remote work", None)
    assert found.front == Front(
        title="Remote work",
        version="2026-07-01",
        effective=date(2026, 7, 1),
        until=date(2027, 6, 30),
        audience=Audience(countries=["austria"]),
        owner="People team",
        review_by=date(2027, 1, 31),
    )


@pytest.mark.parametrize(
    ("written", "audience"),
    [
        ("all", Audience()),
        ("All", Audience()),
        ("", Audience()),
        ("UK", Audience(countries=["uk"])),
        ("[UK, Austria]", Audience(countries=["uk", "austria"])),
        ("{country: UK, roles: [Manager, Lead]}", Audience(countries=["uk"], roles=["manager", "lead"])),
        ("{entities: Rolltop GmbH, country: all}", Audience(entities=["rolltop gmbh"])),
    ],
)
def test_an_audience_is_countries_or_names_what_it_is(written, audience):
    assert markdown(f"---\naudience: {written}\n---\nText.").front.audience == audience


def test_without_front_matter_the_first_heading_is_the_title_and_else_the_file():
    assert markdown("Before.\n\n## Parking\n\nText.").title == "Parking"
    assert read_document(b"Only text.", "gym-rules.md").title == "gym rules"


def test_headings_count_where_they_stand_at_the_margin():
    found = markdown(
        "Before.\n\n# A\n\nIn A.\n\n## **B** `x` <a name='b'></a>\n\n### C\n\nIn C.\n\n"
        "## D\n\nIn D.\n\n```\n# no heading\n```\n\n> # nor this\n\nE\n-\n\nIn E."
    )
    assert told(found) == [
        ([], "Before."),
        ([], "In A."),
        (["B x", "C"], "In C."),
        (["D"], "In D.\n\n```\n# no heading\n```\n\n> # nor this"),
        (["E"], "In E."),
    ]


def test_links_into_the_folder_and_images_leave_only_their_words_and_comments_are_listed():
    found = markdown('See [the rules](../r.md "t") and [law](https://law.example), ![logo](http://x/y.png).<!-- no -->')
    assert found.text == "See the rules and [law](https://law.example), logo."
    assert found.left_out == (LeftOut(reason="comment", text="no"),)


def test_windows_line_ends_and_a_byte_order_mark_make_no_difference():
    source = FRONT + "# T\n\nText.\n\n- a\n- b\n"
    assert markdown("\ufeff" + source.replace("\n", "\r\n")) == markdown(source)


def test_a_plain_text_has_paragraphs_and_lists_and_no_headings():
    found = read_document(b"# Not a heading\ngoes on\n\nBring:\n1. one\n2. two\n   more\n\n\n- x\n- y", "a.txt")
    assert found.kind == "text"
    assert found.title == "a"
    assert found.text == "# Not a heading\ngoes on\n\nBring:\n\n1. one\n2. two\n   more\n\n- x\n- y"


def test_what_a_file_is_its_content_says():
    assert read_document(b"<!DOCTYPE html><p>Text", "a.txt").kind == "html"
    assert read_document(b"<!DOCTYPE html><p>Text", "a.md").kind == "html"
    assert read_document(b"Text", "LICENSE").kind == "text"
    file = BytesIO()
    document = docx.Document()
    document.add_paragraph("Text")
    document.save(file)
    assert read_document(file.getvalue(), "a.pdf").kind == "docx"


def test_a_web_page_has_headings_paragraphs_lists_and_tables():
    found = page(
        "<h1>Leave</h1><div>One <b>bold</b>\n word<br>and a line</div>tail"
        "<h2>Days</h2><ol><li>one<ul><li>inner</ul><li><p>two</p><p>more</p></ol>"
        "<table><caption>Days:</caption><thead><tr><th>A<th>B|c</thead><tr><td>1<td>2</table>"
        "<dl><dt>Term<dd>What it means</dl><pre>x  =\n 1</pre>",
        "<title>Leave - Intranet</title>",
    )
    assert found.title == "Leave"
    assert told(found) == [
        ([], "One bold word\nand a line\n\ntail"),
        (
            ["Days"],
            "1. one\n   - inner\n2. two\n   more\n\nDays:\n\n| A | B\\|c |\n|---|---|\n| 1 | 2 |\n\n"
            "- Term\n  What it means\n\nx  =\n 1",
        ),
    ]


def test_a_table_that_lays_out_a_page_is_its_cells():
    assert told(page("<table><tr><td><h2>A</h2>One<td><h2>B</h2>Two</table>")) == [([], "One"), (["B"], "Two")]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>no</p>",
        "<p style='color:red; DISPLAY : none !important'>no</p>",
        "<p style='visibility:hidden'>no</p>",
        "<p style='font-size:0px'>no</p>",
        "<span style='opacity:0'>no</span>",
        "<p class='x y'>no</p>",
        "<p id=z>no</p>",
        "<ul><li hidden>no</ul>",
        "<table><tr hidden><td>no</table>",
    ],
)
def test_what_a_page_hides_is_left_out_and_listed(hidden):
    found = page(f"<p>Seen</p>{hidden}<p>too</p>", "<style>/* .p{} */ .y, p#z {display:none} p{margin:0}</style>")
    assert found.text == "Seen\n\ntoo"
    assert [(left.reason, left.text) for left in found.left_out] == [("hidden", "no")]


@pytest.mark.parametrize(
    "seen",
    [
        "<p aria-hidden=true>yes</p>",
        "<p style='opacity:0.5;font-size:.8em'>yes</p>",
        "<p class=print>yes</p>",
        "<details><summary>yes</summary></details>",
        "<p class=again>yes</p>",
    ],
)
def test_what_a_reader_can_see_of_a_page_stays(seen):
    style = "<style>@media print {.print {display:none}} .again{display:none} .again{display:block}</style>"
    assert page(seen, style).text == "yes"


def test_a_site_around_a_page_is_left_out_and_listed():
    found = page(
        "<header>Acme</header><nav><a>Home</a></nav><article><header><h1>Leave</h1></header><p>Text</p></article>"
        "<script>no()</script><div role=contentinfo>(c)</div>"
    )
    assert found.text == "# Leave\n\nText"
    assert [(left.reason, left.text) for left in found.left_out] == [
        ("page header", "Acme"),
        ("navigation", "Home"),
        ("page footer", "(c)"),
    ]


def test_a_header_with_the_only_main_heading_stays():
    assert page("<header><h1>Leave</h1></header><p>Text</p>").title == "Leave"


def test_a_page_may_say_how_it_is_encoded():
    found = read_document("<html><meta charset='windows-1252'><p>Über 5 €".encode("cp1252"), "a.html")
    assert found.text == "Über 5 €"


def test_a_word_document_has_headings_lists_and_tables():
    document = docx.Document()
    document.core_properties.title = "Leave"
    document.add_heading("Leave", 0)
    document.add_paragraph("One paragraph.")
    document.add_heading("Days", 1)
    document.add_paragraph("Bring:")
    for style, text in [("List Bullet", "one"), ("List Bullet 2", "inner"), ("List Bullet", "two")]:
        document.add_paragraph(text, style)
    document.add_paragraph("first", "List Number")
    document.add_paragraph("second", "List Number")
    table = document.add_table(2, 2)
    for n, text in enumerate(["A", "B", "1", "2"]):
        table.cell(n // 2, n % 2).text = text
    found = word(document)
    assert found.title == "Leave"
    assert told(found) == [
        ([], "One paragraph."),
        (
            ["Days"],
            "Bring:\n\n- one\n  - inner\n- two\n1. first\n2. second\n\n| A | B |\n|---|---|\n| 1 | 2 |",
        ),
    ]


def test_a_title_that_a_program_made_of_a_file_name_is_none():
    document = docx.Document()
    document.core_properties.title = "Microsoft Word - leave_final2.docx"
    document.add_heading("Leave", 1)
    document.add_paragraph("Text")
    assert word(document).title == "Leave"


def styled(document, text, change):
    run = document.add_paragraph("Seen ").add_run(text)
    change(run)


def shade(run):
    run._element.get_or_add_rPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="000000"/>'))
    run.font.color.rgb = RGBColor(255, 255, 255)


@pytest.mark.parametrize(
    ("change", "hides"),
    [
        (lambda run: setattr(run.font, "hidden", True), True),
        (lambda run: setattr(run.font, "size", Pt(1)), True),
        (lambda run: setattr(run.font.color, "rgb", RGBColor(255, 255, 255)), True),
        (lambda run: setattr(run.font, "hidden", False), False),
        (shade, False),
    ],
    ids=["hidden", "tiny", "white", "not hidden", "white on black"],
)
def test_what_nobody_sees_in_word_is_left_out_and_listed(change, hides):
    document = docx.Document()
    styled(document, "or not", change)
    found = word(document)
    assert found.text == ("Seen" if hides else "Seen or not")
    assert found.left_out == ((LeftOut(reason="hidden", text="or not"),) if hides else ())


def test_what_a_style_of_word_hides_is_hidden():
    document = docx.Document()
    style = document.styles.add_style("Secret", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    style.font.hidden = True
    document.add_paragraph("Seen")
    document.add_paragraph("not", style)
    assert [left.text for left in word(document).left_out] == ["not"]


def test_headers_and_footers_of_word_are_left_out_and_listed():
    document = docx.Document()
    document.add_paragraph("Text")
    document.sections[0].header.paragraphs[0].text = "Rolltop GmbH"
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    found = word(document)
    assert found.text == "Text"
    assert {(left.reason, left.text) for left in found.left_out} == {
        ("page header", "Rolltop GmbH"),
        ("page footer", "Page 1"),
    }


def test_content_controls_text_boxes_and_changes_are_read_and_deletions_are_not():
    document = docx.Document()
    body = document.element.body
    space = nsdecls("w")
    for inside in [
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        "<w:p><w:ins><w:r><w:t>Added.</w:t></w:r></w:ins><w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del></w:p>",
        "<w:p><w:r><w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></w:r></w:p>",
    ]:
        tag, rest = inside[1:].split(">", 1)
        body.insert(len(body) - 1, parse_xml(f"<{tag} {space}>{rest}"))
    assert word(document).text == "In a control.\n\nAdded.\n\nIn a box."


def test_a_styled_level_of_the_outline_is_a_heading():
    document = docx.Document()
    paragraph = document.add_paragraph("Days")
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "1")
    paragraph._p.get_or_add_pPr().append(level)
    document.add_paragraph("Text")
    assert told(word(document)) == [([], "Text")]
    assert word(document).text.startswith("## Days")


def test_a_page_without_text_is_refused():
    with pytest.raises(Refused, match="holds no text"):
        page("<nav>Home</nav>")


WORD = re.compile(r"w\d+x")
SHAPES = st.recursive(
    st.sampled_from(["p", "h1", "h2", "h3", "text", "pre", "hidden"]),
    lambda inner: st.tuples(
        st.sampled_from(["div", "ul", "ol", "table", "td", "blockquote", "span", "section"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


class _Writer:
    """Markup around words that are all different, so that each can be looked for."""

    def __init__(self):
        self.seen, self.hidden = [], []

    def word(self, words):
        words.append(f"w{len(self.seen) + len(self.hidden)}x")
        return words[-1]

    def html(self, shape):
        if isinstance(shape, str):
            if shape == "hidden":
                return f"<p hidden>{self.word(self.hidden)}</p>"
            word = self.word(self.seen)
            return f" {word} " if shape == "text" else f"<{shape}>{word}</{shape}>"
        tag, inside = shape
        match tag:
            case "ul" | "ol":
                return f"<{tag}>" + "".join(f"<li>{self.html(one)}</li>" for one in inside) + f"</{tag}>"
            case "table":
                rows = "".join(f"<tr><td>{self.html(one)}</td><td>{self.html('text')}</td></tr>" for one in inside)
                return f"<table>{rows}</table>"
        return f"<{tag}>{''.join(self.html(one) for one in inside)}</{tag}>"

    def docx(self, document, shape):
        if isinstance(shape, str):
            if shape == "hidden":
                document.add_paragraph().add_run(self.word(self.hidden)).font.hidden = True
            elif shape.startswith("h") and hasattr(document, "add_heading"):
                document.add_heading(self.word(self.seen), int(shape[1]))
            else:
                document.add_paragraph(self.word(self.seen))
            return
        tag, inside = shape
        if tag == "table" and inside:
            table = document.add_table(len(inside), 2)
            for row, one in enumerate(inside):
                self.docx(table.cell(row, 0), one)
                table.cell(row, 1).text = self.word(self.seen)
            return
        for one in inside:
            if tag in ("ul", "ol") and isinstance(one, str) and one != "hidden":
                style = "List Bullet" if tag == "ul" else "List Number"
                document.add_paragraph(self.word(self.seen), style=style if hasattr(document, "add_heading") else None)
            else:
                self.docx(document, one)


def words_of(document):
    return WORD.findall(document.text)


def assert_whole(found, writer):
    assert words_of(found) == writer.seen
    assert [word for left in found.left_out for word in left.text.split()] == writer.hidden
    said = " ".join(text for piece in found.pieces for text in (*piece.section, found.title, piece.text))
    assert set(writer.seen) <= set(WORD.findall(said))
    assert "".join("".join(found.text[p.start : p.end] for p in found.pieces).split()) == "".join(found.text.split())


DEJAVU = pytest.mark.skipif(bool(MISSING), reason=MISSING)


class Pages(FPDF):
    """Pages as programs make them: with a header, a footer, and letters of two weights."""

    margin = ""

    def __init__(self):
        super().__init__()
        self.add_font("DejaVu", "", FONTS / "DejaVuSans.ttf")
        self.add_font("DejaVu", "B", FONTS / "DejaVuSans-Bold.ttf")
        self.add_page()

    def header(self):
        if self.margin:
            self.say(self.margin, size=8)

    def footer(self):
        if self.margin:
            self.set_y(-15)
            self.say(f"Page {self.page_no()} of 3", size=8)

    def say(self, text, *, size=11, bold=False, align="L", gap=0):
        self.set_font("DejaVu", "B" if bold else "", size)
        self.multi_cell(0, size * 0.5, text, align=align, new_x="LMARGIN", new_y="NEXT")
        self.ln(gap)

    def read(self):
        return read_document(bytes(self.output()), "a.pdf")


@DEJAVU
def test_a_pdf_has_headings_by_size_and_weight_and_paragraphs_lists_and_tables_by_place():
    pdf = Pages()
    pdf.set_title("Leave")
    pdf.say("Leave", size=20, bold=True, gap=4)
    pdf.say("A paragraph that is longer than a line, so that it has to be drawn together from two of them. " * 2, gap=3)
    pdf.say("Another one.", gap=3)
    pdf.say("Days", size=15, gap=3)
    pdf.say("Part-time", bold=True, gap=2)
    pdf.say("Please bring:", gap=1)
    for text in ["one", "two that goes on and on until it has to be broken and is continued on the next line, here"]:
        pdf.cell(6, 5, "\u2022")
        pdf.say(text)
    pdf.ln(3)
    with pdf.table(text_align="LEFT") as table:
        for row in (["Service", "Days"], ["5 years", "27"]):
            table.row(row)
    found = pdf.read()
    assert (found.kind, found.title, found.pages) == ("pdf", "Leave", 1)
    sentence = "A paragraph that is longer than a line, so that it has to be drawn together from two of them."
    assert told(found) == [
        ([], f"{sentence} {sentence}\n\nAnother one."),
        (
            ["Days", "Part-time"],
            "Please bring:\n\n- one\n- two that goes on and on until it has to be broken and is continued on the next "
            "line, here\n\n| Service | Days |\n|---|---|\n| 5 years | 27 |",
        ),
    ]


@DEJAVU
def test_a_bold_line_in_a_paragraph_is_no_heading():
    pdf = Pages()
    pdf.say("One sentence before.")
    pdf.say("A bold one", bold=True)
    pdf.say("and one after.")
    assert told(pdf.read()) == [([], "One sentence before. A bold one and one after.")]


@DEJAVU
def test_the_outline_says_what_a_heading_is_and_how_deep():
    pdf = Pages()
    pdf.say("Leave", size=20, gap=4)
    for level, name in ((0, "Days"), (1, "Part-time")):
        pdf.start_section(name, level)
        pdf.say(name, gap=3)
        pdf.say("Text of it.", gap=3)
    assert [piece.section for piece in pdf.read().pieces] == [("Days",), ("Days", "Part-time")]


@DEJAVU
def test_headers_and_footers_of_most_pages_are_left_out_and_listed_and_pieces_know_their_page():
    pdf = Pages()
    pdf.margin = "Rolltop GmbH, confidential"
    for number in ("one", "two", "three"):
        pdf.add_page()
        pdf.say(f"Chapter {number}", size=16, gap=4)
        pdf.say(f"Text of chapter {number}.")
    found = pdf.read()
    assert [(piece.section, piece.text, piece.page) for piece in found.pieces] == [
        ((), "Text of chapter one.", 2),
        (("Chapter two",), "Text of chapter two.", 3),
        (("Chapter three",), "Text of chapter three.", 4),
    ]
    assert {(left.reason, left.text, left.page) for left in found.left_out} == {
        *(("page header", "Rolltop GmbH, confidential", page) for page in (2, 3, 4)),
        *(("page footer", f"Page {page} of 3", page) for page in (1, 2, 3, 4)),
    }


@DEJAVU
def test_a_word_parted_at_the_end_of_a_line_is_whole_again():
    pdf = Pages()
    pdf.say("The employ-\nment of part-time staff is part-\ntime employment.")
    assert pdf.read().text == "The employment of part-time staff is part-time employment."


@DEJAVU
def test_a_paragraph_goes_on_over_the_end_of_a_page():
    pdf = Pages()
    pdf.say("A sentence that is not")
    pdf.add_page()
    pdf.say("finished here.", gap=3)
    pdf.say("Another.")
    assert pdf.read().text == "A sentence that is not finished here.\n\nAnother."


SEEN = b"BT /F 12 Tf 72 720 Td (Seen) Tj ET "


@pytest.mark.parametrize(
    "hidden",
    [
        b"BT /F 12 Tf 3 Tr 72 700 Td (not) Tj ET",
        b"BT /F 12 Tf 1 g 72 700 Td (not) Tj ET",
        b"BT /F 12 Tf 1 1 1 rg 72 700 Td [(no) -5 (t)] TJ ET",
        b"BT /F 0.5 Tf 72 700 Td (not) Tj ET",
        b"BT /F 1 Tf .5 0 0 .5 72 700 Tm (not) Tj ET",
        b"BT /F 12 Tf 700 700 Td (not) Tj ET",
        b"q 1 0 0 1 0 -900 cm BT /F 12 Tf 72 700 Td (not) Tj ET Q",
        b"q 1 0 0 1 9 9 cm /Form Do Q BT /F 12 Tf 3 Tr 72 700 Td (not) ' ET",
    ],
)
def test_what_nobody_sees_in_a_pdf_is_left_out_and_listed(hidden):
    found = read_document(raw_pdf(SEEN + hidden), "a.pdf")
    assert found.text == "Seen"
    assert found.left_out == (LeftOut(reason="hidden", text="not", page=1),)


def test_hidden_text_within_a_line_is_found_and_the_rest_stays():
    found = read_document(raw_pdf(b"BT /F 12 Tf 72 720 Td (One) Tj 3 Tr (not) Tj 0 Tr ( two) Tj ET"), "a.pdf")
    assert found.text == "One two"
    assert [left.text for left in found.left_out] == ["not"]


def test_control_characters_of_a_font_are_no_text():
    assert read_document(raw_pdf(b"BT /F 12 Tf 72 720 Td (Se\\000\\001en) Tj ET"), "a.pdf").text == "Seen"


@pytest.mark.parametrize(
    "seen",
    [
        b"0 0 1 rg 60 690 300 30 re f 1 g BT /F 12 Tf 72 700 Td (too) Tj ET",
        b"q 1 g Q BT /F 12 Tf 72 700 Td (too) Tj ET",
        b"BT /F 1 Tf 12 0 0 12 72 700 Tm (too) Tj ET",
        b"q 3 Tr Q BT /F 12 Tf 72 700 Td (too) Tj ET",
    ],
)
def test_what_can_be_seen_in_a_pdf_stays(seen):
    assert read_document(raw_pdf(SEEN + seen), "a.pdf").text.split() == ["Seen", "too"]


def test_what_a_program_marks_as_a_header_is_left_out_and_listed():
    marked = b"/Artifact <</Type /Pagination>> BDC BT /F 12 Tf 72 500 Td (Rolltop) Tj ET EMC"
    found = read_document(raw_pdf(SEEN + marked), "a.pdf")
    assert found.text == "Seen"
    assert found.left_out == (LeftOut(reason="page header or footer", text="Rolltop", page=1),)


@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_every_word_that_a_page_shows_is_in_the_text_in_order_and_every_other_is_listed(shapes):
    writer = _Writer()
    inside = "".join(writer.html(shape) for shape in shapes)
    if writer.seen:
        assert_whole(page(inside), writer)


@settings(max_examples=50)
@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_every_word_that_word_shows_is_in_the_text_in_order_and_every_other_is_listed(shapes):
    writer = _Writer()
    document = docx.Document()
    for shape in shapes:
        writer.docx(document, shape)
    if writer.seen:
        assert_whole(word(document), writer)


LINES = st.lists(
    st.sampled_from(
        ["", "# ", "## ", "- ", "1. ", "> ", "| ", "    ", "  - ", "```", "---", "===", "|---|", "<div>", "* * *"]
    ),
    max_size=30,
)


@given(LINES)
def test_every_word_of_a_markdown_file_is_in_the_text_in_order(starts):
    writer = _Writer()
    found = markdown("\n".join(start + writer.word(writer.seen) for start in ["", *starts]))
    assert_whole(found, writer)
