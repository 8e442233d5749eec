"""What kind of document a file is: its content says, and its name must not promise something else that matters.

A name that lies about a file within one family does no harm, and happens: Word's under a name of a PDF is read. Refused
is what is likely not what its owner takes it for: a sign-in page that was saved as .pdf, a picture under .md.
"""

import re
from io import BytesIO
from pathlib import PurePath
from zipfile import BadZipFile, ZipFile

from backends.handbooks.documents.model import SUFFIXES, Kind, Refused

_PACKED: tuple[Kind, ...] = ("pdf", "docx")
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "an old Word file, or one with a password: save it as .docx without a password",
    b"{\\rtf": "rich text (RTF): save it as .docx",
    b"%!PS": "PostScript: export it as PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\0": "a picture",
    b"MM\0*": "a picture",
    b"RIFF": "a picture or a recording",
    b"\x1f\x8b": "a compressed file: unpack it",
    b"7z\xbc\xaf": "an archive: unpack it",
    b"Rar!": "an archive: unpack it",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_ZIPPED = {
    "xl/": "an Excel workbook: export the sheets as PDF",
    "ppt/": "a PowerPoint presentation: export it as PDF",
    "META-INF/manifest.xml": "an OpenDocument file: save it as .docx",
}
_HTML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_-]{1,40})", re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def kind_of(data: bytes, name: str) -> Kind:
    """What the file is. Raises Refused where it is none of these, or not at all what its name says."""
    if not data.strip():
        raise Refused(f"{name} is empty: fill it, or leave it out")
    promised = SUFFIXES.get(PurePath(name).suffix.lower())
    packed = _packed(data, name)
    if packed is None:
        found: Kind = "html" if _HTML.match(data[:4096]) or promised == "html" else "text"
        if promised in _PACKED:
            raise Refused(f"{name} is no {PurePath(name).suffix}, but {_said(found)}: look what it is and name it so")
        return promised if promised == "markdown" and found == "text" else found
    if promised is not None and promised not in _PACKED:
        raise Refused(f"{name} is {_said(packed)}: if it is meant to be one, name it .{packed}")
    return packed


def decoded(data: bytes, name: str, kind: Kind) -> str:
    """The text of a file that is text. A web page may say how it is encoded; all else is UTF-8."""
    encoding = "utf-8-sig"
    declared = _CHARSET.search(data[:4096]) if kind == "html" else None
    if declared and not _is_utf8(data):
        encoding = declared[1].decode().lower()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is no {_encoding(encoding)} at byte {error.start}: save it as UTF-8") from error
    except LookupError as error:
        raise Refused(f"{name} says that it is {encoding}, which is unknown: save it as UTF-8") from error
    if "\0" in text:
        raise Refused(f"{name} holds NUL bytes, as no text does: save it anew as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _packed(data: bytes, name: str) -> Kind | None:
    """What the file is if it is no text; None if it may be text."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK"):
        return _zipped(data, name)
    if data.startswith(_UTF16):
        raise Refused(f"{name} is encoded in UTF-16: save it as UTF-8")
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise Refused(f"{name} is {what}")
    if b"\0" in data[:4096]:
        raise Refused(f"{name} is no text, and nothing else that can be read: save it as text in UTF-8, or as PDF")
    return None


def _zipped(data: bytes, name: str) -> Kind:
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except (BadZipFile, ValueError, OSError) as error:
        raise Refused(f"{name} is a damaged ZIP or Word file: save it anew") from error
    if "word/document.xml" in names:
        return "docx"
    what = next((what for start, what in _ZIPPED.items() if any(n.startswith(start) for n in names)), None)
    raise Refused(f"{name} is {what or 'a ZIP archive: unpack it'}")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoding(name: str) -> str:
    return "UTF-8" if name.startswith("utf-8") else name


def _said(kind: Kind) -> str:
    return {"html": "a web page", "text": "text", "pdf": "a PDF", "docx": "a Word document", "markdown": "text"}[kind]
