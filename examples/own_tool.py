"""A tool of one's own: a function, its effect, a refusal, and progress that the asker sees."""

import asyncio
from datetime import date

from backends import open_model, open_store
from core import ToolContext, create_chat, tool

ROOMS = {"Linz": 8, "Graz": 4}
BOOKED: dict[str, str] = {}
"""Bookings by their key. A real system keeps the key beside the booking, under a unique index."""


@tool(effect="read")
def meeting_rooms() -> dict[str, int]:
    """List the meeting rooms and how many people they seat."""
    return ROOMS


# `idempotent`: a repeat under the same key books nothing new, so a crash may repeat it and no person needs to agree.
@tool(effect="idempotent", timeout=10)
async def reserve_meeting_room(room: str, day: date, context: ToolContext) -> str:
    """Reserve a meeting room for the asking employee on a day."""
    if room not in ROOMS:
        # A refusal: the employee reads this sentence.
        raise ValueError(f"There is no room {room}. The rooms are {', '.join(ROOMS)}.")
    context.progress("asking the calendar", done=1, total=2)
    BOOKED.setdefault(context.key, f"{room} on {day} for {context.viewer.id}")
    return BOOKED[context.key]


async def main() -> None:
    tools = [meeting_rooms, reserve_meeting_room]
    async with (
        open_store("sqlite:///desk.db") as store,
        await create_chat(store, open_model("offline:"), user_id="e-1042", tools=tools) as chat,
    ):
        async for event in chat.ask_stream("Please list the meeting rooms"):
            match event.kind:
                case "text":
                    print(event.text, end="", flush=True)
                case "tool.finished":
                    print(f"[{event.call.tool}: {event.call.status}]")
                case _:
                    pass
        print()


if __name__ == "__main__":
    asyncio.run(main())
