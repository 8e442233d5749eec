"""The audit log in words: what a person did, about whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from console.drawing.status_words import CALL_WORDS, OUTCOME_WORDS, VERDICT_WORDS
from console.drawing.text import shown, when
from console.format import counted
from core.canonical import Json
from core.desk.own_data import OwnLook
from core.gate import Action
from core.log.records import Look
from core.values import Account

Deed: TypeAlias = Literal["opened", "listed", "exported", "changed"]

DEED_WORDS: dict[Deed, str] = {
    "opened": "Opened",
    "listed": "Searched or listed",
    "exported": "Exported",
    "changed": "Changed or decided",
}


@dataclass(frozen=True, slots=True)
class ActionWords:
    """An action of the gate: what was done, as in `Opened`, and what was asked for, as in `open`."""

    deed: Deed
    done: str
    asked: str


ACTION_WORDS: Mapping[str, ActionWords] = {
    "thread.create": ActionWords("changed", "Started a thread", "start a thread"),
    "thread.list": ActionWords("listed", "Listed their own threads", "list their own threads"),
    "thread.read": ActionWords("opened", "Opened", "open"),
    "thread.write": ActionWords("changed", "Wrote to", "write to"),
    "turn.stop": ActionWords("changed", "Stopped", "stop"),
    "call.read": ActionWords("opened", "Opened", "open"),
    "call.decide": ActionWords("changed", "Decided on", "decide on"),
    "call.withdraw": ActionWords("changed", "Took back", "take back"),
    "call.resolve": ActionWords("changed", "Said what came of", "say what came of"),
    "answer.judge": ActionWords("changed", "Judged", "judge"),
    "seal.lift": ActionWords("changed", "Lifted the seal of", "lift the seal of"),
    "audit.search": ActionWords("listed", "Searched threads", "search threads or tool calls"),
    "person.search": ActionWords("listed", "Searched threads", "search threads or tool calls of a person"),
    "figures.read": ActionWords("listed", "Read the figures", "read the figures"),
    "usage.read": ActionWords("listed", "Read the usage", "read the usage"),
    "export": ActionWords("exported", "Exported threads", "export threads or tool calls"),
    "audit.list": ActionWords("listed", "Listed the audit log", "list the audit log"),
    "sealed.list": ActionWords("listed", "Listed sealed threads", "list sealed threads"),
    "handbooks.keep": ActionWords("changed", "Changed handbooks", "open the handbooks"),
    "person.read": ActionWords("opened", "Read what is kept about them", "read what is kept about them"),
    "person.write": ActionWords("changed", "Acknowledged the notice", "acknowledge the notice"),
    "calls.count": ActionWords("listed", "Counted the calls that wait", "count the calls that wait"),
    "roles.list": ActionWords("listed", "Listed roles and blocks", "list roles and blocks"),
    "roles.grant": ActionWords("changed", "Changed the roles", "change the roles"),
    "people.block": ActionWords("changed", "Blocked or unblocked", "block or unblock people"),
    "system.read": ActionWords("listed", "Read the state of the system", "read the state of the system"),
    "limits.list": ActionWords("listed", "Listed who is at a limit", "list who is at a limit"),
    "tools.list": ActionWords("listed", "Listed tools and models", "list tools and models"),
    "tools.switch": ActionWords("changed", "Switched a tool or model", "switch a tool or model off or on"),
    "store.copy": ActionWords("exported", "Copied the whole store", "copy the whole store"),
    "store.backup": ActionWords("exported", "Backed the whole store up", "back the whole store up"),
    "store.restore": ActionWords("changed", "Restored the store from a backup", "restore the store from a backup"),
    "store.rebuild": ActionWords("changed", "Repaired the records", "repair the records"),
    "desk.use": ActionWords(
        "opened", "Used the desk", "use the desk, because this person is blocked, or has lost a role"
    ),
    "gaps.list": ActionWords("listed", "Listed unanswered questions", "list unanswered questions"),
}

_OBJECTS = {"thread": "thread", "turn": "answer", "call": "tool call", "person": "person"}
_OF_OWN = {"thread": "the thread", "turn": "an answer in", "call": "a tool call in"}
_WAITING = ActionWords("listed", "Listed the calls that wait for an approver", "list the calls that wait")
_FILTERS = {
    "since": "from",
    "until": "before",
    "about_other": "about another person",
    "by": "person",
    "waiting": "waiting for a decision",
}
_STATUSES: Mapping[str, str] = {
    name: words.text for table in (CALL_WORDS, OUTCOME_WORDS, VERDICT_WORDS) for name, words in table.items()
}


def actions_of(deeds: list[Deed]) -> tuple[Action, ...]:
    """The actions of the gate that these deeds stand for."""
    return tuple(action for action in get_args(Action) if ACTION_WORDS[action].deed in deeds)


def what(look: Look) -> str:
    """What the person did, or was denied, in one line of plain text, and from which account if it was a command."""
    return _done(look) + from_account(look.account)


def from_account(account: Account | None) -> str:
    """In which account a command ran; "" for a page."""
    return f", with a command of {account.user} on {account.host}" if account else ""


def _done(look: Look) -> str:
    if look.more:
        return f"Denied: {counted(look.more, 'more request')}"
    # An action without words here may be a newer Rolltop's.
    words = ACTION_WORDS.get(look.action) or ActionWords("opened", f"{look.action} of", look.action)
    if look.action == "call.read" and look.object is None:
        words = _WAITING
    if look.denied:
        return f"Denied: {words.asked}{_object(look)}"
    filters = dict(look.filters)
    done = words.done
    if filters.pop("list", None) == "calls":
        done = done.replace("threads", "tool calls")
    details = [f"“{look.words}”"] if look.words else []
    details += [_detail(name, value) for name, value in filters.items()]
    return f"{done}{_object(look)}" + (f": {', '.join(details)}" if details else "")


def done_at_own(look: OwnLook) -> str:
    """What another person did with what is the viewer's: a line that goes on with the title of the look's thread."""
    match look.action:
        case "person.search":
            return "Searched for your tool calls" if look.calls else "Searched for your threads"
        case "export" if look.calls:
            return "Exported your tool calls"
        case "export":
            return "Exported the thread" if look.thread else "Exported your threads"
        case "audit.list":
            return "Listed the looks at what is yours"
        case "roles.list":
            return "Read which roles you were granted, and when you were blocked"
        case "call.read" if look.object is None:
            return "Listed a tool call of yours that waits for an approver"
        case _:
            return f"{ACTION_WORDS[look.action].done} {_OF_OWN[look.object or 'thread']}"


def about_whom(look: Look) -> str:
    """The pseudonyms of the people whose content was shown, `-` if there are none."""
    return f"{len(look.owners)} people" if len(look.owners) > 3 else ", ".join(look.owners) or "-"


def why(look: Look) -> str:
    """The purpose on record, `-` if there is none."""
    if look.purpose is None and not look.denied:
        return "Erased"
    return look.purpose or "-"


def _object(look: Look) -> str:
    """The object with a space before it; "" for a look at many."""
    if look.object is None:
        return ""
    kind, _, name = look.object.partition(":")
    if kind == "person":
        return f" of {name}"
    noun = _OBJECTS.get(kind, kind)
    return f" {noun}, with an invalid id" if name == "malformed" else f" {noun} {name[:8]}"


def _detail(name: str, value: Json) -> str:
    """A filter in words: `status failed or timed out`."""
    noun = _FILTERS.get(name, name.replace("_", " "))
    match value:
        case True:
            return noun
        case False:
            return f"not {noun}"
        case str() if name in ("since", "until"):
            return f"{noun} {when(value)}"
        case list():
            return f"{noun} {' or '.join(_value(item) for item in value)}"
        case _:
            return f"{noun} {_value(value)}"


def _value(value: Json) -> str:
    text = shown(value)
    return _STATUSES[text].lower() if text in _STATUSES else " ".join(text.split())
