"""Sessions of the console that ask at once, without a browser: `python -m tests.bench.askers URL COUNT WORD`.

Each opens the page, and once all have it, each asks a question. The seconds from each question to the first text that
has WORD are printed as JSON. It is a program of its own, so that its work is not taken for the server's.
"""

import json
import sys
import time

import anyio

from tests.support.visits import PATIENCE, Visit, visiting

PEOPLE = ("e-1042", "e-1077", "e-1203", "e-1310")
QUESTION = "How many days of vacation are left?"


async def ask(visit: Visit, word: str) -> float:
    """Seconds from the question to the first text with the word; read on until the page has run to its end."""
    asked, seen = time.monotonic(), None
    await visit.run(QUESTION)
    while True:
        answer = await visit.next()
        text = answer.delta.new_element.markdown.body if answer.WhichOneof("type") == "delta" else ""
        if seen is None and word in text:
            seen = time.monotonic() - asked
        if seen is not None and answer.WhichOneof("type") == "script_finished":
            return seen


async def ask_at_once(url: str, count: int, word: str) -> list[float]:
    """The seconds that each of so many sessions waits for its first text."""
    waits: list[float] = []
    here, all_here = 0, anyio.Event()

    async def one(person: str) -> None:
        nonlocal here
        async with visiting(url, person) as visit:
            await visit.open()
            here += 1
            if here == count:
                all_here.set()
            await all_here.wait()
            waits.append(await ask(visit, word))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(one, PEOPLE[number % len(PEOPLE)])
    return waits


if __name__ == "__main__":
    print(json.dumps(anyio.run(ask_at_once, sys.argv[1], int(sys.argv[2]), sys.argv[3])))
