"""The viewer of a command: the person of `--as`, with the roles that they have on record.

Anybody can write any id behind `--as`. So what a command puts on record names the operating system's account, too.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import get_args

from console.account import this_account
from console.cli.existing import existing_store
from console.cli.output import Given
from console.demo.mark import is_demo
from console.people import PEOPLE
from core.canonical import Json
from core.clock import SystemClock
from core.desk.administration import Administration
from core.errors import Denied, StoreRefused
from core.gate import Action, Role, Viewer, permissions
from core.log.audit import AuditLog
from core.store import Store

GRANTS = (
    "an administrator grants one with `rolltop grant ID ROLE`; while the store has no grant, "
    "`rolltop grant ID administrator --first --as ID --why REASON` makes the first administrator"
)
"""How a person gets a role, for messages."""


def roles_for(action: str) -> str:
    """The roles that allow an action, for messages: `auditor or administrator`."""
    return " or ".join(role for role in get_args(Role) if any(one.action == action for one in permissions(role)))


@dataclass(frozen=True, slots=True)
class CommandDesk:
    """What a command works with: an open store, its audit log, its administration, and the viewer."""

    store: Store
    audit: AuditLog
    administration: Administration
    viewer: Viewer

    async def record(self, action: Action, filters: Mapping[str, Json] | None = None) -> None:
        """Put on record that the viewer does this, before they do it.

        Raises Denied, and InvalidInput if the purpose is missing; StoreRefused or Unavailable if the store did not take
        the entry: then the command must not go on.
        """
        await self.audit.authorize(self.viewer, action)
        try:
            await self.audit.record(self.viewer, action, filters=filters)
        except StoreRefused as error:
            raise StoreRefused(f"the store must record who does this, and does not take the entry: {error}") from error


def audit_log(store: Store) -> AuditLog:
    """The audit log whose entries name this command's account."""
    return AuditLog(store, SystemClock(), this_account())


@asynccontextmanager
async def desk_as(options: Given, action: Action) -> AsyncIterator[CommandDesk]:
    """The store that the options name, and the person of `--as` as the viewer of this action.

    Raises Blocked for a blocked person, and Denied for one without a role on record; either is put on record.
    """
    async with existing_store(options.store) as store:
        yield await desk_on(store, options, action)


async def desk_on(store: Store, options: Given, action: Action) -> CommandDesk:
    """As `desk_as`, on a store that is open."""
    audit = audit_log(store)
    administration = Administration(store, audit=audit)
    viewer = await administration.viewer(
        options.viewer, claimed=await _claimed(store, options.viewer), purpose=getattr(options, "purpose", None)
    )
    if not viewer.roles:
        # Here: for one object the gate would say that it was not found, which does not help with the grant.
        await audit.record_denial(viewer, action)
        raise Denied(action)
    return CommandDesk(store, audit, administration, viewer)


async def _claimed(store: Store, person: str) -> tuple[Role, ...]:
    """The roles of a sample person if the store is a demo, else ()."""
    if not await is_demo(store):
        return ()
    print("this store is a demo: its sample people have their roles without a grant", file=sys.stderr)
    return next((one.roles for one in PEOPLE if one.id == person), ())
