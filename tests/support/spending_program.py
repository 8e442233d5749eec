"""A process that asks many questions at once on a store with limits, and prints how many were answered.

Its arguments are the store's URL, the limits as JSON, how many people ask, and for a process that is killed the kind of
the entry before whose commit it dies. Each answer is billed with 100 tokens and 0.01 USD.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence

import anyio

from backends import open_store
from backends.models.scripted.model import Answer, Bill, Say, ScriptedModel
from core import Chat, Desk, LimitReached, Limits, Options, Viewer
from core.model import ModelRequest
from core.store import Record, Store
from core.values import Entry, Usage
from tests.support.wrapped import WrappedStore

COST = 10_000_000
"""What an answer costs, in nano-USD."""

USED = Usage(input=60, output=40)


def price(usage: Usage) -> int:
    """As much for each request: what may be used is then as dear as what is used."""
    return COST


def billing(request: ModelRequest) -> Answer:
    return [Say("You have twelve days left."), Bill(USED, cost=COST)]


class DeadlyStore(WrappedStore):
    """A store that kills the process before the commit of an entry of this kind."""

    def __init__(self, store: Store, kind: str) -> None:
        super().__init__(store)
        self._kind = kind

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        if any(entry.kind == self._kind for entry in entries):
            os.kill(os.getpid(), signal.SIGKILL)
        await super().commit(stream, after, entries, records, id=id)


async def asked(desk: Desk, people: int) -> Counter[str]:
    """What became of one question of each of so many people, asked all at once."""
    outcomes = Counter[str]()
    chats = [await desk.create_chat(Viewer(f"e-{os.getpid()}-{number}")) for number in range(people)]

    async def ask(chat: Chat) -> None:
        try:
            reply = await chat.ask("How many days are left?")
            outcomes[reply.error.code if reply.error else reply.status] += 1
        except LimitReached as error:
            outcomes[error.limit] += 1

    async with anyio.create_task_group() as tasks:
        for chat in chats:
            tasks.start_soon(ask, chat)
    return outcomes


async def main(url: str, limits: str, people: int, ending: str) -> None:
    model = ScriptedModel(billing, price=price)
    options = Options(turns_at_once=16)
    async with (
        open_store(url) as store,
        Desk(DeadlyStore(store, ending), model, options=options, limits=Limits(**json.loads(limits))) as desk,
    ):
        print(json.dumps(await asked(desk, people)), flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
