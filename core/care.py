"""The care protocol: whether a message speaks of a person in need.

A desk asks it before it puts a question on record. So the card shows, and the thread is sealed, before any queue, any
search and any model.
"""

from typing import Protocol

import anyio

from core.gate import Viewer
from core.server_log import log_fault
from core.values import Concern

CARE_SECONDS = 3.0
"""Seconds that a desk waits for an answer."""


class Care(Protocol):
    """Recognises people in need."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        """The concern that a message of the viewer raises, with the card for this viewer; None for any other message.

        It must answer within CARE_SECONDS: one that asks a slow service decides without it in time. If it raises or is
        late, the desk takes the question and seals the thread.
        """


async def recognised(care: Care | None, text: str, viewer: Viewer) -> tuple[Concern | None, bool]:
    """The concern that a message raises, and whether it seals the thread."""
    if care is None:
        return None, False
    try:
        with anyio.fail_after(CARE_SECONDS):
            concern = await care.recognise(text, viewer)
    except Exception as error:  # the boundary of the application's care: a question must be taken without it
        # Sealed, because it is not known whether the question is one that auditors should not see.
        log_fault("care", error)
        return None, True
    return concern, concern is not None and concern.seals
