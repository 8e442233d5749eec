"""The state of an installation, for administrators: numbers and moments, without what people, models or tools wrote."""

from dataclasses import dataclass
from datetime import datetime

from core.arguments import checked, checked_methods
from core.clock import Clock, SystemClock, iso, moment
from core.desk.backups import last_backup
from core.desk.checks import check_store
from core.desk.tallies import size
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.records import FOLD, OUTDATED, Backup, DeferredCall, Restore, Turn, record_kind
from core.store import Capabilities, Query, Range, Store
from core.worker.recovery import Recovered, Recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCount:
    """How many of a kind are open, and since when the oldest of them is; None if the count is 0."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemState:
    """How an installation is at `at`, by the store's clock.

    `running` and `awaiting_approval` are open turns, `deferred` the calls that wait for an approver, `overdue` the
    threads whose erasure is due: the next sweep carries it out unless something in them is open. `outdated` counts the
    logs whose records an older fold made, `lagging` those with records that are older than the log. `recovered` is
    what this process's recovery did last, None without a desk that has begun. `backup` is the newest backup on record,
    `restored` says when and from which backup the store was made, None without one.
    """

    at: datetime
    capabilities: Capabilities
    running: OpenCount
    awaiting_approval: OpenCount
    deferred: OpenCount
    overdue: OpenCount
    outdated: int
    lagging: int
    fold: int
    recovered: Recovered | None
    backup: Backup | None
    restored: Restore | None


@checked_methods
class System:
    """Reads the state of an installation. A program can use it without a Desk, whose `recovery` is then unknown."""

    @checked("store")
    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        audit: AuditLog | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        self._store = check_store(store)
        self._audit = audit or AuditLog(store, clock or SystemClock())
        self._recovery = recovery

    async def state(self, viewer: Viewer) -> SystemState:
        """How the installation is now. Raises Denied unless the viewer is an administrator, whose look is on record."""
        await self._audit.authorize(viewer, "system.read")
        await self._audit.record(viewer, "system.read")
        now = await self._store.now()
        turn, deferred = record_kind(Turn), record_kind(DeferredCall)
        backup, restored = await last_backup(self._store)
        return SystemState(
            at=now,
            capabilities=self._store.capabilities,
            running=await self._waiting(Query(kind=turn, where={"status": "running"}), "opened_at"),
            awaiting_approval=await self._waiting(Query(kind=turn, where={"status": "awaiting_approval"}), "opened_at"),
            deferred=await self._waiting(Query(kind=deferred, where={"status": "waiting"}), "asked_at"),
            overdue=await self._waiting(Query(kind="thread", where={"erase_due": Range(lt=iso(now))}), "erase_due"),
            outdated=sum([await self._count(query) for query in OUTDATED.values()]),
            lagging=await self._count(Query(kind="stream", where={"dirty": True})),
            fold=FOLD,
            recovered=self._recovery.recovered if self._recovery else None,
            backup=backup,
            restored=restored,
        )

    async def _count(self, query: Query) -> int:
        return size(await self._store.tally(query, ()))

    async def _waiting(self, query: Query, since: str) -> OpenCount:
        """How many there are, and the oldest by the field `since`."""
        oldest = await self._store.find(Query(kind=query.kind, where=query.where, order=(since,), limit=1))
        first = moment(str(oldest.records[0].fields[since])) if oldest.records else None
        return OpenCount(count=await self._count(query), oldest=first)
