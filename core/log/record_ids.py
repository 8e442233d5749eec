"""The ids of records that follow from other ids, and the turns whose records an entry changes."""

from core.values import Entry


def question_id(turn: str) -> str:
    """The id of the turn's question as a message."""
    return f"{turn}-q"


def answer_id(turn: str) -> str:
    """The id of the turn's answer as a message."""
    return f"{turn}-a"


def turn_of_answer(answer: str) -> str | None:
    """The id of the turn that an answer belongs to, from the message's id; None if it is not an answer's."""
    return answer.removesuffix("-a") if answer.endswith("-a") else None


def turn_of_call(call: str) -> str:
    """The id of the turn that a tool call belongs to, from the call's id."""
    return call.rpartition("-")[0]


def concerned(entry: Entry) -> list[str]:
    """The ids of the turns whose records an entry changes, [] for an entry of the thread alone."""
    shell = entry.shell
    fork, report = shell.get("fork"), shell.get("report")
    turns = (
        shell.get("turn"),
        fork["original"] if fork else None,
        turn_of_call(report["deferred"]) if report else None,
    )
    return [turn for turn in turns if turn]


def deferred_id(call: str) -> str:
    """The id of the record of a deferred call, from the call's id."""
    return f"{call}-d"
