"""What people have decided for the installation."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, computed_field

from core.canonical import Json
from core.clock import Time, iso
from core.gate import Role
from core.values import Account, GrantBasis, Switched, Value


class RoleGrant(Value):
    """A role that was granted, the newest grant of this person and role. `by` granted it, as `basis` says.

    `ends_at` is when it ends by itself, None for never. `why` is None once erased. `account` is that of a command.
    """

    person: str
    role: Role
    granted_at: str
    ends_at: str | None
    by: str
    basis: GrantBasis
    why: str | None
    account: Account | None

    granted_time: ClassVar = Time[datetime]("granted_at")
    ends_time: ClassVar = Time[datetime | None]("ends_at")

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.ends_at is None or iso(now) < self.ends_at


class Block(Value):
    """A blocked person: they may not use the desk. `why` is None once erased. `account` is that of a command."""

    person: str
    blocked_at: str
    by: str
    why: str | None
    account: Account | None

    blocked_time: ClassVar = Time[datetime]("blocked_at")


class SignInMapping(Value):
    """The settings by which a sign-in gives people their roles, since then. `account` is that of the program."""

    since: str
    mapping: dict[str, Json]
    account: Account

    since_time: ClassVar = Time[datetime]("since")


class OffSwitch(Value):
    """A tool or a model that is switched off. `why` is None once erased. `account` is that of a command."""

    what: Switched
    name: str
    off_at: str
    by: str
    why: str | None
    account: Account | None

    off_time: ClassVar = Time[datetime]("off_at")


class Backup(Value):
    """A backup of the store: it holds `entries` entries, all up to `taken_at` at least.

    `manifest` is the SHA-256 of its manifest. `account` is that of the command that made it.
    """

    taken_at: str
    by: str
    manifest: str
    entries: int
    account: Account | None

    taken_time: ClassVar = Time[datetime]("taken_at")


class Restore(Value):
    """The store was made at `restored_at` from a backup. `turns` and `calls` were open in it, and are closed since."""

    restored_at: str
    by: str
    backup: Backup
    turns: int
    calls: int
    why: str | None

    restored_time: ClassVar = Time[datetime]("restored_at")


class AdministrationRecord(Value):
    """What people have decided for the installation, folded from `administration:desk`, entry n of which has `hash`.

    `held` are the roles that were not taken away, `blocked` the blocked people, `off` the tools and models that are
    switched off, all in the order of their entries; a store keeps the former as the lists `grants` and `blocks`.
    `installed` are the people whom the settings have made administrators, even if the role has ended since. `sign_ins`
    are the newest mapping of a sign-in and the one before it, newest first. `demo`: the store is a demo. `backup` is
    the newest backup, `restored` the newest restore, None without one.
    """

    kind: Literal["administration"] = "administration"
    id: str
    n: int
    hash: str
    demo: bool
    # By person: each entry of the log, and each call of each person, asks for one of many thousands.
    held: dict[tuple[str, Role], RoleGrant] = Field(exclude=True)
    blocked: dict[str, Block] = Field(exclude=True)
    installed: list[str]
    sign_ins: list[SignInMapping]
    off: list[OffSwitch]
    backup: Backup | None = None
    restored: Restore | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know it above a property
    @property
    def grants(self) -> list[RoleGrant]:
        """The roles that were not taken away, in the order of their entries."""
        return list(self.held.values())

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know it above a property
    @property
    def blocks(self) -> list[Block]:
        """The blocked people, in the order of their entries."""
        return list(self.blocked.values())

    def grant(self, person: str, role: Role) -> RoleGrant | None:
        """The person's grant of this role, also one that has ended by itself."""
        return self.held.get((person, role))

    def block(self, person: str) -> Block | None:
        """The person's block."""
        return self.blocked.get(person)

    def off_switch(self, what: Switched, name: str) -> OffSwitch | None:
        """What is on record of the tool or the model, None while it is switched on."""
        return next((one for one in self.off if (one.what, one.name) == (what, name)), None)
