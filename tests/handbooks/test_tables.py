"""Tables from web pages, Word and Markdown: every value stands under its header, also beside and below merged cells."""

import re
from io import BytesIO

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st

from backends.handbooks.documents.cutter import LONGEST_TABLE
from backends.handbooks.documents.grid import Cell, placed
from backends.handbooks.documents.model import Refused
from backends.handbooks.documents.read import read_document


def page(rows, head=""):
    return read_document(f"<html><head>{head}</head><body><table>{rows}</table></body></html>".encode(), "a.html")


def rows(document):
    """The cells of a document that is one table, without the line of dashes."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in document.text.split("\n")]
    return [[cell.strip() for cell in line] for n, line in enumerate(lines) if n != 1]


def word(*table):
    """A Word document with one table; each row is XML of its cells, as `cell` makes it, or of the whole row."""
    document = docx.Document()
    inside = "".join(row if row.startswith("<w:tr>") else f"<w:tr>{row}</w:tr>" for row in table)
    document.element.body.insert(0, parse_xml(f"<w:tbl {nsdecls('w')}>{inside}</w:tbl>"))
    file = BytesIO()
    document.save(file)
    return read_document(file.getvalue(), "a.docx")


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


WIDE = '<w:gridSpan w:val="2"/>'
BEGINS, GOES_ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
HEAD = ["Country", "Grade", "Days"]
COUNTRIES = [HEAD, ["Austria", "A", "25"], ["Austria", "B", "30"]]


@pytest.mark.parametrize("name", ["td", "th scope=row"])
def test_the_row_below_a_merged_cell_keeps_its_columns_and_has_its_value(name):
    head = "<tr><th>Country<th>Grade<th>Days"
    assert rows(page(f"{head}<tr><{name} rowspan=2>Austria<td>A<td>25<tr><td>B<td>30")) == COUNTRIES


@pytest.mark.parametrize("span", ["0", "2", "65534", "999999999999999999999", " +2 rows"])
def test_a_merged_cell_ends_with_its_group_of_rows(span):
    found = page(
        "<thead><tr><th>Country<th>Grade<th>Days</thead>"
        f"<tbody><tr><td rowspan='{span}'>Austria<td>A<td>25<tr><td>B<td>30</tbody>"
        "<tbody><tr><td>Spain<td>A<td>23</tbody>"
    )
    assert rows(found) == [*COUNTRIES, ["Spain", "A", "23"]]


@pytest.mark.parametrize("span", ["-1", "x", "", "1.5"])
def test_a_span_that_is_no_number_is_one_place(span):
    assert rows(page(f"<tr><th colspan='{span}'>A<th>B<tr><td rowspan='{span}'>1<td>2<tr><td>3<td>4")) == [
        ["A", "B"],
        ["1", "2"],
        ["3", "4"],
    ]


def test_a_cell_over_several_columns_has_its_value_in_each_and_none_beyond_the_table():
    assert rows(page("<tr><th>A<th>B<th>C<tr><td>1<td colspan=2>both<tr><td colspan=1000>all")) == [
        ["A", "B", "C"],
        ["1", "both", "both"],
        ["all", "all", "all"],
    ]


def test_cells_that_overlap_both_have_the_place():
    assert rows(page("<tr><th>A<th>B<th>C<tr><td>1<td rowspan=2>2<td>3<tr><td colspan=2>4<td>5")) == [
        ["A", "B", "C"],
        ["1", "2", "3"],
        ["4", "2 / 4", "5"],
    ]


@pytest.mark.parametrize(
    "head",
    [
        "<thead><tr><td rowspan=2>Country<td colspan=2>2026<tr><td>Days<td>Hours</thead>",
        "<tr><th rowspan=2>Country<th colspan=2>2026<tr><th>Days<th>Hours",
        "<tr><th>Country<th colspan=2>2026<tr><th><th>Days<th>Hours",
        "<tr><td rowspan=2>Country<td colspan=2>2026<tr><td>Days<td>Hours",
        "<tr><td>Country<td colspan=2>2026<tr><td><td>Days<td>Hours",
    ],
    ids=["thead", "th", "without rowspan", "by its merged cells", "by what is empty"],
)
def test_two_rows_of_headers_are_one_with_joined_names(head):
    found = page(f"{head}<tr><td>Austria<td>25<td>200<tr><td>Spain<td>23<td>184")
    assert rows(found) == [["Country", "2026 / Days", "2026 / Hours"], ["Austria", "25", "200"], ["Spain", "23", "184"]]


@pytest.mark.parametrize("first", ["<td>Austria<td>A<td>25", "<td><td>A<td>25"])
def test_a_row_of_values_is_no_header_because_a_name_stands_over_two_columns(first):
    found = rows(page(f"<tr><th>Country<th colspan=2>Grade and days<tr>{first}<tr><td>B<td>C<td>30"))
    assert found[0] == ["Country", "Grade and days", "Grade and days"]


def test_rows_of_headers_may_begin_with_an_empty_corner():
    found = page("<tr><td><th colspan=2>2026<tr><td><th>Days<th>Hours<tr><th scope=row>Austria<td>25<td>200")
    assert rows(found) == [["", "2026 / Days", "2026 / Hours"], ["Austria", "25", "200"]]


def test_a_row_that_begins_with_its_name_is_no_row_of_headers():
    assert rows(page("<tr><th>A<th>B<tr><th>Austria<td><tr><th>Spain<td>2")) == [
        ["A", "B"],
        ["Austria", ""],
        ["Spain", "2"],
    ]


def test_the_row_below_a_title_over_the_whole_table_names_the_columns():
    assert rows(page("<tr><td colspan=2>Leave<tr><td>Country<td>Days<tr><td>Austria<td>25")) == [
        ["Leave / Country", "Leave / Days"],
        ["Austria", "25"],
    ]


def test_a_table_of_headers_alone_keeps_its_rows():
    assert rows(page("<tr><th>A<th>B<tr><th>1<th>2<tr><th>3<th>4")) == [["A", "B"], ["1", "2"], ["3", "4"]]


def test_a_table_is_read_as_it_is_drawn_with_its_foot_last():
    assert rows(page("<tfoot><tr><td>Sum<td>9</tfoot><tr><td>1<td>2</tr><thead><tr><td>A<td>B</thead>")) == [
        ["A", "B"],
        ["1", "2"],
        ["Sum", "9"],
    ]


def test_an_invisible_cell_leaves_its_place_empty_and_one_that_is_not_drawn_leaves_none():
    style = "<style>.unseen {visibility: hidden} .gone {display: none}</style>"
    found = page("<tr><th>A<th>B<th>C<tr><td class=unseen>0<td class=gone>0<td>2<td>3", style)
    assert rows(found) == [["A", "B", "C"], ["", "2", "3"]]
    assert [left.text for left in found.left_out] == ["0", "0"]


def test_a_table_within_a_cell_leaves_the_other_cells_under_their_headers():
    found = page("<tr><th>A<th>B<tr><td>1<td><table><tr><th>x<th>y<tr><td>3<td rowspan=9>4</table><tr><td>5<td>6")
    assert rows(found) == [["A", "B"], ["1", "x / y: 3 / 4"], ["5", "6"]]


def test_a_table_with_merged_cells_beyond_measure_is_refused_in_words():
    with pytest.raises(Refused, match="make it simpler"):
        page("<tr>" + "<td colspan=1000 rowspan=0>x" * 30 + "<tr><td>y" * 30)
    with pytest.raises(Refused, match="too much text"):
        page("<tr>" + "<td>x" * 300 + f"<tr><td colspan=300 rowspan=0>{'long ' * 100}" + "<tr><td>y" * 100)


def test_a_table_that_is_cut_repeats_joined_names_over_each_piece():
    body = "".join(f"<tr><td>Country {n}<td>{n} days<td>{n} hours" for n in range(LONGEST_TABLE))
    found = page(f"<tr><th rowspan=2>Country<th colspan=2>2026<tr><th>Days<th>Hours{body}")
    assert len(found.pieces) > 1
    assert all(piece.text.startswith("| Country | 2026 / Days | 2026 / Hours |\n") for piece in found.pieces)


CELLS = st.lists(
    st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=4), min_size=1, max_size=5), max_size=3
)


@given(CELLS)
def test_every_cell_covers_the_places_that_html_gives_it(shape):
    groups = [[[Cell("x", columns, down) for columns, down in row] for row in group] for group in shape]
    covered = {}
    for n, row in enumerate(placed(groups)):
        for column, cells in row.items():
            for one in cells:
                covered.setdefault(one, set()).add((n, column))
    assert covered == {one: places for one, places in by_the_standard(groups)}


def by_the_standard(groups):
    """https://html.spec.whatwg.org/multipage/tables.html, "forming a table", with cells that end with their group."""
    taken, top = set(), 0
    for group in groups:
        end = top + len(group)
        for y, row in enumerate(group, top):
            x = 0
            for one in row:
                while (y, x) in taken:
                    x += 1
                last = end if one.rows == 0 else min(end, y + one.rows)
                places = {(down, across) for down in range(y, last) for across in range(x, x + one.columns)}
                taken |= places
                yield one, places
                x += one.columns
        top = end


@given(CELLS)
def test_every_value_of_a_page_stands_under_the_header_above_it(shape):
    """With a header of one cell a column, so that a value's columns can be told by their names."""
    names = iter(range(10**6))
    groups = [[[Cell(f"v{next(names)}", *span) for span in row] for row in group] for group in shape]
    width = max((column + 1 for row in placed(groups) for column in row), default=0)
    if width < 2:
        return
    head = "".join(f"<th>h{n}" for n in range(width))
    body = "".join(
        "<tbody>"
        + "".join("<tr>" + "".join(f"<td colspan={c.columns} rowspan={c.rows}>{c.text}" for c in row) for row in group)
        + "</tbody>"
        for group in groups
    )
    names, *found = rows(page(f"<thead><tr>{head}</thead>{body}"))
    assert names == [f"h{n}" for n in range(width)]
    under = {(value, f"h{n}") for row in found for n, said in enumerate(row) for value in said.split(" / ") if value}
    grid = placed(groups)
    assert under == {(one.text, f"h{column}") for row in grid for column, cells in row.items() for one in cells}


def test_a_cell_merged_downwards_in_word_has_its_value_in_each_row():
    found = word(
        "".join(map(cell, HEAD)),
        cell("Austria", BEGINS) + cell("A") + cell("25"),
        cell("", GOES_ON) + cell("B") + cell("30"),
    )
    assert rows(found) == COUNTRIES


def test_cells_merged_across_and_rows_that_begin_later_keep_their_columns_in_word():
    found = word(
        "".join(map(cell, ["A", "B", "C"])),
        cell("1") + cell("both", WIDE),
        f'<w:tr><w:trPr><w:gridBefore w:val="1"/><w:gridAfter w:val="1"/></w:trPr>{cell("2")}</w:tr>',
        cell("3", '<w:hMerge w:val="restart"/>') + cell("", "<w:hMerge/>") + cell("4"),
    )
    assert rows(found) == [["A", "B", "C"], ["1", "both", "both"], ["", "2", ""], ["3", "3", "4"]]


def test_a_block_of_merged_cells_in_word_ends_where_another_begins():
    found = word(
        "".join(map(cell, ["A", "B", "C"])),
        cell("1", BEGINS + WIDE) + cell("x"),
        cell("", GOES_ON + WIDE) + cell("y"),
        cell("2", BEGINS + WIDE) + cell("z"),
        cell("own", GOES_ON + WIDE) + cell("u"),
    )
    assert rows(found)[1:] == [["1", "1", "x"], ["1", "1", "y"], ["2", "2", "z"], ["own", "own", "u"]]


def test_repeated_header_rows_of_word_are_one_with_joined_names():
    mark = "<w:trPr><w:tblHeader/></w:trPr>"
    found = word(
        f"<w:tr>{mark}{cell('Country')}{cell('2026', WIDE)}</w:tr>",
        f"<w:tr>{mark}{cell('')}{cell('Days')}{cell('Hours')}</w:tr>",
        cell("Austria") + cell("25") + cell("200"),
    )
    assert rows(found) == [["Country", "2026 / Days", "2026 / Hours"], ["Austria", "25", "200"]]


def test_a_table_within_a_cell_of_word_moves_no_other():
    inner = f"<w:tbl><w:tr>{cell('x', BEGINS)}{cell('y')}</w:tr><w:tr>{cell('', GOES_ON)}{cell('z')}</w:tr></w:tbl>"
    found = word(cell("A") + cell("B"), f"<w:tc>{inner}<w:p/></w:tc>" + cell("1"), cell("2") + cell("3"))
    assert rows(found) == [["A", "B"], ["x / y: x / z", "1"], ["2", "3"]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("| A | B | C |\n|---|---|---|\n| 1 | 2 |\n| 3 |", [["A", "B", "C"], ["1", "2", ""], ["3", "", ""]]),
        ("| A | B |\n|---|---|\n| 1 | 2 | 3 |\n| 4 | 5 |", [["A", "B", ""], ["1", "2", "3"], ["4", "5", ""]]),
        ("A | B\n--|--\n1\n| 2 | 3", [["A", "B"], ["1", ""], ["2", "3"]]),
        ("| A | B |\n|---|---|\n| a\\|b | `c\\|d` |\n| | 2 |", [["A", "B"], ["a\\|b", "`c\\|d`"], ["", "2"]]),
    ],
)
def test_a_row_of_markdown_has_a_place_for_every_header_and_a_surplus_has_no_name(written, expected):
    found = [row.strip("|") if row.startswith("|") else row for row in markdown_rows(written)]
    assert [[part.strip() for part in re.split(r"(?<!\\)\|", row)] for row in found] == expected


def markdown_rows(written):
    lines = read_document(written.encode(), "a.md").text.split("\n")
    return [line for n, line in enumerate(lines) if n != 1]
