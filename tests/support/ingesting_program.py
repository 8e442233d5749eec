"""An ingest in a process of its own, for tests that kill it: slow, so that a kill finds it anywhere.

`tests.support.forked` runs it. It prints a line when it begins, and one for each thing that it has done; each is out
before the next happens.
"""

from pathlib import Path

import anyio

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.ingest.report import Progress
from tests.support.handbook_folders import WordEmbedder, take_in


class SlowEmbedder(WordEmbedder):
    """An embedder that takes a while for each text."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self.delay = delay

    async def embed(self, texts, purpose):
        await anyio.sleep(self.delay * len(texts))
        return await super().embed(texts, purpose)


def say(progress: Progress) -> None:
    print(progress.documents, progress.passages, flush=True)


async def main(index: str, folder: str, delay: str) -> None:
    catalogue = Catalogue(index)
    print("begun", flush=True)
    report = await take_in(catalogue, Path(folder), embedder=SlowEmbedder(float(delay)), progress=say, parse=None)
    catalogue.close()
    print(report.summary, flush=True)
