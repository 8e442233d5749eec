"""Administration: people's roles and blocks; the tools and models that are switched off are those of a Switchboard.

Each decision is on record with by which administrator and why.

A role is what a person's sign-in claims, or what an administrator has granted them. Claims are never stored; grants and
blocks are a log, and each process goes by what it has read of it within the last second. So a role that was taken away
is gone in all processes after that time, without a new sign-in.
"""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from core.arguments import checked, checked_methods
from core.canonical import Json
from core.clock import Clock, SystemClock, iso, milliseconds
from core.desk.administration_log import AdministrationLog
from core.desk.checks import MAX_WHY, check_said, check_store
from core.desk.limit_states import LimitStates
from core.desk.lists import MAX_PAGE, check_limit
from core.desk.switchboard import Switchboard
from core.errors import Blocked, Denied, InvalidInput
from core.gate import Action, Owned, Role, Viewer
from core.ids import check_user_id, normalized
from core.limits import Limits, LimitState
from core.log.administration import ADMINISTRATION
from core.log.audit import AuditLog
from core.log.facts import (
    PersonBlocked,
    PersonUnblocked,
    ReasonContent,
    RoleEnded,
    RoleGranted,
    SignInMapped,
)
from core.log.past_roles import PastRole, past_roles
from core.log.records import AdministrationRecord, Block, RoleGrant, SignInMapping
from core.log.refold import pages
from core.model import Model
from core.spending.amounts import Moment
from core.store import Store
from core.tools import Tool
from core.values import Account

LAST = chr(sys.maxunicode)
"""Sorts after all that an id goes on with: the last character of Unicode, which has no meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesOnRecord:
    """The roles on record and the blocks of some people, sorted by person and role.

    `grants` are those that hold, `ended` those whose time has passed. Those that were taken away are in the log alone.
    `people` counts all that match, and `blocked` all blocked people. `cursor` fetches the next people; it is None for
    the last ones. `sign_ins` say by which settings people have roles with their sign-in, the newest and the one before.
    """

    grants: Sequence[RoleGrant]
    ended: Sequence[RoleGrant]
    blocks: Sequence[Block]
    people: int
    blocked: int
    cursor: str | None
    sign_ins: Sequence[SignInMapping]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The ids of the people on record as of entry n, sorted: all of them, and the blocked ones."""

    n: int
    everyone: Sequence[str]
    blocked: Sequence[str]


@checked_methods
class Administration(Switchboard):
    """Makes viewers, and changes what people may do. A program can use it without a Desk.

    If `audit` has the account of a command, what the command decides names it. `tools` and `models` are those of the
    process, for the list; `limits` are those of its desk.

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
        tools: Iterable[Tool] = (),
        models: Iterable[Model] = (),
        limits: Limits | None = None,
    ) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        super().__init__(
            AdministrationLog(store, self._clock), audit or AuditLog(store, self._clock), tools=tools, models=models
        )
        self._listed = _Listed(0, [], [])
        self._limits = LimitStates(store, limits)

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

    async def people(
        self,
        viewer: Viewer,
        *,
        begins: str = "",
        blocked: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> RolesOnRecord:
        """The roles on record and the blocked people. Roles that people only claim are not among them.

        At most `limit` people, 1 to 500, whose ids begin with `begins`; with `blocked` only the blocked ones. The
        listing is a look of the administrator's, and on record before it returns.
        """
        await self._audit.authorize(viewer, "roles.list")
        check_limit(limit, MAX_PAGE)
        await self._audit.record(viewer, "roles.list")
        known = await self._log.read()
        record, listed = known.record, self._sorted(known.record)
        ids, begins = (listed.blocked if blocked else listed.everyone), normalized(begins)
        first, last = bisect_left(ids, begins), bisect_left(ids, begins + LAST)
        start = max(first, bisect_right(ids, cursor)) if cursor is not None else first
        page = ids[start : min(start + limit, last)]
        grants = [one for person in page for role in sorted(get_args(Role)) if (one := record.grant(person, role))]
        return RolesOnRecord(
            grants=[one for one in grants if one.holds(known.now)],
            ended=[one for one in grants if not one.holds(known.now)],
            blocks=[block for person in page if (block := record.block(person))],
            people=last - first,
            blocked=len(listed.blocked),
            cursor=page[-1] if page and start + limit < last else None,
            sign_ins=record.sign_ins,
        )

    async def history(self, viewer: Viewer, person: str) -> list[PastRole]:
        """The person's grants and blocks in the order in which they began, also those that have ended; [] without any.

        It reads the whole log. It is a look of the administrator's at what is on record of the person.
        """
        await self._audit.authorize(viewer, "roles.list")
        person = check_user_id(person)
        await self._audit.record(viewer, "roles.list", Owned(kind="person", id=person, owner=person))
        return await past_roles(pages(self._store, ADMINISTRATION), person, await self._store.now())

    async def grant(
        self, viewer: Viewer, person: str, role: Role, why: str, *, until: datetime | None = None
    ) -> RoleGrant:
        """Give another person a role, until that moment of the store's clock; None is without an end.

        It replaces an earlier grant of the same role. The same grant once more adds no entry. `why` has 1 to 500
        characters.
        """
        person = await self._other(viewer, "roles.grant", person, "grants a role to")
        why = check_said(why, "why the role is granted", MAX_WHY)
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
            account=self._audit.account,
            content=ReasonContent(reason=why),
        )
        return _found(await self._log.append(granted, viewer.id, repeats), person, role)

    async def end_grant(self, viewer: Viewer, person: str, role: Role, why: str) -> None:
        """Take a granted role away. A role that the person claims with their sign-in is not taken away by this.

        Raises InvalidInput also if the person was not granted the role, and for the last administrator without an end.
        """
        await self._audit.authorize(viewer, "roles.grant")
        person = check_user_id(person)
        why = check_said(why, "why the role is taken away", MAX_WHY)

        def repeats(record: AdministrationRecord) -> bool:
            if record.grant(person, role) is None:
                raise InvalidInput(f"{person} was not granted the role {role}, or it was taken away since")
            if role == "administrator":
                _keep_an_administrator(record, person)
            return False

        ended = RoleEnded(person=person, role=role, account=self._audit.account, content=ReasonContent(reason=why))
        await self._log.append(ended, viewer.id, repeats)

    async def block(self, viewer: Viewer, person: str, why: str) -> Block:
        """Deny a person the desk, whatever their roles are. What they have asked already goes on.

        Raises InvalidInput also for a blocked person, and for the last administrator without an end.
        """
        await self._audit.authorize(viewer, "people.block")
        person = check_user_id(person)
        why = check_said(why, "why the person is blocked", MAX_WHY)

        def repeats(record: AdministrationRecord) -> bool:
            if there := record.block(person):
                if (there.by, there.why) == (viewer.id, why):
                    return True
                raise InvalidInput(f"{person} is blocked already, since {there.blocked_at}, by {there.by}")
            _keep_an_administrator(record, person)
            return False

        blocked = PersonBlocked(person=person, account=self._audit.account, content=ReasonContent(reason=why))
        return (await self._log.append(blocked, viewer.id, repeats)).blocked[person]

    async def unblock(self, viewer: Viewer, person: str, why: str) -> None:
        """Let another person use the desk again. Raises InvalidInput also if they are not blocked."""
        person = await self._other(viewer, "people.block", person, "unblocks")
        why = check_said(why, "why the person is unblocked", MAX_WHY)

        def repeats(record: AdministrationRecord) -> bool:
            if record.block(person) is None:
                raise InvalidInput(f"{person} is not blocked")
            return False

        unblocked = PersonUnblocked(person=person, account=self._audit.account, content=ReasonContent(reason=why))
        await self._log.append(unblocked, viewer.id, repeats)

    async def limits_reached(self, viewer: Viewer) -> list[LimitState]:
        """Which limits are reached now, by whom, and until when: first those of all people, then by the person's id.

        It names people, and is a look of the administrator's, which is on record before it returns.
        """
        await self._audit.authorize(viewer, "limits.list")
        await self._audit.record(viewer, "limits.list")
        return await self._limits.reached(Moment(await self._log.now()))

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

        await self._log.append(mapped, "desk", repeats)
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
            account=self._audit.account,
            content=ReasonContent(reason=check_said(why, "why the role is granted", MAX_WHY)),
        )

        def repeats(record: AdministrationRecord) -> bool:
            if record.grants:
                raise InvalidInput(
                    "roles are on record already: an administrator among them grants further ones; if none is left, "
                    "name one in the setting ROLLTOP_ADMINISTRATORS"
                )
            return False

        return _found(await self._log.append(granted, by, repeats), person, "administrator")

    async def repair(self) -> None:
        """Write the record if it lags behind its log."""
        await self._log.repair()

    async def _install(self, person: str) -> None:
        granted = RoleGranted(
            person=person,
            role="administrator",
            until=None,
            basis="settings",
            account=None,
            content=ReasonContent(reason="named in the settings of the installation"),
        )
        await self._log.append(granted, "desk", lambda record: person in record.installed)

    async def _other(self, viewer: Viewer, action: Action, person: str, does: str) -> str:
        """The person's id, if the viewer may do this, and the person is another."""
        await self._audit.authorize(viewer, action)
        person = check_user_id(person)
        if person == viewer.id:
            await self._audit.record_denial(viewer, action, Owned(kind="person", id=person, owner=person))
            raise InvalidInput(f"nobody {does} themselves: ask another administrator")
        return person

    def _sorted(self, record: AdministrationRecord) -> _Listed:
        """The people on record, sorted once for each change of the log."""
        if self._listed.n != record.n:
            everyone = {person for person, _ in record.held}.union(record.blocked)
            self._listed = _Listed(record.n, sorted(everyone), sorted(record.blocked))
        return self._listed

    async def _granted(self, person: str) -> frozenset[Role]:
        """The roles that the person was granted and has by now. Raises Blocked, as `viewer` says."""
        known = await self._log.newest()
        if known.record.block(person):
            await self._audit.record_denial(Viewer(person, ()), "desk.use")
            raise Blocked(person)
        now = known.now + timedelta(seconds=self._clock.monotonic() - known.read_at)
        held = (known.record.grant(person, role) for role in get_args(Role))
        return frozenset(grant.role for grant in held if grant and grant.holds(now))


def _found(record: AdministrationRecord, person: str, role: Role) -> RoleGrant:
    return record.held[person, role]


def _keep_an_administrator(record: AdministrationRecord, without: str) -> None:
    """Raises InvalidInput if this person alone is an administrator on record whose role has no end."""
    blocked = {one.person for one in record.blocks}
    lasting = {one.person for one in record.grants if one.role == "administrator" and one.ends_at is None} - blocked
    if lasting == {without}:
        raise InvalidInput(
            f"{without} is the last administrator whose role has no end: grant it to another person first"
        )
