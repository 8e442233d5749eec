"""A demo's past: weeks of questions, ratings and looks, written into a store that has no thread yet."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import TypeVar

import anyio

from console.demo.past.clock import SetClock
from console.demo.past.oversight import Overseers, Tell
from console.demo.past.plan import PlannedThread, plan, samples_of
from console.demo.past.samples import Sample, open_stage
from console.demo.past.table import Scene
from console.demo.past.writing import Samples, WrittenThread, write_thread
from core.errors import InvalidInput, RolltopError
from core.log.commit import begin_stream
from core.log.facts import Blob, BlobContent
from core.store import Store, streams_of

FEWEST_DAYS = 14
"""A request that expires takes a week, and its thread may have begun days before."""
_SAMPLES_AT_ONCE = 16
_THREADS_AT_ONCE = 4
"""More would make each wait longer for the store, which is what limits them."""
_PATIENCE = 10.0

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How much was written; `turns` are those in which a person asked."""

    threads: int
    turns: int
    samples: int
    looks: int
    verdicts: int


async def fill(
    store: Store, *, people: int, threads: int, days: int, seed: int, instructions: str, tell: Tell
) -> Filled:
    """Write a past of that many days, people and threads. The same seed gives the same past, up to times and hashes.

    `instructions` are those of the store's desk, which goes on with what waits. Raises InvalidInput if the store holds
    a thread, or a number is too small.
    """
    if min(people, threads) < 1 or days < FEWEST_DAYS:
        raise InvalidInput(f"a past needs at least 1 person, 1 thread and {FEWEST_DAYS} days")
    if (await store.find(replace(streams_of("thread"), limit=1))).records:
        raise InvalidInput(
            "the store holds threads already, perhaps of a run that was interrupted: a past needs a new store, so "
            "delete this one or name another"
        )
    planned = plan(people, threads, seed)
    samples = await _samples(planned, instructions, tell)
    clock = SetClock()
    now = clock.now()
    clock.set(now - timedelta(days=days))
    blobs = {digest: value for sample in samples.values() for digest, value in sample.blobs.items()}
    for digest, value in blobs.items():
        await begin_stream(store, clock, f"blob:{digest}", [Blob(content=BlobContent(value=value))], patience=_PATIENCE)

    async def write(number: int) -> WrittenThread:
        # A draw of its own, because the lengths of samples differ from run to run, and may not change other threads.
        draw = Random(f"{seed}:{number}")
        return await write_thread(store, clock, planned[number], samples, now, days, draw)

    written = await _each("thread", range(threads), write, _THREADS_AT_ONCE, tell)
    looks, verdicts = await Overseers(store, clock, written, now, Random(seed)).act(tell)
    turns = sum(turn.report is None for thread in written for turn in thread.turns)
    return Filled(threads=len(written), turns=turns, samples=len(samples), looks=looks, verdicts=verdicts)


async def _samples(planned: Sequence[PlannedThread], instructions: str, tell: Tell) -> Samples:
    """What the threads are written from, played now."""
    needed = samples_of(planned)
    async with open_stage(instructions) as stage:

        async def play(scene: tuple[Scene, str]) -> Sample:
            return await stage.play(*scene)

        return dict(zip(needed, await _each("sample", needed, play, _SAMPLES_AT_ONCE, tell), strict=True))


async def _each(noun: str, items: Sequence[A], make: Callable[[A], Awaitable[T]], at_once: int, tell: Tell) -> list[T]:
    """What is made of each item, in order, some at once. The first error is raised after the others have finished."""
    made: dict[int, T] = {}
    failed: list[RolltopError] = []
    limit = anyio.Semaphore(at_once)

    async def attempt(place: int, item: A) -> None:
        async with limit:
            if failed:
                return
            try:
                made[place] = await make(item)
            except RolltopError as error:  # not left to the task group, which would hide it in a group of errors
                failed.append(error)
            tell(noun, len(made), len(items))

    async with anyio.create_task_group() as tasks:
        for place, item in enumerate(items):
            tasks.start_soon(attempt, place, item)
    if failed:
        raise failed[0]
    return [made[place] for place in range(len(items))]
