"""Ids, and the closed list of the kinds of stream."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfStream:
    """What the streams of a kind are, and what becomes of them. A copy takes all of them, entry for entry.

    `rebuild`: `records` are compared with the log, mended, and written anew in a copy, the head last; a stream is
    `read` through although it has no records, so that a broken entry is found; or it is `left` to those that read it.
    `erase`: what an owner's erasure of a thread takes: the stream `whole`, or its `content`; other streams are `kept`.
    `numbered`: the head says which fold made the records, so that those of an older one are folded again.
    `of_people`: the stream is named after a person, and the store keeps a record of the same kind and name for each.
    `of_days`: it is named after a person and a day, or for all people after `desk` and a day, and has such records too.
    """

    rebuild: Literal["records", "read", "left"]
    erase: Literal["whole", "content", "kept"]
    numbered: bool = False
    of_people: bool = False
    of_days: bool = False


KINDS_OF_STREAM: Mapping[str, KindOfStream] = {
    # A thread's log. An erasure takes what was written in it; its shells stay.
    "thread": KindOfStream(rebuild="records", erase="content", numbered=True),
    # The text of a turn while it is written. It is also erased a minute after its turn has ended.
    "live": KindOfStream(rebuild="left", erase="whole"),
    # A value stored under its digest, such as instructions. Many threads may name it.
    "blob": KindOfStream(rebuild="left", erase="kept"),
    # A viewer's looks, searches, exports and denials.
    "audit": KindOfStream(rebuild="records", erase="kept", numbered=True, of_people=True),
    # What people decide for the installation: roles, blocks.
    "administration": KindOfStream(rebuild="records", erase="kept"),
    # The verdicts on a turn's answer. An erasure takes the words of those who judged.
    "review": KindOfStream(rebuild="records", erase="content"),
    # What a person has told the desk about themselves.
    "person": KindOfStream(rebuild="records", erase="kept", of_people=True),
    # What a person's questions of a day have used of the limits, and what all people's have. It holds numbers alone.
    "spending": KindOfStream(rebuild="records", erase="kept", of_days=True),
    # What the installation has made once for itself.
    "installation": KindOfStream(rebuild="read", erase="kept"),
}
"""Every kind of stream, by the first part of the streams' names."""

OF_PEOPLE = tuple(kind for kind, of in KINDS_OF_STREAM.items() if of.of_people)
"""The kinds of stream that are named after a person."""

OF_DAYS = tuple(kind for kind, of in KINDS_OF_STREAM.items() if of.of_days)
"""The kinds of stream that are named after a day, most of them after a person too."""

MAX_USER_ID = 128
"""The most characters of a person's id."""

# Strict, because ids become parts of stream names, URLs and queries: a ":" or "/" within one would start another part.
_PLAIN = r"A-Za-z0-9_@.+\-"
_ID_PATTERN = rf"[{_PLAIN}]{{1,128}}"
_ID = re.compile(_ID_PATTERN)
# A character has at most four bytes in UTF-8.
_NAME_PATTERN = rf"(?:[{_PLAIN}]|~[0-9a-f]{{2}}){{1,{4 * MAX_USER_ID}}}"
_NAME = re.compile(_NAME_PATTERN)
_OF_DAY_PATTERN = rf"(?:{_NAME_PATTERN}:|desk-)[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
_OF_DAY = re.compile(_OF_DAY_PATTERN)
_STREAM = re.compile(
    rf"({'|'.join(KINDS_OF_STREAM)})(:{_ID_PATTERN}){{1,2}}|({'|'.join(OF_PEOPLE)}):{_NAME_PATTERN}"
    rf"|({'|'.join(OF_DAYS)}):{_OF_DAY_PATTERN}"
)
_ESCAPED = re.compile(rf"[^{_PLAIN}]")


def check_id(value: object, kind: str = "id") -> str:
    """The value, if it is an id: 1 to 128 ASCII letters, digits and `_@.+-`. Raises InvalidInput otherwise."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        # The value itself stays out of the message: it may be anything that a person typed.
        raise InvalidInput(f"a {kind} is 1 to 128 ASCII letters, digits or _ @ . + -")
    return value


def check_user_id(value: object, kind: str = "user id") -> str:
    """The person's id in Unicode's normal form NFC, so that one person has one id. Raises InvalidInput otherwise.

    `core.gate.Viewer` says which ids are accepted.
    """
    # A text of more characters is longer than an id in the normal form, too, and takes long to bring into it.
    normal = normalized(value) if isinstance(value, str) and len(value) <= 4 * MAX_USER_ID else ""
    categories = {unicodedata.category(character) for character in normal}
    if not 0 < len(normal) <= MAX_USER_ID or normal != normal.strip() or not categories.isdisjoint(("Cc", "Cs")):
        raise InvalidInput(
            f"a {kind} is a text of 1 to {MAX_USER_ID} characters, without control characters, and without blanks at "
            "its ends; if the directory's ids are numbers, pass str(number)"
        )
    return normal


def normalized(user_id: str) -> str:
    """The id, or what may be one, in Unicode's normal form NFC: then two spellings of one id are equal."""
    # The plain text of it first: a member of an enumeration that is a text is formatted as something else.
    return unicodedata.normalize("NFC", str.__str__(user_id))


def name_of_user(user_id: str) -> str:
    """The person's part of a stream's name: their id, with `~` and two hex digits for each byte of other characters.

    Different ids have different names. An id of ASCII letters, digits and `_@.+-` is its own name.
    """
    return _ESCAPED.sub(lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode()), user_id)


def user_named(name: str) -> str:
    """The id of the person whose streams have this name; the inverse of `name_of_user`."""
    raw = re.sub(rb"~([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), name.encode())
    return raw.decode(errors="backslashreplace")


def name_of_day(user_id: str | None, day: str) -> str:
    """The part of a stream's name for a person and a day (YYYY-MM-DD), None for all people."""
    # A person's name is followed by a colon, so that nobody's stream is that of all people, whatever their id is.
    return f"desk-{day}" if user_id is None else f"{name_of_user(user_id)}:{day}"


def check_name(value: object, kind: str) -> str:
    """The value, if it is the id of a record of this kind. Raises InvalidInput otherwise."""
    if kind in OF_DAYS:
        if not isinstance(value, str) or not _OF_DAY.fullmatch(value):
            raise InvalidInput(f"the id of a record of the kind {kind} is what `core.ids.name_of_day` gives")
        return value
    if kind not in OF_PEOPLE:
        return check_id(value, kind)
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidInput(f"the id of a record of the kind {kind} is what `core.ids.name_of_user` gives")
    return value


def check_stream(stream: object) -> str:
    """The value, if it names a stream: one of KINDS_OF_STREAM and one or two ids, joined by `:`. Else InvalidInput.

    Streams of OF_PEOPLE may have the escaped form of a person's id in place of the ids, those of OF_DAYS also a day.
    """
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        kinds = ", ".join(f"{kind}:" for kind in KINDS_OF_STREAM)
        raise InvalidInput(f"a stream's name is its kind ({kinds}), then one or two ids joined by :")
    return stream
