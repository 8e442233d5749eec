"""What web frontends are sent: a turn as AG-UI and as the AI SDK's UI message stream, and going on after any event."""

import random
from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest

from backends import open_store
from backends.models.scripted.model import Cut, Fail, Say, ScriptedModel, Stop, Wait
from console.frontends import ag_ui, ai_sdk
from console.frontends.position import parsed
from core import Desk, InvalidInput, Options
from core.live.events import (
    AttemptEvent,
    BeatEvent,
    BegunEvent,
    ReasoningEvent,
    TextEvent,
    ToolProgressEvent,
    WaitingEvent,
)
from tests.desk.test_care import CARD
from tests.support.desks import ASKER, QUICK, HandClock, text_of
from tests.support.frontends import (
    LaterEvent,
    ag_ui_message,
    ai_sdk_message,
    in_pieces,
    read,
    replayed,
    sent_events,
    with_thoughts,
)

PROTOCOLS = {"ag_ui": (ag_ui.run_events, ag_ui_message), "ai_sdk": (ai_sdk.ui_message_stream, ai_sdk_message)}


def final(message):
    """What must be the same, however often the stream was cut: it leaves out what only a parked turn shows."""
    return (
        message.text,
        message.thoughts,
        message.calls,
        message.citations,
        message.care,
        message.ended,
        message.result,
        message.error,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_message_says_what_the_turn_says(played, protocol):
    stream, message_of = PROTOCOLS[protocol]
    message = message_of(await read(stream(played.turn, replayed(played.again))))
    turn, calls = played.again[-1].turn, played.again[-1].calls
    assert message.text == turn.text == text_of(played.again)
    assert message.calls.keys() == {call.id for call in calls}
    assert [call["tool"] for call in message.calls.values()].count("book") == 3
    assert message.citations[0]["number"] == 1
    assert message.care["card"]["title"] == CARD.title
    assert message.result["status"] == "completed"
    assert message.result["usage"]["inputTokens"] == 30
    assert message.error is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_stream_cut_anywhere_goes_on_and_makes_the_same_message(played, protocol):
    """Cut after each event, while the turn waits or after it has ended, with the text in other pieces."""
    stream, message_of = PROTOCOLS[protocol]
    live, again = with_thoughts(played.live), with_thoughts(played.again)
    whole = final(message_of(await read(stream(played.turn, replayed(again)))))
    assert "think" in whole[1]
    for size in (2, 1000):
        parked = await read(stream(played.turn, replayed(in_pieces(live, size))))
        ended = await read(stream(played.turn, replayed(in_pieces(again, size))))
        for sent in (parked, ended):
            for cut in range(len(sent)):
                rest = await read(stream(played.turn, replayed(in_pieces(again, 3)), sent[cut].id))
                assert final(message_of([*sent[: cut + 1], *rest])) == whole
        for cut in range(len(parked)):
            waits = await read(stream(played.turn, replayed(in_pieces(live, 3)), parked[cut].id))
            rest = await read(stream(played.turn, replayed(again), [*parked[: cut + 1], *waits][-1].id))
            message = message_of([*parked[: cut + 1], *waits, *rest])
            assert final(message) == whole
            assert len(message.asked) == 3
            assert message.runs == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_client_that_decides_goes_on_after_the_approval(played, protocol):
    stream, message_of = PROTOCOLS[protocol]
    live, again = with_thoughts(played.live), with_thoughts(played.again)
    whole = final(message_of(await read(stream(played.turn, replayed(again)))))
    parked = await read(stream(played.turn, replayed(live)))
    id = played.parked[parked[0].id.split(":")[0]]
    rest = await read(stream(played.turn, replayed(again), id))
    assert final(message_of([*parked, *rest])) == whole
    assert all(event.id.startswith(f"{id.split(':')[0]}:{played.turn.id}:") for event in rest)
    for cut in range(len(rest)):
        last = await read(stream(played.turn, replayed(in_pieces(again, 3)), rest[cut].id))
        assert final(message_of([*parked, *rest[: cut + 1], *last])) == whole


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_thought_within_a_text_stands_before_it_on_record_and_neither_is_doubled(played, protocol):
    stream, message_of = PROTOCOLS[protocol]
    thought, end = ReasoningEvent(call_id="m", text="more"), played.again[-1]
    live = in_pieces([TextEvent(text="Hm "), thought, TextEvent(text="Yes."), end], 1)
    again = [thought, TextEvent(text="Hm Yes."), end]
    sent = await read(stream(played.turn, replayed(live)))
    for cut in range(len(sent)):
        message = message_of([*sent[: cut + 1], *await read(stream(played.turn, replayed(again), sent[cut].id))])
        assert (message.text, message.thoughts) == ("Hm Yes.", "more")


def seen_from(texts, joined, rng):
    """What a follower sees that begins when `texts[joined]` counts: its text, then what becomes of it."""
    events, shown = [], ""
    for text in texts[joined:]:
        if not text.startswith(shown):
            events.append(AttemptEvent(fence=1))
            shown = ""
        while shown != text:
            more = text[len(shown) : len(shown) + rng.randint(1, 4)]
            events.append(TextEvent(text=more))
            shown += more
    return events


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_text_that_begins_anew_replaces_what_the_browser_has_and_only_then(played, protocol):
    """Random texts that grow or are replaced; browsers come back later, and see only what counts by then."""
    stream, message_of = PROTOCOLS[protocol]
    rng = random.Random(5)
    end = played.again[-1]
    for _ in range(150):
        texts = [""]
        while len(texts) < 6:
            kept = texts[-1] if rng.random() < 0.4 else texts[-1][: rng.randint(0, len(texts[-1])) // 3]
            texts.append(kept + "".join(rng.choice("ab \n") for _ in range(rng.choice((1, 2, 20)))))
        ended = replace(end, turn=end.turn.model_copy(update={"text": texts[-1]}))
        # A browser has seen some of it, and comes back when no less than that is on record.
        seen = rng.randrange(len(texts))
        first = seen_from(texts[: seen + 1], 0, rng)
        sent = await read(stream(played.turn, replayed([*first, ended] if texts[seen:] == texts[-1:] else first)))
        cut = rng.randrange(len(sent))
        later = [*seen_from(texts, rng.randrange(seen, len(texts)), rng), ended]
        resumed = await read(stream(played.turn, replayed(later), sent[cut].id))
        assert message_of([*sent[: cut + 1], *resumed]).text == texts[-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_text_that_was_erased_is_discarded_in_the_browser(played, protocol):
    stream, message_of = PROTOCOLS[protocol]
    sent = await read(stream(played.turn, replayed(played.again)))
    end = played.again[-1]
    bare = replace(end, turn=end.turn.model_copy(update={"text": "", "citations": []}))
    for cut in range(len(sent)):
        message = message_of([*sent[: cut + 1], *await read(stream(played.turn, replayed([bare]), sent[cut].id))])
        ended = parsed(sent[cut].id, sent[cut].id.split(":")[0], played.turn.id).ending == "e"
        assert message.text == (end.turn.text if ended else "")


ENDINGS = {
    "completed": ([Say("All.")], "stop", "success"),
    "truncated": ([Say("All."), Stop("length")], "length", "success"),
    "refused": ([Stop("refusal")], "content-filter", "success"),
    "failed": ([Fail("invalid_request", "no")], "error", "error"),
    "interrupted": ([Say("Half"), Cut()], "error", "error"),
}


@pytest.mark.parametrize("status", ENDINGS)
async def test_each_ending_is_said_in_the_words_of_the_protocol(status):
    answer, finish, outcome = ENDINGS[status]
    async with open_store("memory:") as store, Desk(store, ScriptedModel([answer]), options=QUICK) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "?")
        chunks = await read(ai_sdk.ui_message_stream(turn, desk.follow(ASKER, turn.id)))
        runs = await read(ag_ui.run_events(turn, desk.follow(ASKER, turn.id), run_id="run-1"))
    message, run = ai_sdk_message(chunks), ag_ui_message(runs)
    assert message.result["status"] == run.result["status"] == status
    assert (message.ended, run.ended) == (finish, outcome)
    assert (message.error is not None) == (run.error is not None) == (outcome == "error")
    assert message.text == run.text
    assert "usage" not in runs[-1].json, "the scripted model bills nothing: its usage is unknown, and not 0"
    assert chunks[-1].data == "[DONE]"
    assert runs[0].json["runId"] == "run-1"


async def test_a_stopped_turn_ends_as_aborted_and_as_cancelled():
    gate = anyio.Event()
    async with open_store("memory:") as store, Desk(store, ScriptedModel([[Say("Half"), Wait(gate)]])) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "?")
        streams = (ai_sdk.ui_message_stream, ai_sdk_message), (ag_ui.run_events, ag_ui_message)
        for stream, message_of in streams:
            sent = []
            async with aclosing(stream(turn, desk.follow(ASKER, turn.id))) as pieces:
                async for piece in pieces:
                    sent += sent_events(piece)
                    if "Half" in piece:
                        await desk.stop(ASKER, turn.id)
            message = message_of(sent)
            assert (message.text, message.ended) == ("Half", "cancelled")


async def test_what_passes_has_the_id_before_it_and_a_beat_is_a_comment(played):
    passing = [
        WaitingEvent(ahead=2),
        BegunEvent(),
        ToolProgressEvent(call_id="c", message="half", done=1.0, total=2.0),
        LaterEvent("later.kind", "?"),
    ]
    sent = await read(ai_sdk.ui_message_stream(played.turn, replayed(passing)))
    opened = next(event.id for event in sent if event.json["type"] == "data-care")
    assert [(event.json["type"], event.json["data"]) for event in sent[2:]] == [
        ("data-waiting", {"ahead": 2}),
        ("data-begun", {}),
        ("data-tool-progress", {"call_id": "c", "message": "half", "done": 1.0, "total": 2.0}),
        ("data-later-kind", {"text": "?"}),
    ]
    assert all(event.json["transient"] and event.id == opened for event in sent[2:])
    sent = await read(ag_ui.run_events(played.turn, replayed(passing)))
    assert [event.json["name"] for event in sent[2:]] == [
        "rolltop-waiting",
        "rolltop-begun",
        "rolltop-tool-progress",
        "rolltop-later-kind",
    ]
    pieces = [piece async for piece in ai_sdk.ui_message_stream(played.turn, replayed([BeatEvent()]))]
    assert pieces[-1] == ": beat\n\n"


async def test_an_id_of_another_turn_or_protocol_is_refused(played):
    sent = await read(ai_sdk.ui_message_stream(played.turn, replayed(played.live)))
    other = played.turn.model_copy(update={"id": "other"})
    for stream, turn, id in (
        (ai_sdk.ui_message_stream, other, sent[3].id),
        (ag_ui.run_events, played.turn, sent[3].id),
        (ai_sdk.ui_message_stream, played.turn, "ai1:x\n"),
        (ai_sdk.ui_message_stream, played.turn, sent[3].id + "!"),
    ):
        with pytest.raises(InvalidInput, match="Last-Event-ID"):
            stream(turn, replayed(played.live), id)
    for each in sent:
        assert str(parsed(each.id, ai_sdk.PROTOCOL, played.turn.id)) == each.id


@pytest.mark.parametrize("interruption", ["keep_partial", "retry"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_another_process_goes_on_with_what_the_first_one_had_begun(protocol, interruption):
    """The first desk falls silent within its answer, and a second one takes the turn over."""
    stream, message_of = PROTOCOLS[protocol]
    options, clock, gate = Options(on_interruption=interruption), HandClock(), anyio.Event()
    async with (
        open_store("memory:") as store,
        Desk(store, ScriptedModel([[Say("You have thir"), Wait(gate), Say("teen.")]]), options=options) as desk,
        Desk(store, ScriptedModel([[Say("Twelve.")]]), options=options, clock=clock) as other,
    ):
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many?")
        sent = []
        async with aclosing(stream(turn, desk.follow(ASKER, turn.id))) as pieces:
            async for piece in pieces:
                sent += sent_events(piece)
                if "thir" in piece:
                    break
        await other.recover()
        clock.advance(31)
        await other.recover()
        rest = await read(stream(turn, other.follow(ASKER, turn.id), sent[-1].id))
        message, turn = message_of([*sent, *rest]), await other.archive.turn(ASKER, turn.id)
        assert message.text == turn.text == {"keep_partial": "You have thir", "retry": "Twelve."}[interruption]
        assert (
            message.result["status"]
            == turn.status
            == {"keep_partial": "interrupted", "retry": "completed"}[interruption]
        )
        assert any("discarded" in event.data for event in rest) == (interruption == "retry")
        gate.set()
