"""Files that are no documents, or mean harm: each is refused with the reason, and what reads them lives on."""

from contextlib import suppress
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import anyio
import docx
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from backends.handbooks.documents.model import LARGEST, Refused
from backends.handbooks.documents.read import read_document
from backends.handbooks.documents.sandbox import DocumentLimits, parse, parsing
from tests.support.desks import PATIENCE
from tests.support.handbook_copies import raw_pdf

GOOD = b"# Parking\n\nBehind the house."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Password</body></html>"


def word(**parts: bytes) -> bytes:
    """A Word file whose parts are replaced, by name: `document` is word/document.xml."""
    file = BytesIO()
    document = docx.Document()
    document.add_paragraph("Behind the house.")
    document.save(file)
    changed = BytesIO()
    with ZipFile(file) as old, ZipFile(changed, "w", ZIP_DEFLATED) as new:
        for part in old.namelist():
            name = part.removeprefix("word/").removesuffix(".xml")
            new.writestr(part, parts.pop(name, None) or old.read(part))
        for name, content in parts.items():
            new.writestr(f"word/{name}.xml", content)
    return changed.getvalue()


def body(inside: str, before: str = "") -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<?xml version="1.0"?>{before}<w:document xmlns:w="{space}"><w:body>{inside}</w:body></w:document>'.encode()


def pdf(pages: int = 1, *, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


def archive(*names: str) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as zipped:
        for name in names:
            zipped.writestr(name, "x")
    return file.getvalue()


def hostile() -> dict[str, tuple[bytes, str, str]]:
    """What each file is, with its content, its name and the reason why it is refused; some pack many megabytes."""
    blank = b" " * 2**26
    return {
        "nothing": (b"", "a.md", "is empty"),
        "only space": (b" \n\n ", "a.txt", "is empty"),
        "a front matter and no text": (b"---\ntitle: A\n---\n", "a.md", "holds no text"),
        "a picture under .md": (PNG, "a.md", "is a picture"),
        "a picture under .pdf": (PNG, "a.pdf", "is a picture"),
        "a sign-in page under .pdf": (PAGE, "a.pdf", "no .pdf, but a web page"),
        "text under .docx": (GOOD, "a.docx", "no .docx, but text"),
        "a PDF under .md": (pdf(), "a.md", "is a PDF: if it is meant to be one, name it .pdf"),
        "a Word file under .txt": (word(), "a.txt", "is a Word document"),
        "an old Word file": (b"\xd0\xcf\x11\xe0" + PNG, "a.docx", "without a password"),
        "rich text": (rb"{\rtf1 Hello}", "a.docx", "save it as .docx"),
        "a workbook": (archive("xl/workbook.xml"), "a.docx", "Excel"),
        "any archive": (archive("a.txt"), "a.docx", "unpack it"),
        "half an archive": (word()[:3000], "a.docx", "damaged"),
        "a program": (b"\x7fELF" + PNG, "a", "is a program"),
        "NUL among text": (b"Behind \0 the house", "a.txt", "no text"),
        "NUL far into a text": (b"x" * 5000 + b"\0", "a.md", "NUL"),
        "UTF-16": ("Über".encode("utf-16"), "a.txt", "UTF-16: save it as UTF-8"),
        "Latin-1": ("Über".encode("latin-1"), "a.md", "no UTF-8 at byte 0: save it as UTF-8"),
        "a page of an unknown encoding": (b"<html><meta charset=klingon>\xff", "a.html", "klingon, which is unknown"),
        "a page deeper than anybody writes": (b"<html>" + b"<div>" * 9000 + b"x", "a.html", "nested too deeply"),
        "front matter that is no YAML": (b"---\ntitle: [\n---\nText.", "a.md", "no YAML, at line"),
        "front matter of no use": (b"---\neffective: soon\n---\nText.", "a.md", "mend effective"),
        "front matter nested without end": (b"---\nx: " + b"[" * 9000 + b"\n---\nText.", "a.md", "no YAML"),
        "an encrypted PDF": (pdf(password="secret"), "a.pdf", "encrypted: save it without a password"),
        "a scanned PDF": (pdf(3), "a.pdf", "no text on its 3 pages"),
        "10,000 pages": (pdf(10_000), "a.pdf", "has 10000 pages, and at most"),
        "half a PDF": (b"%PDF-1.7\n1 0 obj <<", "a.pdf", "no PDF that can be read"),
        "a page that packs 128 MB": (raw_pdf(blank * 2), "a.pdf", "export it anew"),
        "an XML bomb": (word(document=body("<w:p>&b;</w:p>", LAUGHS)), "a.docx", "declares entities"),
        "an XML bomb in UTF-16": (
            word(document=body("&b;", LAUGHS).decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")),
            "a.docx",
            "declares entities",
        ),
        "a file of this machine": (word(document=body("<w:p>&a;</w:p>", XXE)), "a.docx", "declares entities"),
        "a ZIP bomb": (word(**{f"b{n}": blank for n in range(5)}), "a.docx", "unpacks to more"),
        "a ZIP of many files": (word(**{f"p{n}": b"" for n in range(5000)}), "a.docx", "unpacks to more"),
        "a Word file without a body": (word(document=b"<w/>"), "a.docx", "is damaged"),
        "a Word file nested too deeply": (
            word(document=body("<w:ins>" * 9000 + "</w:ins>" * 9000)),
            "a.docx",
            "save it anew",
        ),
    }


async def test_every_hostile_file_is_refused_with_its_name_and_reason_and_the_next_is_read():
    files, said = hostile(), {}
    async with parsing() as parse:
        for what, (data, name, _) in files.items():
            with pytest.raises(Refused) as refused:
                await parse(data, name)
            said[what] = str(refused.value)
        assert (await parse(GOOD, "good.md")).title == "Parking"
    expected = {what: reason for what, (_, _, reason) in files.items()}
    assert {what: reason for what, reason in expected.items() if reason not in said[what]} == {}, said
    assert all(message.startswith(files[what][1]) for what, message in said.items())


@pytest.mark.parametrize(
    ("limits", "name", "size", "reason"),
    [
        (DocumentLimits(cpu_seconds=1), "large.md", 10_000_000, "takes more than 1 seconds of work"),
        (DocumentLimits(wall_seconds=0), "large.md", 10_000_000, "takes longer than 0 seconds"),
        (DocumentLimits(memory=2**28), "large.txt", 30_000_000, "takes more memory than 256 MB"),
        (DocumentLimits(output=2**20), "large.txt", 1_000_000, "becomes more than 1 MB of text"),
    ],
    ids=["processor", "clock", "memory", "output"],
)
async def test_a_file_that_takes_more_than_its_limits_is_refused_and_the_next_is_read(limits, name, size, reason):
    async with parsing(limits) as parse:
        with pytest.raises(Refused, match=f"^{name} {reason}"):
            await parse(b"- *One* of [many](https://x.example/y).\n" * (size // 40), name)
        if limits.wall_seconds:
            assert (await parse(GOOD, "good.md")).title == "Parking"


async def test_a_file_over_the_size_limit_is_refused_unread():
    with pytest.raises(Refused, match="larger than 32 MB"):
        await parse(b"x" * (LARGEST + 1), "a.txt")


async def test_a_process_that_is_killed_while_it_reads_is_started_anew():
    async with parsing() as parse:
        assert (await parse(GOOD, "good.md")).title == "Parking"
        (reader,) = children()
        reader.kill()
        with pytest.raises(Refused, match=r"^good\.md stopped the process"):
            await parse(GOOD, "good.md")
        assert (await parse(GOOD, "good.md")).title == "Parking"
    assert children() == []


async def test_who_stops_waiting_leaves_no_process_behind():
    with anyio.CancelScope() as scope:
        async with parsing() as parse, anyio.create_task_group() as tasks:
            tasks.start_soon(parse, b"*x* " * 2_000_000, "slow.md")
            await until(lambda: len(children()) == 2)
            scope.cancel()
    await until(lambda: children() == [])


async def test_the_process_has_no_environment(monkeypatch):
    monkeypatch.setenv("ROLLTOP_SECRET", "s3cret")
    async with parsing() as parse:
        await parse(GOOD, "good.md")
        (reader,) = children()
        assert "ROLLTOP_SECRET" not in reader.environ()


@given(data=st.binary(max_size=400), start=st.sampled_from([b"", b"%PDF-1.7\n", b"PK\3\4", b"<html>", b"---\n"]))
def test_whatever_the_bytes_are_they_are_read_or_refused(data, start):
    for name in ("a.md", "a.txt", "a.html", "a.pdf", "a.docx"):
        with suppress(Refused):
            read_document(start + data, name)


@settings(max_examples=40)
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), good=st.sampled_from(["a.docx", "a.pdf"]))
def test_a_file_with_a_wrong_byte_is_read_or_refused(at, byte, good):
    data = bytearray(word() if good == "a.docx" else raw_pdf(b"BT /F 12 Tf 72 720 Td (Behind the house) Tj ET"))
    data[at % len(data)] = byte
    with suppress(Refused):
        read_document(bytes(data), good)


def children() -> list[psutil.Process]:
    """The processes that read documents for this one, and their forks."""
    ours = psutil.Process().children(recursive=True)
    return [one for one in ours if "backends.handbooks.documents.sandbox" in " ".join(one.cmdline())]


async def until(happens) -> None:
    with anyio.fail_after(PATIENCE):
        while not happens():  # noqa: ASYNC110 - the system starts and ends processes, and sets no Event
            await anyio.sleep(0.01)
