"""What is wanted at this point of a conversation: the newest message, with the request before it that it completes.

Nothing is kept between turns. What the desk has asked back is found again by deciding the earlier messages once more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from backends.glossary import Glossary
from backends.languages import Language
from backends.models.offline.choose_tool import Choice, Chosen, Missing, NoTool, choose, form_of
from backends.models.offline.phrases import PHRASES, Phrases
from backends.models.offline.places import day_there, puts_month_first
from backends.models.offline.question_forms import question_form, read_answer
from backends.models.offline.results import label, render
from core.clock import moment
from core.model import AssistantMessage, ModelRequest, SentMessage, ToolMessage, UserMessage
from core.question_back import ASK_BACK
from core.retrieval.search import SEARCH
from core.retrieval.small_talk import SmallTalk, small_talk

_LONGEST_ANSWER = 12
"""Words of an answer that may be taken whole for the text that was asked for."""
_YES = frozenset(("yes", "y", "ja", "true"))
_NO = frozenset(("no", "n", "nein", "false"))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, in the asker's words and in English, and the tool for it."""

    said: str
    english: str
    choice: Choice


class Conversation:
    """The conversation of one request. `question` is its newest message of a user, which may be a report of the desk's.

    `results` are those of its calls so far, oldest first, without `answer`, that of the newest question back.
    """

    def __init__(self, request: ModelRequest, glossary: Glossary) -> None:
        self._glossary = glossary
        names = {tool.name for tool in request.tools}
        self._tools = [tool for tool in request.tools if tool.name not in (SEARCH, ASK_BACK)]
        self._searches, self._asks = SEARCH in names, ASK_BACK in names
        self._today = _today(request)
        self._month_first = puts_month_first(request.country)
        self.question, results = _newest(request.messages)
        self.results = [result for result in results if result.tool != ASK_BACK]
        self.answer = next((result for result in reversed(results) if result.tool == ASK_BACK), None)
        self.small_talk = None if self.question.topic or self.question.report else small_talk(self.question.text)
        self._messages = request.messages
        self.wish = self._wish(request.messages)
        self.phrases = PHRASES[self._language()]

    def reply(self, said: SmallTalk) -> str:
        """The answer to small talk."""
        phrases = self.phrases
        return phrases.replies[said.topic].format(offer=self._offer(), without_model=phrases.without_model)

    def ask_back(self, missing: Missing) -> tuple[Chosen | None, str]:
        """The call that asks for what a tool lacks and "", or None and the text that does."""
        if self._asks and (form := question_form(missing, self.phrases)):
            return Chosen(ASK_BACK, form), ""
        return None, _ask_back(missing, self.phrases)

    def after_answer(self, missing: Missing, answer: ToolMessage) -> tuple[Chosen | None, str]:
        """The call that was missing something, completed by the asker's answer, or None and a text without one."""
        if answer.failed:
            return None, self.phrases.skipped.format(tool=label(missing.tool))
        values = read_answer(missing, answer.content, self.phrases)
        return Chosen(missing.tool, {**missing.arguments, **values}), ""

    def told(self, result: ToolMessage) -> str:
        """A call's result, in words."""
        calls = [call for one in self._messages if isinstance(one, AssistantMessage) for call in one.calls]
        arguments = next((call.arguments for call in calls if call.id == result.id), None)
        return render(result, self.phrases, arguments)

    def _offer(self) -> str:
        """What can be asked here: the handbooks, if they can be searched, and the tools by their names."""
        phrases, names = self.phrases, ", ".join(label(tool.name) for tool in self._tools)
        parts = [phrases.handbooks] * self._searches + [phrases.tools.format(tools=names)] * bool(names)
        return " ".join(parts) or phrases.nothing_offered

    def _language(self) -> Language:
        # Of a report that is what was said before it: its own text is the desk's.
        talk = small_talk(self.wish.said)
        return talk.language if talk and talk.language else self._glossary.language(self.wish.said)

    def _wish(self, messages: Sequence[SentMessage]) -> Wish:
        """What the asker's newest message wants. If it answers what the desk asked back, it completes that."""
        wish, waiting = Wish("", "", NoTool()), False
        for said, answer in _exchanges(messages):
            wish = self._next(wish if waiting else None, said)
            language = self._glossary.language(wish.said)
            waiting = wish.choice.kind == "missing" and answer == _ask_back(wish.choice, PHRASES[language])
        return wish

    def _next(self, open_wish: Wish | None, said: str) -> Wish:
        alone = self._decided(said, self._in_english(said))
        if open_wish is None or open_wish.choice.kind != "missing" or alone.choice.kind == "call":
            return alone
        if "?" in said or small_talk(said) or form_of(alone.english, decided=False) in ("general", "own"):
            return alone
        answer = _answer(open_wish.choice, alone.english)
        whole = self._decided(f"{open_wish.said}\n{said}", f"{open_wish.english}\n{answer}")
        return whole if _is_nearer(whole.choice, open_wish.choice) else alone

    def _decided(self, said: str, english: str) -> Wish:
        return Wish(said, english, choose(english, self._tools, self._today, month_first=self._month_first))

    def _in_english(self, said: str) -> str:
        return self._glossary.english(said) if self._glossary.language(said) == "de" else said


def _ask_back(missing: Missing, phrases: Phrases) -> str:
    lines = [phrases.still_needed.format(tool=label(missing.tool)), ""]
    for parameter in missing.parameters:
        # How a model has to write a date is no matter of the asker's.
        described = re.sub(r",?\s*\(?YYYY-MM(?:-DD)?\)?", "", parameter.described).rstrip(".")
        described = f" ({described})" if described else ""
        lines.append(f"- **{label(parameter.name)}**: {phrases.ask(parameter)}{described}")
    return "\n".join([*lines, "", phrases.complete_by])


def _answer(missing: Missing, said: str) -> str:
    """The answer to the question for one parameter, so that it is read as the value of that one."""
    if len(missing.parameters) != 1:
        return said
    (parameter,) = missing.parameters
    name, text = label(parameter.name), said.strip().rstrip(".!")
    match parameter.type:
        case "text" if len(text.split()) <= _LONGEST_ANSWER and not re.search(r"[\"“”„«»]", text):
            return f'{name} "{text}"'
        case "integer" | "number" if len(numbers := re.findall(r"\d+(?:[.,]\d+)?", text)) == 1:
            return f"{name} {numbers[0]}"
        case "boolean" if text.casefold() in _YES:
            return name
        case "boolean" if text.casefold() in _NO:
            return f"no {name}"
    return said


def _is_nearer(choice: Choice, before: Missing) -> bool:
    """Whether the same tool lacks less than before."""
    match choice.kind:
        case "call":
            return choice.tool == before.tool
        case "missing":
            return choice.tool == before.tool and len(choice.parameters) < len(before.parameters)
        case "none":
            return False


def _exchanges(messages: Sequence[SentMessage]) -> Iterator[tuple[str, str]]:
    """The questions and the answers to them, oldest first; "" for a question that is not answered yet.

    What the desk reported, and its answer to that, is left out: nobody asked for it.
    """
    question: str | None = None
    answer = ""
    for message in messages:
        match message:
            case UserMessage():
                if question is not None:
                    yield question, answer
                question, answer = None if message.report else message.text, ""
            case AssistantMessage():
                answer = message.text
    if question is not None:
        yield question, answer


def _newest(messages: Sequence[SentMessage]) -> tuple[UserMessage, list[ToolMessage]]:
    """The newest question, and the results that its calls have had so far, oldest first."""
    results: list[ToolMessage] = []
    for message in reversed(messages):
        match message.role:
            case "user":
                return message, results[::-1]
            case "tool":
                results.append(message)
    return UserMessage(text=""), results[::-1]


def _today(request: ModelRequest) -> date:
    """The day on which the newest question was asked, where the asker is."""
    asked = moment(request.asked_at) if request.asked_at else datetime.now(UTC)
    return day_there(asked, request.country)
