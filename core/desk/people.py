"""People: what each has told the desk about themselves, in a log of their own."""

import logging

from core.clock import Clock
from core.errors import Conflict, RolltopError
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.commit import commit_surely
from core.log.entry import chain
from core.log.facts import NoticeAcknowledged, draft
from core.log.person import fold_person, person_stream
from core.log.records import Person, record
from core.log.repair_commits import Repairs
from core.store import Query, Range, Store, every
from core.values import GENESIS

log = logging.getLogger(__name__)

_PATIENCE = 3.0


class People:
    """Puts on record what people tell the desk about themselves."""

    def __init__(self, store: Store, clock: Clock, audit: AuditLog) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    async def acknowledge(self, viewer: Viewer, notice: str) -> Person:
        """Append the acknowledgement, unless the newest one is of the same notice."""
        await self._audit.authorize(viewer, "person.write")
        stream, person = person_stream(viewer.id), None
        told = NoticeAcknowledged(notice=notice)
        while True:
            person = await self._folded(stream, person)
            if person and person.notice == notice:
                return person
            n, prev = (person.n, person.hash) if person else (0, GENESIS)
            salts = [self._clock.token()]
            (entry,) = chain(stream, n, prev, [draft(told)], by=viewer.id, at=self._clock.now(), salts=salts)
            after = fold_person(person, entry)
            try:
                await commit_surely(self._store, self._clock, stream, n, [entry], [record(after)], patience=_PATIENCE)
            except Conflict:  # another tab of the same person
                continue
            return after

    async def repair(self) -> None:
        """Write the records that lag behind their logs, because their writer died after the entry."""
        query = Query(kind="stream", where={"dirty": True, "id": Range(ge="person:", lt="person;")})
        async for stream in every(self._store, query):
            try:
                if person := await self._folded(stream.id):
                    repairs = Repairs(self._store, self._clock, stream.id, person.n, _PATIENCE)
                    await repairs.add(record(person))
                    await repairs.finish()
            except RolltopError:  # a broken log must not keep the others from being repaired
                log.exception("%s cannot be repaired", stream.id)

    async def _folded(self, stream: str, person: Person | None = None) -> Person | None:
        while entries := await self._store.read(stream, person.n if person else 0):
            for entry in entries:
                person = fold_person(person, entry)
        return person
