"""What becomes of a turn on each of a provider's bad days, through the provider's real SDK.

One table says it: each row is what the provider does for one question, and what is then on record. After every row
the next question on the same thread is asked of the same server, which refuses whatever its provider would refuse.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from backends import open_store
from backends.models.opening import open_model
from backends.models.prices import Prices
from backends.models.scripted.model import Bill, Call, Cut, Fail, Say, Stop, Think
from core import Chat, Options, Reply, create_chat, tool
from core.log.records import ModelCall
from core.model import Ping
from core.values import Usage
from tests.servers.faults.parts import Bytes, CallAs, CutAfter, Drop, Emit, Hang, Page, Refuse, Segments, StopAs
from tests.servers.faults.server import FaultServer
from tests.support.desks import ASKER, PATIENCE, QUICK

APIS = ("responses", "chat", "messages")
URLS = {
    "responses": "openai:m?base_url={}/v1",
    "chat": "openai:m?api=chat&base_url={}/v1",
    "messages": "anthropic:m?base_url={}",
}
PRICE = {"input": 1, "output": 2}

BILL = Bill(Usage(input=90, output=7))
PAID = 90 * 1_000 + 7 * 2_000
"""Nano-USD that `BILL` comes to."""

GOOD = [Say("Twelve days."), BILL]
LOOK = Call("look", {"year": 2026})
SHORT = Options(retry_delay=0.001, first_content=1, between_contents=1, max_attempts=2)
"""For silence: the clocks are the machine's, and nothing in the test measures them."""


@tool(effect="read")
def look(year: int = 2026) -> int:
    """Vacation days left."""
    return 12


@dataclass(frozen=True, kw_only=True)
class Row:
    """`does` are the provider's answers to one question; `calls` are the model calls then on record, in order.

    A call is `answered STOP` or `failed CODE`. `tools` are the statuses of the turn's tool calls, `shown` is the turn's
    text. What came whole told its cost, unless `paid` says otherwise.
    """

    does: list[list[Any]]
    ends: str
    calls: list[str]
    shown: str = "Twelve days."
    code: str | None = None
    tools: list[str] = field(default_factory=list)
    paid: bool | None = None
    apis: tuple[str, ...] = APIS
    options: Options = QUICK


def recovers(code: str, *bad: list[Any], **more: Any) -> Row:
    """The provider fails before it has said anything, and is asked again until it answers."""
    calls = [*(f"failed {code}" for _ in bad), "answered end"]
    return Row(does=[*bad, GOOD], ends="completed", calls=calls, **more)


def fails(code: str, *bad: list[Any], **more: Any) -> Row:
    """The provider fails each time it is asked, and is asked no more often than this."""
    return Row(does=[*bad], ends="failed", code=code, shown="", calls=[f"failed {code}" for _ in bad], **more)


def breaks_off(code: str, bad: list[Any], shown: str = "Twelve ", **more: Any) -> Row:
    """The provider fails in the middle of its answer: what was shown is kept, and nobody is asked again."""
    return Row(does=[bad], ends="interrupted", code=code, shown=shown, calls=[f"failed {code}"], **more)


def too_large(shown: str, *parts: Any, **more: Any) -> Row:
    """The answer is more than is kept of one: what was shown is, and nobody is asked again."""
    calls = ["failed answer_too_large"]
    return Row(does=[[*parts, BILL]], ends="failed", code="answer_too_large", shown=shown, calls=calls, **more)


def refused(shown: str, *parts: Any, **more: Any) -> Row:
    """The provider's filter refuses the request: no other attempt is made, and nobody is to blame."""
    return Row(does=[[*parts]], ends="refused", code="refusal", shown=shown, calls=["failed refusal"], **more)


def stops(reason: str, ends: str, code: str | None, *parts: Any, **more: Any) -> Row:
    """The answer is whole, and ends for another reason than that it is complete."""
    said = [Say("Twelve days."), *parts, BILL]
    return Row(does=[said], ends=ends, code=code, calls=[f"answered {reason}"], **more)


def good(answer: list[Any], **more: Any) -> Row:
    """The answer is odd, and nothing is wrong with it."""
    return Row(does=[answer], ends="completed", calls=["answered end"], **more)


def calling(*answers: list[Any], **more: Any) -> Row:
    """The model calls a tool with each of these answers; once it has the results it gives its final one."""
    calls = [*("answered tool_calls" for _ in answers), "answered end"]
    return Row(does=[*answers, GOOD], ends="completed", calls=calls, **{"tools": ["succeeded"], **more})


TWELVE = Say("Twelve ", pieces=1)
HUGE = "x" * 9_000_000
OPENAI = ("responses", "chat")
NEW_EVENT = Emit({"type": "response.new_kind.delta", "object": "new", "choices": [], "delta": "?"}, "new_kind")
FLAT_ERROR = Emit(
    {"type": "error", "code": "server_error", "message": "x", "param": None, "sequence_number": 9}, "error"
)

ROWS = {
    # The provider refuses.
    "rate limit": recovers("overloaded", [Refuse("rate_limit")]),
    "rate limit, to be asked again in no time": recovers("overloaded", [Refuse("rate_limit", 0)]),
    "rate limit until a date": recovers("overloaded", [Refuse("rate_limit", "Sun, 06 Nov 1994 08:49:37 GMT")]),
    "rate limit until nonsense": recovers("overloaded", [Refuse("rate_limit", "soon")]),
    "overloaded": recovers("overloaded", [Refuse("overloaded")], [Refuse("overloaded")], [Refuse("overloaded")]),
    "overloaded for good": fails("overloaded", *[[Refuse("overloaded")]] * 4),
    "internal error": recovers("overloaded", [Refuse("server_error")]),
    "gateway timeout": recovers("overloaded", [Refuse("timeout")]),
    "a proxy's page with 502": recovers("overloaded", [Page("<html>bad gateway</html>", 502)]),
    "quota": fails("quota", [Refuse("quota")]),
    "key refused": fails("auth", [Refuse("auth")]),
    "model not allowed": fails("auth", [Refuse("permission")]),
    "model not found": fails("invalid_request", [Refuse("not_found")]),
    "request not valid": fails("invalid_request", [Refuse("invalid_request")]),
    "context overflow, nothing to trim": fails("too_large", [Refuse("too_large")]),
    "a filter refuses the request": refused("", Refuse("refusal")),
    # No answer comes.
    "a proxy's page with 200": recovers("protocol", [Page("<html>log in</html>")]),
    "connection closed": recovers("connection", [Drop()]),
    "connection reset": recovers("connection", [Drop(reset=True)]),
    "connection closed for good": fails("connection", *[[Drop()]] * 4),
    "end before content": recovers("protocol", [Ping(), Cut()]),
    "connection closed before content": recovers("connection", [Ping(), Drop()]),
    "overloaded, in a stream": recovers("overloaded", [Ping(), Fail("overloaded")]),
    "quota, in a stream": fails("quota", [Ping(), Fail("quota")]),
    "context overflow, in a stream": fails("too_large", [Ping(), Fail("too_large")]),
    "silence": fails("timeout", [Hang()], [Hang()], options=SHORT),
    "silence with pings": fails("timeout", [Hang(0.02)], [Hang(0.02)], options=SHORT),
    "silence, then an answer": recovers("timeout", [Hang()], options=SHORT),
    # The answer breaks off.
    "end without a marker": breaks_off("protocol", [TWELVE, Cut()]),
    "connection closed after content": breaks_off("connection", [TWELVE, Drop()]),
    "connection closed within a character": breaks_off("connection", [TWELVE, Bytes(b'data: {"x":"\xe2\x82'), Drop()]),
    "overloaded after content": breaks_off("overloaded", [TWELVE, Fail("overloaded")]),
    "error event after content": breaks_off("overloaded", [TWELVE, FLAT_ERROR], apis=("responses",)),
    "quota after content": breaks_off("quota", [TWELVE, Fail("quota")]),
    "silence after content": breaks_off("timeout", [TWELVE, Hang()], options=SHORT),
    "silence with pings after content": breaks_off("timeout", [TWELVE, Hang(0.02)], options=SHORT),
    "bytes that are no UTF-8": breaks_off("protocol", [TWELVE, Bytes(b'data: {"x":"\xe2\x28"}\n\n')]),
    "an event that is no JSON": breaks_off("protocol", [TWELVE, Bytes(b"data: {\n\n")]),
    "a call, then the end": recovers("protocol", [LOOK, Cut()]),
    "text and a call, then the end": breaks_off("protocol", [TWELVE, LOOK, Cut()]),
    "a filter refuses, in a stream": refused("", Ping(), Fail("refusal")),
    "a filter refuses after content": refused("Twelve ", TWELVE, Fail("refusal")),
    # The answer ends otherwise.
    "a reason nobody knows": stops("other", "interrupted", "unknown_stop", Stop("other")),
    "refusal": stops("refusal", "refused", "refusal", Stop("refusal")),
    "content filter": stops("refusal", "refused", "refusal", StopAs("content_filter"), apis=OPENAI),
    "longest length": stops("length", "truncated", "length", Stop("length")),
    "context window at its end": stops(
        "length", "truncated", "length", StopAs("model_context_window_exceeded"), apis=("messages",)
    ),
    "longest length within calls": Row(
        does=[[LOOK, Stop("length"), BILL], GOOD], ends="completed", calls=["answered length", "answered end"]
    ),
    "longest length within calls, twice": Row(
        does=[[LOOK, Stop("length"), BILL], [LOOK, Stop("length"), BILL]],
        ends="truncated",
        code="length",
        shown="",
        calls=["answered length", "answered length"],
    ),
    "a pause": Row(
        does=[[Say("Let me see."), Stop("pause"), BILL], GOOD],
        ends="completed",
        shown="Let me see.\n\nTwelve days.",
        calls=["answered pause", "answered end"],
        apis=("messages",),
    ),
    "a pause after a blank": Row(
        does=[[Say("Let me see. "), Stop("pause"), BILL], GOOD],
        ends="completed",
        shown="Let me see. \n\nTwelve days.",
        calls=["answered pause", "answered end"],
        apis=("messages",),
    ),
    "a pause without a word": Row(
        does=[[Stop("pause"), BILL], GOOD],
        ends="completed",
        calls=["answered pause", "answered end"],
        apis=("messages",),
    ),
    "an empty answer": Row(does=[[BILL], GOOD], ends="completed", calls=["failed empty", "answered end"]),
    "two empty answers": Row(
        does=[[BILL], [BILL]], ends="failed", code="empty", shown="", calls=["failed empty", "failed empty"]
    ),
    # The answer is odd, and good.
    "no usage": good([Say("Twelve days.")], paid=False),
    "an event nobody knows": good([TWELVE, NEW_EVENT, Say("days."), BILL]),
    "pings between contents": good([Ping(), TWELVE, Ping(), Say("days."), BILL]),
    "byte by byte": good([Segments(1), *GOOD]),
    "all in one segment": good([Segments(None), *GOOD]),
    "a NUL": good([Say("Twelve\x00days."), BILL], shown="Twelve\x00days."),
    "half a pair of surrogates": good([Say("Twelve\ud800days."), BILL], shown="Twelve?days."),
    "Ollama's end": good([*GOOD, StopAs(None)], apis=("chat",)),
    # Calls.
    "a call": calling([LOOK, BILL]),
    "a call after thinking": calling(
        [Think("Hm."), Say("Let me look."), LOOK, BILL], shown="Let me look.\n\nTwelve days."
    ),
    "a call after thinking that nobody may read": calling([Think(""), LOOK, BILL]),
    "Ollama's call": calling([CallAs("look", {"year": 2026}, "x"), StopAs(None), BILL], apis=("chat",)),
    "arguments that are no JSON": calling([Call("look", '{"year": 20'), BILL], tools=["invalid_arguments"]),
    "arguments that do not fit": calling([Call("look", {"year": "soon"}), BILL], tools=["invalid_arguments"]),
    "arguments that nobody asked for": calling([Call("look", {"x": 1}), BILL], tools=["invalid_arguments"]),
    "a tool that does not exist": calling([Call("fly to the moon", {}), BILL], tools=["unknown_tool"]),
    "calls with the same id": calling(
        [CallAs("look", {}, "same"), CallAs("look", {"year": 2025}, "same"), BILL], tools=["succeeded", "succeeded"]
    ),
    "calls without ids": calling(
        [CallAs("look", {}, None), CallAs("look", {"year": 2025}, None), BILL], tools=["succeeded", "succeeded"]
    ),
    "an id used again": calling(
        [CallAs("look", {}, "same"), BILL], [CallAs("look", {}, "same"), BILL], tools=["succeeded", "succeeded"]
    ),
    "bad arguments for good": Row(
        does=[[Call("look", "{"), BILL]] * 3 + [GOOD],
        ends="completed",
        calls=[*["answered tool_calls"] * 3, "answered end"],
        tools=["invalid_arguments"] * 3,
    ),
    # More than is kept of an answer.
    "text of 9 MB": too_large("x" * 510_000, Say(HUGE, pieces=600)),
    "text of 9 MB in one event": too_large("Twelve ", TWELVE, Say(HUGE, pieces=1)),
    "text of 600,000 characters in one event": too_large("", Say("x" * 600_000, pieces=1), paid=True),
    "control characters": too_large("\x01" * 87_000, Say("\x01" * 1_500_000, pieces=500)),
    "arguments of 9 MB": too_large("", CallAs("look", {"note": HUGE}, "c1", pieces=600)),
    "arguments of 9 MB in one event": too_large("Twelve ", TWELVE, Call("look", {"note": HUGE})),
    "arguments of 600,000 characters": too_large("", Call("look", {"note": "x" * 600_000}), paid=True),
    "reasoning of 9 MB": too_large("", Think(HUGE)),
    "65 calls": too_large("", *[LOOK] * 65, paid=True),
}


def rows() -> list[Any]:
    named = [(f"{api}: {name}", api, row) for name, row in ROWS.items() for api in row.apis]
    return [pytest.param(api, row, id=id) for id, api, row in named]


@asynccontextmanager
async def chatting_with(server: FaultServer, api: str, options: Options) -> AsyncIterator[Chat[Any]]:
    """A chat whose model is at the server, and costs something."""
    prices = Prices({f"{'anthropic' if api == 'messages' else 'openai'}:m": PRICE})
    model = open_model(URLS[api].format(server.url), prices=prices)
    try:
        async with (
            open_store("memory:") as store,
            await create_chat(store, model, viewer=ASKER, tools=[look], options=options) as chat,
        ):
            yield chat
    finally:
        await model.close()


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """The first request of each SDK takes so long that it would be taken for silence."""

    async def ask() -> None:
        for api in APIS:
            async with FaultServer([GOOD]) as server, chatting_with(server, api, QUICK) as chat:
                await chat.ask("How many days?")

    anyio.run(ask)


@pytest.mark.parametrize(("api", "row"), rows())
async def test_a_fault_ends_as_the_table_says_and_the_next_question_works(api: str, row: Row) -> None:
    async with FaultServer([*row.does, GOOD]) as server, chatting_with(server, api, row.options) as chat:
        with anyio.fail_after(PATIENCE):
            reply = await chat.ask("How many days?")
        calls = await chat.model_calls()
        assert (reply.status, reply.error and reply.error.code, reply.text) == (row.ends, row.code, row.shown)
        assert [outcome(call) for call in calls] == row.calls
        assert [call.id for call in calls] == [f"{reply.turn_id}-m{n}" for n in range(1, len(calls) + 1)]
        assert len(server.requests) == len(row.calls)
        assert [call.status for call in reply.tool_calls] == row.tools
        assert [call.cost for call in calls] == [cost(call, row) for call in calls]
        assert reply.cost == (None if None in [call.cost for call in calls] else PAID * len(calls))
        check_partial(reply, calls)

        following = await chat.ask("And now?")
        assert (following.status, following.text) == ("completed", "Twelve days.")
        assert server.refused == []


def outcome(call: ModelCall) -> str:
    return f"{call.status} {call.stop_reason if call.status == 'answered' else call.code}"


def cost(call: ModelCall, row: Row) -> int | None:
    """What is known of it, which for an answer that came whole is all, an empty one included."""
    whole = call.status == "answered" or call.code == "empty"
    return PAID if (whole if row.paid is None else row.paid) else None


def check_partial(reply: Reply[Any], calls: list[ModelCall]) -> None:
    """What was shown of an answer that broke off is on record with the call; what is not known of it is not 0."""
    if reply.status == "interrupted":
        assert calls[-1].answer == reply.text
    for call in calls:
        assert (call.cost is None) == (call.usage.input is None or call.usage.output is None)
        assert 0 not in call.usage.model_dump().values()


CUT = [Say("Let me look."), LOOK, BILL]


@pytest.mark.parametrize("on_interruption", ["keep_partial", "retry"])
@pytest.mark.parametrize("how", ["end", "drop", "reset"])
@pytest.mark.parametrize("api", APIS)
async def test_an_answer_cut_anywhere_is_never_taken_for_a_whole_one(api: str, how: Any, on_interruption: Any) -> None:
    options = QUICK.model_copy(update={"on_interruption": on_interruption})
    kept: list[str] = []
    for events in range(await events_of(api)):
        script = [[*CUT, CutAfter(events, how)], GOOD, GOOD]
        async with FaultServer(script) as server, chatting_with(server, api, options) as chat:
            reply = await chat.ask("How many days?")
            first, *again = await chat.model_calls()
            assert outcome(first) == ("failed protocol" if how == "end" else "failed connection")
            kept.append(first.answer or "")
            assert "Let me look.".startswith(kept[-1])
            if kept[-1] and on_interruption == "keep_partial":
                assert (reply.status, reply.text, again) == ("interrupted", kept[-1], [])
            else:
                assert (reply.status, reply.text, len(again)) == ("completed", "Twelve days.", 1)
            assert (reply.tool_calls, reply.cost) == ([], None)
            assert (await chat.ask("And now?")).status == "completed"
            assert server.refused == []
    if how == "reset":
        return  # it may overtake what was sent before it
    assert kept == sorted(kept, key=len)
    assert (kept[0], kept[-1]) == ("", "Let me look.")


async def events_of(api: str) -> int:
    """How many events the whole answer has, its terminal marker included."""
    async with FaultServer([CUT, GOOD]) as server, chatting_with(server, api, QUICK) as chat:
        await chat.ask("How many days?")
        return server.requests[0].events


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("bad", [[Refuse("too_large")], [Ping(), Fail("too_large")]], ids=["refused", "in a stream"])
async def test_a_context_too_large_is_tried_once_more_with_less_of_the_history(api: str, bad: list[Any]) -> None:
    long = [Say("Twelve days. " * 1_000, pieces=1), BILL]
    options = QUICK.model_copy(update={"window_tokens": 8_000})
    async with (
        FaultServer([long, long, bad, GOOD, bad, bad, GOOD]) as server,
        chatting_with(server, api, options) as chat,
    ):
        for _ in range(2):
            await chat.ask("How many days?")
        reply = await chat.ask("And now?")
        assert (reply.status, reply.text) == ("completed", "Twelve days.")
        sizes = [len(str(asked.body)) for asked in server.requests]
        assert sizes[3] < sizes[2]

        reply = await chat.ask("And now?")
        assert (reply.status, reply.error and reply.error.code) == ("failed", "too_large")
        assert len(server.requests) == 6
        assert (await chat.ask("And now?")).status == "completed"
        assert server.refused == []
