"""`rolltop ingest` and what `rolltop doctor` says of the index, as processes of their own."""

from pathlib import Path

import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from core.values import Audience
from tests.console.test_command_line import rolltop
from tests.support.grants import make_store
from tests.support.handbook_folders import check_whole, found_texts, handbook, write

TODAY = "2026-11-15"
AS = ("--as", "k-1")
PAY = handbook("Pay", "Day\nSalaries are paid on the 28th.", effective="2026-01-01", review_by="2026-02-01")
LEAVE = handbook("Leave", "Days\nThere are 28 days.", effective="2026-01-01")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A folder of two handbooks, beside a store that is there."""
    folder = tmp_path / "books"
    folder.mkdir()
    write(folder, {"pay.md": PAY, "time/leave.md": LEAVE})
    make_store(f"sqlite:///{tmp_path}/desk.db", ("k-1", "knowledge_owner"))
    return folder


def here(tmp_path: Path) -> dict[str, str]:
    """Settings of a desk of this folder."""
    return {"ROLLTOP_STORE": f"sqlite:///{tmp_path}/desk.db", "ROLLTOP_EMBEDDER": "static:"}


def index(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "desk.db-handbooks")


def test_a_folder_is_taken_in_once_and_what_became_of_it_is_told(tmp_path, books):
    ran = rolltop("ingest", str(books), *AS, **here(tmp_path))
    assert ran.status == 0
    assert "published: pay, version" in ran.out
    assert ran.out.splitlines()[-1] == "2 published; 2 passages, 2 embedded, 0 reused"
    again = rolltop("ingest", str(books), *AS, "--json", **here(tmp_path))
    assert [line.get("status") for line in again.lines] == ["unchanged", "unchanged", None]
    assert again.lines[-1]["summary"] == "2 unchanged"
    catalogue = index(tmp_path)
    assert found_texts(catalogue, TODAY)["pay"] == ["Salaries are paid on the 28th."]
    check_whole(catalogue)
    catalogue.close()


@pytest.mark.parametrize("arguments", [["books"], ["--remove", "pay"], ["--reindex"]])
def test_without_a_name_for_the_record_nothing_is_changed(tmp_path, books, arguments):
    before = rolltop("ingest", str(books), *AS, **here(tmp_path))
    assert before.status == 0
    arguments = [str(books) if argument == "books" else argument for argument in arguments]
    write(books, {"pay.md": PAY.replace("28th", "27th")})
    ran = rolltop("ingest", *arguments, **here(tmp_path))
    assert (ran.status, ran.out) == (2, "")
    assert "--as VIEWER_ID: whose word it is, for the record" in ran.err
    catalogue = index(tmp_path)
    assert found_texts(catalogue, TODAY)["pay"] == ["Salaries are paid on the 28th."]
    assert catalogue.changes("pay") == []
    catalogue.close()


def test_what_a_person_must_look_at_is_said_and_is_the_status(tmp_path, books):
    (books / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    ran = rolltop("ingest", str(books), *AS, **here(tmp_path))
    assert ran.status == 1
    assert "refused: broken (" in ran.out
    assert "2 published, 1 refused" in ran.out
    for arguments in ([], [str(tmp_path / "nowhere")], [str(books), "--audience", "planet:mars"], ["--until", "soon"]):
        assert rolltop("ingest", *arguments, *AS, **here(tmp_path)).status == 2
    nowhere = rolltop("ingest", str(books), *AS, ROLLTOP_STORE="memory:")
    assert nowhere.status == 2
    assert "--index" in nowhere.err


def test_an_owners_words_and_a_removal_are_on_record(tmp_path, books):
    words = (*AS, "--audience", "Austria", "--audience", "role:approver", "--owner", "Payroll")
    assert rolltop("ingest", str(books), *words, "--effective", "2026-03-01", **here(tmp_path)).status == 0
    removed = rolltop("ingest", "--remove", "pay", *AS, **here(tmp_path))
    assert (removed.status, removed.out.splitlines()) == (0, ["removed: pay", "no documents"])
    assert rolltop("ingest", "--remove", "nothing", *AS, **here(tmp_path)).status == 2
    catalogue = index(tmp_path)
    pay, leave = catalogue.documents()
    assert leave.terms.audience == Audience(countries=["austria"], roles=["approver"])
    assert leave.terms.owner == "Payroll"
    assert leave.terms.effective.isoformat() == "2026-03-01"
    assert pay.versions[0].state == "removed"
    assert [change.by for change in catalogue.changes("pay")] == ["k-1", "k-1"]
    catalogue.close()


def test_a_doctor_says_what_the_index_needs_and_mends_it(tmp_path, books):
    assert "does not exist yet" in rolltop("doctor", **here(tmp_path)).out
    rolltop("ingest", str(books), *AS, **here(tmp_path))
    found = rolltop("doctor", **here(tmp_path))
    assert found.status == 1
    assert "2 documents in force with 2 passages" in found.out
    assert "! review: the review of pay was due by 2026-02-01" in found.out
    catalogue = index(tmp_path)
    with catalogue.connections.writing() as connection:
        connection.execute("DELETE FROM vector")
    catalogue.close()
    lacking = rolltop("doctor", **here(tmp_path)).out
    assert "! vectors: 2 passages without a vector, found by words only: run `rolltop doctor --repair`" in lacking
    mended = rolltop("doctor", "--repair", "--json", **here(tmp_path))
    assert "vectors" not in {line["about"] for line in mended.lines}
    catalogue = index(tmp_path)
    check_whole(catalogue)
    catalogue.close()
    other = rolltop("doctor", **{**here(tmp_path), "ROLLTOP_EMBEDDER": "openai:other?dimensions=8"}, OPENAI_API_KEY="k")
    assert "re-index" in other.out
