"""What a turn runs with, stored once under its digest before the turn that names it."""

from collections.abc import Mapping
from typing import Any

from core.canonical import Json, digest
from core.log.commit import begin_stream
from core.log.facts import Blob, BlobContent, Snapshot
from core.server_log import log_fault
from core.turn.journal import Journal
from core.worker.claim import Equipment
from core.worker.history import tool_json
from core.worker.structured_output import AnswerSchema

PATIENCE = 3.0
"""Seconds for which a commit is repeated while a caller waits for it."""


class Snapshots:
    """Makes the snapshots of a desk's turns. `instructions` are for threads without their own."""

    def __init__(self, equipment: Equipment, instructions: str) -> None:
        self._equipment = equipment
        self._instructions = instructions
        self._stored: set[str] = set()
        # With their digests, because they are large and the same for each question.
        self._tools = _with_digest([tool_json(tool.schema) for tool in equipment.tools.values()])
        self._options = _with_digest(equipment.options.model_dump(mode="json"))

    async def take(self, journal: Journal, schema: AnswerSchema[Any] | None = None) -> Snapshot:
        """What a turn of this thread runs with from now on. Raises Unavailable, Full and StoreRefused."""
        equipment = self._equipment
        instructions = (journal.thread.instructions if journal.thread else "") or self._instructions
        versions: Mapping[str, str] = {}
        if equipment.retriever:
            try:
                versions = await equipment.retriever.versions()
            except Exception as error:  # the boundary of a retriever: a question is taken while its index is down
                log_fault("versions of handbooks", error, thread_id=journal.thread_id)
        return Snapshot(
            models=tuple(equipment.chain.names),
            instructions=await self._blob(*_with_digest(instructions)),
            tools=await self._blob(*self._tools),
            options=await self._blob(*self._options),
            handbooks=await self._blob(*_with_digest(dict(versions))),
            output=await self._blob(*_with_digest(schema.json())) if schema else None,
        )

    async def _blob(self, value: Json, name: str) -> str:
        """Store the value under its digest, and return the digest."""
        # Remembered, because these values rarely change: without this, each question would commit several blobs.
        if name not in self._stored:
            blob = Blob(content=BlobContent(value=value))
            stream = f"blob:{name}"
            await begin_stream(self._equipment.store, self._equipment.clock, stream, [blob], patience=PATIENCE)
            self._stored.add(name)
        return name


def _with_digest(value: Json) -> tuple[Json, str]:
    return value, digest(value)
