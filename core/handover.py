"""The hand-over protocol: how an employee's matter reaches a person, with as much of the thread as they agreed to."""

from dataclasses import dataclass
from typing import Literal, Protocol

from core.values import Attached

HANDOVER_SECONDS = 20.0
"""Seconds that a desk waits until the matter has been sent. What is late is `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedMessage:
    """A message of the thread that goes along. `at` is a `core.clock.iso` text."""

    role: Literal["user", "assistant"]
    text: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What is sent to a person.

    `key` is unique to this hand-over: pass it on, so that the receiving system recognises a repeat. `person` is the
    employee's id, `topic` that of the turn's concern, None without one. `note` is what the employee adds, "" for
    nothing. `messages` are those of the turns that `attached` names, oldest first.
    """

    key: str
    person: str
    thread_id: str
    turn_id: str
    topic: str | None
    note: str
    attached: Attached
    messages: tuple[HandedMessage, ...]


class Handover(Protocol):
    """Sends a matter to a person: a ticket system, a mailbox."""

    async def send(self, ticket: Ticket) -> str:
        """Deliver the ticket, and return the reference under which the employee can ask for it, 1 to 200 characters.

        The request is on record before this is called, and it is called once. If it raises `OutcomeUnknown` or takes
        longer than HANDOVER_SECONDS, the record says `unknown`; for any other exception it says `failed`.
        """
