"""The audit log: what viewers looked at, searched, exported and were denied, and why. Entries come before content.

Each viewer's entries are a stream of their own, `audit:<viewer>`. Whether something is on record already is decided on
the stream and never on this process's memory alone, so that two tabs and two processes agree.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.canonical import Json, digest
from core.clock import Clock, iso
from core.errors import Conflict, Corrupt, Denied, InvalidInput, NotFound, RolltopError
from core.gate import Access, Action, Owned, Viewer, authorize
from core.ids import check_id, check_user_id, name_of_user, user_named
from core.log.commit import commit_surely
from core.log.entry import chain
from core.log.facts import LookContent, LookDenied, Looked, draft, fact
from core.log.records import FOLD, Look, record
from core.log.repair_commits import Repairs
from core.server_log import log_event, reason_of, without_people
from core.store import Record, Store, every, streams_of
from core.values import GENESIS, Account, Entry

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=10)
"""The same look, or the same denial, within this time is one entry."""

MOST_DENIALS = 20
"""The most denials of one viewer within `WINDOW` that are on record one by one."""

_REMEMBERED = 200
"""The newest entries of a viewer among which a repetition is looked for."""

_VIEWERS = 200
"""The viewers whose newest entries this process remembers."""

_PATIENCE = 2.0


class AuditLog:
    """Puts looks and denials on record. One for all parts of a desk: it remembers what it has read of the log.

    `account` is the operating system's account of a command; what the command looks at names it.
    """

    def __init__(self, store: Store, clock: Clock, account: Account | None = None) -> None:
        self.account = account
        self._store = store
        self._clock = clock
        self._trails: dict[str, _Trail] = {}

    async def authorize(self, viewer: Viewer | None, action: Action, owned: Owned | None = None) -> Access:
        """Check the action as `core.gate.authorize` does, and raise the same; a denial is on record first.

        A denial without a viewer is logged only. For `look` and `named_look` the caller still has to `record`.
        """
        try:
            return authorize(viewer, action, owned)
        except (Denied, NotFound):
            if viewer is None:
                _tell_denial(action, owned, "not signed in")
            else:
                await self.record_denial(viewer, action, owned)
            raise

    async def record_denial(self, viewer: Viewer, action: Action, owned: Owned | None = None) -> None:
        """Put on record that the viewer was denied this, as far as the store answers; the caller raises."""
        _tell_denial(action, owned, ",".join(sorted(viewer.roles)))
        try:
            await self._deny(viewer, LookDenied(action=action, object=_name(owned), account=self.account))
        except RolltopError as error:
            # The viewer is denied in any case; a store that is away must not change what they are told.
            log.error("a denial of %s could not be put on record: %s", action, reason_of(error))

    async def record(
        self,
        viewer: Viewer,
        action: Action,
        owned: Owned | None = None,
        *,
        words: str = "",
        filters: Mapping[str, Json] | None = None,
        owners: Sequence[str] = (),
        manifest: str | None = None,
    ) -> None:
        """Put a look on record, unless the same one with the same purpose is there since less than `WINDOW`.

        `owned` None is a search, a list of requests or an export: `owners` are then the people whose content the latter
        two hold, and `manifest` is the digest of the export's manifest. Raises Unavailable or StoreRefused if the store
        did not take the entry: then the caller must not show the content.
        """
        looked = Looked(
            action=action,
            object=_name(owned),
            owner=owned.owner if owned else None,
            filters=dict(filters or {}),
            owners=list(owners),
            manifest=manifest,
            roles=sorted(viewer.roles),
            account=self.account,
            content=LookContent(purpose=viewer.purpose or "", words=words),
        )
        while True:
            trail = await self._read_on(viewer.id)
            same = trail.same(looked, self._clock.now())
            if same is None:
                if await self._committed(trail, looked, viewer):
                    return
            elif await self._erased(trail, same):
                same.digest = None
            else:
                return

    async def repair(self) -> None:
        """Write the records that lag behind their entries, because the writer died in between."""
        async for stream in every(self._store, streams_of("audit", dirty=True)):
            try:
                n = await self._written(user_named(stream.id.removeprefix("audit:")))
                while entries := await self._store.read(stream.id, n):
                    await self._write(entries)
                    n = entries[-1].n
                await Repairs(self._store, self._clock, stream.id, n, _PATIENCE).finish()
            except RolltopError as error:  # a broken log must not keep the others from being repaired
                log.error("%s cannot be repaired: %s", without_people(stream.id), reason_of(error))

    async def _deny(self, viewer: Viewer, denial: LookDenied) -> None:
        uncounted = 1
        while True:
            trail, now = await self._read_on(viewer.id), self._clock.now()
            if trail.same(denial, now):
                return
            single, more = trail.denials(now)
            if single < MOST_DENIALS:
                trail.uncounted = 0
                if await self._committed(trail, denial, viewer):
                    return
                continue
            trail.uncounted, uncounted = trail.uncounted + uncounted, 0
            if more + trail.uncounted < _next_power(more):
                return
            # Taken off before the commit: a denial that comes meanwhile must not count these again.
            uncounted, trail.uncounted = trail.uncounted, 0
            counted = denial.model_copy(update={"object": None, "more": more + uncounted})
            if await self._committed(trail, counted, viewer):
                return

    async def _read_on(self, viewer_id: str) -> "_Trail":
        """What this process remembers of the viewer's log, read on to its end."""
        trail = self._trails.pop(viewer_id, None)
        if trail is None:
            trail = _Trail(audit_stream(viewer_id), max(0, await self._written(viewer_id) - _REMEMBERED))
        self._trails[viewer_id] = trail
        if len(self._trails) > _VIEWERS:
            del self._trails[next(iter(self._trails))]
        while entries := await self._store.read(trail.stream, trail.n):
            # Before the next commit, whose head will say that all records up to it are written.
            written = await self._written(viewer_id)
            if lagging := [entry for entry in entries if entry.n > written]:
                await self._write(lagging)
            trail.add(entries)
        return trail

    async def _written(self, viewer_id: str) -> int:
        """The last entry whose record is written, and so are those before it."""
        head = await self._store.get("audit", name_of_user(viewer_id))
        # An older fold has made no records of looks.
        return head.n if head and head.fields.get("fold") == FOLD else 0

    async def _write(self, entries: Sequence[Entry]) -> None:
        """Write the records of these entries."""
        last = entries[-1]
        repairs = Repairs(self._store, self._clock, last.stream, last.n, _PATIENCE)
        for entry in entries:
            await repairs.add(record(look(entry)))
        await repairs.add(audit_head(last))
        await repairs.finish()

    async def _erased(self, trail: "_Trail", entry: "_Recent") -> bool:
        """Whether the entry's content was erased, perhaps after this process had read it."""
        stored = await self._store.read(trail.stream, entry.n - 1, 1)
        return stored[0].erased

    async def _committed(self, trail: "_Trail", fact: Looked | LookDenied, viewer: Viewer) -> bool:
        """Append the fact where the trail ends; False if another entry stands there."""
        at, salts = self._clock.now(), [self._clock.token()]
        (entry,) = chain(trail.stream, trail.n, trail.hash, [draft(fact)], by=viewer.id, at=at, salts=salts)
        records = [record(look(entry)), audit_head(entry)]
        try:
            await commit_surely(
                self._store, self._clock, trail.stream, entry.n - 1, [entry], records, patience=_PATIENCE
            )
        except Conflict:  # the same viewer looked in another tab at the same time
            return False
        trail.add([entry])
        return True


@dataclass(slots=True)
class _Recent:
    """An entry as far as it matters to later ones.

    `digest` is that of its fact, None if its content was erased after it was read.
    """

    n: int
    at: datetime
    digest: str | None
    denial: bool
    more: int


class _Trail:
    """The newest entries of a viewer's log, up to entry n, of this hash.

    `uncounted` are further denials that no entry counts yet: those that this process has seen.
    """

    def __init__(self, stream: str, n: int) -> None:
        self.stream = stream
        self.n = n
        self.hash = GENESIS
        self.uncounted = 0
        self._recent = deque[_Recent](maxlen=_REMEMBERED)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take the entries that it does not hold yet."""
        for entry in entries:
            if entry.n > self.n:
                seen = _audit_fact(entry)
                denial = isinstance(seen, LookDenied)
                more = seen.more if isinstance(seen, LookDenied) else 0
                self._recent.append(_Recent(entry.n, entry.at, _digest(seen), denial, more))
                self.n, self.hash = entry.n, entry.hash

    def same(self, wanted: Looked | LookDenied, now: datetime) -> _Recent | None:
        """The entry within `WINDOW` that says the same."""
        key = _digest(wanted)
        return next((one for one in self._recent if one.digest == key and _is_recent(one, now)), None)

    def denials(self, now: datetime) -> tuple[int, int]:
        """How many denials within `WINDOW` are on record one by one, and how many further ones are counted."""
        recent = [one for one in self._recent if one.denial and _is_recent(one, now)]
        return sum(not one.more for one in recent), max((one.more for one in recent), default=0)


def _tell_denial(action: Action, owned: Owned | None, roles: str) -> None:
    # Not who: the audit log has that, and whoever reads the server's log need not know.
    log_event("denied", logging.WARNING, action=action, kind=owned.kind if owned else None, roles=roles)


def audit_stream(viewer_id: str) -> str:
    """The stream that holds this viewer's looks."""
    return f"audit:{name_of_user(viewer_id)}"


def look(entry: Entry) -> Look:
    """The record of an audit log's entry. Raises Corrupt for an entry that does not belong there."""
    seen, viewer = _audit_fact(entry), _viewer(entry)
    common: dict[str, Any] = {  # Any: fields of the record
        "id": digest([viewer, entry.n]),
        "n": entry.n,
        "by": viewer,
        "at": iso(entry.at),
        "action": seen.action,
        "object": seen.object,
        "account": seen.account,
    }
    if isinstance(seen, LookDenied):
        of_denial: dict[str, Any] = {"owners": [], "filters": {}, "manifest": None, "purpose": None, "words": None}
        return Look(**common, **of_denial, denied=True, more=seen.more)
    return Look(
        **common,
        owners=seen.owners or ([seen.owner] if seen.owner else []),
        denied=False,
        more=0,
        filters=seen.filters,
        manifest=seen.manifest,
        roles=seen.roles,
        purpose=seen.content.purpose if seen.content else None,
        words=seen.content.words if seen.content else None,
    )


def audit_head(last: Entry) -> Record:
    """The head of the audit stream that ends with this entry."""
    fields: dict[str, Json] = {"hash": last.hash, "viewer": _viewer(last), "looked_at": iso(last.at), "fold": FOLD}
    return Record(kind="audit", id=name_of_user(_viewer(last)), n=last.n, fields=fields)


def _viewer(entry: Entry) -> str:
    return user_named(entry.stream.removeprefix("audit:"))


def _audit_fact(entry: Entry) -> Looked | LookDenied:
    seen = fact(entry)
    if not isinstance(seen, Looked | LookDenied):
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong to an audit log")
    return seen


def _digest(seen: Looked | LookDenied) -> str:
    # A digest, because words and purposes may be erased from the log and must not stay in memory.
    return digest(seen.model_dump(mode="json"))


def _is_recent(entry: _Recent, now: datetime) -> bool:
    # Another host's clock may differ, and this one may be set back. An entry far ahead counts as little as one long
    # ago: the look is then on record once more, and not left out until that time has come.
    return abs(now - entry.at) < WINDOW


def _next_power(count: int) -> int:
    """The next power of ten above the count: 1, 10, 100."""
    return 10 ** len(str(count)) if count else 1


def _name(owned: Owned | None) -> str | None:
    """The object's name on record. A malformed id is left out: it may be anything that a person typed."""
    if owned is None:
        return None
    try:
        check = check_user_id if owned.kind == "person" else check_id
        return f"{owned.kind}:{check(owned.id)}"
    except InvalidInput:
        return f"{owned.kind}:malformed"
