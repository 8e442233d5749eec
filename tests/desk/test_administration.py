"""Roles on record: who grants and blocks, how soon it counts everywhere, and what stays of it."""

from dataclasses import replace
from datetime import timedelta

import anyio
import anyio.lowlevel
import pymongo
import pytest

from backends import open_store
from backends.models.scripted.model import ScriptedModel
from backends.stores.memory import MemoryStore
from core import Account, Administration, Blocked, Denied, Desk, InvalidInput, Unavailable, Viewer
from core.clock import SystemClock, iso
from core.desk.administration_log import FRESH_SECONDS
from core.desk.checks import MAX_WHY
from core.errors import Corrupt
from core.log.administration import ADMINISTRATION, fold_administration
from core.log.audit import AuditLog
from core.log.commit import begin_stream
from core.log.entry import chain, verify
from core.log.facts import DemoMarked, draft
from core.log.refold import write_again
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.store import Query
from tests.support.desks import ASKER, QUICK, HandClock
from tests.support.wrapped import WrappedStore

ADMIN = Viewer("e-7001", roles={"employee", "administrator"})
SECOND = Viewer("e-7002", roles={"administrator"})
BOTH = [ADMIN.id, SECOND.id]


def desk_of(store, clock=None):
    return Desk(store, ScriptedModel([]), options=QUICK, clock=clock)


async def roles(administration, person="e-2001", claimed=()):
    return (await administration.viewer(person, claimed=claimed)).roles


async def faults(store, *, mend=False):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=mend)
    return [(found.fault, found.kind, found.id) async for found in rebuild.findings()]


async def decided(store):
    """The kinds of what is on record, with whom each is about, and by whom."""
    return [(entry.kind, entry.shell.get("person"), entry.by) for entry in await store.read(ADMINISTRATION)]


@pytest.fixture
def clock():
    return HandClock()


# What makes a viewer


async def test_a_viewer_has_the_roles_that_they_claim_and_those_they_were_granted(store):
    async with desk_of(store) as desk:
        people = desk.administration
        assert await roles(people) == frozenset()
        await people.grant(ADMIN, "e-2001", "auditor", "spring audit")
        viewer = await people.viewer("e-2001", claimed={"employee"}, country="AT", entity="Alps", purpose="complaint 7")
        assert viewer == Viewer("e-2001", {"employee", "auditor"}, "complaint 7", "AT", "Alps")
        assert await roles(people, "e-2002", ["employee"]) == {"employee"}
    (entry,) = await store.read(ADMINISTRATION)
    assert "employee" not in repr(entry.shell)  # what is claimed is never stored


async def test_a_grant_and_its_end_say_by_whom_and_why(store):
    async with desk_of(store) as desk:
        until = SystemClock().now() + timedelta(days=30)
        given = await desk.administration.grant(ADMIN, "e-2001", "auditor", "  spring audit ", until=until)
        assert (given.by, given.why, given.ends_time, given.basis) == (ADMIN.id, "spring audit", until, "administrator")
        await desk.administration.end_grant(ADMIN, "e-2001", "auditor", "moved on")
        await desk.administration.block(ADMIN, "e-2001", "left")
        await desk.administration.unblock(ADMIN, "e-2001", "came back")
    entries = await store.read(ADMINISTRATION)
    assert [(entry.kind, entry.by, entry.payload["reason"]) for entry in entries] == [
        ("role.granted", ADMIN.id, "spring audit"),
        ("role.ended", ADMIN.id, "moved on"),
        ("person.blocked", ADMIN.id, "left"),
        ("person.unblocked", ADMIN.id, "came back"),
    ]
    assert verify(entries) == (4, entries[-1].hash)


async def test_a_role_that_is_taken_away_is_gone_in_another_desk_a_second_later(tmp_path, clock):
    async with (
        open_store(f"sqlite:///{tmp_path}/desk.db") as one,
        open_store(f"sqlite:///{tmp_path}/desk.db") as other,
        desk_of(one) as here,
        desk_of(other, clock) as there,
    ):
        await here.administration.grant(ADMIN, "e-2001", "auditor", "spring audit")
        assert await roles(there.administration) == {"auditor"}
        await here.administration.end_grant(ADMIN, "e-2001", "auditor", "moved on")
        assert await roles(here.administration) == frozenset()  # where it was decided, at once
        clock.advance(FRESH_SECONDS)
        assert await roles(there.administration) == frozenset()
        await here.administration.block(ADMIN, "e-1042", "left")
        clock.advance(FRESH_SECONDS)
        with pytest.raises(Blocked, match="e-1042 is blocked"):
            await there.administration.viewer("e-1042", claimed=["employee"])


async def test_within_a_second_viewers_cost_no_read(clock):
    class Counting(WrappedStore):
        reads = 0

        async def read(self, stream, after=0, limit=500):
            self.reads += 1
            return await super().read(stream, after, limit)

    store = Counting(MemoryStore())
    people = Administration(store, clock=clock)
    await people.grant(ADMIN, "e-2001", "auditor", "spring audit")
    await roles(people)
    before = store.reads
    for _ in range(5):
        assert await roles(people) == {"auditor"}
    assert store.reads == before


async def test_callers_at_the_same_time_share_one_read(clock):
    class Held(WrappedStore):
        reads, fails, let = 0, False, anyio.Event()

        async def read(self, stream, after=0, limit=500):
            self.reads += 1
            await self.let.wait()
            if self.fails:
                raise Unavailable("away")
            return await super().read(stream, after, limit)

    async def all_of(count):
        """What each of so many callers gets."""
        outcomes = []

        async def one():
            try:
                outcomes.append(await roles(people, claimed=["employee"]))
            except Unavailable as error:
                outcomes.append(error)

        store.reads, store.let = 0, anyio.Event()
        clock.advance(FRESH_SECONDS)
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            assert store.reads == 1
            store.let.set()
        return outcomes

    store = Held(MemoryStore())
    people = Administration(store, clock=clock)
    assert await all_of(5) == [{"employee"}] * 5
    store.fails = True
    outcomes = await all_of(5)
    assert [type(one) for one in outcomes] == [Unavailable] * 5
    assert store.reads == 1


async def test_a_caller_that_is_cancelled_while_it_reads_for_others_leaves_them_to_read(clock):
    class Held(WrappedStore):
        reads = 0

        async def read(self, stream, after=0, limit=500):
            self.reads += 1
            if self.reads == 1:
                await anyio.sleep_forever()
            return await super().read(stream, after, limit)

    store, outcomes, scope = Held(MemoryStore()), [], anyio.CancelScope()
    people = Administration(store, clock=clock)

    async def cancelled():
        with scope:
            await roles(people)

    async def other():
        outcomes.append(await roles(people, claimed=["employee"]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(other)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
    assert (outcomes, store.reads) == ([{"employee"}], 2)


async def test_a_viewer_that_was_kept_is_confirmed_until_a_role_is_taken_away_or_its_person_blocked(tmp_path, clock):
    """Two processes on one store."""
    async with (
        open_store(f"sqlite:///{tmp_path}/desk.db") as one,
        open_store(f"sqlite:///{tmp_path}/desk.db") as other,
        desk_of(one) as here,
        desk_of(other, clock) as there,
    ):
        await here.administration.grant(ADMIN, "e-2001", "auditor", "spring audit")
        viewer = await there.administration.viewer("e-2001", claimed=["employee"])
        await here.administration.grant(ADMIN, "e-2001", "approver", "on duty")
        clock.advance(FRESH_SECONDS)
        await there.administration.confirm(viewer, claimed=["employee"])  # a further role changes nothing
        await here.administration.end_grant(ADMIN, "e-2001", "auditor", "moved on")
        clock.advance(FRESH_SECONDS)
        with pytest.raises(Denied) as caught:
            await there.administration.confirm(viewer, claimed=["employee"])
        assert type(caught.value) is Denied
        left = await there.administration.viewer("e-2001", claimed=["employee"])
        assert left.roles == {"employee", "approver"}
        await there.administration.confirm(left, claimed=["employee"])
        await here.administration.block(ADMIN, "e-2001", "left")
        clock.advance(FRESH_SECONDS)
        with pytest.raises(Blocked):
            await there.administration.confirm(left, claimed=["employee"])
        assert [(entry.kind, entry.shell["action"]) for entry in await one.read("audit:e-2001")] == [
            ("audit.denied", "desk.use")
        ]


async def test_a_grant_ends_by_the_stores_clock(clock):
    class Ahead(WrappedStore):
        """A store whose clock differs from that of this machine."""

        ahead = timedelta(days=400)

        async def now(self):
            return await super().now() + self.ahead

    store = Ahead(MemoryStore())
    people = Administration(store, clock=clock)
    with pytest.raises(InvalidInput, match="has passed already"):
        await people.grant(ADMIN, "e-2001", "auditor", "audit", until=clock.now() + timedelta(days=300))
    until = await store.now() + timedelta(hours=1)
    await people.grant(ADMIN, "e-2001", "auditor", "audit", until=until)
    assert await roles(people) == {"auditor"}
    clock.advance(FRESH_SECONDS)
    store.ahead += timedelta(hours=1)
    assert await roles(people) == frozenset()
    listed = await people.people(ADMIN)
    assert (listed.grants, [one.ends_at for one in listed.ended]) == ([], [iso(until)])


async def test_a_grant_ends_between_two_reads_of_the_log_too():
    class ByHand(HandClock):
        def monotonic(self):
            return self._ahead

    class Still(WrappedStore):
        """A store whose clock stands."""

        at = SystemClock().now()

        async def now(self):
            return self.at

    clock, store = ByHand(), Still(MemoryStore())
    people = Administration(store, clock=clock)
    await people.grant(ADMIN, "e-2001", "auditor", "audit", until=store.at + timedelta(seconds=0.5))
    assert await roles(people) == {"auditor"}
    clock.advance(0.4)
    assert await roles(people) == {"auditor"}
    clock.advance(0.1)
    assert await roles(people) == frozenset()


async def test_a_person_who_is_blocked_is_denied_whatever_they_claim_and_it_is_on_record(store):
    async with desk_of(store) as desk:
        people = desk.administration
        await people.grant(ADMIN, "e-2001", "auditor", "audit")
        await people.block(ADMIN, "e-2001", "left")
        for claimed in ((), ("employee",), ("administrator", "auditor")):
            with pytest.raises(Denied) as caught:
                await people.viewer("e-2001", claimed=claimed)
            assert type(caught.value) is Blocked
        denials = [(entry.kind, entry.shell["action"]) for entry in await store.read("audit:e-2001")]
        assert denials == [("audit.denied", "desk.use")]
        await people.unblock(ADMIN, "e-2001", "came back")
        assert await roles(people) == {"auditor"}


async def test_without_an_answer_of_the_store_there_is_no_viewer(clock):
    class Away(WrappedStore):
        away = False

        async def read(self, stream, after=0, limit=500):
            if self.away:
                raise Unavailable("away")
            return await super().read(stream, after, limit)

    store = Away(MemoryStore())
    people = Administration(store, clock=clock)
    assert await roles(people, claimed=["employee"]) == {"employee"}
    store.away = True
    clock.advance(FRESH_SECONDS)
    with pytest.raises(Unavailable):
        await people.viewer("e-2001", claimed=["employee"])


async def test_a_slow_read_does_not_bring_back_what_was_taken_away_meanwhile(clock):
    class Slow(WrappedStore):
        held: anyio.Event | None = None

        async def read(self, stream, after=0, limit=500):
            entries = await super().read(stream, after, limit)
            if self.held:
                held, self.held = self.held, None
                await held.wait()
            return entries

    store = Slow(MemoryStore())
    people = Administration(store, clock=clock)
    await people.grant(ADMIN, "e-2001", "auditor", "audit")
    await roles(people)
    clock.advance(FRESH_SECONDS)
    held = store.held = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(roles, people)
        while store.held:  # until the read has begun
            await anyio.lowlevel.checkpoint()
        await people.end_grant(ADMIN, "e-2001", "auditor", "moved on")
        held.set()
    assert await roles(people) == frozenset()


# Who may decide, and what


@pytest.mark.parametrize("viewer", [ASKER, Viewer("e-2001", {"auditor"}, "complaint 7"), None])
async def test_only_administrators_decide(store, viewer):
    people = Administration(store)
    await people.install(BOTH)
    for call in (
        lambda: people.grant(viewer, "e-1077", "auditor", "audit"),
        lambda: people.end_grant(viewer, SECOND.id, "administrator", "none"),
        lambda: people.block(viewer, "e-1077", "none"),
        lambda: people.unblock(viewer, "e-1077", "none"),
        lambda: people.people(viewer),
    ):
        with pytest.raises(Denied):
            await call()
    assert len(await store.read(ADMINISTRATION)) == 2


async def test_nobody_grants_to_or_unblocks_themselves_and_the_attempt_is_on_record(store):
    people = Administration(store)
    await people.install(BOTH)
    await people.block(SECOND, ADMIN.id, "holiday")
    with pytest.raises(InvalidInput, match="nobody grants a role to themselves"):
        await people.grant(ADMIN, ADMIN.id, "auditor", "curious")
    with pytest.raises(InvalidInput, match="nobody unblocks themselves"):
        await people.unblock(ADMIN, ADMIN.id, "back")
    assert len(await store.read(ADMINISTRATION)) == 3
    denials = [(entry.shell["action"], entry.shell["object"]) for entry in await store.read(f"audit:{ADMIN.id}")]
    assert denials == [("roles.grant", "person:e-7001"), ("people.block", "person:e-7001")]


async def test_two_spellings_of_ones_own_id_are_one_person(store):
    people = Administration(store)
    with pytest.raises(InvalidInput, match="nobody grants a role to themselves"):
        await people.grant(Viewer("jos\u00e9", {"administrator"}), "jose\u0301", "auditor", "curious")


LAST = "e-7001 is the last administrator"


async def test_the_last_administrator_is_not_ended_blocked_or_given_an_end(store):
    people = Administration(store)
    await people.install([ADMIN.id])
    later = SystemClock().now() + timedelta(days=1)
    # By one who is an administrator by their sign-in alone.
    for call in (
        lambda: people.end_grant(SECOND, ADMIN.id, "administrator", "tidy"),
        lambda: people.end_grant(ADMIN, ADMIN.id, "administrator", "tired"),
        lambda: people.block(SECOND, ADMIN.id, "tidy"),
        lambda: people.grant(SECOND, ADMIN.id, "administrator", "tidy", until=later),
    ):
        with pytest.raises(InvalidInput, match=LAST):
            await call()
    # Neither one whose role ends, nor one who is blocked, is left for good.
    await people.grant(ADMIN, SECOND.id, "administrator", "deputy", until=later)
    await people.grant(ADMIN, "e-7003", "administrator", "deputy")
    await people.block(ADMIN, "e-7003", "left")
    with pytest.raises(InvalidInput, match=LAST):
        await people.end_grant(ADMIN, ADMIN.id, "administrator", "tired")
    await people.unblock(ADMIN, "e-7003", "back")
    await people.end_grant(ADMIN, ADMIN.id, "administrator", "tired")
    assert await roles(people, ADMIN.id) == frozenset()


async def test_two_administrators_who_end_each_other_at_once_leave_one(tmp_path):
    class Together(WrappedStore):
        """The first two ends wait for each other: both have read the same log."""

        waiting = 0

        def __init__(self, store):
            super().__init__(store)
            self.both = anyio.Event()

        async def commit(self, stream, after, entries, records=(), *, id):
            if after == 2 and not self.both.is_set():
                self.waiting += 1
                if self.waiting == 2:
                    self.both.set()
                await self.both.wait()
            await super().commit(stream, after, entries, records, id=id)

    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
        people, refused = Administration(Together(store)), []
        await people.install(BOTH)

        async def end(viewer, other):
            try:
                await people.end_grant(viewer, other, "administrator", "tidy")
            except InvalidInput as error:
                refused.append(str(error))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end, ADMIN, SECOND.id)
            tasks.start_soon(end, SECOND, ADMIN.id)
        assert len(refused) == 1
        assert "is the last administrator" in refused[0]
        assert len((await people.people(ADMIN)).grants) == 1


async def test_what_is_on_record_already_is_not_decided_twice_and_what_is_not_is_not_ended(store):
    people = Administration(store)
    first = await people.grant(ADMIN, "e-2001", "auditor", "audit")
    assert await people.grant(ADMIN, "e-2001", "auditor", "audit") == first
    block = await people.block(ADMIN, "e-1077", "left")
    assert await people.block(ADMIN, "e-1077", "left") == block
    assert len(await store.read(ADMINISTRATION)) == 2
    for call, words in (
        (lambda: people.block(SECOND, "e-1077", "left"), "e-1077 is blocked already, since .*, by e-7001"),
        (lambda: people.unblock(ADMIN, "e-2001", "back"), "e-2001 is not blocked"),
        (lambda: people.end_grant(ADMIN, "e-2001", "approver", "done"), "e-2001 was not granted the role approver"),
        (lambda: people.grant(ADMIN, "e-2001", "auditor", " "), "say in 1 to 500 characters why"),
        (lambda: people.block(ADMIN, "e-2001", "x" * (MAX_WHY + 1)), "say in 1 to 500 characters why"),
        (lambda: people.grant(ADMIN, "e-2001", "owner", "audit"), "`role` must be 'employee' or"),
        (lambda: people.grant(ADMIN, " e-2001", "auditor", "audit"), "a user id is"),
    ):
        with pytest.raises(InvalidInput, match=words):
            await call()
    assert len(await store.read(ADMINISTRATION)) == 2


async def test_a_later_grant_of_the_role_takes_the_place_of_the_earlier_one(store):
    people = Administration(store)
    until = SystemClock().now() + timedelta(days=30)
    await people.grant(ADMIN, "e-2001", "auditor", "audit", until=until)
    longer = await people.grant(SECOND, "e-2001", "auditor", "audit goes on")
    assert (await people.people(ADMIN)).grants == [longer]
    await people.end_grant(ADMIN, "e-2001", "auditor", "done")
    assert await roles(people) == frozenset()


async def test_the_list_names_who_has_what_since_when_by_whom_and_why_and_is_a_look(store):
    people = Administration(store)
    await people.install([ADMIN.id])
    await people.grant(ADMIN, "e-2001", "auditor", "audit")
    await people.grant(ADMIN, "e-2001", "approver", "deputy")
    await people.block(ADMIN, "e-1077", "left")
    listed = await people.people(ADMIN)
    assert [(one.person, one.role, one.by, one.why) for one in listed.grants] == [
        ("e-2001", "approver", ADMIN.id, "deputy"),
        ("e-2001", "auditor", ADMIN.id, "audit"),
        ("e-7001", "administrator", "desk", "named in the settings of the installation"),
    ]
    entries = await store.read(ADMINISTRATION)
    assert {one.granted_at for one in listed.grants} <= {iso(entry.at) for entry in entries}
    assert [(one.person, one.by, one.why) for one in listed.blocks] == [("e-1077", ADMIN.id, "left")]
    assert [entry.shell["action"] for entry in await store.read(f"audit:{ADMIN.id}")] == ["roles.list"]


# The first administrator


async def test_the_settings_make_each_person_administrator_once(store):
    for _ in range(2):  # each start of a console
        await Administration(store).install([ADMIN.id, SECOND.id])
    assert await decided(store) == [("role.granted", ADMIN.id, "desk"), ("role.granted", SECOND.id, "desk")]
    people = Administration(store)
    await people.end_grant(SECOND, ADMIN.id, "administrator", "moved on")
    await people.install([ADMIN.id])
    assert await roles(people, ADMIN.id) == frozenset()
    await people.install(["e-7003"])
    assert await roles(people, "e-7003") == {"administrator"}


async def test_the_first_grant_needs_a_store_without_one_and_names_the_account(store):
    account = Account(user="ops", host="hr-1")
    people = Administration(store, audit=AuditLog(store, SystemClock(), account))
    first = await people.grant_first("e-7001", by="e-7001", why="set up")
    assert (first.role, first.basis, first.by, first.account) == ("administrator", "first", "e-7001", account)
    with pytest.raises(InvalidInput, match="roles are on record already"):
        await people.grant_first("e-7002", by="e-7002", why="set up")
    assert [entry.shell["account"] for entry in await store.read(ADMINISTRATION)] == [{"user": "ops", "host": "hr-1"}]
    block = await people.block(ADMIN, "e-1077", "left")
    assert block.account == account


# The mapping of a sign-in


async def test_the_newest_mapping_of_a_sign_in_and_the_one_before_are_on_record_with_the_programs_account(store):
    people, account = Administration(store), Account(user="hr", host="hr-1")
    one, other, third = ({"roles": {"$HR.Auditor": [role]}, "hours": 7.5} for role in ("auditor", "handler", "x"))
    assert await people.map_sign_in(one, account) is None
    assert await people.map_sign_in(dict(one), Account(user="hr", host="hr-2")) is None
    replaced = await Administration(store).map_sign_in(other, Account(user="hr", host="hr-2"))
    assert (replaced.mapping, replaced.account.host) == (one, "hr-1")
    entries = await store.read(ADMINISTRATION)
    assert [(entry.kind, entry.by, entry.payload) for entry in entries] == [("sign_in.mapped", "desk", {})] * 2
    await people.map_sign_in(third, account)
    on_record = (await people.people(ADMIN)).sign_ins
    assert [(mapped.mapping, mapped.account.host) for mapped in on_record] == [(third, "hr-1"), (other, "hr-2")]
    assert on_record[1].since == iso(entries[1].at)
    assert [finding async for finding in Rebuild(store, SystemClock(), lambda *_: None, mend=False).findings()] == []


# The log: copied, compared, rebuilt, erased


async def filled(store):
    await begin_stream(store, SystemClock(), ADMINISTRATION, [DemoMarked()], patience=0)
    people = Administration(store)
    await people.install([ADMIN.id])
    await people.grant(ADMIN, "e-2001", "auditor", "spring audit")
    await people.block(ADMIN, "e-1077", "left")
    return people


async def test_it_is_copied_rebuilt_and_compared(store, tmp_path):
    await filled(store)
    assert await faults(store) == []
    right = await store.get("administration", "desk")
    assert (right.n, right.fields["demo"], right.fields["installed"]) == (4, True, [ADMIN.id])
    async with open_store(f"sqlite:///{tmp_path}/copy.db") as target:
        copied = await copy(store, target, SystemClock(), lambda *_: None)
        assert copied.records == 1
        assert await target.get("administration", "desk") == right
        assert await roles(Administration(target)) == {"auditor"}
        assert await faults(target) == []
    async with open_store("memory:") as lost:
        await lost.commit(ADMINISTRATION, 0, await store.read(ADMINISTRATION), id="c1")
        assert await faults(lost, mend=False) == [("missing", "administration", "desk")]
        await faults(lost, mend=True)
        assert await lost.get("administration", "desk") == right
        await lost.commit(ADMINISTRATION, 4, (), [replace(right, fields={**right.fields, "grants": []})], id="c2")
        assert await faults(lost, mend=True) == [("changed", "administration", "desk")]
        assert await lost.get("administration", "desk") == right


async def test_a_record_without_its_log_gives_no_role_and_is_named(store):
    await filled(store)
    forged = await store.get("administration", "desk")
    async with open_store("memory:") as other:
        await other.commit(ADMINISTRATION, 0, (), [forged], id="c1")
        assert await roles(Administration(other)) == frozenset()
        assert await faults(other) == [("ghost", "administration", "desk")]


async def test_the_mark_of_a_demo_alone_makes_no_record(store, tmp_path):
    await begin_stream(store, SystemClock(), ADMINISTRATION, [DemoMarked()], patience=0)
    async with open_store(f"sqlite:///{tmp_path}/copy.db") as target:
        assert (await copy(store, target, SystemClock(), lambda *_: None)).records == 0
        for one in (store, target):
            assert await faults(one) == []
            assert not (await one.find(Query(kind="administration"))).records


async def test_a_mark_after_the_first_entry_makes_no_demo(store):
    await Administration(store).install([ADMIN.id])
    first = (await store.read(ADMINISTRATION))[-1]
    clock = SystemClock()
    late = chain(ADMINISTRATION, 1, first.hash, [draft(DemoMarked())], by="desk", at=clock.now(), salts=[clock.token()])
    await store.commit(ADMINISTRATION, 1, late, id="c-late")
    await Administration(store).install([SECOND.id])
    assert (await store.get("administration", "desk")).fields["demo"] is False


async def test_an_erasure_takes_the_reasons_and_leaves_the_roles(store):
    await filled(store)
    assert await store.erase(ADMINISTRATION) == 4
    await write_again(store, SystemClock(), ADMINISTRATION, 0)
    entries = await store.read(ADMINISTRATION)
    assert verify(entries) == (4, entries[-1].hash)
    assert await faults(store) == []
    people = Administration(store)
    assert await roles(people) == {"auditor"}
    listed = await people.people(ADMIN)
    assert {one.why for one in (*listed.grants, *listed.blocks)} == {None}
    assert "spring audit" not in repr(await store.get("administration", "desk"))


async def test_a_record_that_lags_behind_its_log_is_written_by_recovery(mongodb_url):
    async with open_store(mongodb_url) as store, desk_of(store) as desk:
        await desk.administration.install([ADMIN.id])
        right = await store.get("administration", "desk")
        with pymongo.MongoClient(mongodb_url) as client:  # as a writer leaves it that dies after the entry
            database = client.get_default_database()
            assert database["record.administration"].delete_many({}).deleted_count == 1
            database["commits"].update_one({"stream": ADMINISTRATION}, {"$set": {"dirty": 1}})
        assert await roles(desk.administration, ADMIN.id) == {"administrator"}
        await desk.recover()
        assert await store.get("administration", "desk") == right


async def test_an_entry_of_another_kind_or_out_of_order_is_refused_by_name(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.administration.install(BOTH)
        first, second = await store.read(ADMINISTRATION)
        (created,) = await store.read(f"thread:{thread}")
    record = fold_administration(None, first)
    for before, odd in ((None, second), (record, first)):
        with pytest.raises(Corrupt, match="follows entry"):
            fold_administration(before, odd)
    async with open_store("memory:") as odd:
        await odd.commit(ADMINISTRATION, 0, [replace(created, stream=ADMINISTRATION)], id="c1")
        with pytest.raises(Corrupt, match=r"thread\.created does not belong to the administration"):
            await Administration(odd).viewer("e-7001", claimed=["employee"])
        assert [fault for fault, _, _ in await faults(odd)] == ["broken"]
