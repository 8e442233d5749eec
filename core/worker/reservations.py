"""What a request to a model may use at most, reserved before it goes out, and what it has used, booked after it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio

from core.canonical import Json, canonical
from core.errors import InvalidInput, LimitReached
from core.limits import Budget, BudgetRequest, Limits, nano_usd
from core.model import Model, ModelRequest, UserMessage, cost_of, tuning_of
from core.options import Options
from core.spending.amounts import Charge
from core.spending.spender import Reservation, Spender
from core.turn.commands import Answered, Failed
from core.values import Usage
from core.worker.history import as_json
from core.worker.hooks import HookFault

log = logging.getLogger(__name__)

ROOM_FOR_ANSWER = 4096
"""Tokens that an answer is given if the settings do not say how long it may be."""

AROUND = 1_000
"""Tokens that adapters, and the templates and tool prompts of providers, may add to a request."""

_LONGEST = ("max_output_tokens", "max_tokens")

_UNBILLED = frozenset(("overloaded", "quota", "auth", "too_large", "adapted", "no_tools", "invalid_request"))
"""The codes of requests that a provider has refused: without usage and content of theirs, they are free."""

_LOST = frozenset((408, 504, 524))
"""HTTP statuses by which a server or a proxy says that it has waited too long for an answer: it may have been made."""


class Reservations:
    """Reserves and books for the workers of a desk.

    `spender` and `budget` are None without limits, and without a check of the program's own. Raises InvalidInput if a
    cost is limited and the price of a model is unknown.
    """

    def __init__(
        self, spender: Spender | None, budget: Budget | None, models: Sequence[Model], options: Options
    ) -> None:
        self._bounds = budget is not None or (spender is not None and spender.limits.use)
        self._spender = spender
        self._budget = budget
        self._models = models
        self._options = options
        if spender:
            _check_priced(spender.limits, models)

    def bounded(self, model: Model, request: ModelRequest) -> ModelRequest:
        """The request, with the longest answer that is reserved for it in its settings if use is limited.

        It stays as it was if its settings say it already, or if the model knows no such setting.
        """
        known = [name for name in _LONGEST if name in model.settings]
        if not self._bounds or not known or any(name in request.settings for name in _LONGEST):
            return request
        longest = longest_answer(request.settings, tuning_of(model).context_window)
        return replace(request, settings={**request.settings, known[0]: longest})

    async def reserve(
        self, person: str, thread: str, turn: str, call: str, model: Model, usage: Usage
    ) -> Reservation | None:
        """Reserve the `usage` that a request may have at most; None without limits.

        Raises LimitReached, and HookFault if the program's budget fails.
        """
        if self._spender is None and self._budget is None:
            return None
        if self._budget:
            asked = BudgetRequest(
                user_id=person,
                thread=thread,
                turn=turn,
                model=model.name,
                tokens=_tokens(usage),
                cost=_dearest(model, usage),
            )
            await self._check(self._budget, asked)
        if self._spender is None:
            return None
        charge = _charge(self._spender.limits, usage, _dearest(model, usage))
        return await self._spender.reserve(person, turn, call, charge)

    async def book(self, reserved: Reservation | None, model: Model, outcome: Answered | Failed) -> None:
        """Book what the request has used. While that is unknown, the reservation stays spent."""
        if self._spender is None or reserved is None:
            return
        fact = outcome.failed if isinstance(outcome, Failed) else outcome.answered
        if fact.usage.total_tokens is not None:
            cost = cost_of(model, fact.usage) if fact.cost is None else fact.cost
            charge = _charge(self._spender.limits, fact.usage, cost)
        elif isinstance(outcome, Failed) and _is_unbilled(outcome):
            charge = Charge(0, 0)
        elif fact.cost is not None:
            charge = Charge(reserved.charge.tokens, fact.cost)
        else:
            return
        await self._spender.book(reserved, charge)

    async def release(self, reserved: Reservation | None) -> None:
        """Free what was reserved for a request that was never sent."""
        if self._spender and reserved:
            await self._spender.book(reserved, Charge(0, 0))

    def least(self, question: str) -> Charge:
        """What answering the question uses at least, with the desk's cheapest model; 0 without limits."""
        if self._spender is None:
            return Charge(0, None)
        charges = [self._least(self._spender.limits, model, question) for model in self._models]
        return Charge(min(one.tokens for one in charges), min(one.cost or 0 for one in charges))

    def _least(self, limits: Limits, model: Model, question: str) -> Charge:
        known = {name: value for name, value in self._options.model_settings.items() if name in model.settings}
        tuning = tuning_of(model)
        settings = {**known, **tuning.settings}
        request = ModelRequest(instructions="", messages=(UserMessage(text=question),), settings=settings)
        usage = most_used(model, request, len(canonical(as_json(request))))
        return _charge(limits, usage, _dearest(model, usage))

    async def _check(self, budget: Budget, asked: BudgetRequest) -> None:
        try:
            with anyio.fail_after(self._options.hook_deadline):
                await budget.check(asked)
        except LimitReached:
            raise
        except Exception as fault:  # the boundary of a program's own check: its fault is its own, and goes on record
            log.exception("the budget's check failed")
            raise HookFault(type(fault).__name__) from fault


def longest_answer(settings: Mapping[str, Json], context_window: int | None) -> int:
    """How many tokens an answer may have: as the settings say, else ROOM_FOR_ANSWER, or a quarter of a small window.

    A `thinking_budget` comes on top of the latter: the longest answer of such a model has its thinking in it.
    """
    longest = next((settings[name] for name in _LONGEST if name in settings), None)
    if isinstance(longest, int):
        return longest
    thinking = settings.get("thinking_budget")
    room = ROOM_FOR_ANSWER if context_window is None else min(ROOM_FOR_ANSWER, context_window // 4)
    return room + thinking if isinstance(thinking, int) else room


def most_used(model: Model, request: ModelRequest, size: int) -> Usage:
    """The most that a request of so many bytes may use: a token of a byte-level tokenizer is one byte, or more."""
    window = tuning_of(model).context_window
    most = size + AROUND
    longest = longest_answer(request.settings, window)
    return Usage(input=most if window is None else min(most, window), output=longest)


def _check_priced(limits: Limits, models: Sequence[Model]) -> None:
    unpriced = [model.name for model in models if cost_of(model, Usage(input=1, output=1)) is None]
    if limits.costs and limits.unpriced_call_usd is None and unpriced:
        raise InvalidInput(
            f"a cost is limited, and the price of {', '.join(unpriced)} is unknown: add it to the table of prices, or "
            "say with `unpriced_call_usd` what a request counts as"
        )


def _charge(limits: Limits, usage: Usage, cost: int | None) -> Charge:
    if cost is None and limits.unpriced_call_usd is not None:
        cost = nano_usd(limits.unpriced_call_usd)
    return Charge(_tokens(usage), cost)


def _dearest(model: Model, usage: Usage) -> int | None:
    """The most that so many tokens cost: writing to a provider's cache may be dearer than other input."""
    costs = (cost_of(model, one) for one in (usage, usage.model_copy(update={"cache_write": usage.input})))
    known = [cost for cost in costs if cost is not None]
    return max(known, default=None)


def _tokens(usage: Usage) -> int:
    return (usage.input or 0) + (usage.output or 0)


def _is_unbilled(outcome: Failed) -> bool:
    """Whether the request was surely free: it was not sent, or refused before anything of an answer came."""
    failed, status = outcome.failed, outcome.http_status
    if outcome.unsent:
        return True
    if failed.ttft_ms is not None or failed.usage != Usage() or status in _LOST:
        return False
    return failed.code in _UNBILLED or (status is not None and status >= 300)
