"""Money as decimals and times as datetimes: beside the stored integers and texts, and never among them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backends.models.scripted.model import Bill, Call, Say
from backends.stores.memory import MemoryStore
from core import Message, ModelCall, Thread, ToolCall, Totals, Turn, Usage, tool
from core.clock import Time
from core.log.records import (
    AdministrationRecord,
    Block,
    Decision,
    Given,
    Item,
    Look,
    Person,
    Review,
    RoleGrant,
    record,
)
from tests.support.desks import ASKER, chatting

RECORDS = (*Item.__args__, Review, Look, Person, AdministrationRecord, RoleGrant, Block, Decision, Given)
TIMES = {"erase_due", "erase_asked", "expires", "at"}
"""The times whose names do not end in `_at`."""


def text_fields(kind):
    """The fields of a record that hold a time."""
    return {name for name in kind.model_fields if name.endswith("_at") or name in TIMES}


def time_name(field):
    return "time" if field == "at" else f"{field.removesuffix('_at')}_time"


@pytest.mark.parametrize("kind", RECORDS)
def test_beside_each_time_of_a_record_stands_a_datetime_under_the_same_rule(kind):
    times = {name for name, value in vars(kind).items() if isinstance(value, Time)}
    assert times == {time_name(field) for field in text_fields(kind)}


@tool(effect="read")
def look() -> str:
    """Look."""
    return "seen"


@pytest.fixture
async def met():
    """The records of one turn with a tool call, and its reply."""
    bill = Bill(Usage(input=90, output=7), cost=1_234_567)
    async with chatting(MemoryStore(), [[Call("look", {}), bill], [Say("Done."), bill]], tools=[look]) as chat:
        reply = await chat.ask("Look")
        turn = await chat.desk.archive.turn(ASKER, reply.turn_id)
        calls = [*await chat.tool_calls(), *await chat.model_calls()]
        return reply, [await chat.reload(), turn, *await chat.messages(), *calls]


async def test_times_are_those_of_the_texts_in_utc_and_unknown_ones_are_none(met):
    _, records = met
    seen = set()
    for one in records:
        for field in text_fields(type(one)):
            text, time = getattr(one, field), getattr(one, time_name(field))
            seen.add((type(one), text is None))
            assert time is None if text is None else time == datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
            assert time is None or time.tzinfo is UTC
    assert {kind for kind, _ in seen} == {Thread, Turn, Message, ToolCall, ModelCall}
    assert {missing for _, missing in seen} == {True, False}


async def test_costs_are_exact_decimals_and_an_unknown_cost_or_usage_stays_unknown(met):
    reply, records = met
    (thread, turn, *_, last) = records
    assert reply.cost_usd == turn.totals.cost_usd == thread.totals.cost_usd == Decimal("0.002469134")
    assert (last.cost_usd, last.usage.total_tokens, reply.usage.total_tokens) == (Decimal("0.001234567"), 97, 194)
    assert Totals(cost=2**63 - 1).cost_usd == Decimal("9223372036.854775807")
    assert (Totals().cost_usd, Totals().total_tokens) == (0, 0)
    assert (Totals(cost=5, cost_unknown=1).cost_usd, Totals(input_tokens=5, tokens_unknown=1).total_tokens) == (
        None,
        None,
    )
    assert (Usage(input=5).total_tokens, last.model_copy(update={"cost": None}).cost_usd) == (None, None)


async def test_neither_is_stored_or_exported(met):
    _, records = met
    assert isinstance(vars(Totals)["cost_usd"], property)
    for one in records:
        names = {*record(one).fields, *one.model_dump(), *type(one).model_json_schema()["properties"]}
        assert not [name for name in names if name.endswith(("_time", "_usd", "total_tokens")) or name == "time"]
