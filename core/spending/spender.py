"""What people ask and spend: limits are checked, reserved and booked here, in logs of a day each.

Every reservation is on record before its request goes out, so that a process that is killed has spent too much, and
never too little.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio

from core.clock import Clock
from core.errors import LimitReached, RequestMismatch, RolltopError, Unavailable
from core.limits import Limits
from core.log.facts import QuestionsRefused, SpendingBooked, SpendingReserved, TurnAdmitted, TurnWithdrawn
from core.log.records import Spending
from core.server_log import log_event
from core.spending.amounts import Charge, Moment, caps, reached, used
from core.spending.ledger import Ledger, Ledgers
from core.spending.slices import CLOSE_SECONDS, Slices
from core.store import Filter, In, Query, Store, every
from core.values import OPEN_TURN

log = logging.getLogger(__name__)

_ONE_TURN = {"turns": 1, "minute_turns": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What is reserved for one request to a model; its `charge` stays spent until the real one is booked."""

    person: str
    turn: str
    call: str
    at: Moment
    charge: Charge


class Spender:
    """Holds a desk's questions and requests against its limits. `now` is the time by the store's clock."""

    def __init__(self, store: Store, clock: Clock, limits: Limits, now: Callable[[], Awaitable[datetime]]) -> None:
        self.limits = limits
        self._store = store
        self._now = now
        self._ledgers = Ledgers(store, clock)
        self._slices = Slices(self._ledgers, limits, clock.token())
        self._person = caps(limits, "person")
        self._counts_turns = limits.person_turns_at_once is not None or not self._person.keys().isdisjoint(_ONE_TURN)
        self._counts_use = not self._person.keys().isdisjoint(("tokens", "cost"))
        self._places = anyio.Lock()
        self._about_to_open: set[str] = set()
        self._refused: dict[tuple[str, str | None, str], tuple[int, int]] = {}

    async def check_length(self, person: str, question: str) -> None:
        """Raises LimitReached for a question with too many characters."""
        most = self.limits.question_characters
        if most is not None and len(question) > most:
            at = Moment(await self._now())
            async with self._counted(person, at):
                raise reached("question_characters", self.limits, at)

    @asynccontextmanager
    async def admitted(self, person: str, turn: str, least: Charge) -> AsyncIterator[None]:
        """Let a person put this turn on record in the block; if that fails, it does not count.

        `least` is what answering it uses at least. A turn that was let through already is not counted again. Raises
        LimitReached.
        """
        at = Moment(await self._now())
        async with self._coming(person, turn, at):
            async with self._counted(person, at):
                counted = await self._let_through(person, turn, at, least)
            try:
                yield
            except Unavailable:
                raise  # the turn may be on record
            except RolltopError as error:
                self._slices.give_back(at, _ONE_TURN)
                # Another submission of the same request may have counted it, and may have put it on record.
                if counted and not isinstance(error, RequestMismatch):
                    await self._withdraw(person, turn, at)
                raise

    async def reserve(self, person: str, turn: str, call: str, charge: Charge) -> Reservation:
        """Put on record what a request may use at most. Raises LimitReached, and reserves all or leaves all."""
        at = Moment(await self._now())
        async with self._counted(person, at):
            await self._slices.spend(at, _amounts(charge))
            if self._counts_use:

                async def reserved(spent: Spending) -> SpendingReserved:
                    self._check(spent, at, _amounts(charge))
                    return SpendingReserved(turn=turn, call=call, tokens=charge.tokens, cost=charge.cost)

                try:
                    await self._of(person, at).write(reserved)
                except RolltopError:
                    self._slices.give_back(at, _amounts(charge))
                    raise
        return Reservation(person=person, turn=turn, call=call, at=at, charge=charge)

    async def book(self, reservation: Reservation, real: Charge) -> None:
        """Put on record what the request has used. What the store does not take stays as it was reserved."""
        at, before = reservation.at, reservation.charge
        self._slices.give_back(
            at, {"tokens": before.tokens - real.tokens, "cost": (before.cost or 0) - (real.cost or 0)}
        )
        if not self._counts_use:
            return

        async def booked(_: Spending) -> SpendingBooked:
            return SpendingBooked(
                turn=reservation.turn,
                call=reservation.call,
                tokens=real.tokens,
                cost=real.cost,
                reserved_tokens=before.tokens,
                reserved_cost=before.cost,
            )

        try:
            await self._of(reservation.person, at).write(booked)
        except RolltopError:
            log.exception("turn %s: what a request has used could not be booked", reservation.turn)

    async def close(self) -> None:
        """Return what the desk has taken of everybody's limits and not spent, and put the last refusals on record."""
        await self._slices.close()
        with anyio.move_on_after(CLOSE_SECONDS, shield=True) as patience:
            await self._write_refused(list(self._refused))
        if patience.cancelled_caught:
            log.error("the last refusals of limits could not be put on record in %s s", CLOSE_SECONDS)

    async def repair(self) -> None:
        """Write the records that lag behind their logs, and put the last refusals of earlier days on record."""
        await self._ledgers.logs.repair()
        if self._refused:
            today = Moment(await self._now()).day
            await self._write_refused([key for key in self._refused if key[0] < today])

    @asynccontextmanager
    async def _coming(self, person: str, turn: str, at: Moment) -> AsyncIterator[None]:
        """Hold a place for the turn among all people's open ones until it is on record, in the block."""
        if (most := self.limits.desk_turns_at_once) is not None:
            async with self._counted(person, at), self._places:
                # Those that are coming first: one that is opened meanwhile is then found among the open ones, or here.
                taken = set(self._about_to_open) | await open_turns(self._store)
                if turn not in taken and len(taken) >= most:
                    raise reached("desk_turns_at_once", self.limits, at)
                self._about_to_open.add(turn)
        try:
            yield
        finally:
            self._about_to_open.discard(turn)

    async def _let_through(self, person: str, turn: str, at: Moment, least: Charge) -> bool:
        """Whether the turn was counted now for its person. Raises LimitReached."""
        await self._slices.spend(at, {**_ONE_TURN, **_amounts(least)})
        self._slices.give_back(at, _amounts(least))  # it is reserved by each request
        try:
            return await self._admit(person, turn, at, least)
        except RolltopError:
            self._slices.give_back(at, _ONE_TURN)
            raise

    async def _admit(self, person: str, turn: str, at: Moment, least: Charge) -> bool:
        """Whether it was counted now; False if nothing counts turns, or the turn was counted already."""
        if not (self._counts_turns or self._counts_use):
            return False
        known = False

        async def admitted(spent: Spending) -> TurnAdmitted | None:
            nonlocal known
            if known := any(one.turn == turn for one in spent.recent):
                return None
            self._check(spent, at, {**_ONE_TURN, **_amounts(least)})
            most = self.limits.person_turns_at_once
            if most is not None and len(await self._open_turns(person, spent, at)) >= most:
                raise reached("person_turns_at_once", self.limits, at)
            return TurnAdmitted(turn=turn, minute=max(at.minute, spent.minute)) if self._counts_turns else None

        await self._of(person, at).write(admitted)
        return self._counts_turns and not known

    async def _withdraw(self, person: str, turn: str, at: Moment) -> None:
        async def withdrawn(spent: Spending) -> TurnWithdrawn | None:
            minute = next((one.minute for one in spent.recent if one.turn == turn), None)
            return TurnWithdrawn(turn=turn, minute=minute) if minute else None

        try:
            await self._of(person, at).write(withdrawn)
        except RolltopError:
            log.exception("turn %s was not opened, and counts as asked all the same", turn)

    async def _open_turns(self, person: str, spent: Spending, at: Moment) -> set[str]:
        """The person's turns that have not ended, and those that were let through and are about to be opened."""
        # Asked for first: one that is opened meanwhile is then found among the open ones.
        coming = {
            one.turn
            for one in spent.recent
            if _is_recent(one.minute, at) and not await self._store.get("turn", one.turn)
        }
        return coming | await open_turns(self._store, person)

    def _check(self, spent: Spending, at: Moment, amounts: dict[str, int]) -> None:
        for counted, (limit, most) in self._person.items():
            if used(spent, counted, at.minute) + amounts.get(counted, 0) > most:
                raise reached(limit, self.limits, at)

    def _of(self, person: str | None, at: Moment) -> Ledger:
        return self._ledgers.of(person, at.day)

    @asynccontextmanager
    async def _counted(self, person: str, at: Moment) -> AsyncIterator[None]:
        """Put on record that a limit has refused something in the block: the 1st, 10th, 100th time and so on."""
        try:
            yield
        except LimitReached as error:
            limit = error.limit
            log_event("limit.refused", limit=limit)
            whose = None if limit.startswith("desk_") else person
            key = at.day, whose, limit
            total, unwritten = (count + 1 for count in self._refused.get(key, (0, 0)))
            counted = f"{total}".strip("0") == "1"
            self._refused[key] = (total, 0 if counted else unwritten)
            if counted:
                await self._refuse(key, unwritten)
            raise

    async def _refuse(self, key: tuple[str, str | None, str], count: int) -> None:
        day, whose, limit = key

        async def refused(_: Spending) -> QuestionsRefused:
            return QuestionsRefused(limit=limit, count=count)

        await self._ledgers.of(whose, day).write(refused)

    async def _write_refused(self, keys: Sequence[tuple[str, str | None, str]]) -> None:
        """Put on record what was refused after the last count, and forget these counts."""
        for key in keys:
            _, unwritten = self._refused.pop(key)
            if unwritten:
                try:
                    await self._refuse(key, unwritten)
                except RolltopError:
                    log.exception("%s refusals of the limit %s could not be put on record", unwritten, key[2])


async def open_turns(store: Store, person: str | None = None) -> set[str]:
    """The ids of the person's turns that have not ended; None for those of all people."""
    still: dict[str, Filter] = {"status": In(OPEN_TURN)}
    query = Query(kind="turn", where=still if person is None else {**still, "owner": person})
    return {record.id async for record in every(store, query)}


def _amounts(charge: Charge) -> dict[str, int]:
    return {"tokens": charge.tokens, "cost": charge.cost or 0}


def _is_recent(minute: str, at: Moment) -> bool:
    """Whether it is this minute or the one before: a turn that was not opened by then never will be."""
    return minute >= Moment(at.now - timedelta(minutes=1)).minute
