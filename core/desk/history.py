"""A history: the messages of another program in OpenAI's format, read as turns that were answered elsewhere.

A message that cannot be kept as it is raises InvalidInput, which names its place: left out in silence, it would be
missed only in an answer that depends on it.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from core.canonical import Json, canonical
from core.desk.checks import check_question
from core.errors import InvalidInput
from core.log.facts import ImportedContent
from core.values import ImportedAnswer, ImportedCall
from core.worker.model_request import MAX_ANSWER, MAX_CALLS, json_object

_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset(("content", "name")),
    "developer": frozenset(("content", "name")),
    "user": frozenset(("content", "name")),
    "assistant": frozenset(("content", "name", "tool_calls", "refusal", "annotations")),
    "tool": frozenset(("content", "tool_call_id")),
}
"""The fields that a message of each role may have beside its role. `name` and `annotations` are left out."""

_WANTED = "write `history=[{'role': 'user', 'content': '...'}, {'role': 'assistant', 'content': '...'}]`"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""The ids of calls that every provider takes."""

MAX_TURNS = 1000
"""The most turns that a thread begins with. They are one commit, and the event loop is busy while it is made."""

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 60


def read_history(history: object) -> tuple[str, list[ImportedContent]]:
    """The instructions, "" without a system message, and the turns. Raises InvalidInput.

    System messages come first, and are joined. So are user messages in a row, which are one question. Every question
    has an answer. A call's id that a provider would refuse, or that came before, is replaced.
    """
    if isinstance(history, str | bytes | Mapping) or not isinstance(history, Iterable):
        raise InvalidInput(f"`history` is a list of messages: {_WANTED}")
    reader = _Reader()
    for index, message in enumerate(history):
        place = f"history[{index}]"
        reader.add(place, _fields(place, message))
    return reader.end()


@dataclass(slots=True)
class _Call:
    """A call whose result may still be missing. `known_as` is its id in the history."""

    known_as: str
    id: str
    tool: str
    arguments: Json
    result: str | None = None


@dataclass(slots=True)
class _Answer:
    text: str
    calls: list[_Call]


@dataclass(slots=True)
class _Reader:
    """The messages so far. `asked` is the place of the question that is read now, `questions` and `answers` are its."""

    instructions: list[str] = field(default_factory=list)
    turns: list[ImportedContent] = field(default_factory=list)
    asked: str = ""
    questions: list[str] = field(default_factory=list)
    answers: list[_Answer] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    replaced: int = 0

    def add(self, place: str, message: Mapping[str, Json]) -> None:
        match message["role"]:
            case "tool":
                self._result(place, message)
                return
            case "assistant":
                self._answered(place, message)
                return
        text = _text(place, message)
        if not text.strip():
            raise _refused(place, "the message is empty: leave it out")
        if message["role"] == "user":
            self._question(place, text)
        elif self.questions:
            raise _refused(place, "a system message holds for the whole thread: put it before the first question")
        else:
            self.instructions.append(text)

    def end(self) -> tuple[str, list[ImportedContent]]:
        self._close("the end of the history")
        if self.questions and not self.answers:
            raise _refused(self.asked, "the last question has no answer: leave it out here, and ask it with `chat.ask`")
        self._keep()
        return "\n\n".join(self.instructions), self.turns

    def _question(self, place: str, text: str) -> None:
        self._close(place)
        if self.answers:
            self._keep()
        if not self.questions:
            self.asked = place
        self.questions.append(text)

    def _answered(self, place: str, message: Mapping[str, Json]) -> None:
        self._close(place)
        if not self.questions:
            raise _refused(
                place, "an answer comes before the first question: leave it out, or write it into a system message"
            )
        text = _text(place, message) or message.get("refusal") or ""
        if not isinstance(text, str):
            raise _refused(place, "`refusal` is not a text")
        calls = self._calls(place, message.get("tool_calls") or [])
        if not text.strip() and not calls:
            raise _refused(place, "the answer is empty: leave it out, with its question")
        self.answers.append(_Answer(_checked(place, text), calls))

    def _calls(self, place: str, calls: Json) -> list[_Call]:
        if not isinstance(calls, Sequence) or isinstance(calls, str | bytes):
            raise _refused(place, "`tool_calls` is not a list")
        if len(calls) > MAX_CALLS:
            raise _refused(place, f"an answer may have {MAX_CALLS} tool calls")
        made: list[_Call] = []
        for number, call in enumerate(calls):
            within = f"{place}.tool_calls[{number}]"
            match call:
                case {"id": str(known_as), "function": {"name": str(tool), "arguments": str(arguments)}}:
                    pass
                case {"type": str(kind)} if kind != "function":
                    raise _refused(
                        within, f"a call of the type {_brief(kind)} cannot be imported: leave it out, with its result"
                    )
                case _:
                    raise _refused(
                        within,
                        "write {'id': '...', 'type': 'function', 'function': {'name': '...', 'arguments': '{...}'}}",
                    )
            if not _NAME.fullmatch(tool):
                raise _refused(within, "the name of a tool has 1 to 64 letters, digits, _ or -")
            if any(one.known_as == known_as for one in made):
                raise _refused(within, "two calls of this answer have the same id")
            _checked(within, arguments)
            made.append(_Call(known_as, self._id(known_as), tool, json_object(arguments or "{}")))
        return made

    def _id(self, known_as: str) -> str:
        """The call's own id, or another if a provider would refuse it in this thread."""
        self.replaced, call_id = max(self.replaced, len(self.ids)), known_as
        while not _ID.fullmatch(call_id) or call_id in self.ids:
            # Counted on from call to call: with ids of this form in the history itself, each would try all anew.
            self.replaced += 1
            call_id = f"imported-{self.replaced}"
        self.ids.add(call_id)
        return call_id

    def _result(self, place: str, message: Mapping[str, Json]) -> None:
        known_as = message.get("tool_call_id")
        calls = self.answers[-1].calls if self.answers else []
        call = next((one for one in calls if one.known_as == known_as and one.result is None), None)
        if call is None:
            raise _refused(place, f"the answer before it has no call {_brief(known_as)} that waits for a result")
        call.result = _checked(place, _text(place, message))

    def _close(self, place: str) -> None:
        """Raise InvalidInput if a call of the last answer has no result before `place`."""
        for call in self.answers[-1].calls if self.answers else ():
            if call.result is None:
                raise _refused(
                    place,
                    f"the call {_brief(call.known_as)} has no result before it: add its message of the role 'tool'",
                )

    def _keep(self) -> None:
        """The question and its answers are complete."""
        if not self.questions:
            return
        try:
            question = check_question("\n\n".join(self.questions))
        except InvalidInput as error:
            raise _refused(self.asked, str(error)) from None
        if len(self.turns) == MAX_TURNS:
            raise _refused(
                self.asked, f"a thread begins with {MAX_TURNS:,} turns at most: leave out its oldest messages"
            )
        self.turns.append(ImportedContent(question=question, answers=[_imported(answer) for answer in self.answers]))
        self.questions, self.answers = [], []


def _imported(answer: _Answer) -> ImportedAnswer:
    calls = [
        ImportedCall(id=call.id, tool=call.tool, arguments=call.arguments, result=call.result or "")
        for call in answer.calls
    ]
    return ImportedAnswer(text=answer.text, calls=calls)


def _fields(place: str, message: object) -> Mapping[str, Json]:
    """The fields of a message that are set, once its role and their names are known."""
    # An SDK's object names every field, most of them as None.
    fields = message.model_dump(mode="json") if isinstance(message, BaseModel) else message
    if not isinstance(fields, Mapping):
        raise _refused(place, f"a message is a dict or an object of the SDK, not a {type(message).__name__}: {_WANTED}")
    role = fields.get("role")
    if not isinstance(role, str) or role not in _FIELDS:
        raise _refused(place, f"the role is {_brief(role)}: it is one of {', '.join(_FIELDS)}")
    for name, value in fields.items():
        if name != "role" and name not in _FIELDS[role] and value is not None:
            raise _refused(
                place, f"the field {_brief(name)} of a message of the role {role!r} cannot be kept: leave it out"
            )
    return fields


def _text(place: str, message: Mapping[str, Json]) -> str:
    """The text of a message; that of several parts is joined. None, which an answer with calls may have, is ""."""
    match message.get("content"):
        case None:
            return ""
        case str(text):
            return text
        case [*parts]:
            return "\n\n".join(_part(f"{place}.content[{number}]", part) for number, part in enumerate(parts))
        case _:
            raise _refused(place, "the content is neither a text nor a list of parts")


def _part(place: str, part: Json) -> str:
    match part:
        case {"type": "text", "text": str(text)} | {"type": "refusal", "refusal": str(text)}:
            return text
        case {"type": str(kind)}:
            raise _refused(
                place, f"a part of the type {_brief(kind)} cannot be kept, only text: leave it out or describe it"
            )
        case _:
            raise _refused(place, "write {'type': 'text', 'text': '...'}")


def _checked(place: str, text: str) -> str:
    """The text, if it fits on record."""
    try:
        size = len(canonical(text))
    except InvalidInput as error:
        raise _refused(place, str(error)) from None
    if size > MAX_ANSWER:
        raise _refused(place, f"a text may have {MAX_ANSWER:,} bytes; this one has {size:,}")
    return text


def _brief(value: Json) -> str:
    """The value for a message. It may be of any size, and the message ends up in logs."""
    return _BRIEF.repr(value)


def _refused(place: str, why: str) -> InvalidInput:
    return InvalidInput(f"{place}: {why}")
