"""Several models are a chain: each is tried before the first content, in order, and every attempt is on record."""

import pytest

from backends.models.scripted.model import Bill, Cut, Fail, Say, ScriptedModel
from core import InvalidInput, Usage, create_chat
from core.options import Options
from core.worker.model_chain import Chain
from tests.support.desks import QUICK, HandClock, chatting


def models(*scripts, loop=False):
    return [ScriptedModel(script, name=f"scripted:{n}", loop=loop) for n, script in enumerate(scripts, 1)]


async def asked(store, chain, **given):
    async with await create_chat(store, chain, user_id="e-1042", **{"options": QUICK, **given}) as chat:
        reply = await chat.ask("Hello?")
        return reply, [(call.model, call.status, call.code) for call in await chat.model_calls()]


async def test_the_next_model_answers_where_one_is_overloaded_or_refuses_the_key(store):
    chain = models([[Fail("overloaded", retryable=True)]], [[Fail("auth")]], [[Say("Third."), Bill(Usage(), 7)]])
    reply, calls = await asked(store, chain)
    assert (reply.status, reply.text) == ("completed", "Third.")
    assert calls == [
        ("scripted:1", "failed", "overloaded"),
        ("scripted:2", "failed", "auth"),
        ("scripted:3", "answered", None),
    ]
    assert reply.cost is None  # what the first two cost is not known


async def test_after_the_last_model_comes_the_first_again_but_none_that_failed_for_good(store):
    chain = models([[Fail("overloaded", retryable=True)], [Say("First.")]], [[Fail("quota")]])
    reply, calls = await asked(store, chain)
    assert (reply.status, reply.text) == ("completed", "First.")
    assert [model for model, _, _ in calls] == ["scripted:1", "scripted:2", "scripted:1"]


async def test_a_chain_longer_than_the_attempts_is_tried_to_its_end(store):
    chain = models(*[[[Fail("overloaded", retryable=True)]]] * 6, [[Say("Seventh.")]])
    reply, calls = await asked(store, chain)
    assert (reply.text, len(calls)) == ("Seventh.", 7)


async def test_a_turn_fails_once_every_model_has_failed_for_good(store):
    reply, calls = await asked(store, models([[Fail("auth")]], [[Fail("quota")]]))
    assert (reply.status, reply.error.code, len(calls)) == ("failed", "quota", 2)


async def test_no_model_goes_on_with_what_another_has_shown(store):
    reply, calls = await asked(store, models([[Say("Half an ans"), Cut()]], [[Say("Whole.")]]))
    assert (reply.status, reply.text) == ("interrupted", "Half an ans")
    assert [model for model, _, _ in calls] == ["scripted:1"]


async def test_a_context_that_is_too_large_is_trimmed_once(store):
    script = [[Say("One.")], [Fail("too_large")], [Say("Two.")], [Fail("too_large")], [Fail("too_large")]]
    model = ScriptedModel(script)
    async with chatting(store, model) as chat:
        assert (await chat.ask("First " + "word " * 6000)).text == "One."
        assert (await chat.ask("Second?")).text == "Two."
        assert len(model.requests[2].messages) < len(model.requests[1].messages)
        reply = await chat.ask("Third?")
        assert (reply.status, reply.error.code) == ("failed", "too_large")


async def test_a_context_far_smaller_than_the_window_is_trimmed_to_a_quarter_of_what_was_too_large(store):
    model = ScriptedModel([*([Say(f"{n}.")] for n in range(9)), [Fail("too_large")], [Say("Nine.")]])
    async with chatting(store, model) as chat:
        for n in range(9):
            await chat.ask(f"{n}? " + "word " * 40)
        assert (await chat.ask("And nine?")).text == "Nine."
    assert [len(request.messages) for request in model.requests[-2:]] == [19, 5]


def test_a_model_that_keeps_failing_is_left_alone_for_a_while():
    clock = HandClock()
    first, second = models([], [])
    chain = Chain([first, second], clock, Options(breaks_after=3, breaks_for=20))
    for _ in range(3):
        assert chain.choose(()) is first
        chain.heard("scripted:1", "overloaded")
    assert chain.choose(()) is second
    clock.advance(20)
    assert chain.choose(()) is first
    chain.heard("scripted:1", None)
    for _ in range(2):
        chain.heard("scripted:1", "timeout")
    assert chain.choose(()) is first


async def test_with_no_model_left_to_ask_a_turn_says_so_and_asks_nobody(store):
    model = ScriptedModel([[Fail("connection", retryable=True)]], loop=True)
    async with chatting(store, model) as chat:
        for _ in range(2):
            reply = await chat.ask("Hello?")
        assert (reply.status, reply.error.code) == ("failed", "model_unavailable")
        assert len(model.requests) == Options().breaks_after


def test_a_chain_needs_models_of_different_names():
    with pytest.raises(InvalidInput, match="needs a model"):
        Chain([], HandClock(), Options())
    with pytest.raises(InvalidInput, match="share the name"):
        Chain([ScriptedModel([]), ScriptedModel([])], HandClock(), Options())
