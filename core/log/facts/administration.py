"""The facts of `administration:desk`: roles, blocks, switches, backups."""

from typing import Literal

from core.canonical import Json
from core.gate import Role
from core.log.facts.base import Fact
from core.values import Account, GrantBasis, Switched, Value


class DemoMarked(Fact):
    """The store is a demo. Only entry 1 of `administration:desk` counts."""

    # A later one does not: it would turn a store that holds real threads into a demo, in which anyone may be anyone.
    kind: Literal["demo.marked"] = "demo.marked"


class ReasonContent(Value):
    reason: str


class RoleGranted(Fact):
    """A person has this role from now on, until `until` if it is set. It replaces an earlier grant of the role.

    `account` is set if a command did it. A grant of the settings is by the desk.
    """

    kind: Literal["role.granted"] = "role.granted"
    person: str
    role: Role
    until: str | None
    basis: GrantBasis
    account: Account | None
    content: ReasonContent | None


class RoleEnded(Fact):
    """A granted role was taken away. `account` is set if a command did it."""

    kind: Literal["role.ended"] = "role.ended"
    person: str
    role: Role
    account: Account | None
    content: ReasonContent | None


class PersonBlocked(Fact):
    """A person may not use the desk, whatever their roles are. `account` is set if a command did it."""

    kind: Literal["person.blocked"] = "person.blocked"
    person: str
    account: Account | None
    content: ReasonContent | None


class PersonUnblocked(Fact):
    """A person may use the desk again. `account` is set if a command did it."""

    kind: Literal["person.unblocked"] = "person.unblocked"
    person: str
    account: Account | None
    content: ReasonContent | None


class SignInMapped(Fact):
    """By which settings a sign-in gives people their roles from now on; `account` is that of the program."""

    kind: Literal["sign_in.mapped"] = "sign_in.mapped"
    mapping: dict[str, Json]
    account: Account


class SwitchedOff(Fact):
    """A tool or a model may not be used, whichever process has it. `account` is set if a command did it."""

    kind: Literal["switched.off"] = "switched.off"
    what: Switched
    name: str
    account: Account | None
    content: ReasonContent | None


class SwitchedOn(Fact):
    """A tool or a model may be used again. `account` is set if a command did it."""

    kind: Literal["switched.on"] = "switched.on"
    what: Switched
    name: str
    account: Account | None
    content: ReasonContent | None


class BackupMade(Fact):
    """A backup of the store was made, which holds everything up to `taken_at` at least, so not this entry.

    `manifest` is the SHA-256 of its manifest, `entries` how many entries it holds. `account` is that of the command.
    """

    kind: Literal["backup.made"] = "backup.made"
    taken_at: str
    manifest: str
    entries: int
    account: Account | None


class StoreRestored(Fact):
    """The store was made from a backup: what was written elsewhere after `taken_at` is missing here.

    `manifest` and `entries` are as in `BackupMade`. `turns` and `calls` count the open turns and the deferred calls
    that were closed for it. `erased` counts the threads that were erased in the store that this one replaces, and
    therefore here; None if that one was not asked: such threads may be back.
    """

    kind: Literal["store.restored"] = "store.restored"
    taken_at: str
    manifest: str
    entries: int
    turns: int
    calls: int
    erased: int | None = None
    account: Account | None
    content: ReasonContent | None
