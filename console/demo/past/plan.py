"""The plan of a past: which people ask what, and how they rate the answers. The same seed gives the same plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from console.demo.past.table import (
    CHANNELS,
    COMMENTED,
    COMMENTS,
    COUNTRIES,
    DEPARTMENTS,
    KINDS,
    NEUTRAL,
    RATED,
    RENAMED,
    SCENES,
    SHARES,
    TITLES,
    TURNS,
    UP,
    Kind,
    Scene,
)
from console.people import PEOPLE
from core.canonical import Json, digest
from core.values import Outcome

K = TypeVar("K")

_OFTEN = 5.0
"""How often a sample person asks; most of the invented people are between 1 and 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """An employee; `weight` is how often they ask, compared with others."""

    id: str
    country: str
    department: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """`luck` and `comment` are drawn before the outcome is known: `of` says what they come to."""

    luck: float
    comment: float

    def of(self, outcome: Outcome) -> tuple[Literal["up", "down"], str]:
        """The rating of an answer with this outcome, and its comment, "" without one."""
        rating: Literal["up", "down"] = "up" if 100 * self.luck < UP[outcome] else "down"
        texts, place = COMMENTS[rating], self.comment * 100 / COMMENTED
        return rating, texts[int(place * len(texts))] if place < 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTurn:
    """A question; `country` is the one in which its sample is played. `pause` are the seconds since the last answer."""

    scene: Scene
    country: str
    id: str
    request: str
    pause: float
    rating: Rating | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedThread:
    """A thread. `title` is None if its owner does not rename it; `waits` says whether its last turn stays open."""

    id: str
    owner: Asker
    metadata: dict[str, Json]
    title: str | None
    turns: tuple[PlannedTurn, ...]

    @property
    def waits(self) -> bool:
        return self.turns[-1].scene.kind == "waiting"


def plan(people: int, threads: int, seed: int) -> list[PlannedThread]:
    """That many threads of that many people, the sample people among them; each of these owns a thread."""
    draw = Random(seed)
    askers, deck = _askers(people, draw), _Deck(draw)
    owners = [*askers[: len(PEOPLE)], *draw.choices(askers, [asker.weight for asker in askers], k=threads)]
    return [_thread(owner, deck, draw) for owner in owners[:threads]]


def pick(shares: Mapping[K, float], draw: Random) -> K:
    """One of the keys, by their shares."""
    return draw.choices(list(shares), list(shares.values()))[0]


class _Deck:
    """Scenes of each kind, dealt like cards: each comes before any comes again."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._piles: dict[Kind, list[Scene]] = {kind: [] for kind in KINDS}

    def deal(self, kind: Kind, country: str) -> Scene:
        """The next scene of this kind that is asked in this country."""
        pile = self._piles[kind]
        for scene in pile:
            if not scene.countries or country in scene.countries:
                pile.remove(scene)
                return scene
        scenes = [scene for scene in SCENES if scene.kind == kind and scene not in pile]
        pile += self._draw.sample(scenes, len(scenes))
        return self.deal(kind, country)


def _askers(count: int, draw: Random) -> list[Asker]:
    """The sample people first, then the invented ones, whose countries have their shares of people at any count."""
    invented = max(0, count - len(PEOPLE))
    numbers = draw.sample(range(invented), invented)
    people = [(person.id, person.country, _OFTEN) for person in PEOPLE]
    # A few people ask often, most ask seldom.
    people += [
        (f"e-{10_001 + number}", _country((place + 0.5) / invented), draw.paretovariate(2))
        for place, number in enumerate(numbers)
    ]
    return [
        Asker(id=person, country=country, department=draw.choice(DEPARTMENTS), weight=weight)
        for person, country, weight in people[:count]
    ]


def _country(place: float) -> str:
    """The country at this place, from 0 to 1, if all people stand in a row."""
    upto = 0.0
    for country, share in COUNTRIES.items():
        upto += share / sum(COUNTRIES.values())
        if place < upto:
            return country
    return country


def _thread(owner: Asker, deck: _Deck, draw: Random) -> PlannedThread:
    thread = _token(draw)
    turns: list[PlannedTurn] = []
    for _ in range(pick(TURNS, draw)):
        scene = deck.deal(pick(SHARES, draw), owner.country)
        turns.append(_turn(thread, scene, owner.country, draw))
        if scene.kind == "waiting" or "expire" in scene.then:
            break
    return PlannedThread(
        id=thread,
        owner=owner,
        metadata={"channel": pick(CHANNELS, draw), "department": owner.department},
        title=draw.choice(TITLES) if 100 * draw.random() < RENAMED else None,
        turns=tuple(turns),
    )


def _turn(thread: str, scene: Scene, country: str, draw: Random) -> PlannedTurn:
    request = _token(draw)
    return PlannedTurn(
        scene=scene,
        country=country if scene.countries else NEUTRAL,
        id=digest([thread, request])[:24],  # as a desk derives it
        request=request,
        pause=draw.uniform(15, 600) if draw.random() < 0.9 else draw.uniform(3_600, 80_000),
        rating=Rating(luck=draw.random(), comment=draw.random()) if 100 * draw.random() < RATED else None,
    )


def _token(draw: Random) -> str:
    return f"{draw.getrandbits(128):032x}"


def samples_of(threads: Sequence[PlannedThread]) -> list[tuple[Scene, str]]:
    """The scenes that the threads need, each with a country, without repeats."""
    return list(dict.fromkeys((turn.scene, turn.country) for thread in threads for turn in thread.turns))
