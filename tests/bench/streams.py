"""Streaming: what the first token, and each token after it, costs over a model whose tokens are only looked at.

Each stream has a follower of its own, in the process of the desk.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from backends import open_store
from backends.models.scripted.model import Answer, Say, ScriptedModel, Wait
from core import Desk, ModelRequest
from core.model import Finish, ModelEvent, TextDelta, UserMessage
from core.store import Store
from core.values import Usage
from tests.bench.long_threads import ASKER, OPTIONS, QUESTION, write_past
from tests.bench.measuring import Goal, Row, Sizes, Skipped

FIRST_TEXT = Goal(most=4, of="ours")
TOKEN = Goal(most=15, of="ours")
DELAY = Goal(most=35, of="ours")
SHARE = Goal(most=50, of="ours")

PACE = 0.01
"""Seconds between two tokens of a stream."""

WIDTH = 6
"""Characters of a token."""

BEGIN = 30.0
"""Seconds in which all streams must have begun."""


async def rows(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """First tokens and streams, on SQLite and on the memory store."""
    for store_name, url in (("SQLite", f"sqlite:///{folder}/streams.db"), ("memory", "memory:")):
        # A store for each: to find anything, the memory store reads all that it holds.
        async with open_store(url) as store:
            for count in sizes.streams:
                async for row in _streams(store, store_name, sizes, count):
                    yield row
        for n in sizes.messages:
            async with open_store(url) as store:
                goal = FIRST_TEXT if n <= 100 or store_name == "SQLite" else None
                async for row in _first_text(store, store_name, sizes, n, goal):
                    yield row


async def _first_text(
    store: Store, store_name: str, sizes: Sizes, messages: int, goal: Goal | None
) -> AsyncIterator[Row]:
    """From `submit` to the first text that a follower sees. There the model waits, so that the rest does not count."""
    seen = anyio.Event()

    def answer(request: ModelRequest) -> Answer:
        return [Say("You", 1), Wait(lambda: seen.wait()), Say(" have twelve days left.", 1)]

    rounds = 3 * sizes.rounds
    names = [f"first-{messages}-{number}" for number in range(1 if messages >= 100 else rounds)]
    for name in names:
        await write_past(store, name, messages)
    model = ScriptedModel(answer)
    cpu, wall = float("inf"), float("inf")
    bare_cpu, bare_wall = float("inf"), float("inf")
    async with Desk(store, model, options=OPTIONS) as desk:
        for number in range(rounds):
            seen = anyio.Event()
            start, began = time.process_time(), time.monotonic()
            turn = await desk.submit(ASKER, names[number % len(names)], QUESTION)
            async with aclosing(desk.follow(ASKER, turn.id)) as events:
                async for event in events:
                    if event.kind == "text" and not seen.is_set():
                        cpu, wall = min(cpu, time.process_time() - start), min(wall, time.monotonic() - began)
                        seen.set()
            request = model.requests[-1]
            start, began = time.process_time(), time.monotonic()
            async with aclosing(model.stream(request)) as stream:
                async for part in stream:
                    if part.kind == "text":
                        bare_cpu = min(bare_cpu, time.process_time() - start)
                        bare_wall = min(bare_wall, time.monotonic() - began)
                        break
            model.requests.clear()
    name = f"first token over the bare model, {messages:,} messages, {store_name}"
    yield Row(name=name, unit="ms", ours=1000 * (cpu - bare_cpu), goal=goal)
    yield Row(name=f"{name}, on the clock", unit="ms", ours=1000 * (wall - bare_wall))


@dataclass
class Paced:
    """A model whose streams all give a token every PACE seconds, from the moment when the last of them has begun.

    A stream that is late gives the next tokens at once. After its last token it waits until `seen`.
    """

    streams: int
    tokens: int
    name: str = "scripted:paced"
    settings: Mapping[str, object] = field(default_factory=dict)
    phrases: bool = False
    given: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all_here, self.seen = anyio.Event(), anyio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        times = self.given[request.messages[-1].text] = []  # each stream's question is its name
        if len(self.given) == self.streams:
            self.start, self.cpu = time.monotonic(), time.process_time()
            self.all_here.set()
        await self.all_here.wait()
        for number in range(self.tokens):
            await anyio.sleep(max(0.0, self.start + PACE * number - time.monotonic()))
            times.append(time.monotonic())
            yield TextDelta(text=f"{number:>{WIDTH}}")
        await self.seen.wait()
        yield Finish(stop_reason="end", usage=Usage(), cost=None)

    async def close(self) -> None:
        pass


@dataclass
class Spent:
    """What streams took, from the first token to the last: seconds of CPU time and on the clock, and each delay."""

    cpu: float
    wall: float
    delays: list[float]


async def _streams(store: Store, store_name: str, sizes: Sizes, count: int) -> AsyncIterator[Row | Skipped]:
    stored: list[Spent] = []
    bare: list[Spent] = []
    for _ in range(sizes.stream_rounds):
        bare.append(await _run(Paced(count, sizes.tokens), _consumed, count))
        model = Paced(count, sizes.tokens)
        async with Desk(store, model, options=OPTIONS) as desk:
            threads = [await desk.create_thread(ASKER) for _ in range(count)]
            names = iter(thread.id for thread in threads)

            async def followed(model: Paced, question: str, seen: Callable[[int], None]) -> None:
                turn = await desk.submit(ASKER, next(names), question)  # noqa: B023 # called in this round only
                async with aclosing(desk.follow(ASKER, turn.id)) as events:
                    async for event in events:
                        if event.kind == "text":
                            seen(len(event.text))

            stored.append(await _run(model, followed, count))
    # The round that was disturbed least. The one with the least CPU time would be one in which the process had to wait
    # for a core, and wrote many tokens at once.
    best, plain = min(stored, key=lambda one: one.wall), min(bare, key=lambda one: one.cpu)
    tokens = count * sizes.tokens
    name = f"{count} streams" if count > 1 else "1 stream"
    cost = 1e6 * (best.cpu - plain.cpu) / tokens
    goal = count == 100
    yield Row(name=f"a token of {name} over the bare stream, {store_name}", unit="us", ours=cost,
              goal=TOKEN if goal else None)  # fmt: skip
    delays = sorted(best.delays)
    yield Row(name=f"delay of a token, p50, {name}, {store_name}", unit="ms", ours=1000 * _part(delays, 0.5))
    yield Row(name=f"delay of a token, p99, {name}, {store_name}", unit="ms", ours=1000 * _part(delays, 0.99),
              goal=DELAY if goal else None)  # fmt: skip
    # Of the time that the tokens are meant to take: a desk that falls behind must not look cheaper.
    second = sizes.tokens * PACE / 100
    yield Row(name=f"share of a core, {name}, {store_name}", unit="%", ours=best.cpu / second, bare=plain.cpu / second,
              goal=SHARE if goal else None)  # fmt: skip


Consume = Callable[[Paced, str, Callable[[int], None]], Awaitable[None]]


async def _run(model: Paced, consume: Consume, count: int) -> Spent:
    """Let so many streams run to their last token, and see each token in `consume`."""
    left, delays = count, []
    cpu = wall = 0.0

    async def one(question: str) -> None:
        characters = 0

        def seen(more: int) -> None:
            nonlocal characters, left, cpu, wall
            now = time.monotonic()
            first, characters = characters // WIDTH, characters + more
            delays.extend(now - at for at in model.given[question][first : characters // WIDTH])
            if characters == model.tokens * WIDTH:
                left -= 1
                if not left:
                    cpu, wall = time.process_time() - model.cpu, now - model.start
                    model.seen.set()

        await consume(model, question, seen)

    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(one, f"stream {number}")
        with anyio.move_on_after(BEGIN) as late:
            await model.all_here.wait()
        if late.cancelled_caught:
            raise RuntimeError(f"only {len(model.given)} of {count} streams began in {BEGIN:.0f} seconds")
    return Spent(cpu, wall, delays)


async def _consumed(model: Paced, question: str, seen: Callable[[int], None]) -> None:
    request = ModelRequest(instructions="", messages=(UserMessage(text=question),))
    async with aclosing(model.stream(request)) as stream:
        async for event in stream:
            if event.kind == "text":
                seen(len(event.text))


def _part(sorted_values: list[float], part: float) -> float:
    """The value that so large a part of the values does not exceed."""
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]
