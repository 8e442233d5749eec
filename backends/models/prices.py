"""What an answer costs: its tokens times the prices of genai-prices, or of the operator's own table.

An unknown price is None and never 0, so that a sum can say how much of it is known. The prices are those of the
installed version of genai-prices: newer ones are not fetched.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from backends.small_files import read_small
from core.canonical import Json
from core.errors import InvalidInput
from core.values import Usage

_NANO = 10**9
_MILLION = 10**6
_MOST = 2**63

_Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]+:[^?\s]+$")]
_Rate: TypeAlias = Annotated[Decimal, Field(ge=0, le=_MILLION)]
_Catalogue: TypeAlias = Callable[[str, str, Usage], Decimal | None]


class _Price(BaseModel):
    """USD per million tokens. By default, tokens that a cache gave or took cost as much as other input."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    input: _Rate
    output: _Rate
    cached: _Rate | None = None
    cache_write: _Rate | None = None


_TABLE: TypeAdapter[dict[str, _Price]] = TypeAdapter(dict[_Name, _Price], config=ConfigDict(defer_build=True))


class Prices:
    """An operator's own table of prices, and behind it those of genai-prices if that is installed:

        Prices({"openai:my-model": {"input": 0.25, "cached": 0.025, "cache_write": 0.3, "output": 2}})

    A key is a model's URL without its query. Prices are USD per million tokens; `cached` and `cache_write` are as
    `input` if they are left out. Raises InvalidInput if the table is malformed.
    """

    def __init__(self, own: Mapping[str, Json] | None = None) -> None:
        try:
            self._own = _TABLE.validate_python(dict(own or {}))
        except ValidationError as error:
            raise _invalid(error) from error
        self._catalogue = _catalogue()

    def cost(self, provider: str, model: str, usage: Usage) -> int | None:
        """Nano-USD, rounded to the nearest; None if the price, the input or the output is unknown.

        `provider` is `openai` or `anthropic`, or "" for another server. For that only the own table counts: its key for
        this model, whatever stands before the colon, if there is exactly one. Tokens count as not cached if the usage
        does not say.
        """
        if usage.input is None or usage.output is None:
            return None
        if (usage.cached or 0) + (usage.cache_write or 0) > usage.input:
            return None
        price = self._own_price(provider, model)
        usd = _times(price, usage) if price else self._catalogue(provider, model, usage)
        if usd is None:
            return None
        nano = int((usd * _NANO).to_integral_value(ROUND_HALF_EVEN))
        return nano if nano < _MOST else None  # beyond what a record can hold, a count of tokens is a mistake

    def _own_price(self, provider: str, model: str) -> _Price | None:
        if provider:
            return self._own.get(f"{provider}:{model}")
        prices = [price for name, price in self._own.items() if name.partition(":")[2] == model]
        return prices[0] if len(prices) == 1 else None


def read_prices(path: str | Path) -> Prices:
    """The own table in a JSON file, as `Prices` takes it. Raises InvalidInput if it cannot be read or is malformed."""
    try:
        text = read_small(path)
    except OSError as error:
        raise InvalidInput(f"the prices in {path} cannot be read: {error.strerror}") from error
    try:
        table = _TABLE.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(f"{path}: {_invalid(error)}") from error
    return Prices({name: price.model_dump() for name, price in table.items()})


def _times(price: _Price, usage: Usage) -> Decimal:
    cached, written = usage.cached or 0, usage.cache_write or 0
    plain = (usage.input or 0) - cached - written
    read = price.input if price.cached is None else price.cached
    write = price.input if price.cache_write is None else price.cache_write
    total = plain * price.input + cached * read + written * write + (usage.output or 0) * price.output
    return total / _MILLION


def _catalogue() -> _Catalogue:
    """The prices of genai-prices, or unknown ones without that package. It is loaded now, not during an answer."""
    try:
        from genai_prices import Usage as Tokens
        from genai_prices import calc_price
    except ModuleNotFoundError:
        return lambda provider, model, usage: None

    def cost(provider: str, model: str, usage: Usage) -> Decimal | None:
        tokens = Tokens(
            input_tokens=usage.input,
            cache_read_tokens=usage.cached,
            cache_write_tokens=usage.cache_write,
            output_tokens=usage.output,
        )
        try:
            calculated = calc_price(tokens, model, provider_id=provider)
        except LookupError:
            return None
        # If input or output lacks a price, as for an embedding model, genai-prices counts it as free.
        priced = vars(calculated.model_price)
        return calculated.total_price if {"input_mtok", "output_mtok"} <= priced.keys() else None

    return cost


def _invalid(error: ValidationError) -> InvalidInput:
    first = error.errors(include_input=False, include_url=False)[0]
    where = " ".join(str(part) for part in first["loc"] if part != "[key]")
    return InvalidInput(
        f"prices{f' for {where}' if where else ''}: {first['msg']}; a table looks like "
        '{"openai:my-model": {"input": 0.25, "cached": 0.025, "cache_write": 0.3, "output": 2}}, USD per million tokens'
    )
