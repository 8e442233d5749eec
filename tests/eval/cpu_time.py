"""How much CPU time searches and their judgements take with numpy on one thread, and on as many as it would take.

python -m tests.eval.cpu_time --handbooks DIR --questions FILE
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from unittest.mock import patch

import anyio

from backends.handbooks.search import retriever as searching
from backends.vectors.single_thread import single_thread
from tests.eval.asking import ask
from tests.eval.installation import installed
from tests.eval.questions import Question, read_questions

SEARCHES = 200


async def main(handbooks: Path, questions: list[Question]) -> None:
    asked = (questions * SEARCHES)[:SEARCHES]
    with TemporaryDirectory() as home:
        async with installed(handbooks, home=Path(home)) as installation:
            retriever = installation.retriever()

            async def seconds(limit: Callable[[], AbstractContextManager[None]]) -> float:
                with patch.object(searching, "single_thread", limit):
                    begun = process_time()
                    for question in asked:
                        await ask(retriever, question, files=installation.files, country=None, as_of=None)
                    return process_time() - begun

            await seconds(single_thread)  # what is worked out at the first searches counts for neither
            one, every = await seconds(single_thread), await seconds(nullcontext)
    print(
        f"{SEARCHES} searches: {one:.2f} s of CPU on one thread, {every:.2f} s on all, {every / one:.2f} times as much"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--handbooks", type=Path, required=True, metavar="DIR")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    given = parser.parse_args()
    anyio.run(main, given.handbooks, read_questions(given.questions))
