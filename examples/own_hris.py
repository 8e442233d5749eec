"""HR records as tools, over an HR system's HTTP interface: reads at once, leave after the asker's approval.

The class `Hris` is where a real system's client goes. The asker always comes from the session (`context.viewer`), never
from an argument, so that a model cannot name another person.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import date

from backends import open_model, open_store
from core import OutcomeUnknown, Tool, ToolContext, create_chat, tool


@dataclass
class Hris:
    """The HR system: in earnest, an HTTP client. `leave` maps keys to what was booked under them."""

    balance: dict[str, int]
    leave: dict[str, tuple[str, date, date]] = field(default_factory=dict[str, tuple[str, date, date]])

    async def days_left(self, employee: str) -> int:
        return self.balance[employee]

    async def book(self, key: str, employee: str, start: date, end: date) -> int:
        """Book leave once for each key, and return the days that are left."""
        if key not in self.leave:
            self.leave[key] = (employee, start, end)
            self.balance[employee] -= (end - start).days + 1
        return self.balance[employee]


def hris_tools(hris: Hris) -> list[Tool]:
    """The tools over this system."""

    @tool(effect="read", timeout=10)
    async def vacation_balance(context: ToolContext) -> dict[str, int]:
        """How many vacation days the asking employee has left this year."""
        return {"days left": await hris.days_left(context.viewer.id)}

    @tool(effect="unsafe", timeout=15, filters=["start"])
    async def request_leave(start: date, end: date, context: ToolContext) -> dict[str, str | int]:
        """Request leave for the asking employee: book days off from a first to a last day."""
        if end < start:
            raise ValueError("The last day is before the first.")
        try:
            left = await hris.book(context.key, context.viewer.id, start, end)
        except TimeoutError as error:
            # The request was sent and the answer is missing: the record says `unknown`, and nothing is booked twice.
            raise OutcomeUnknown("the HR system did not answer") from error
        return {"from": str(start), "to": str(end), "days left": left}

    return [vacation_balance, request_leave]


async def main() -> None:
    hris = Hris(balance={"e-1042": 12})
    async with (
        open_store("sqlite:///desk.db") as store,
        await create_chat(store, open_model("offline:"), user_id="e-1042", tools=hris_tools(hris)) as chat,
    ):
        print((await chat.ask("How many vacation days do I have left?")).text)
        reply = await chat.ask("Please book leave from 2027-03-01 to 2027-03-05")
        for call in reply.waiting:
            print("approve?", call.tool, call.arguments)
            reply = await chat.decide(call.id, "approve", call.digest)
        print(reply.status, reply.text)
        print(hris.leave)


if __name__ == "__main__":
    asyncio.run(main())
