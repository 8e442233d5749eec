"""Administration: people's roles and blocks, on record with by which administrator and why.

A role is what a person's sign-in claims, or what an administrator has granted them. Claims are never stored; grants and
blocks are a log, and each process goes by what it has read of it within the last second. So a role that was taken away
is gone in all processes after that time, without a new sign-in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

import anyio

from core.arguments import checked, checked_methods
from core.canonical import Json
from core.clock import Clock, SystemClock, iso, milliseconds
from core.desk.checks import check_said, check_store
from core.errors import Blocked, Denied, InvalidInput, RolltopError
from core.gate import Action, Owned, Role, Viewer
from core.ids import check_user_id
from core.log.administration import ADMINISTRATION, fold_administration, nothing_decided
from core.log.audit import AuditLog
from core.log.facts import (
    AdministrationFact,
    PersonBlocked,
    PersonUnblocked,
    ReasonContent,
    RoleEnded,
    RoleGranted,
    SignInMapped,
)
from core.log.folded_log import FoldedLogs
from core.log.records import AdministrationRecord, Block, RoleGrant, SignInMapping
from core.store import Store
from core.values import Account

MAX_REASON = 500
"""The most characters of the reason for a grant, a block, or the end of either."""

KEPT_SECONDS = 1.0
"""Seconds for which a process goes by what it has read of the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesOnRecord:
    """The roles on record and the blocked people, sorted by person and role.

    `grants` are those that hold, `ended` those whose time has passed. Those that were taken away are in the log alone.
    `sign_ins` say by which settings people have roles with their sign-in: the newest, and the one before it.
    """

    grants: Sequence[RoleGrant]
    ended: Sequence[RoleGrant]
    blocks: Sequence[Block]
    sign_ins: Sequence[SignInMapping]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of the log at `read_at`, a moment of the monotonic clock, when it was `now` for the store."""

    record: AdministrationRecord
    now: datetime
    read_at: float
    # By person: each call of each person looks into these.
    grants: Mapping[str, Sequence[RoleGrant]] = field(init=False)
    blocked: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        by_person = sorted(self.record.grants, key=_person)
        object.__setattr__(self, "grants", {person: list(those) for person, those in groupby(by_person, _person)})
        object.__setattr__(self, "blocked", frozenset(map(_person, self.record.blocks)))


@dataclass(slots=True)
class _Reading:
    """A reading of the log that others wait for; it has neither `known` nor `error` if it was cancelled."""

    ended: anyio.Event
    known: _Known | None = None
    error: RolltopError | None = None


@checked_methods
class Administration:
    """Makes viewers, and changes what people may do. A program can use it without a Desk.

    If `audit` has the account of a command, what the command decides names it.

    A method that takes a viewer is for administrators. It raises Denied for other viewers, and InvalidInput for a
    reason that is missing or too long, and for a decision that does not go with what is on record.
    """

    @checked("store")
    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._account = self._audit.account
        self._logs = FoldedLogs(store, self._clock, "administration", fold_administration, nothing_decided())
        self._known: _Known | None = None
        self._reading: _Reading | None = None

    async def viewer(
        self,
        user_id: str,
        *,
        claimed: Iterable[Role] = (),
        country: str | None = None,
        entity: str | None = None,
        purpose: str | None = None,
    ) -> Viewer:
        """The person as a viewer, for one call: with the roles that they claim, and those that they were granted.

        Make one for each call: what is on record may have changed a second later. `claimed` are the roles by which your
        own sign-in knows the person. A grant ends by the store's clock. Raises Blocked for a blocked person, which
        is on record, InvalidInput as Viewer does, and Unavailable or StoreRefused if the store does not answer.
        """
        claims = Viewer(user_id, claimed, purpose, country, entity)
        return replace(claims, roles=claims.roles | await self._granted(claims.id))

    async def confirm(self, viewer: Viewer | None, *, claimed: Iterable[Role] = ()) -> None:
        """Check that the viewer, made a while ago with these claimed roles, still has each of its roles.

        For a program that keeps a viewer longer than for one call, such as a page that waits for a click. Raises Denied
        if a role was taken away or has ended since, which is on record, and else what `viewer` raises.
        """
        if viewer is None:
            raise Denied("desk.use")
        if not viewer.roles.difference(claimed) <= await self._granted(viewer.id):
            await self._audit.record_denial(viewer, "desk.use")
            raise Denied("desk.use")

    async def people(self, viewer: Viewer) -> RolesOnRecord:
        """The roles on record and the blocked people. Roles that people only claim are not among them.

        The listing is a look of the administrator's, and on record before it returns.
        """
        await self._audit.authorize(viewer, "roles.list")
        await self._audit.record(viewer, "roles.list")
        known = await self._read()
        grants = sorted(known.record.grants, key=lambda one: (one.person, one.role))
        return RolesOnRecord(
            grants=[one for one in grants if one.holds(known.now)],
            ended=[one for one in grants if not one.holds(known.now)],
            blocks=sorted(known.record.blocks, key=lambda one: one.person),
            sign_ins=known.record.sign_ins,
        )

    async def grant(
        self, viewer: Viewer, person: str, role: Role, why: str, *, until: datetime | None = None
    ) -> RoleGrant:
        """Give another person a role, until that moment of the store's clock; None is without an end.

        It replaces an earlier grant of the same role. The same grant once more adds no entry. `why` has 1 to 500
        characters.
        """
        person = await self._other(viewer, "roles.grant", person, "grants a role to")
        why = check_said(why, "why the role is granted", MAX_REASON)
        if until is not None and (until := milliseconds(until)) <= await self._store.now():
            raise InvalidInput("`until` has passed already: give a later time, or end the role")
        ends_at = iso(until) if until else None

        def repeats(record: AdministrationRecord) -> bool:
            if role == "administrator" and until:
                _keep_an_administrator(record, person)
            there = record.grant(person, role)
            return there is not None and (there.by, there.ends_at, there.why) == (viewer.id, ends_at, why)

        granted = RoleGranted(
            person=person,
            role=role,
            until=ends_at,
            basis="administrator",
            account=self._account,
            content=ReasonContent(reason=why),
        )
        return _found(await self._append(granted, viewer.id, repeats), person, role)

    async def end_grant(self, viewer: Viewer, person: str, role: Role, why: str) -> None:
        """Take a granted role away. A role that the person claims with their sign-in is not taken away by this.

        Raises InvalidInput also if the person was not granted the role, and for the last administrator without an end.
        """
        await self._audit.authorize(viewer, "roles.grant")
        person = check_user_id(person)
        why = check_said(why, "why the role is taken away", MAX_REASON)

        def repeats(record: AdministrationRecord) -> bool:
            if record.grant(person, role) is None:
                raise InvalidInput(f"{person} was not granted the role {role}, or it was taken away since")
            if role == "administrator":
                _keep_an_administrator(record, person)
            return False

        ended = RoleEnded(person=person, role=role, account=self._account, content=ReasonContent(reason=why))
        await self._append(ended, viewer.id, repeats)

    async def block(self, viewer: Viewer, person: str, why: str) -> Block:
        """Deny a person the desk, whatever their roles are. What they have asked already goes on.

        Raises InvalidInput also for a blocked person, and for the last administrator without an end.
        """
        await self._audit.authorize(viewer, "people.block")
        person = check_user_id(person)
        why = check_said(why, "why the person is blocked", MAX_REASON)

        def repeats(record: AdministrationRecord) -> bool:
            if there := record.block(person):
                if (there.by, there.why) == (viewer.id, why):
                    return True
                raise InvalidInput(f"{person} is blocked already, since {there.blocked_at}, by {there.by}")
            _keep_an_administrator(record, person)
            return False

        blocked = PersonBlocked(person=person, account=self._account, content=ReasonContent(reason=why))
        record = await self._append(blocked, viewer.id, repeats)
        return next(one for one in record.blocks if one.person == person)

    async def unblock(self, viewer: Viewer, person: str, why: str) -> None:
        """Let another person use the desk again. Raises InvalidInput also if they are not blocked."""
        person = await self._other(viewer, "people.block", person, "unblocks")
        why = check_said(why, "why the person is unblocked", MAX_REASON)

        def repeats(record: AdministrationRecord) -> bool:
            if record.block(person) is None:
                raise InvalidInput(f"{person} is not blocked")
            return False

        unblocked = PersonUnblocked(person=person, account=self._account, content=ReasonContent(reason=why))
        await self._append(unblocked, viewer.id, repeats)

    async def install(self, people: Iterable[str]) -> None:
        """Make these people administrators, each only once: one whom an administrator has ended since stays without.

        For the program that owns the installation, as its settings say. It is on record as the settings' grant.
        """
        for person in map(check_user_id, people):
            await self._install(person)

    async def map_sign_in(self, mapping: Mapping[str, Json], account: Account) -> SignInMapping | None:
        """Put on record by which settings the program's sign-in gives roles, if the newest on record are others.

        For the program that owns the installation, at its start; `account` is its own. `mapping` must hold no secret.
        Returns what it replaces, perhaps that of another program that still runs; None if there is nothing to replace.
        """
        mapped = SignInMapped(mapping=dict(mapping), account=account)
        replaced: list[SignInMapping] = []

        def repeats(record: AdministrationRecord) -> bool:
            newest = record.sign_ins[:1]
            replaced[:] = [one for one in newest if one.mapping != mapped.mapping]
            return bool(newest) and not replaced

        await self._append(mapped, "desk", repeats)
        return replaced[0] if replaced else None

    async def grant_first(self, person: str, *, by: str, why: str) -> RoleGrant:
        """Make a person administrator while the store lacks a grant on record; `by` is the id of the store's operator.

        Raises InvalidInput if there is a grant.
        """
        person, by = check_user_id(person), check_user_id(by)
        granted = RoleGranted(
            person=person,
            role="administrator",
            until=None,
            basis="first",
            account=self._account,
            content=ReasonContent(reason=check_said(why, "why the role is granted", MAX_REASON)),
        )

        def repeats(record: AdministrationRecord) -> bool:
            if record.grants:
                raise InvalidInput(
                    "roles are on record already: an administrator among them grants further ones; if none is left, "
                    "name one in the setting ROLLTOP_ADMINISTRATORS"
                )
            return False

        return _found(await self._append(granted, by, repeats), person, "administrator")

    async def repair(self) -> None:
        """Write the record if it lags behind its log."""
        await self._logs.repair()

    async def _install(self, person: str) -> None:
        granted = RoleGranted(
            person=person,
            role="administrator",
            until=None,
            basis="settings",
            account=None,
            content=ReasonContent(reason="named in the settings of the installation"),
        )
        await self._append(granted, "desk", lambda record: person in record.installed)

    async def _other(self, viewer: Viewer, action: Action, person: str, does: str) -> str:
        """The person's id, if the viewer may do this, and the person is another."""
        await self._audit.authorize(viewer, action)
        person = check_user_id(person)
        if person == viewer.id:
            await self._audit.record_denial(viewer, action, Owned(kind="person", id=person, owner=person))
            raise InvalidInput(f"nobody {does} themselves: ask another administrator")
        return person

    async def _granted(self, person: str) -> frozenset[Role]:
        """The roles that the person was granted and has by now. Raises Blocked, as `viewer` says."""
        known = self._known
        if known is None or self._clock.monotonic() - known.read_at >= KEPT_SECONDS:
            known = await self._read_once()
        if person in known.blocked:
            await self._audit.record_denial(Viewer(person, ()), "desk.use")
            raise Blocked(person)
        if person not in known.grants:
            return frozenset()
        now = known.now + timedelta(seconds=self._clock.monotonic() - known.read_at)
        return frozenset(grant.role for grant in known.grants[person] if grant.holds(now))

    async def _read_once(self) -> _Known:
        """What is on record now, read by the first of those callers that want it at the same time."""
        if (reading := self._reading) is None:
            self._reading = reading = _Reading(anyio.Event())
            try:
                reading.known = await self._read()
            except RolltopError as error:
                reading.error = error
            finally:
                self._reading = None
                reading.ended.set()
        else:
            await reading.ended.wait()
        if reading.error:
            # Many callers raise it: each would leave its traceback there.
            raise reading.error.with_traceback(None)
        return reading.known or await self._read_once()  # None if the reader was cancelled

    async def _read(self) -> _Known:
        """What is on record now."""
        began, known = self._clock.monotonic(), self._known
        record = await self._logs.read(ADMINISTRATION, known.record if known else None)
        known = _Known(record or nothing_decided(), await self._store.now(), began)
        # A decision of this process, made while this was read, is not forgotten again.
        if self._known is None or self._known.record.n <= known.record.n:
            self._known = known
        return known

    async def _append(
        self, decided: AdministrationFact, by: str, repeats: Callable[[AdministrationRecord], bool]
    ) -> AdministrationRecord:
        record = await self._logs.append(ADMINISTRATION, decided, by=by, repeats=repeats)
        if self._known and self._known.record.n < record.n:
            self._known = replace(self._known, record=record)
        return record


def _person(one: RoleGrant | Block) -> str:
    return one.person


def _found(record: AdministrationRecord, person: str, role: Role) -> RoleGrant:
    return next(one for one in record.grants if (one.person, one.role) == (person, role))


def _keep_an_administrator(record: AdministrationRecord, without: str) -> None:
    """Raises InvalidInput if this person alone is an administrator on record whose role has no end."""
    blocked = {one.person for one in record.blocks}
    lasting = {one.person for one in record.grants if one.role == "administrator" and one.ends_at is None} - blocked
    if lasting == {without}:
        raise InvalidInput(
            f"{without} is the last administrator whose role has no end: grant it to another person first"
        )
