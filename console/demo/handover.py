"""The demo's hand-over: a ticket for the People team, in the HR records."""

from anyio.to_thread import run_sync as blocking

from console.demo.records import HrRecords
from core.canonical import canonical
from core.handover import Ticket


class DemoHandover:
    """Brings an employee's matter to the People team, as `core.handover.Handover`; the same ticket twice is one."""

    def __init__(self, records: HrRecords) -> None:
        self._records = records

    async def send(self, ticket: Ticket) -> str:
        """Write the ticket into the records; the reference is its number there, such as T-0001."""
        return await blocking(self._open, ticket)

    def _open(self, ticket: Ticket) -> str:
        messages = canonical([{"role": one.role, "text": one.text, "at": one.at} for one in ticket.messages]).decode()
        return self._records.open_ticket(ticket.key, ticket.person, ticket.topic, ticket.note, messages)
