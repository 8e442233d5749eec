"""A Word file as the ZIP archive it is: looked at before anything in it is unpacked or parsed."""

from io import BytesIO
from zipfile import ZipFile

from backends.handbooks.documents.model import Refused

_PARTS = 4000
_UNPACKED = 256 * 1024 * 1024
_XML = 64 * 1024 * 1024
_DECLARATIONS = ("<!DOCTYPE", "<!ENTITY")


def check(data: bytes, name: str) -> None:
    """Raises Refused where the archive has too many parts or bytes, declarations in its XML, or is encrypted.

    An archive cannot unpack to more than it says: what goes on beyond that is not read.
    """
    with ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
            raise Refused(f"{name} unpacks to more than a document holds: save it anew without what is embedded in it")
        for part in parts:
            if part.flag_bits & 1:
                raise Refused(f"{name} is encrypted: save it without a password")
            if not part.filename.endswith((".xml", ".rels")):
                continue
            if part.file_size > _XML:
                raise Refused(f"{name} holds more text than is read: split it")
            _check_xml(archive.read(part), name)


def _check_xml(content: bytes, name: str) -> None:
    """XML that declares entities or names others' files is never Word's own."""
    encodings = ("utf-16-le", "utf-16-be") if b"\0" in content[:64] else ("ascii",)
    if any(word.encode(encoding) in content for word in _DECLARATIONS for encoding in encodings):
        raise Refused(f"{name} declares entities, as no Word document does: open it and save it anew")
