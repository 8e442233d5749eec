"""What a request to a provider reserves: the most that it may use, and nothing once it has surely cost nothing."""

import asyncio
import json

import pytest

from backends.models.opening import open_model
from backends.models.prices import Prices
from backends.models.scripted.model import Bill, Call, Say
from backends.stores.memory import MemoryStore
from core import Desk, Limits, Options, tool
from core.store import Query, every
from core.values import Usage
from core.worker.reservations import ROOM_FOR_ANSWER
from tests.models.test_provider_faults import APIS, URLS
from tests.servers.faults.parts import Drop, Hang, Page, Refuse
from tests.servers.faults.server import FaultServer
from tests.support.desks import ASKER, ended
from tests.support.ports import free_port

ONCE = Options(max_attempts=1, retry_delay=0.001, breaks_after=50)
IMPATIENT = ONCE.model_copy(update={"first_content": 0.5})
BILL = Bill(Usage(input=90, output=7))
LONGEST = {"responses": "max_output_tokens", "chat": "max_tokens", "messages": "max_tokens"}
"""What an API calls the length of an answer."""


@tool(effect="read")
def vacation_balance(year: int, entity: str = "") -> dict[str, str]:
    """The vacation days left of a year, at one company of the group if the person has worked at several.

    An unknown year has no days.
    """
    return {"days": '十二 \\ "twelve"\n' * 50}


async def asked(url, api, *texts, options=ONCE, settings=None, **given):
    """The last turn, and what was reserved and booked for the person, where a desk with limits asked the URL's API."""
    store, name = MemoryStore(), f"{'anthropic' if api == 'messages' else 'openai'}:m"
    prices = Prices({name: {"input": 1, "output": 2}})
    model = open_model(URLS[api].format(url), prices=prices, settings=settings or {})
    limits = Limits(person_tokens_a_day=10_000_000, desk_usd_a_day=1_000)
    async with Desk(store, model, options=options, limits=limits, **given) as desk:
        thread = await desk.create_thread(ASKER)
        for text in texts or ("How many days?",):
            turn = await ended(desk, await desk.submit(ASKER, thread.id, text))
    await model.close()
    (spent,) = [one async for one in every(store, Query(kind="spending")) if one.id.startswith(f"{ASKER.id}:")]
    entries = await store.read(f"spending:{spent.id}")
    reserved = [entry.shell["tokens"] for entry in entries if entry.kind == "spending.reserved"]
    return turn, reserved, spent.fields["tokens"]


REFUSALS = ("rate_limit", "overloaded", "server_error", "quota", "auth", "permission", "not_found", "invalid_request")
FREE = {name: Refuse(name) for name in REFUSALS} | {"moved": Page("", 302), "no server behind it": Page("<html>", 502)}
"""What a provider does with a request that surely cost nothing."""

KEPT = {"no answer": Drop(), "silence": Hang(), "no answer in time": Page("<html>", 504), "nonsense": Page("<html>")}
"""What leaves open whether an answer was made, and has cost something."""


@pytest.mark.parametrize("api", APIS)
async def test_what_a_provider_refuses_costs_nothing_and_what_it_leaves_open_stays_reserved(api):
    for name, does in {**FREE, **KEPT}.items():
        async with FaultServer([[does]]) as server:
            options = IMPATIENT if name == "silence" else ONCE
            turn, reserved, used = await asked(server.url, api, options=options)
        assert (name, turn.status, used) == (name, "failed", sum(reserved) if name in KEPT else 0)
        assert len(reserved) == len(server.requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_an_outage_does_not_use_up_a_persons_day(api):
    async def plain(reader, writer):
        writer.write(b"This is no TLS.\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        speaks_no_tls = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for url in (f"http://127.0.0.1:{free_port()}", speaks_no_tls):
            turn, reserved, used = await asked(url, api, *["How many days?"] * 3)
            assert (turn.status, turn.code, len(reserved), used) == ("failed", "connection", 3, 0)


@pytest.mark.parametrize("api", APIS)
async def test_no_text_of_a_request_has_more_bytes_than_tokens_were_reserved_for_it(api):
    look = [Call("vacation_balance", {"year": 2026, "entity": "某公司"}), BILL]
    async with FaultServer([look, [Say("Zwölf Tage. " * 90), BILL], look, [Say("Twelve."), BILL]]) as server:
        texts = ("Wie viele Tage habe ich noch? " * 20, "还有几天。" * 200)
        turn, reserved, _ = await asked(server.url, api, *texts, tools=[vacation_balance])
    assert (turn.status, len(reserved)) == ("completed", 4)
    for request, tokens in zip(server.requests, reserved, strict=True):
        assert request.body[LONGEST[api]] == ROOM_FOR_ANSWER
        sent = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(sent) <= tokens - ROOM_FOR_ANSWER < 2 * len(sent) + 1_000


@pytest.mark.parametrize("api", APIS)
async def test_the_longest_answer_is_as_the_settings_say_and_is_not_sent_where_nothing_is_limited(api):
    longest = "max_tokens" if api == "messages" else "max_output_tokens"
    async with FaultServer([[Say("Twelve."), BILL]], loop=True) as server:
        await asked(server.url, api, settings={longest: 500})
        await asked(server.url, api, options=ONCE.model_copy(update={"model_settings": {longest: 600}}))
        model = open_model(URLS[api].format(server.url))
        for limits in (None, Limits(person_turns_a_day=9)):
            async with Desk(MemoryStore(), model, options=ONCE, limits=limits) as desk:
                await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many days?"))
        await model.close()
    own = 8_192 if api == "messages" else None
    assert [request.body.get(LONGEST[api]) for request in server.requests] == [500, 600, own, own]


async def test_an_answer_that_thinks_has_room_for_both():
    async with FaultServer([[Say("Twelve."), BILL]]) as server:
        _, (reserved,), _ = await asked(server.url, "messages", settings={"thinking_budget": 2_000})
    assert server.requests[0].body["max_tokens"] == 2_000 + ROOM_FOR_ANSWER < reserved


async def test_a_request_uses_no_more_than_its_model_can_hold():
    async with FaultServer([[Say("Twelve."), BILL]]) as server:
        model = open_model(URLS["chat"].format(server.url), context_window=2_000)
        store, limits = MemoryStore(), Limits(person_tokens_a_day=2_500)
        async with Desk(store, model, options=ONCE, limits=limits) as desk:
            turn = await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "天" * 600))
        await model.close()
    assert (turn.status, server.requests[0].body["max_tokens"]) == ("completed", 500)
