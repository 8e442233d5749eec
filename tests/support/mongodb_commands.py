"""What a client sends to MongoDB and gets back, and whether an index serves it."""

from collections.abc import Iterator

from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

READING = ("find", "aggregate", "distinct")


class Commands(CommandListener):
    """What a client was told to send, in order; `returned` counts the documents that came back."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []
        self.returned = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        cursor = event.reply.get("cursor", {})
        self.returned += len(cursor.get("firstBatch", cursor.get("nextBatch", ())))

    def failed(self, event: object) -> None:
        pass

    def names(self) -> list[str]:
        """The commands since the last time this was asked, each with its collection."""
        names = [f"{name} {command[name]}" for name, command in self.sent if isinstance(command[name], str)]
        self.forget()
        return names

    def forget(self) -> None:
        """Begin anew."""
        self.sent.clear()
        self.returned = 0


def asked(name: str, command: dict) -> tuple[dict, list[tuple[str, int]]]:
    """The filter and the sort of a command that reads."""
    if name == "aggregate":
        return command["pipeline"][0]["$match"], []
    return command["filter" if name == "find" else "query"], list(command.get("sort", {}).items())


def served(keys: list[tuple[str, int]], condition: dict, sort: list[tuple[str, int]]) -> bool:
    """Whether an index finds the few that one value leaves, or walks the order from there; words always find few."""
    wanted = dict(_flat(condition))
    equal = {key for key, value in wanted.items() if not isinstance(value, dict) or {"$eq", "$in"} & value.keys()}
    names = [key for key, _ in keys]
    if "words" in wanted:
        return names[0] == "words"
    rest = names[next((i for i, name in enumerate(names) if name not in equal), len(names)) :]
    walks = bool(sort) and rest[: len(sort)] == [key for key, _ in sort]
    if names[0] == "_id":
        return "_id" in wanted or (not condition and sort[:1] == [("_id", 1)])
    return walks or names[0] in equal or (not equal and names[0] in wanted)


def _flat(condition: dict) -> Iterator[tuple[str, object]]:
    for key, wanted in condition.items():
        if key == "$and":
            for part in wanted:
                yield from _flat(part)
        elif key == "$or":
            # What every way bounds is bounded.
            ways = [dict(_flat(way)) for way in wanted]
            yield from ((key, {}) for key in set.intersection(*(set(way) for way in ways)))
        else:
            yield key, wanted
