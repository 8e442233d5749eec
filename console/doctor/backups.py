"""The backups: how old the newest one on record is, and whether the store was made from one."""

from collections.abc import AsyncIterator
from datetime import timedelta

from console.doctor.finding import Finding
from console.format import ago, counted
from core.desk.backups import last_backup
from core.store import Store

OLD = timedelta(days=7)
"""The age from which a backup needs an operator."""

_TO_DO = "run `rolltop backup PATH` every day, as docs/operating.md says"


async def examine_backups(store: Store, *, demo: bool) -> AsyncIterator[Finding]:
    """Every finding about backups. A demo and a store that ends with its process do without."""
    backup, restored = await last_backup(store)
    if restored:
        closed = f"{counted(restored.turns, 'open turn')} and {counted(restored.calls, 'request')} were closed for it"
        yield Finding(
            about="backup",
            what=f"the store was restored at {restored.restored_at} by {restored.by}, from a backup of "
            f"{restored.backup.taken_at}; {closed}",
        )
    if not store.capabilities.durable_on_ack or (demo and backup is None):
        return
    if backup is None:
        yield Finding(about="backup", what="there is no backup on record", to_do=_TO_DO, level="open")
        return
    age = await store.now() - backup.taken_time
    what = f"the newest one is of {ago(age)}, {backup.taken_at}, with {counted(backup.entries, 'entry')}"
    if age > OLD and not demo:
        yield Finding(about="backup", what=what, to_do=_TO_DO, level="trouble")
    else:
        yield Finding(about="backup", what=what)
