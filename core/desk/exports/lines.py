"""Exports as JSON lines: the records themselves, one object a line, with pseudonyms in place of people's ids.

A thread is followed by its turns, a turn by its steps in the order of the log, and by its review. `kind` says what a
line is. The first turn of a place holds all `versions` of its question. A turn is on the branch that is shown now
unless its `first_n` is in one of the thread's ranges `hidden`.
"""

from collections.abc import Iterator

from core.canonical import canonical
from core.desk.exports.contents import Contents
from core.log.records import Item, Review


def json_lines(contents: Contents) -> bytes:
    """A line for each record of the threads, or for each tool call."""
    return b"".join(canonical(one.model_dump(mode="json")) + b"\n" for one in records(contents))


def records(contents: Contents) -> Iterator[Item | Review]:
    """The records of what is exported, in the order of the lines."""
    for thread in contents.threads:
        yield thread.head
        for view in thread.turns:
            yield view.turn
            yield from view.steps
            if view.review:
                yield view.review
    yield from contents.calls
