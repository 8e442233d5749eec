"""Roles on record, as commands need them."""

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
