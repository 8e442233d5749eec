"""What the tests of desks share: people, small options, and a few ways to wait that need no clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import anyio

from backends.models.scripted.model import ScriptedModel
from core import Chat, Desk, Event, Options, Thread, ToolCall, Turn, Viewer, create_chat
from core.clock import SystemClock
from core.log.entry import verify
from core.log.fold import State, fold_all
from core.store import Query, Store
from core.values import Entry

ASKER = Viewer("e-1042")
OTHER = Viewer("e-1077")
APPROVER = Viewer("e-3001", roles={"employee", "approver"})
AUDITOR = Viewer("e-2001", roles={"auditor"}, purpose="complaint 7")
OFFICER = Viewer("e-6001", roles={"data_protection_officer"}, purpose="yearly check")

QUICK = Options(retry_delay=0.001)
"""The options of most tests: an attempt that failed is repeated at once."""

PATIENCE = 120.0
"""Seconds after which a test that waits for what must happen gives up: enough on a machine with much else to do."""


class HandClock:
    """The machine's clocks, some way ahead: `advance` is the only way to make time pass in a test."""

    def __init__(self) -> None:
        self._true = SystemClock()
        self._ahead = 0.0

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def now(self) -> datetime:
        return self._true.now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return self._true.monotonic() + self._ahead

    def token(self) -> str:
        return self._true.token()


@asynccontextmanager
async def chatting(store: Store, script: Any, *, user: Viewer = ASKER, **given: Any) -> AsyncIterator[Chat]:
    """A chat of the asker's over a scripted model; `script` may be a model, too."""
    model = script if hasattr(script, "stream") else ScriptedModel(script)
    if given.keys() & {"care", "handover"}:
        async with (
            Desk(store, model, **{"options": QUICK, **given}) as desk,
            await desk.create_chat(user) as chat,
        ):
            yield chat
        return
    async with await create_chat(store, model, viewer=user, **{"options": QUICK, **given}) as chat:
        yield chat


async def events(desk: Desk, turn: Turn | str, viewer: Viewer = ASKER) -> list[Event]:
    """All that a follower sees, beats left out, to the end of the turn or until it is parked."""
    id = turn if isinstance(turn, str) else turn.id
    with anyio.fail_after(PATIENCE):
        async with aclosing(desk.follow(viewer, id)) as following:
            return [event async for event in following if event.kind != "beat"]


def text_of(seen: Sequence[Event]) -> str:
    """The text that counts after these events."""
    text = ""
    for event in seen:
        if event.kind == "attempt":
            text = ""
        elif event.kind == "text":
            text += event.text
    return text


def merged(seen: Sequence[Event]) -> list[tuple[str, ...]]:
    """The events without what depends on when one looked: neighbouring texts are one, beats and progress none."""
    out: list[tuple[str, ...]] = []
    for event in seen:
        match event.kind:
            case "text" if out and out[-1][0] == "text":
                out[-1] = ("text", out[-1][1] + event.text)
            case "text":
                out.append(("text", event.text))
            case "tool.started" | "tool.finished":
                out.append((event.kind, event.call.id, event.call.status))
            case "ended":
                out.append(("ended", event.turn.status, event.turn.text))
            case "attempt" | "approval.asked":
                out.append((event.kind,))
    return out


async def ended(desk: Desk, turn: Turn | str, viewer: Viewer = ASKER) -> Turn:
    """The turn, once it has ended or is parked."""
    await events(desk, turn, viewer)
    return await desk.archive.turn(viewer, turn if isinstance(turn, str) else turn.id)


async def until(true: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer; asked again and again, for PATIENCE at most."""
    with anyio.fail_after(PATIENCE):
        while not (answer := await true()):  # noqa: ASYNC110  # another process sets no event here
            await anyio.sleep(0.005)
    return answer


async def log_of(store: Store, thread: str) -> list[Entry]:
    """The whole log of a thread."""
    entries: list[Entry] = []
    while more := await store.read(f"thread:{thread}", len(entries)):
        entries += more
    return entries


async def kinds(store: Store, thread: str) -> list[str]:
    """The kinds of the thread's entries, in order."""
    return [entry.kind for entry in await log_of(store, thread)]


async def logged(store: Store, thread: str, kind: str) -> list[Entry]:
    """The thread's entries of one kind."""
    return [entry for entry in await log_of(store, thread) if entry.kind == kind]


async def folded(store: Store, thread: str) -> State:
    """The thread as its log has it now: the records of a turn that is worked on are written when it ends."""
    return fold_all(State(), await log_of(store, thread))


async def live_text(store: Store, turn: str) -> str:
    """What the live streams of a turn hold, every fence's, in order."""
    text = ""
    for fence in range(1, 20):
        n = 0
        while entries := await store.read(f"live:{turn}:{fence}", n):
            n = entries[-1].n
            text += "".join(entry.payload["text"] for entry in entries if entry.kind == "live.text")
    return text


async def waiting(desk: Desk, turn: Turn | str, viewer: Viewer = ASKER) -> list[ToolCall]:
    """The calls that wait for a decision, once the turn is parked."""
    last = (await events(desk, turn, viewer))[-1]
    assert last.kind == "approval.asked", last
    return list(last.calls)


async def check(store: Store, thread: Thread | str) -> None:
    """A thread's log is unbroken, and none of its ended turns has an open call."""
    id = thread if isinstance(thread, str) else thread.id
    verify(await log_of(store, id))
    head = await store.get("thread", id)
    assert head
    assert head.fields["rejected"] == 0
    if head.fields["open"] is None:
        for kind, open in (("tool_call", {"planned", "awaiting_approval", "running"}), ("model_call", {"asked"})):
            found = (await store.find(Query(kind=kind, where={"thread": id}, limit=500))).records
            assert not [record.id for record in found if record.fields["status"] in open]
