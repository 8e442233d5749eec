"""Who keeps the handbooks: every public method of `Handbooks`, for each role, and what goes on record of a change."""

import inspect
from pathlib import Path

import anyio
import pytest

from backends import Handbooks, open_handbooks
from backends.handbooks.documents.model import Terms
from backends.handbooks.ingest.files import Upload
from core import Denied, Viewer
from core.values import Audience
from tests.support.handbook_folders import KEEPER, handbook, statuses, write

LEAVE = handbook("Leave", "Days\nThere are 28 days.", audience="austria")
VIEWERS = {
    "employee": Viewer("e-1077", country="austria"),
    "auditor": Viewer("e-2001", roles={"auditor"}, purpose="complaint 7"),
    "approver": Viewer("e-3001", roles={"employee", "approver"}),
    "knowledge owner": KEEPER,
    "roleless": Viewer("rolf", roles=()),
    "anonymous": None,
}
KEEPING = {
    "documents": lambda h, v: h.documents(v),
    "text": lambda h, v: h.text(v, 1),
    "pieces": lambda h, v: h.pieces(v, 1),
    "ingest": lambda h, v: h.ingest(v, Upload(name="pay.md", data=handbook("Pay", "Day\nThe 28th.").encode())),
    "upload": lambda h, v: h.upload(v, [("pay.md", b"# Pay\n\nThe 28th.")]),
    "job": lambda h, v: h.job(v),
    "change": lambda h, v: h.change(v, "leave", Terms(owner="Payroll")),
    "document": lambda h, v: h.document(v, "leave"),
    "changes": lambda h, v: h.changes(v, "leave"),
    "remove": lambda h, v: h.remove(v, "leave"),
    "withdraw": lambda h, v: h.withdraw(v, [1]),
    "try_question": lambda h, v: h.try_question(v, "How many days?", country=None, entity=None),
    "health": lambda h, v: h.health(v),
}
OWN_RULE, NO_VIEWER = {"section", "named_section"}, {"close"}


@pytest.fixture
async def handbooks():
    """One handbook for Austria, in memory."""
    async with open_handbooks(":memory:", embedder="none:") as opened:
        assert statuses(await opened.ingest(KEEPER, Upload(name="leave.md", data=LEAVE.encode()))) == {
            "leave": "published"
        }
        yield opened


def test_every_public_method_takes_a_viewer_and_has_a_row():
    methods = inspect.getmembers(Handbooks, inspect.isfunction)
    parameters = {name: [*inspect.signature(method).parameters] for name, method in methods if not name.startswith("_")}
    with_viewer = {name for name, (_, *rest) in parameters.items() if rest[:1] == ["viewer"]}
    assert with_viewer == KEEPING.keys() | OWN_RULE
    assert parameters.keys() - with_viewer == NO_VIEWER


@pytest.mark.parametrize("method", KEEPING)
async def test_a_knowledge_owner_keeps_the_handbooks_and_another_viewer_changes_nothing(handbooks, method):
    before = await handbooks.documents(KEEPER), handbooks.index.catalogue.revision()
    for viewer in VIEWERS.values():
        if viewer != KEEPER:
            with pytest.raises(Denied):
                await KEEPING[method](handbooks, viewer)
            assert (await handbooks.documents(KEEPER), handbooks.index.catalogue.revision()) == before
            assert await handbooks.changes(KEEPER, "leave") == []
            assert await handbooks.job(KEEPER) is None
    await KEEPING[method](handbooks, KEEPER)


async def test_the_section_around_a_passage_is_for_readers_for_whom_the_handbook_holds(handbooks):
    (passage,) = await handbooks.pieces(KEEPER, 1)
    assert await handbooks.section(VIEWERS["employee"], passage) == [passage]
    assert await handbooks.section(Viewer("e-1203", country="uk"), passage) == []


async def test_a_named_section_is_for_readers_for_whom_the_handbook_holds_today(handbooks):
    (passage,) = await handbooks.pieces(KEEPER, 1)
    reader, document = VIEWERS["employee"], passage.document
    assert await handbooks.named_section(reader, document, None) == [passage]
    assert await handbooks.named_section(reader, document, passage.section[-1]) == [passage]
    assert await handbooks.named_section(reader, document, "Parrots") == []
    assert await handbooks.named_section(reader, "parrots", None) == []
    assert await handbooks.named_section(Viewer("e-1203", country="uk"), document, None) == []
    await handbooks.remove(KEEPER, document)
    assert await handbooks.named_section(reader, document, None) == []


async def test_the_keepers_id_is_on_record_with_each_change(handbooks, tmp_path: Path):
    pay, dogs = handbook("Pay", "Day\nThe 28th."), handbook("Dogs", "Day\nFriday.")
    write(tmp_path / "books", {"pay.md": pay, "dogs.md": dogs})
    await handbooks.ingest(KEEPER, tmp_path / "books")
    write(tmp_path / "books", {"dogs.md": dogs})
    other = Viewer("e-4002", {"knowledge_owner"})
    assert statuses(await handbooks.ingest(other, tmp_path / "books")) == {"dogs": "unchanged", "pay": "removed"}
    await handbooks.change(KEEPER, "leave", Terms(audience=Audience()))
    await handbooks.withdraw(other, [1])
    by = {id: [change.by for change in await handbooks.changes(KEEPER, id)] for id in ("pay", "leave")}
    assert by == {"pay": ["e-4002"], "leave": ["e-4002", "e-4001"]}


async def test_an_upload_goes_on_by_itself_and_tells_the_program_before_its_job_is_over():
    over = []

    async def after_upload():
        over.append((await handbooks.job(KEEPER)).over)

    async with open_handbooks(":memory:", embedder="none:", after_upload=after_upload) as handbooks:
        job = await handbooks.upload(KEEPER, [("leave.md", LEAVE.encode())])
        with anyio.fail_after(60):
            while not job.over:  # noqa: ASYNC110 - a job has no event to wait for
                await anyio.sleep(0.01)
        assert (over, statuses(job.report)) == ([False], {"leave": "published"})


async def test_an_unexpected_error_of_an_upload_is_told_without_its_name_and_is_in_the_log(caplog):
    async def after_upload():
        raise ZeroDivisionError("a secret")

    async with open_handbooks(":memory:", embedder="none:", after_upload=after_upload) as handbooks:
        job = await handbooks.upload(KEEPER, [("leave.md", LEAVE.encode())])
        with anyio.fail_after(60):
            while not job.over:  # noqa: ASYNC110 - a job has no event to wait for
                await anyio.sleep(0.01)
    assert job.error == "Unexpected error; see the server log. The published version is unchanged."
    assert "a secret" in caplog.text


async def test_an_upload_that_the_end_of_the_program_breaks_off_says_how_to_go_on():
    async with open_handbooks(":memory:", embedder="none:") as handbooks:
        job = await handbooks.upload(KEEPER, [("leave.md", LEAVE.encode())])
    assert "Upload the same files again" in job.error
