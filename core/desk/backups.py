"""Backups and restores on record: by whom, when, and which, so that everybody can see that time was turned back."""

from datetime import datetime

from core.arguments import checked, checked_methods
from core.clock import Clock, SystemClock, iso
from core.desk.administration_log import AdministrationLog
from core.desk.checks import MAX_WHY, check_said, check_store
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.facts import BackupMade, ReasonContent, StoreRestored
from core.log.records import AdministrationRecord, Backup, Restore
from core.store import Store


@checked_methods
class Backups:
    """Puts on record that a store was backed up, or made from a backup. It makes neither.

    Both are for administrators, and need a purpose. If `audit` has the account of a command, the entries name it.
    """

    @checked("store")
    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        clock = clock or SystemClock()
        self._log = AdministrationLog(check_store(store), clock)
        self._audit = audit or AuditLog(store, clock)

    async def made(self, viewer: Viewer, manifest: str, *, taken_at: datetime, entries: int) -> None:
        """Put on record that the backup with this digest of its manifest is whole; only once for each."""
        await self._audit.authorize(viewer, "store.backup")

        def repeats(record: AdministrationRecord) -> bool:
            return record.backup is not None and record.backup.manifest == manifest

        made = BackupMade(taken_at=iso(taken_at), manifest=manifest, entries=entries, account=self._audit.account)
        await self._log.append(made, viewer.id, repeats)

    async def restored(
        self,
        viewer: Viewer,
        manifest: str,
        *,
        taken_at: datetime,
        entries: int,
        turns: int,
        calls: int,
        erased: int | None = None,
    ) -> None:
        """Put on record that this store was made from a backup, and how many turns and calls were closed for it.

        `erased` is how many threads were erased as in the store that it replaces, None if that one was not asked. The
        viewer's purpose is the reason on record.
        """
        await self._audit.authorize(viewer, "store.restore")
        why = check_said(viewer.purpose or "", "why the store is restored", MAX_WHY)
        made = StoreRestored(
            taken_at=iso(taken_at),
            manifest=manifest,
            entries=entries,
            turns=turns,
            calls=calls,
            erased=erased,
            account=self._audit.account,
            content=ReasonContent(reason=why),
        )
        await self._log.append(made, viewer.id, lambda _: False)


async def last_backup(store: Store) -> tuple[Backup | None, Restore | None]:
    """The newest backup and the newest restore on record, None without one."""
    # From the stored record: the log may hold thousands of grants, and this is read at each look at the system.
    record = await store.get("administration", "desk")
    backup, restored = (record.fields.get(name) if record else None for name in ("backup", "restored"))
    return backup and Backup.model_validate(backup), restored and Restore.model_validate(restored)
