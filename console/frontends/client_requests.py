"""What web frontends post: a question, or decisions on waiting calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from console.frontends.playback import parked_id
from core import Desk, Viewer
from core.canonical import Json
from core.errors import InvalidInput
from core.log.records import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDecision:
    """A person's word on a waiting call.

    `digest` is that of the arguments that the person was shown; None for a denial that names none.
    """

    call_id: str
    decision: Literal["approve", "deny"]
    digest: str | None
    arguments: Mapping[str, Json] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """A post of a protocol's client. It either decides or asks: `text` is None if there are `decisions`.

    `request_id` is the id that the client gave the question: the same post again returns the same turn. `replaces` is
    the turn whose place the question takes, as in `Desk.submit`.
    """

    protocol: str
    thread_id: str
    text: str | None
    request_id: str | None
    replaces: str | None = None
    decisions: tuple[CallDecision, ...] = ()

    async def carry_out(self, desk: Desk, viewer: Viewer) -> tuple[Turn, str | None]:
        """Ask or decide. Returns the turn, and the id of the event after which the client wants to go on.

        That id is None for a question, whose stream is sent from the start. Raises what `Desk.submit` and `Desk.decide`
        raise, and InvalidInput if the calls are decided already.
        """
        if self.text is not None:
            turn = await desk.submit(viewer, self.thread_id, self.text, self.request_id, replaces=self.replaces)
            return turn, None
        if any(each.decision == "approve" and each.digest is None for each in self.decisions):
            raise InvalidInput("an approval names the digest of the arguments that were shown")
        calls = [await desk.archive.call(viewer, each.call_id) for each in self.decisions]
        view = await desk.archive.turn_view(viewer, calls[0].turn)
        if view.turn.status != "awaiting_approval":
            raise InvalidInput("these calls are decided: get the stream of the turn to see what came of it")
        # Before the decisions: it is what the client has seen, and its post names no event.
        after = parked_id(self.protocol, view.turn, view.calls)
        for each, call in zip(self.decisions, calls, strict=True):
            digest = call.digest if each.digest is None else each.digest
            await desk.decide(viewer, each.call_id, each.decision, digest, arguments=each.arguments, reason=each.reason)
        return view.turn, after


def field_of(value: Json, *path: str | int) -> Json:
    """What stands at a path of a posted value. Raises InvalidInput, which names the path, if it is missing."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise InvalidInput(f"the posted JSON has no {'.'.join(map(str, path))}") from None
    return value


def objects_of(value: Json, name: str) -> list[dict[str, Json]]:
    """The list of objects in a field of a posted value. Raises InvalidInput if it is missing, or anything else."""
    objects = field_of(value, name)
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise InvalidInput(f"{name} of the posted JSON is a list of objects")
    return objects


def text_of_parts(parts: Json) -> str:
    """The text of a posted message, given as a text or as a list of parts. Raises InvalidInput for other parts."""
    if isinstance(parts, str):
        return parts
    if not isinstance(parts, Sequence) or any(field_of(part, "type") != "text" for part in parts):
        raise InvalidInput("a question is text: files and other parts are not accepted")
    return "\n".join(str(field_of(part, "text")) for part in parts)
