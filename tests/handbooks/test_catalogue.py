"""The catalogue: which version answers on which day and for whom, an owner's word, and what a search is given."""

from contextlib import closing
from datetime import date
from json import loads
from pathlib import Path

import apsw
import numpy as np
import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.catalogue.tables import moved
from backends.handbooks.documents.model import Terms
from backends.handbooks.ingest.ingest import Upload
from backends.vectors.contracts import Item
from core.errors import InvalidInput, NotFound, Unavailable
from core.gate import Viewer
from core.retriever import Filters
from core.values import Audience
from tests.support.handbook_folders import DayClock, WordEmbedder, handbook, statuses, take_in, write

ANYBODY = Viewer("e-1042")
GRAZ = Viewer("e-1043", country="Austria")
ALL = (1.0, 1.0, 1.0)


@pytest.fixture(params=["memory", "file"])
def catalogue(request, tmp_path):
    """An empty catalogue on 15 November 2026, in memory and in a file."""
    opened = Catalogue(":memory:" if request.param == "memory" else tmp_path / "index.db", clock=DayClock("2026-11-15"))
    yield opened
    opened.close()


async def add(catalogue: Catalogue, text: str, name: str = "leave.md") -> None:
    report = await take_in(catalogue, Upload(name=name, data=text.encode()))
    assert [one.status for one in report.documents] == ["published"]


def leave(days: int, **front: str) -> str:
    return handbook("Leave", f"Days\nThere are {days} days of leave.", **front)


def answer(catalogue: Catalogue, day: str, viewer: Viewer = ANYBODY) -> list[str]:
    """The texts that can be found on a day."""
    versions = catalogue.in_force(viewer, None, date.fromisoformat(day))
    return [passage.text for row in versions for passage in catalogue.pieces(row)]


def states(catalogue: Catalogue, document: str = "leave") -> list[str]:
    """The states of a document's versions, the newest first."""
    return [version.state for record in catalogue.documents() if record.id == document for version in record.versions]


async def test_a_version_of_a_later_day_leaves_the_one_before_it_in_force_until_then(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    await add(catalogue, leave(30, effective="2027-01-01"))
    assert answer(catalogue, "2026-12-31") == ["There are 28 days of leave."]
    assert answer(catalogue, "2027-01-01") == ["There are 30 days of leave."]
    assert answer(catalogue, "2025-12-31") == []
    assert states(catalogue) == ["upcoming", "current"]


async def test_a_corrected_version_takes_the_place_of_the_one_of_the_same_day_for_the_past_too(catalogue):
    await add(catalogue, leave(82, effective="2026-01-01"))
    await add(catalogue, leave(28, effective="2026-01-01"))
    assert answer(catalogue, "2026-02-01") == answer(catalogue, "2026-11-15") == ["There are 28 days of leave."]
    assert states(catalogue) == ["current", "superseded"]


async def test_a_correction_that_begins_earlier_takes_the_place_of_what_began_later(catalogue):
    await add(catalogue, leave(82, effective="2026-07-01"))
    await add(catalogue, leave(28, effective="2026-06-01"))
    assert answer(catalogue, "2026-08-01") == ["There are 28 days of leave."]


async def test_a_version_that_was_put_off_before_it_came_into_force_never_does(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    await add(catalogue, leave(29, effective="2027-01-01"))
    await add(catalogue, leave(30, effective="2027-03-01"))
    assert answer(catalogue, "2027-02-01") == ["There are 28 days of leave."]
    assert answer(catalogue, "2027-03-01") == ["There are 30 days of leave."]
    assert states(catalogue) == ["upcoming", "superseded", "current"]


async def test_an_old_edition_that_has_ended_is_kept_and_replaces_nothing(catalogue):
    await add(catalogue, leave(30, effective="2026-07-01"))
    await add(catalogue, leave(28, effective="2024-01-01", until="2026-06-30"))
    assert answer(catalogue, "2026-11-15") == ["There are 30 days of leave."]
    assert answer(catalogue, "2026-06-30") == ["There are 28 days of leave."]


async def test_an_edition_without_a_day_is_in_force_from_the_day_it_came_and_the_first_since_ever(catalogue):
    await add(catalogue, leave(28))
    catalogue.clock = DayClock("2026-11-20")
    await add(catalogue, leave(30))
    assert answer(catalogue, "2026-11-19") == answer(catalogue, "1999-01-01") == ["There are 28 days of leave."]
    assert answer(catalogue, "2026-11-20") == ["There are 30 days of leave."]


async def test_until_is_the_last_day_on_which_a_version_is_found(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01", until="2026-12-31"))
    assert answer(catalogue, "2026-12-31") == ["There are 28 days of leave."]
    assert answer(catalogue, "2027-01-01") == []


async def test_a_text_that_comes_back_is_the_version_that_it_was(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    first = catalogue.documents()[0].versions[0]
    await add(catalogue, leave(30, effective="2026-07-01"))
    await add(catalogue, leave(28, effective="2026-01-01"))
    newest = catalogue.documents()[0].versions[0]
    assert (newest.row, newest.name, newest.state) == (first.row, first.name, "current")
    assert answer(catalogue, "2026-11-15") == ["There are 28 days of leave."]


async def test_versions_that_call_themselves_the_same_are_told_apart_so_that_a_citation_opens_its_own(catalogue):
    await add(catalogue, leave(28, version="2026"))
    await add(catalogue, leave(30, version="2026"))
    assert [version.name for version in catalogue.documents()[0].versions] == ["2026 (2)", "2026"]
    old = catalogue.version_row("leave", "2026")
    assert [passage.text for passage in catalogue.pieces(old)] == ["There are 28 days of leave."]
    assert "28 days" in catalogue.text(old)


async def test_a_passage_knows_its_place(catalogue):
    await add(catalogue, leave(28, version="2026", effective="2026-01-01", audience="austria"), "pay/leave.md")
    (row,) = catalogue.in_force(GRAZ, None, date(2026, 11, 15))
    (passage,) = catalogue.pieces(row)
    assert (passage.id, passage.document, passage.title) == ("pay/leave#days", "pay/leave", "Leave")
    assert (passage.section, passage.version, passage.effective) == (["Days"], "2026", "2026-01-01")
    assert passage.audience == Audience(countries=["austria"])
    assert catalogue.text(row)[passage.start : passage.end].endswith(passage.text)


async def test_whom_a_handbook_does_not_hold_for_does_not_find_it(catalogue):
    await add(catalogue, leave(28, audience="austria"), "austria.md")
    await add(catalogue, leave(30, audience="all"), "all.md")
    assert answer(catalogue, "2026-11-15") == ["There are 30 days of leave."]
    assert len(answer(catalogue, "2026-11-15", GRAZ)) == 2


async def test_the_version_in_force_is_chosen_before_its_audience_so_that_nobody_falls_back_to_an_old_one(catalogue):
    await add(catalogue, leave(28))
    await add(catalogue, leave(30, audience="austria"))
    assert answer(catalogue, "2026-11-15") == []


async def test_a_filter_names_documents_and_one_that_is_not_there_is_none(catalogue):
    await add(catalogue, leave(28), "a.md")
    await add(catalogue, leave(30), "b.md")
    day = date(2026, 11, 15)
    (row,) = catalogue.in_force(ANYBODY, Filters(documents=["b", "nothing"]), day)
    assert catalogue.pieces(row)[0].document == "b"
    assert catalogue.in_force(ANYBODY, Filters(documents=["nothing"]), day) == []


async def test_an_owners_word_goes_before_the_front_matter_and_outlasts_the_next_version(catalogue):
    await add(catalogue, leave(28, audience="germany", owner="Payroll"))
    catalogue.change("leave", Terms(audience=Audience(countries=["austria"]), review_by=date(2027, 1, 31)), by="k-1")
    await add(catalogue, leave(30, audience="germany", owner="Payroll"))
    (record,) = catalogue.documents()
    assert (record.terms.audience.countries, record.terms.owner, record.terms.review_by) == (
        ["austria"],
        "Payroll",
        date(2027, 1, 31),
    )
    assert answer(catalogue, "2026-11-15", GRAZ) == ["There are 30 days of leave."]


async def test_an_owners_day_lasts_until_the_front_matter_gives_another(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    catalogue.change("leave", Terms(effective=date(2026, 3, 1)), by="k-1")
    assert answer(catalogue, "2026-02-01") == []
    await add(catalogue, leave(29, effective="2026-01-01"))
    assert answer(catalogue, "2026-02-01") == []
    await add(catalogue, leave(30, effective="2026-02-01"))
    assert answer(catalogue, "2026-02-01") == ["There are 30 days of leave."]


async def test_a_day_that_is_taken_back_gives_back_what_it_had_hidden(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    await add(catalogue, leave(30, effective="2026-07-01"))
    catalogue.change("leave", Terms(effective=date(2025, 1, 1)), by="k-1")
    assert answer(catalogue, "2026-02-01") == ["There are 30 days of leave."]
    catalogue.change("leave", Terms(effective=date(2026, 7, 1)), by="k-1")
    assert answer(catalogue, "2026-02-01") == ["There are 28 days of leave."]
    assert len(catalogue.table().rows) == 2


async def test_a_change_is_on_record_once_and_an_impossible_one_is_refused_whole(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    catalogue.change("leave", Terms(owner="Payroll"), by="k-1")
    catalogue.change("leave", Terms(owner="Payroll"), by="k-2")
    with pytest.raises(InvalidInput, match="before 2026-01-01"):
        catalogue.change("leave", Terms(owner="Nobody", until=date(2025, 12, 31)), by="k-1")
    with pytest.raises(NotFound):
        catalogue.change("nothing", Terms(owner="Payroll"), by="k-1")
    (change,) = catalogue.changes("leave")
    assert (change.by, change.what, change.at.day) == ("k-1", {"owner": "Payroll"}, 15)
    assert catalogue.documents()[0].terms.owner == "Payroll"


async def test_what_is_removed_leaves_search_and_stays_on_record(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01"))
    (row,) = catalogue.in_force(ANYBODY, None, date(2026, 11, 15))
    catalogue.remove("leave", by="k-1")
    catalogue.remove("leave", by="k-2")
    assert answer(catalogue, "2026-11-15") == answer(catalogue, "2026-02-01") == []
    assert catalogue.words("leav", [row], 5, ALL) == []
    assert (len(catalogue.table().rows), catalogue.vocabulary()) == (0, {})
    assert states(catalogue) == ["removed"]
    assert [(change.by, change.what) for change in catalogue.changes("leave")] == [("k-1", {"removed": True})]
    assert "28 days" in catalogue.text(row)
    assert catalogue.pieces(row)[0].id == "leave#days"


async def test_what_was_removed_is_back_once_it_is_taken_in_again_and_nothing_is_embedded_for_it(catalogue):
    await add(catalogue, leave(28))
    catalogue.remove("leave", by="k-1")
    await take_in(catalogue)
    embedder = WordEmbedder()
    report = await take_in(catalogue, Upload(name="leave.md", data=leave(28).encode()), embedder=embedder)
    assert statuses(report) == {"leave": "published"}
    assert embedder.asked == []
    assert answer(catalogue, "2026-11-15") == ["There are 28 days of leave."]
    assert len(catalogue.vocabulary()) > 0
    assert catalogue.table().near.all()


async def test_words_are_found_by_their_stems_in_the_column_asked_for_and_in_the_versions_asked_for(catalogue):
    await add(catalogue, handbook("Parental leave", "Requests\nAsk your manager."), "a.md")
    await add(catalogue, handbook("Pay", "Rules\nRequested days count."), "b.md")
    a, b = (catalogue.in_force(ANYBODY, Filters(documents=[one]), date(2026, 11, 15))[0] for one in "ab")
    found = catalogue.words("request", [a, b], 5, ALL)
    assert {passage.document for passage in catalogue.passages([row for row, _ in found])} == {"a", "b"}
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert len(catalogue.words("trail : request", [a, b], 5, ALL)) == 1
    assert len(catalogue.words("request", [b], 5, ALL)) == len(catalogue.words("request", [a, b], 1, ALL)) == 1
    assert catalogue.words("request", [], 5, ALL) == []


async def test_a_weight_lifts_what_has_the_word_in_its_column(catalogue):
    await add(catalogue, handbook("Bicycles", "Rules\nKeep them in the yard."), "a.md")
    await add(catalogue, handbook("Parking", "Rules\nBicycles are kept where cars are, bicycles too."), "b.md")
    versions = catalogue.in_force(ANYBODY, None, date(2026, 11, 15))
    for weights, best in (((9.0, 1.0, 1.0), "a"), ((0.1, 0.1, 9.0), "b")):
        (row, _), *_ = catalogue.words("bicycl", versions, 5, weights)
        assert catalogue.passages([row])[0].document == best


async def test_no_query_that_is_none_reaches_the_index(catalogue):
    with pytest.raises(InvalidInput):
        catalogue.words('AND "', [1], 5, ALL)


async def test_passages_come_in_the_order_asked_for_and_a_missing_one_is_not_left_out(catalogue):
    await add(catalogue, handbook("Pay", "One\nFirst.", "Two\nSecond."))
    rows = [int(row) for row in catalogue.table().rows]
    assert [passage.text for passage in catalogue.passages(rows[::-1])] == ["Second.", "First."]
    assert catalogue.rows_of(list(catalogue.ids_of(rows).values())) == {
        id: row for row, id in catalogue.ids_of(rows).items()
    }
    with pytest.raises(NotFound):
        catalogue.passages([*rows, 999])


async def test_the_vocabulary_counts_passages_and_knows_words_as_they_are_written(catalogue):
    await add(catalogue, handbook("Pay", "Requests\nRequested twice, requested.", "Rules\nNone."))
    counts = catalogue.vocabulary()
    assert (counts["requested"], counts["requests"], counts["pay"], counts.get("request")) == (1, 1, 2, None)


async def test_a_search_keeps_its_arrays_until_something_changed(catalogue):
    await add(catalogue, leave(28))
    before, revision = catalogue.table(), catalogue.revision()
    assert catalogue.table() is before
    await add(catalogue, leave(30), "more.md")
    assert catalogue.revision() > revision
    assert len(catalogue.table().rows) == len(before.rows) + 1
    assert np.array_equal(catalogue.table().versions, sorted(catalogue.table().versions))


async def test_the_index_says_to_re_index_where_another_embedder_comes(catalogue):
    catalogue.expect(WordEmbedder("other:"))
    await add(catalogue, leave(28))
    catalogue.expect(WordEmbedder())
    catalogue.expect(None)
    assert catalogue.embedder == ("words:", 32)
    with pytest.raises(InvalidInput, match="re-index"):
        catalogue.expect(WordEmbedder("other:"))
    with pytest.raises(InvalidInput, match="re-index"):
        await take_in(catalogue, embedder=WordEmbedder("other:"))
    longer = WordEmbedder()
    longer.dimension = 64
    with pytest.raises(InvalidInput, match="re-index"):
        catalogue.expect(longer)


async def test_another_embedder_takes_over_once_every_text_has_its_vector(catalogue):
    await add(catalogue, leave(28))
    before = catalogue.table().matrix
    report = await take_in(catalogue, embedder=WordEmbedder("other:"), reindex=True)
    assert (report.fault, catalogue.embedder) == ("", ("other:", 32))
    assert catalogue.table().near.all()
    assert np.array_equal(before, catalogue.table().matrix)


async def test_the_nearest_are_those_of_the_versions_asked_for_and_of_equal_ones_the_older(catalogue):
    for name, text in (("a.md", "red apples"), ("b.md", "blue skies"), ("c.md", "red apples")):
        await add(catalogue, handbook("T", f"S\n{text}"), name)
    vectors, embedder = LocalVectors(catalogue), WordEmbedder()
    (query,) = await embedder.embed(["T > S\nred apples"], "query")
    a, b, c = sorted(catalogue.in_force(ANYBODY, None, date(2026, 11, 15)))
    ids = [id for id, _ in await vectors.nearest("", query, [a, b, c], 5)]
    rows = catalogue.rows_of(ids)
    assert [passage.document for passage in catalogue.passages([rows[id] for id in ids])] == ["a", "c", "b"]
    found = await vectors.nearest("", query, [a, b, c], 1)
    assert found[0][1] == pytest.approx(1)
    assert catalogue.passages([catalogue.rows_of([found[0][0]])[found[0][0]]])[0].document == "a"
    assert len(await vectors.nearest("", query, [c], 5)) == 1
    assert await vectors.nearest("", query, [], 5) == await vectors.nearest("", None, [a], 5) == []
    await vectors.remove([found[0][0]])
    assert [id for id, _ in await vectors.nearest("", query, [a], 5)] == []


async def test_the_local_index_takes_passages_of_its_catalogue_and_vectors_of_its_embedder(catalogue):
    await add(catalogue, leave(28))
    vectors = LocalVectors(catalogue)
    (id,) = catalogue.ids_of(catalogue.table().rows.tolist()).values()
    with pytest.raises(NotFound):
        await vectors.put([Item(id="nothing", version=1, text="", vector=np.ones(32, np.float32))])
    with pytest.raises(InvalidInput):
        await vectors.put([Item(id=id, version=1, text="", vector=np.ones(31, np.float32))])
    with pytest.raises(InvalidInput, match="re-index"):
        await vectors.nearest("", np.ones(31, np.float32), [1], 5)
    await vectors.put([Item(id=id, version=1, text="")])
    other = np.eye(32, dtype=np.float32)[0]
    await vectors.put([Item(id=id, version=1, text="", vector=other)] * 2)
    assert await vectors.nearest("", other, catalogue.table().versions.tolist(), 5) == [(id, pytest.approx(1))]


async def test_which_version_a_document_is_in_is_told_by_its_name(catalogue):
    await add(catalogue, leave(28, version="2026", effective="2026-01-01"))
    await add(catalogue, leave(30, version="2027", effective="2027-01-01"))
    assert catalogue.versions(date(2026, 12, 31)) == {"leave": "2026"}
    assert catalogue.versions(date(2027, 1, 1)) == {"leave": "2027"}
    assert catalogue.versions(date(2025, 1, 1)) == {}


def test_a_file_of_another_program_or_a_newer_rolltop_is_refused(tmp_path: Path):
    other, newer = tmp_path / "other.db", tmp_path / "newer.db"
    apsw.Connection(str(other)).execute("CREATE TABLE theirs (x)")
    with pytest.raises(InvalidInput, match="another program"):
        Catalogue(other)
    Catalogue(newer).close()
    apsw.Connection(str(newer)).execute("PRAGMA user_version = 99")
    with pytest.raises(InvalidInput, match="schema version 99"):
        Catalogue(newer)


async def test_what_one_process_takes_in_another_finds(tmp_path: Path):
    path = tmp_path / "index.db"
    reader, writer = Catalogue(path), Catalogue(path)
    assert len(reader.table().rows) == 0
    folder = tmp_path / "books"
    write(folder, {"leave.md": leave(28)})
    await take_in(writer, folder)
    assert len(reader.table().rows) == 1
    writer.close()
    reader.close()
    with pytest.raises(Unavailable):
        reader.table()


async def test_a_version_that_is_withdrawn_leaves_the_one_before_it_answering(catalogue, tmp_path):
    for text in ("one dog", "two dogs"):
        write(tmp_path / "books", {"dogs.md": handbook("Dogs", f"Days\nYou may bring {text}.")})
        await take_in(catalogue, tmp_path / "books")
    newest, before = catalogue.documents()[0].versions
    revision = catalogue.revision()
    catalogue.withdraw([newest.row], by="k-1")
    catalogue.withdraw([newest.row], by="k-2")
    assert catalogue.revision() == revision + 1
    assert [one.state for one in catalogue.documents()[0].versions] == ["removed", "current"]
    assert catalogue.in_force(ANYBODY, None, date(2026, 11, 15)) == [before.row]
    assert [(one.by, one.version, one.what) for one in catalogue.changes("dogs")] == [
        ("k-1", newest.row, {"withdrawn": True})
    ]
    assert [piece.text for piece in catalogue.pieces(newest.row)] == ["You may bring two dogs."]
    await take_in(catalogue, tmp_path / "books" / "dogs.md")
    assert [one.state for one in catalogue.documents()[0].versions] == ["current", "superseded"]


async def test_a_catalogue_of_an_earlier_version_is_taken_over_as_it_is(tmp_path):
    write(tmp_path / "books", {"dogs.md": handbook("Dogs", "Days\nYou may bring one dog.")})
    with closing(Catalogue(tmp_path / "index.db")) as now:
        await take_in(now, tmp_path / "books")
        documents = now.documents()
    # The only thing that the newer one has.
    earlier = apsw.Connection(str(tmp_path / "index.db"))
    earlier.execute("ALTER TABLE version DROP COLUMN withdrawn; PRAGMA user_version = 1")
    earlier.close()
    with closing(Catalogue(tmp_path / "index.db")) as upgraded:
        assert upgraded.documents() == documents


async def test_an_owners_word_changes_what_it_sets_and_takes_back_what_it_sets_to_nothing(catalogue):
    await add(catalogue, leave(28, effective="2026-01-01", until="2027-12-31", audience="germany", owner="Payroll"))
    catalogue.change("leave", Terms(), by="k-1")
    assert catalogue.changes("leave") == []
    catalogue.change("leave", Terms(until=None, owner=None), by="k-1")
    (record,) = catalogue.documents()
    assert record.terms == record.versions[0].terms
    assert record.terms == Terms(effective=date(2026, 1, 1), audience=Audience(countries=["germany"]))


FRONT = (
    '{"title":"Leave","version":"2026","effective":"2026-01-01","until":null,"audience":{"countries":["germany"],'
    '"entities":[],"roles":[]},"owner":"Payroll","review_by":"2027-01-31"}'
)
DAYS = '{"until": "2026-12-31"}'
LASTING = '{"audience": {"countries": ["austria"], "entities": [], "roles": []}, "owner": null}'
"""The columns of a document with front matter and a knowledge owner's word, as the first catalogues hold them."""


async def test_terms_are_stored_as_the_first_catalogues_hold_them_and_mean_the_same(catalogue):
    front = {"version": "2026", "effective": "2026-01-01", "audience": "germany", "owner": "Payroll"}
    await add(catalogue, leave(28, **front, review_by="2027-01-31"))
    word = Terms(audience=Audience(countries=["austria"]), owner=None, until=date(2026, 12, 31))
    catalogue.change("leave", word, by="k-1")
    columns = "SELECT front, version.said, document.said FROM version JOIN document ON document.id = document"
    with catalogue.connections.reading() as connection:
        written = connection.execute(columns).fetchone()
    first = [loads(FRONT) | {"topics": []}, loads(DAYS), loads(LASTING)]  # what came later has its default
    assert [loads(column) for column in written] == first
    assert catalogue.changes("leave")[0].what == loads(DAYS) | loads(LASTING)

    with catalogue.connections.writing() as connection:
        connection.execute("UPDATE version SET front = ?, said = ?", (FRONT, DAYS))
        connection.execute("UPDATE document SET said = ?", (LASTING,))
        moved(connection)
    (record,) = catalogue.documents()
    assert record.terms == Terms(
        effective=date(2026, 1, 1),
        until=date(2026, 12, 31),
        audience=Audience(countries=["austria"]),
        review_by=date(2027, 1, 31),
    )
    assert answer(catalogue, "2026-12-31", GRAZ) == ["There are 28 days of leave."]
    assert answer(catalogue, "2027-01-01", GRAZ) == answer(catalogue, "2026-12-31") == []
