"""What a desk writes into the server's log while a test runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.server_log import EVENTS_LOGGER, Fields


class Kept(logging.Handler):
    """Keeps records, and each as the plainest handler would write it: with everything that an error says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self.format(record))

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The fields of the events of these names, or of all, in order, each with its `event`."""
        found = [record for record in self.records if record.name == EVENTS_LOGGER]
        return [fields_of(record) for record in found if not names or vars(record)["event"] in names]


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What an event says."""
    said = vars(record)
    return {name: said[name] for name in ("event", *Fields.__annotations__) if name in said}


@contextmanager
def kept_log(level: int = logging.DEBUG) -> Iterator[Kept]:
    """All that any logger writes from this level on."""
    root, kept = logging.getLogger(), Kept()
    before = root.level
    root.addHandler(kept)
    root.setLevel(level)
    try:
        yield kept
    finally:
        root.setLevel(before)
        root.removeHandler(kept)
