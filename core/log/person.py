"""The fold of what a person has told the desk about themselves, from the entries of `person:<id>`."""

from core.clock import iso
from core.errors import Corrupt
from core.ids import name_of_user
from core.log.facts import NoticeAcknowledged, fact
from core.log.records import Person
from core.values import Entry


def fold_person(person: Person | None, entry: Entry) -> Person:
    """The record after the entry; `person` is None before the first.

    Raises Corrupt, naming stream and n, for an entry that does not follow, or does not belong there.
    """
    told = fact(entry)
    after = person.n if person else 0
    if entry.n != after + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {after}")
    if not isinstance(told, NoticeAcknowledged):
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong to a person")
    return Person(
        id=entry.stream.removeprefix("person:"),
        n=entry.n,
        hash=entry.hash,
        notice=told.notice,
        acknowledged_at=iso(entry.at),
    )


def person_stream(person_id: str) -> str:
    """The stream that holds what this person has told about themselves."""
    return f"person:{name_of_user(person_id)}"
