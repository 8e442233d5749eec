"""People: what each has told the desk about themselves, in a log of their own."""

from core.clock import Clock
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.facts import NoticeAcknowledged
from core.log.folded_log import FoldedLogs
from core.log.person import fold_person, person_stream
from core.log.records import Person
from core.store import Store


class People:
    """Puts on record what people tell the desk about themselves."""

    def __init__(self, store: Store, clock: Clock, audit: AuditLog) -> None:
        self._audit = audit
        self._logs = FoldedLogs(store, clock, "person", fold_person)

    async def acknowledge(self, viewer: Viewer, notice: str) -> Person:
        """Append the acknowledgement, unless the newest one is of the same notice."""
        await self._audit.authorize(viewer, "person.write")
        told = NoticeAcknowledged(notice=notice)
        return await self._logs.append(
            person_stream(viewer.id), told, by=viewer.id, repeats=lambda person: person.notice == notice
        )

    async def repair(self) -> None:
        """Write the records that lag behind their logs."""
        await self._logs.repair()
