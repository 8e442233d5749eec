"""The world of the checker: one thread's log, the live streams, and actors who hold views of them.

Everything is immutable, so that a search can go back to any moment. A log is a node with a parent: equal logs are one
object, folded once, and `after` is a node's n. The store knows positions and commit ids, and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import to_json

from core.errors import (
    Corrupt,
    InvalidInput,
    NotFound,
    NotReplaceable,
    RequestMismatch,
    Superseded,
    TurnInProgress,
)
from core.log import fold as folding
from core.log.entry import Draft, chain
from core.log.facts import Snapshot, ThreadContent, ThreadCreated, draft
from core.log.fold import State
from core.log.records import OpenDeferred, OpenTurn
from core.options import Options
from core.turn import decide as deciding
from core.turn import plan as planning
from core.turn.commands import Command, WrittenCall
from core.values import ClaimReason, Entry, Worker
from tests.checker.account import Account

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SALT = "5a" * 16
SNAPSHOT = Snapshot(models=("m",), instructions="i", tools="t", options="o", handbooks="h")
STREAM = "thread:t"

Entries: TypeAlias = tuple[Entry, ...]
Refusal: TypeAlias = Superseded | TurnInProgress | RequestMismatch | InvalidInput | NotFound | NotReplaceable
REFUSALS = (Superseded, TurnInProgress, RequestMismatch, InvalidInput, NotFound, NotReplaceable)


class Violation(AssertionError):
    """A promise was broken; `trail` is how."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise
        self.trail: list[str] = []


@dataclass(frozen=True, slots=True)
class Rules:
    """The pure functions under test."""

    fold: Callable[[State, Entry], State] = folding.fold
    decide: Callable[[State, Command, Options], tuple[Any, ...]] = deciding.decide
    plan: Callable[..., planning.Act] = planning.plan
    take_over: Callable[..., ClaimReason | None] = planning.take_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a careless driver would do; all False is what the real one does."""

    appends_unread: bool = False
    keeps_intent: bool = False
    repeats_acts: bool = False
    derives_ids: bool = False
    acts_unacknowledged: bool = False
    acts_uncommitted: bool = False
    takes_over_unsealed: bool = False
    stops_unsealed: bool = False
    gives_up_unsealed: bool = False
    keeps_partial: bool = False
    writes_past_seals: bool = False
    never_expires: bool = False
    counts_no_losses: bool = False
    works_while_it_waits: bool = False
    shows_only_the_version: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says at a step: pieces of text, then calls; or it pauses, to go on when it is asked again."""

    pieces: tuple[str, ...] = ()
    calls: tuple[WrittenCall, ...] = ()
    pauses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Who acts, what the model says at each step (the last one again and again), and how much may go wrong.

    `others` is what it says in every turn but the first, () if that is the same. A turn that reports a decision has an
    empty answer.

    `faults` are commits that get no acknowledgement, `cuts` model calls that break off, `leaves` workers that are
    told to go, `breaks` faults of our own code. `full` are the roles whose process has no place for a turn at first.
    A `large` scenario has so many schedules that only the long rounds see all of them.
    """

    name: str
    actors: tuple[str, ...]
    answers: tuple[Answer, ...] = (Answer(("done",)),)
    others: tuple[Answer, ...] = ()
    crashes: int = 0
    faults: int = 0
    cuts: int = 0
    leaves: int = 0
    breaks: int = 0
    rounds: int = 1
    full: tuple[str, ...] = ()
    large: bool = False
    options: Options = field(default_factory=Options)


class Log:
    """A log up to one commit: its entries, who wrote them under which id, the state they fold to, and the account."""

    __slots__ = ("account", "author", "children", "entries", "id", "n", "parent", "state")

    def __init__(self, parent: "Log | None", entries: Sequence[Entry], id: object, author: str, state: State) -> None:
        self.parent = parent
        self.entries = entries
        self.id = id
        self.author = author
        self.state = state
        self.n = state.n
        self.account: Account = (parent.account if parent else Account()).after(entries)
        self.children: dict[object, Log] = {}

    @property
    def open(self) -> OpenTurn | None:
        return self.state.thread.open if self.state.thread else None

    @property
    def deferred(self) -> Sequence[OpenDeferred]:
        return self.state.thread.deferred if self.state.thread else ()

    def after(self, n: int) -> "Log | None":
        """The commit that begins at n+1, None where no commit begins there."""
        node: Log | None = self
        while node is not None and node.parent is not None and node.parent.n > n:
            node = node.parent
        return node if node is not None and node.parent is not None and node.parent.n == n else None

    def commits(self) -> "list[Log]":
        """All commits, oldest first."""
        found: list[Log] = []
        node: Log | None = self
        while node is not None:
            found.append(node)
            node = node.parent
        return found[::-1]


class Said(NamedTuple):
    """An item of a live stream: a piece of a model call's text, or (`call` "") the seal."""

    call: str
    text: str
    author: str


class Sent(NamedTuple):
    """A commit that nobody acknowledged: it arrives some day, or never.

    `live` None is the thread's log, and `content` then the key of `Model.letters`.
    """

    live: tuple[str, int] | None
    after: int
    content: Any
    id: object
    author: str


class Wanted:
    """A command as part of a moment: equal and hashed by its JSON, because the facts in it may hold lists."""

    __slots__ = ("command", "key")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.key = type(command), to_json(command)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wanted) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Actor(NamedTuple):
    """One step machine. `pc` is where it stands, `then` where an acknowledged commit takes it.

    `name` is its nonce, `judged` the last entry it judged a turn by, and `silent` whether it saw no sign of life for a
    lease; `saw` is the digest it was shown; `granted` are the
    starts that were acknowledged to it and not yet used. `spoken` counts the pieces that came of a model call, the last
    of which may be `unheard` by the store.
    """

    name: str
    role: str
    pc: str = "load"
    view: Log | None = None
    wanted: Wanted | None = None
    then: str = ""
    call: str = ""
    spoken: int = 0
    unheard: bool = False
    live_n: int = 0
    fence: int = 0
    judged: int = -1
    silent: bool = False
    granted: tuple[str, ...] = ()
    saw: str = ""
    round: int = 0

    @property
    def over(self) -> bool:
        return self.pc in ("done", "dead")

    @property
    def command(self) -> Command | None:
        return self.wanted.command if self.wanted else None

    def wants(self, command: Command, then: str | None = None) -> "Actor":
        """The actor, about to commit this."""
        return self._replace(pc="commit", wanted=Wanted(command), then=self.then if then is None else then)


class World(NamedTuple):
    """One moment. `live` are the streams by turn and fence, `effects` what really happened: call, by whom."""

    tip: Log
    actors: tuple[Actor, ...]
    live: tuple[tuple[tuple[str, int], tuple[Said, ...]], ...] = ()
    flight: frozenset[Sent] = frozenset()
    effects: tuple[tuple[str, str], ...] = ()
    crashes: int = 0
    faults: int = 0
    cuts: int = 0
    leaves: int = 0
    breaks: int = 0

    def lives(self, nonce: str) -> bool:
        """Whether this worker, or the process that keeps its turn waiting, is still there."""
        return any(actor.name == nonce and not actor.over for actor in self.actors)

    def stream(self, key: tuple[str, int]) -> tuple[Said, ...]:
        return next((items for name, items in self.live if name == key), ())

    def with_stream(self, key: tuple[str, int], items: tuple[Said, ...]) -> "World":
        live = tuple(sorted([(name, old) for name, old in self.live if name != key] + [(key, items)]))
        return self._replace(live=live)

    def with_actor(self, index: int, actor: Actor) -> "World":
        if actor.over:
            # What the dead knew makes no difference, and must make none to a search.
            actor = Actor(actor.name, actor.role, actor.pc)
        return self._replace(actors=(*self.actors[:index], actor, *self.actors[index + 1 :]))


class Model:
    """The rules under test on one scenario, with what was seen on the way (`seen`) and what was computed before."""

    def __init__(self, scenario: Scenario, rules: Rules = Rules(), habits: Habits = Habits()) -> None:
        self.scenario = scenario
        self.rules = rules
        self.habits = habits
        self.seen: Counter[str] = Counter()
        self.judged: dict[object, bool] = {}
        self.letters: dict[str, Entries] = {}
        self._decided: dict[object, Entries | Refusal] = {}
        created = ThreadCreated(thread="t", owner="u", content=ThreadContent(title=None, metadata={}, instructions=""))
        empty = Log(None, (), None, "", State())
        self.root = self.append(empty, self.chained(empty, [created], "u"), "created", "u")

    def start(self) -> World:
        """The moment before anything happens."""
        scenario = self.scenario
        actors = tuple(Actor(f"{role}{index}", role) for index, role in enumerate(scenario.actors))
        return World(
            self.root,
            actors,
            crashes=scenario.crashes,
            faults=scenario.faults,
            cuts=scenario.cuts,
            leaves=scenario.leaves,
            breaks=scenario.breaks,
        )

    def decided(self, view: Log, wanted: Wanted, author: str) -> Entries | Refusal:
        """The entries that the command becomes after `view`, () for none, or why it is refused."""
        key = (view, wanted, author)
        known = self._decided.get(key)
        if known is None:
            try:
                facts = self.rules.decide(view.state, wanted.command, self.scenario.options)
                known = self.chained(view, facts, author)
            except REFUSALS as refusal:
                known = refusal
            self._decided[key] = known
        return known

    def chained(self, view: Log, facts: Iterable[Any], author: str) -> Entries:
        """The facts as entries that follow `view`."""
        drafts = [draft(fact) for fact in facts]
        salts = [SALT] * len(drafts)
        return tuple(chain(STREAM, view.n, view.state.hash, drafts, by=author, at=AT, salts=salts))

    def rechained(self, view: Log, entries: Sequence[Entry], author: str) -> Entries:
        """The same content at another place, as only a careless driver writes it."""
        drafts = [Draft(kind=e.kind, v=e.v, shell=e.shell, payload=e.payload) for e in entries]
        return tuple(chain(STREAM, view.n, view.state.hash, drafts, by=author, at=AT, salts=[SALT] * len(drafts)))

    def remember(self, view: Log, wanted: Wanted, author: str, entries: Entries) -> None:
        """Let `decided` say this of the command."""
        self._decided[view, wanted, author] = entries

    def append(self, log: Log, entries: Sequence[Entry], id: object, author: str) -> Log:
        """The log with one commit more, every promise about it checked when it is first seen."""
        from tests.checker.promises import check_commit

        key = (entries[-1].hash, id, author)
        node = log.children.get(key)
        if node is None:
            states = [log.state]
            for entry in entries:
                try:
                    states.append(self.rules.fold(states[-1], entry))
                except Corrupt as error:
                    raise Violation("the log can be read", str(error)) from error
            node = Log(log, entries, id, author, states[-1])
            if log.parent is not None:
                check_commit(node, states)
            log.children[key] = node
            for entry in entries:
                self.seen[entry.kind] += 1
                self.seen["unknown"] += entry.shell.get("status") == "unknown"
                self.seen["turn that takes another's place"] += entry.shell.get("fork") is not None
                self.seen["report of a decision"] += entry.shell.get("report") is not None
                self.seen[f"deferred call {entry.shell.get('reason')}"] += entry.kind == "deferred.closed"
        return node


def worker(nonce: str) -> Worker:
    """A worker as claims name it."""
    return Worker(nonce=nonce, host="h", pid=1, start="s")
