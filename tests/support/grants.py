"""Roles on record, as commands need them."""

import anyio

from backends import open_store
from core.desk.administration import Administration
from core.gate import Role, Viewer
from core.store import Store

OPERATOR = "e-7001"
"""The administrator whom `grant` makes."""
OPERATING = ("--as", OPERATOR, "--purpose", "move")
"""The options of a command of this administrator's."""


async def grant(store: Store, *roles: tuple[str, Role]) -> None:
    """Make OPERATOR an administrator, who grants these people these roles."""
    administration = Administration(store)
    await administration.install([OPERATOR])
    for person, role in roles:
        await administration.grant(Viewer(OPERATOR, {"administrator"}), person, role, "test")


def make_store(url: str, *roles: tuple[str, Role]) -> None:
    """Make the store of this URL, with these grants."""

    async def make() -> None:
        async with open_store(url) as store:
            await grant(store, *roles)

    anyio.run(make)
