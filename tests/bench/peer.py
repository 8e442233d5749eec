"""The same turn in openai-agents, over its SQLite session: the leanest that another library keeps of a thread.

It reads 20 items, and writes a turn when it ends: if the process is lost, so is the turn.
"""

import importlib.util
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.bench.long_threads import ANSWER, LOOKING, QUESTION

Run = Callable[[], Awaitable[None]]


async def turns(messages: Sequence[int], path: Path) -> dict[int, Run]:
    """By length of its thread, a function that runs a turn; {} if openai-agents is not installed."""
    if importlib.util.find_spec("agents") is None:
        return {}
    import agents
    from agents.models.interface import Model
    from openai.types.responses import (
        Response,
        ResponseCompletedEvent,
        ResponseFunctionToolCall,
        ResponseOutputMessage,
        ResponseOutputText,
        ResponseTextDeltaEvent,
    )

    agents.set_tracing_disabled(True)
    numbers = itertools.count()

    class Scripted(Model):
        """Says what the scripted model of Rolltop's turn says, in the same pieces."""

        async def get_response(self, *given, **named):
            raise NotImplementedError("the turn is streamed")

        async def stream_response(self, system_instructions, input, *given, **named):
            called = input[-1].get("type") == "function_call_output"
            text, number = ANSWER if called else LOOKING, next(numbers)
            for place, piece in enumerate(text.split(" ")):
                yield ResponseTextDeltaEvent(
                    type="response.output_text.delta",
                    delta=f"{piece} ",
                    content_index=0,
                    item_id="m",
                    output_index=0,
                    sequence_number=place,
                    logprobs=[],
                )
            said = ResponseOutputText(type="output_text", text=text, annotations=[])
            output = [
                ResponseOutputMessage(
                    id=f"m-{number}", type="message", role="assistant", status="completed", content=[said]
                )
            ]
            if not called:
                output.append(
                    ResponseFunctionToolCall(
                        type="function_call",
                        call_id=f"c-{number}",
                        name="vacation_balance",
                        arguments='{"year":2026}',
                    )
                )
            response = Response(
                id=f"r-{number}",
                created_at=0,
                model="scripted",
                object="response",
                output=output,
                tool_choice="auto",
                tools=[],
                parallel_tool_calls=False,
            )
            yield ResponseCompletedEvent(type="response.completed", response=response, sequence_number=99)

    @agents.function_tool
    def vacation_balance(year: int) -> dict[str, int]:
        """The days of vacation that are left of a year."""
        return {"year": year, "days": 12}

    agent = agents.Agent(name="desk", model=Scripted(), tools=[vacation_balance])

    def running(session: agents.SQLiteSession) -> Run:
        async def run() -> None:
            result = agents.Runner.run_streamed(agent, QUESTION, session=session)
            async for _ in result.stream_events():
                pass
            assert result.final_output == ANSWER, result.final_output

        return run

    runs: dict[int, Run] = {}
    for count in messages:
        session = agents.SQLiteSession(f"past-{count}", path, session_settings=agents.SessionSettings(limit=20))
        await session.add_items([item for n in range(count // 2) for item in _items(n)])
        runs[count] = running(session)
    return runs


def _items(number: int) -> list[dict]:
    def said(name: str, text: str) -> dict:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return {
            "id": f"{name}-{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }

    call = f"past-{number}"
    return [
        {"role": "user", "content": QUESTION},
        said("looking", LOOKING),
        {"type": "function_call", "call_id": call, "name": "vacation_balance", "arguments": '{"year":2026}'},
        {"type": "function_call_output", "call_id": call, "output": '{"year":2026,"days":12}'},
        said("answer", ANSWER),
    ]
