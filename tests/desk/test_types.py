"""What a type checker says of a user's program: their metadata and answers keep their types without annotations."""

import re

from mypy import api

from tests.support.paths import ROOT

PROGRAM = """
from pydantic import BaseModel

from core import Desk, Message, Model, Store, Thread, ToolCall, Viewer, create_chat, load_chat


class Case(BaseModel):
    number: int


class Leave(BaseModel):
    days: int


async def main(store: Store, model: Model, desk: Desk, call: ToolCall, thread: Thread, message: Message) -> None:
    created = await create_chat(store, model, user_id="e-1042", metadata=Case(number=1))
    reveal_type(created.metadata)  # Case
    loaded = await load_chat(store, model, created.id, user_id="e-1042", metadata_type=Case)
    reveal_type(loaded.metadata.number)  # int
    served = await desk.create_chat(Viewer("e-1042"), metadata=Case(number=1))
    reveal_type(served.metadata)  # Case
    again = await desk.load_chat(Viewer("e-1042"), served.id, metadata_type=Case, instructions="Be brief.")
    reveal_type(again.metadata)  # Case
    async with await create_chat(store, model, user_id="e-1042") as plain:
        reveal_type(plain.metadata)  # dict[str, Any]
    await created.update_metadata({"number": 2})
    await created.update_metadata(Case(number=2), replace=True)
    await created.update_metadata(2)  # error
    await create_chat(store, model, user_id="e-1042", metadata=2)  # error
    reply = await created.ask("How many?", schema=Leave)
    reveal_type(reply.parsed)  # Leave | None
    reveal_type(reply.cost_usd)  # Decimal | None
    reveal_type(await created.pending())  # list[ToolCall]
    reveal_type((await created.threads()).items)  # list[Thread]
    await created.approve(call, arguments={"days": 2})
    await created.decide(call.id, "perhaps", call.digest)  # error
    reveal_type(thread.created_time)  # datetime
    reveal_type(thread.erased_time)  # datetime | None
    reveal_type(message.time)  # datetime
    reveal_type(call.arguments)  # Any
"""


def test_a_users_program_has_the_types_that_it_says(tmp_path, monkeypatch, pytestconfig):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    # Plain mypy, as a user has it: without the settings of this project, and without the plugin of pydantic.
    kept = pytestconfig.cache.mkdir("mypy")  # without what an earlier run has kept, it takes several seconds
    settings = ["--config-file=", f"--cache-dir={kept}", "--follow-imports=silent", "--no-error-summary"]
    report, broken, _ = api.run([*settings, str(program)])
    assert broken == ""
    outcomes = {}
    for line, level, text in re.findall(r"program\.py:(\d+): (note|error): (.*)", report):
        shown = re.sub(r"\b(?:\w+\.)+(?=\w)", "", text.partition('"')[2].rstrip('"')) if level == "note" else "error"
        outcomes[int(line)] = shown
    lines = enumerate(PROGRAM.splitlines(), 1)
    assert outcomes == {number: line.partition("  # ")[2] for number, line in lines if "  # " in line}
