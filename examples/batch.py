"""Many questions from a CSV file, several at a time, with their costs. Run it again after a crash: it goes on.

    python batch.py questions.csv answers.csv

`questions.csv` has the columns `id` and `question`. The id is the `request_id`, and each question has a thread of its
own, whose id the file of answers keeps: a question that is on record is not asked, and not paid for, again.
"""

import asyncio
import csv
import sys
from pathlib import Path

from backends import open_model, open_store
from core import Desk, Listing, Options, Reply, Thread, Viewer

WORKER = Viewer("batch")
AT_ONCE = 8


async def threads(desk: Desk) -> dict[str, str]:
    """The threads of an earlier run by the ids of their questions."""
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        page: Listing[Thread] = await desk.archive.threads(WORKER, limit=500, cursor=cursor)
        found |= {str(thread.metadata["question"]): thread.id for thread in page.items if "question" in thread.metadata}
        cursor = page.cursor
        if cursor is None:
            return found


async def answer(desk: Desk, known: dict[str, str], name: str, question: str) -> Reply:
    if name in known:
        chat = await desk.load_chat(WORKER, known[name])
    else:
        chat = await desk.create_chat(WORKER, metadata={"question": name})
    return await chat.ask(question, request_id=name)


async def main(source: Path, target: Path, *, store_url: str, model_url: str) -> None:
    with source.open(newline="") as file:
        questions = [(row["id"], row["question"]) for row in csv.DictReader(file)]
    async with (
        open_store(store_url) as store,
        Desk(store, open_model(model_url), options=Options(turns_at_once=AT_ONCE)) as desk,
    ):
        known = await threads(desk)
        replies = await asyncio.gather(*(answer(desk, known, name, question) for name, question in questions))
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "status", "answer", "nano_usd", "error"])
        for (name, _), reply in zip(questions, replies, strict=True):
            writer.writerow([name, reply.status, reply.text, reply.cost, reply.error and reply.error.code])
    costs = [reply.cost for reply in replies if reply.cost is not None]
    print(f"{len(replies)} answers, {len(known)} of them known before")
    print(f"{sum(costs) / 1e9:.6f} USD, and {len(replies) - len(costs)} of unknown cost")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), store_url="sqlite:///desk.db", model_url="offline:"))
