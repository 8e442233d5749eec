"""Handbooks in: what an ingest does, what it leaves as it is, and what answers when it fails."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.documents.model import Terms
from backends.handbooks.ingest.ingest import Progress, Upload
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput, Unavailable
from core.values import Audience
from tests.support.handbook_folders import (
    DayClock,
    WordEmbedder,
    check_whole,
    found_texts,
    handbook,
    statuses,
    take_in,
    write,
)

TODAY = "2026-11-15"
PAY = handbook("Pay", "Day\nSalaries are paid on the 28th.", "Slips\nThey are in the portal.")
LEAVE = handbook("Leave", "Days\nThere are 28 days.")


@pytest.fixture
def catalogue(tmp_path):
    opened = Catalogue(tmp_path / "index.db", clock=DayClock(TODAY))
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path):
    """A folder of two handbooks."""
    path = tmp_path / "books"
    path.mkdir()
    write(path, {"pay.md": PAY, "time/leave.md": LEAVE})
    return path


class BrokenIndex(LocalVectors):
    """An index that does not take anything in as long as it is `broken`."""

    broken = True
    puts = 0

    async def put(self, items):
        self.puts += 1
        if self.broken:
            raise Unavailable("the index is away")
        await super().put(items)


async def test_a_folder_becomes_documents_by_their_paths(catalogue, folder):
    write(
        folder,
        {"pay.md": PAY, "time/leave.MD": LEAVE, "notes.txt": "Notes\n\nSome.", "list.csv": "a,b", ".git/x.md": PAY},
    )
    report = await take_in(catalogue, folder, parse=None)
    assert statuses(report) == {"notes": "published", "pay": "published", "time/leave": "published"}
    assert report.summary == "3 published; 4 passages, 4 embedded, 0 reused"
    assert not report.trouble
    assert {record.source for record in catalogue.documents()} == {str(folder)}
    check_whole(catalogue)


async def test_a_readme_at_the_top_is_a_document_only_if_it_has_a_title_of_its_own(catalogue, folder):
    write(folder, {"README.md": "# About\n\nThese are handbooks.", "time/README.md": "# Time\n\nAll of it."})
    assert statuses(await take_in(catalogue, folder)) == {"time/README": "published"}
    assert statuses(await take_in(catalogue, folder)) == {"time/README": "unchanged"}
    write(folder, {"README.md": handbook("About", "S\nAll of it."), "time/README.md": "# Time\n\nAll of it."})
    assert statuses(await take_in(catalogue, folder)) == {"README": "published", "time/README": "unchanged"}


async def test_a_link_that_leads_out_of_the_folder_is_not_followed(catalogue, folder, tmp_path):
    (tmp_path / "secret.md").write_text(LEAVE)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.md").write_text(LEAVE)
    (folder / "secret.md").symlink_to(tmp_path / "secret.md")
    (folder / "elsewhere").symlink_to(tmp_path / "elsewhere")
    (folder / "again.md").symlink_to(folder / "pay.md")
    assert set(statuses(await take_in(catalogue, folder))) == {"again", "pay", "time/leave"}


async def test_files_that_differ_in_the_suffix_alone_are_documents_of_their_own(catalogue, folder):
    write(folder, {"pay.md": PAY, "pay.txt": "Other words.", "pay.markdown": LEAVE})
    assert set(statuses(await take_in(catalogue, folder))) == {"pay", "pay.txt", "pay.markdown"}
    assert set(statuses(await take_in(catalogue, folder / "pay.txt"))) == {"pay.txt"}


async def test_ingesting_again_does_nothing(catalogue, folder):
    await take_in(catalogue, folder)
    revision, embedder = catalogue.revision(), WordEmbedder()
    report = await take_in(catalogue, folder, embedder=embedder)
    assert report.summary == "2 unchanged"
    assert (embedder.asked, catalogue.revision()) == ([], revision)
    check_whole(catalogue)


async def test_only_the_text_that_changed_is_embedded_again(catalogue, folder):
    await take_in(catalogue, folder)
    write(folder, {"pay.md": PAY.replace("28th", "27th"), "time/leave.md": LEAVE})
    embedder = WordEmbedder()
    report = await take_in(catalogue, folder, embedder=embedder)
    assert embedder.asked == ["Pay > Day\nSalaries are paid on the 27th."]
    assert report.summary == "1 published, 1 unchanged; 2 passages, 1 embedded, 1 reused"
    assert found_texts(catalogue, TODAY)["pay"][0] == "Salaries are paid on the 27th."
    check_whole(catalogue)


async def test_what_is_gone_from_the_folder_leaves_search_and_comes_back_with_its_file(catalogue, folder):
    await take_in(catalogue, folder)
    write(folder, {"pay.md": PAY})
    assert statuses(await take_in(catalogue, folder)) == {"pay": "unchanged", "time/leave": "removed"}
    assert set(found_texts(catalogue, TODAY)) == {"pay"}
    check_whole(catalogue)
    assert statuses(await take_in(catalogue, folder)) == {"pay": "unchanged"}
    write(folder, {"pay.md": PAY, "time/leave.md": LEAVE})
    assert statuses(await take_in(catalogue, folder)) == {"pay": "unchanged", "time/leave": "published"}
    check_whole(catalogue)


async def test_without_pruning_what_is_gone_stays(catalogue, folder):
    await take_in(catalogue, folder)
    write(folder, {"pay.md": PAY})
    await take_in(catalogue, folder, prune=False)
    assert set(found_texts(catalogue, TODAY)) == {"pay", "time/leave"}


async def test_a_part_of_a_folder_that_is_known_keeps_its_documents_names_and_the_rest(catalogue, folder):
    await take_in(catalogue, folder)
    write(folder, {"time/leave.md": LEAVE.replace("28", "30")})
    assert statuses(await take_in(catalogue, folder / "time" / "leave.md")) == {"time/leave": "published"}
    assert statuses(await take_in(catalogue, folder / "time")) == {"time/leave": "unchanged"}
    assert set(found_texts(catalogue, TODAY)) == {"pay", "time/leave"}


async def test_the_same_paths_in_another_folder_are_the_same_documents(catalogue, folder, tmp_path):
    await take_in(catalogue, folder)
    moved = folder.rename(tmp_path / "moved")
    assert (await take_in(catalogue, moved)).summary == "2 unchanged"
    write(moved, {"pay.md": PAY})
    assert statuses(await take_in(catalogue, moved)) == {"pay": "unchanged", "time/leave": "removed"}


async def test_what_cannot_be_read_is_refused_with_the_reason_and_the_others_go_on(catalogue, folder):
    await take_in(catalogue, folder)
    (folder / "pay.md").write_bytes(b"\xff\xfe\x00\x00 no text \xff")
    (folder / "empty.md").write_text("")
    (folder / "backwards.md").write_text(handbook("B", "S\nText.", effective="2026-02-01", until="2026-01-01"))
    os.mkfifo(folder / "pipe.md")
    report = await take_in(catalogue, folder, parse=None)
    refused = {"pay", "empty", "backwards", "pipe"}
    assert statuses(report) == {**dict.fromkeys(refused, "refused"), "time/leave": "unchanged"}
    assert all(one.reason for one in report.documents if one.status == "refused")
    assert report.trouble
    assert found_texts(catalogue, TODAY)["pay"][0] == "Salaries are paid on the 28th."
    check_whole(catalogue)


async def test_a_name_that_is_no_text_is_refused(catalogue, folder):
    write(folder, {"pay.md": PAY, "time/leave.md": LEAVE, os.fsdecode(b"caf\xe9.md"): PAY})
    report = await take_in(catalogue, folder)
    assert statuses(report) == {"caf\\udce9": "refused", "pay": "published", "time/leave": "published"}
    assert set(found_texts(catalogue, TODAY)) == {"pay", "time/leave"}


async def test_a_path_that_is_not_there_is_an_error_before_anything_happens(catalogue, folder, tmp_path):
    with pytest.raises(InvalidInput, match="nowhere"):
        await take_in(catalogue, folder, tmp_path / "nowhere")
    assert catalogue.documents() == []


async def test_what_an_owner_removed_stays_removed_until_its_file_changes_or_is_named(catalogue, folder):
    await take_in(catalogue, folder)
    catalogue.remove("pay", by="k-1")
    report = await take_in(catalogue, folder)
    assert statuses(report)["pay"] == "unchanged"
    assert "removed here" in report.documents[0].reason
    assert set(found_texts(catalogue, TODAY)) == {"time/leave"}
    check_whole(catalogue)
    await take_in(catalogue, folder / "pay.md")
    assert set(found_texts(catalogue, TODAY)) == {"pay", "time/leave"}
    catalogue.remove("pay", by="k-1")
    write(folder, {"pay.md": PAY.replace("28th", "27th"), "time/leave.md": LEAVE})
    assert statuses(await take_in(catalogue, folder))["pay"] == "published"
    check_whole(catalogue)


async def test_an_upload_is_not_overruled_by_a_file_that_did_not_change(catalogue, folder):
    await take_in(catalogue, folder)
    await take_in(catalogue, Upload(name="time/leave.md", data=LEAVE.replace("28", "30").encode()))
    assert (await take_in(catalogue, folder)).summary == "2 unchanged"
    assert found_texts(catalogue, TODAY)["time/leave"] == ["There are 30 days."]
    write(folder, {"pay.md": PAY})
    assert statuses(await take_in(catalogue, folder)) == {"pay": "unchanged"}
    assert found_texts(catalogue, TODAY)["time/leave"] == ["There are 30 days."]


@pytest.mark.parametrize("name", ["../../pay.md", "/etc/pay.md", "C:\\books\\..\\pay.md"])
async def test_an_uploads_name_leads_nowhere(catalogue, name):
    (one,) = (await take_in(catalogue, Upload(name=name, data=PAY.encode()))).documents
    assert one.document in ("pay", "etc/pay", "C:/books/pay")
    with pytest.raises(InvalidInput):
        await take_in(catalogue, Upload(name="../..", data=b""))


async def test_an_owners_words_hold_from_the_moment_a_document_is_found(catalogue, folder):
    terms = Terms(audience=Audience(countries=["austria"]), owner="Payroll")
    await take_in(catalogue, folder / "pay.md", terms=terms, by="k-1")
    assert found_texts(catalogue, TODAY) == {}
    assert [change.by for change in catalogue.changes("pay")] == ["k-1"]
    await take_in(catalogue, folder / "pay.md", terms=Terms(audience=Audience()), by="k-1")
    assert set(found_texts(catalogue, TODAY)) == {"pay"}
    assert catalogue.documents()[0].terms.owner == "Payroll"


async def test_an_embedder_that_goes_away_leaves_the_old_version_answering_and_nothing_is_embedded_twice(
    catalogue, folder
):
    many = handbook("Pay", *(f"Section {n}\nText {n}." for n in range(200)))
    await take_in(catalogue, folder)
    write(folder, {"pay.md": many, "time/leave.md": LEAVE.replace("28", "30")})
    first = WordEmbedder(answers=1)
    report = await take_in(catalogue, folder, embedder=first)
    assert statuses(report) == {"pay": "failed", "time/leave": "failed"}
    assert report.trouble
    assert "the embedder is away" in report.documents[0].reason
    assert found_texts(catalogue, TODAY)["time/leave"] == ["There are 28 days."]
    assert [version.state for version in catalogue.documents()[0].versions] == ["staged", "current"]
    second = WordEmbedder()
    report = await take_in(catalogue, folder, embedder=second)
    assert statuses(report) == {"pay": "published", "time/leave": "published"}
    assert len(first.asked) + len(second.asked) == len({*first.asked, *second.asked}) == 201
    assert found_texts(catalogue, TODAY)["time/leave"] == ["There are 30 days."]
    check_whole(catalogue)


async def test_an_index_that_is_away_is_asked_once_however_many_the_handbooks(catalogue, folder):
    write(folder, {f"more/{n}.md": handbook(f"Book {n}", f"Section\nText {n}.") for n in range(5)})
    index = BrokenIndex(catalogue)
    report = await take_in(catalogue, folder, vectors=index)
    assert set(statuses(report).values()) == {"failed"}
    assert all("the index is away" in document.reason for document in report.documents)
    assert index.puts == 1
    index.broken = False
    report = await take_in(catalogue, folder, vectors=index)
    assert set(statuses(report).values()) == {"published"}
    check_whole(catalogue)


async def test_a_document_all_of_whose_text_is_known_needs_no_embedder(catalogue, folder):
    await take_in(catalogue, folder)
    report = await take_in(catalogue, Upload(name="copy.md", data=PAY.encode()), embedder=WordEmbedder(answers=0))
    assert statuses(report) == {"copy": "published"}


async def test_what_was_staged_of_a_file_that_changed_again_is_forgotten(catalogue, folder):
    await take_in(catalogue, folder)
    write(
        folder,
        {"pay.md": PAY.replace("28th", "27th"), "time/leave.md": LEAVE, "new.md": LEAVE.replace("days", "nights")},
    )
    await take_in(catalogue, folder, embedder=WordEmbedder(answers=0))
    write(folder, {"pay.md": PAY.replace("28th", "26th"), "time/leave.md": LEAVE})
    assert statuses(await take_in(catalogue, folder)) == {"pay": "published", "time/leave": "unchanged"}
    assert [record.id for record in catalogue.documents()] == ["pay", "time/leave"]
    check_whole(catalogue)


async def test_an_index_that_takes_nothing_in_leaves_the_old_version_answering(catalogue, folder):
    vectors = BrokenIndex(catalogue)
    vectors.broken = False
    await take_in(catalogue, folder, vectors=vectors)
    vectors.broken = True
    write(folder, {"pay.md": PAY, "time/leave.md": LEAVE.replace("28", "30")})
    report = await take_in(catalogue, folder, vectors=vectors)
    assert statuses(report) == {"pay": "unchanged", "time/leave": "failed"}
    assert found_texts(catalogue, TODAY)["time/leave"] == ["There are 28 days."]
    vectors.broken = False
    assert statuses(await take_in(catalogue, folder, vectors=vectors))["time/leave"] == "published"
    check_whole(catalogue)


async def test_what_was_taken_in_without_vectors_gets_them_from_the_next_ingest(catalogue, folder):
    from backends.handbooks.ingest.ingest import ingest

    await ingest(catalogue, [folder], embedder=None, vectors=None)
    assert (catalogue.embedder, catalogue.table().matrix) == (None, None)
    assert len(catalogue.words("salari", [1, 2], 5, (1, 1, 1))) == 1
    with pytest.raises(InvalidInput, match="re-index"):
        catalogue.expect(WordEmbedder())
    await take_in(catalogue, folder)
    catalogue.expect(WordEmbedder())
    check_whole(catalogue)


async def test_the_tokens_of_each_passage_are_its_texts(catalogue, folder):
    tokens = StaticTokens.bundled()
    await take_in(catalogue, folder)
    assert len(catalogue.table().tokens) == 0
    await take_in(catalogue, folder, Upload(name="more.md", data=PAY.encode()), tokens=tokens)
    table = catalogue.table()
    assert catalogue.tokens == tokens.fingerprint
    for place, row in enumerate(table.rows):
        passage = catalogue.passages([int(row)])[0]
        (expected,) = tokens.ids([f"{' > '.join([passage.title, *passage.section])}\n{passage.text}"])
        assert table.tokens[table.offsets[place] : table.offsets[place + 1]].tolist() == expected.tolist()


async def test_progress_only_grows_and_ends_with_all_of_it(catalogue, folder):
    told: list[Progress] = []
    await take_in(catalogue, folder, progress=told.append)
    assert [(one.documents, one.passages) for one in told] == sorted((one.documents, one.passages) for one in told)
    assert (told[-1].documents, told[-1].of_documents, told[-1].passages, told[-1].of_passages) == (2, 2, 3, 3)


class Waiting(WordEmbedder):
    """An embedder that says when it is asked, and answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = anyio.Event(), anyio.Event()

    async def embed(self, texts, purpose):
        self.begun.set()
        await self.go.wait()
        return await super().embed(texts, purpose)


@pytest.mark.parametrize("memory", [True, False])
async def test_of_two_ingests_at_once_one_waits_or_is_refused(tmp_path, folder, memory):
    path = ":memory:" if memory else tmp_path / "index.db"
    one = Catalogue(path)
    two = one if memory else Catalogue(path)
    slow, quick, reports = Waiting(), WordEmbedder(), {}

    async def run(name, catalogue, embedder):
        reports[name] = await take_in(catalogue, folder, embedder=embedder)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, "slow", one, slow)
        await slow.begun.wait()
        with pytest.raises(Unavailable, match="another ingest"):
            await take_in(two, folder, embedder=quick, patience=0)
        tasks.start_soon(run, "quick", two, quick)
        slow.go.set()
    assert (reports["slow"].summary[:11], reports["quick"].summary, quick.asked) == ("2 published", "2 unchanged", [])
    check_whole(one)
    for catalogue in {one, two}:
        catalogue.close()


TEXTS = ["red", "green", "blue"]
NAMES = ["a.md", "b.md", "deep/c.md"]
FOLDERS = some.dictionaries(some.sampled_from(NAMES), some.lists(some.sampled_from(TEXTS), min_size=1, max_size=3))


@settings(max_examples=40)
@given(some.lists(some.tuples(FOLDERS, some.integers(0, 2)), max_size=6))
def test_whatever_becomes_of_a_folder_what_is_found_is_what_is_in_it(steps):
    """After each ingest, however many were cut off before it, and no text is ever embedded twice."""

    async def play(path: Path) -> None:
        catalogue, embedder = Catalogue(path / "index.db", clock=DayClock(TODAY)), WordEmbedder()
        folder = path / "books"
        folder.mkdir()
        for files, answers in steps:
            texts = {name: [f"{text} {n}" for n, text in enumerate(said)] for name, said in files.items()}
            write(folder, {name: handbook("T", *(f"S\n{text}" for text in said)) for name, said in texts.items()})
            embedder.answers = answers if answers < 2 else None
            await take_in(catalogue, folder, embedder=embedder)
            embedder.answers = None
            await take_in(catalogue, folder, embedder=embedder)
            assert found_texts(catalogue, TODAY) == {name.removesuffix(".md"): said for name, said in texts.items()}
            check_whole(catalogue)
            revision = catalogue.revision()
            assert {*statuses(await take_in(catalogue, folder, embedder=embedder)).values()} <= {"unchanged"}
            assert catalogue.revision() == revision
        assert len(embedder.asked) == len(set(embedder.asked))
        catalogue.close()

    with TemporaryDirectory() as path:
        anyio.run(play, Path(path))
