"""The mark of a demo: entry 1 of `administration:desk`, in the store's own log.

An entry is copied with the store, verified by a rebuild and never overwritten. If two processes begin the stream at the
same time, the first entry decides for both.
"""

from anyio.to_thread import run_sync as blocking

from backends.handbooks.catalogue.catalogue import Catalogue
from console.demo.samples import holds_own
from core.clock import SystemClock
from core.errors import InvalidInput
from core.log.administration import ADMINISTRATION
from core.log.commit import begin_stream
from core.log.facts import DemoMarked, fact
from core.store import Query, Store

_PATIENCE = 10.0


async def is_demo(store: Store) -> bool:
    """Whether the store was made as a demo. Raises Corrupt if its mark cannot be read."""
    first = await store.read(ADMINISTRATION, 0, 1)
    return bool(first) and fact(first[0]).kind == "demo.marked"


async def make_demo(store: Store, catalogue: Catalogue) -> None:
    """Mark a new store as a demo; a demo stays as it is.

    Raises InvalidInput if the store holds entries, or the catalogue a document that is not a sample.
    """
    if await is_demo(store):
        return
    if await blocking(lambda: holds_own(catalogue.documents())):
        raise InvalidInput(
            f"the index {catalogue.connections.path} holds handbooks of your own: a demo needs an index without them"
        )
    if (await store.find(Query(kind="stream", limit=1))).records:
        raise InvalidInput("the store holds entries already: only a new store can become a demo, so give another one")
    await begin_stream(store, SystemClock(), ADMINISTRATION, [DemoMarked()], patience=_PATIENCE)
    if not await is_demo(store):
        raise InvalidInput("another process has just begun to use this store, and not as a demo: give another one")
