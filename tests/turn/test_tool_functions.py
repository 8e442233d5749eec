"""What a tool may be made of, and what becomes of results that cannot be kept."""

from __future__ import annotations

import functools

import pytest
from pydantic import BaseModel

from backends.models.scripted.model import Call, Say
from core import tool
from tests.support.desks import chatting


async def called(store, made, arguments=None):
    """The one call of the tool, as it is on record."""
    async with chatting(store, [[Call(made.name, arguments or {})], [Say("Done.")]], tools=[made]) as chat:
        reply = await chat.ask("Go")
        for call in reply.waiting:
            reply = await chat.decide(call.id, "approve", call.digest)
        return reply.tool_calls[0]


async def test_a_type_that_is_local_to_a_function_is_known_under_postponed_annotations(store):
    class Trip(BaseModel):
        city: str

    @tool(effect="read")
    def book(trip: Trip) -> str:
        """Book."""
        return trip.city

    call = await called(store, book, {"trip": {"city": "Graz"}})
    assert [call.status, call.result] == ["succeeded", "Graz"]


async def test_a_partial_is_a_tool_without_the_arguments_that_it_holds(store):
    def rate(country: str, year: int) -> str:
        """The rate."""
        return f"{country} {year}"

    made = tool(effect="read")(functools.partial(rate, country="at"))
    call = await called(store, made, {"year": 2026})
    assert [made.name, call.result] == ["rate", "at 2026"]
    assert (await called(store, made, {"country": "de", "year": 2026})).status == "invalid_arguments"


async def test_what_a_sync_function_leaves_to_be_awaited_is_awaited(store):
    async def work() -> str:
        return "worked"

    @tool(effect="read")
    def start() -> object:
        """Start."""
        return work()

    assert (await called(store, start)).result == "worked"


@pytest.mark.parametrize(
    ("effect", "status"), [("read", "failed"), ("idempotent", "succeeded"), ("unsafe", "succeeded")]
)
@pytest.mark.parametrize("result", [b"\xff", object(), {1: object()}])
async def test_a_result_that_is_no_json_is_a_failure_of_what_only_reads_and_never_undoes_what_was_done(
    store, effect, status, result
):
    @tool(effect=effect)
    def give() -> object:
        """Give."""
        return result

    call = await called(store, give)
    assert [call.status, call.code, call.result] == [status, "no_json", None]
    assert "cannot be written as JSON" in call.error
