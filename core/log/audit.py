"""The audit log: which viewer looked at another person's objects, and why. It is committed before content is shown."""

from collections.abc import Mapping, Sequence

from core.canonical import Json
from core.clock import Clock, iso
from core.errors import Conflict
from core.gate import Action, Owned, Viewer
from core.log.commit import commit_surely
from core.log.entry import chain
from core.log.facts import LookContent, Looked, draft
from core.store import Record, Store
from core.values import GENESIS, Entry

_PATIENCE = 2.0


async def record_look(
    store: Store,
    clock: Clock,
    viewer: Viewer,
    action: Action,
    owned: Owned | None = None,
    *,
    words: str = "",
    filters: Mapping[str, Json] | None = None,
    owners: Sequence[str] = (),
    manifest: str | None = None,
) -> None:
    """Append one entry to `audit:<viewer>`; `owned` None is a search or an export.

    Of an export, `owners` are the people whose content it holds, and `manifest` is the digest of its manifest.

    Raises Unavailable or StoreRefused if the store did not take it: then the caller must not show the content.
    """
    stream = f"audit:{viewer.id}"
    look = Looked(
        action=action,
        object=f"{owned.kind}:{owned.id}" if owned else None,
        owner=owned.owner if owned else None,
        filters=dict(filters or {}),
        owners=list(owners),
        manifest=manifest,
        content=LookContent(purpose=viewer.purpose or "", words=words),
    )
    n, last_hash = 0, GENESIS
    # The head saves reading the whole log. It may lag, so the entries after it are read too.
    if head := await store.get("audit", viewer.id):
        n, last_hash = head.n, head.fields["hash"]
    while True:
        while entries := await store.read(stream, n):
            n, last_hash = entries[-1].n, entries[-1].hash
        entry = chain(stream, n, last_hash, [draft(look)], by=viewer.id, at=clock.now(), salts=[clock.token()])[0]
        try:
            await commit_surely(store, clock, stream, n, [entry], [audit_head(entry)], patience=_PATIENCE)
        except Conflict:  # the same viewer looked in another tab at the same time
            continue
        return


def audit_head(last: Entry) -> Record:
    """The head of the audit stream that ends with this entry."""
    viewer = last.stream.removeprefix("audit:")
    fields: dict[str, Json] = {"hash": last.hash, "viewer": viewer, "looked_at": iso(last.at)}
    return Record(kind="audit", id=viewer, n=last.n, fields=fields)
