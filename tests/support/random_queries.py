"""Records and queries by chance, to hold a store against the memory store: same questions, same answers."""

import random
from dataclasses import replace

from backends.stores.memory import MemoryStore
from backends.stores.suite.steps import drafted
from core.store import All, In, Query, Range, Record, Store
from core.values import GENESIS


def some_record(chance: random.Random, number: int, kind: str) -> Record:
    scalars = [None, True, False, 0, 1, 1.0, -1.5, 2**53 + 1, "", "1", "a", "b\0", "ß", "x" * 250, "x" * 200 + "y" * 50]
    fields = {
        "thread": chance.choice(["t1", "t2", "t2", None, 5]),
        "planned_at": chance.choice(["2026-01", "2026-02", "2026-03", None]),
        "at": chance.choice(["2026-01", "2026-02", None]),
        "owner": chance.choice(["a", "b"]),
        "turn": chance.choice(["t1", "t2", 1, None]),
        "tool": chance.choice(["t1", "t2", "1", 1, True, None]),
        "status": chance.choice(["a", "b", 1.0, False, None]),
        "about_other": chance.choice([True, False, 1, 0, None, "true"]),
        "filters": chance.choice([[], ["a"], ["a", "b"], ["b", 1, True], [None, "a"]]),
        "text": " ".join(chance.choices(["leave", "leaves", "pay", "straße", "12", "a_b"], k=3)),
        "a": chance.choice([*scalars, [], scalars[:5], [1, [2]], {"b": 1}, [{"b": 1}, {"b": None}, 3]]),
        "deep": {"b": chance.choice([*scalars, [1, "a"], {"c": 1}])},
        "cost": chance.choice([None, 5, -5, 2**62, 0.5]),
    }
    return Record(
        kind=kind,
        id=f"r{number:03}",
        n=number,
        fields={k: v for k, v in fields.items() if chance.random() < 0.9},
    )


def some_query(chance: random.Random, kind: str) -> Query:
    texts = ["t1", "t2", "t2", "", "1", "a", "b", "x" * 200, "2026-02"]
    filters = [None, True, False, 0, 1, 1.0, *texts, In(()), In((None, 1, "a")), In((True, "ß", 2**53 + 1))]
    filters += [Range(ge=ge) for ge in (0, "a", "x" * 200)] + [Range(lt=lt) for lt in (1.5, "a", "x" * 200)]
    filters += [Range(ge=0, lt=2), Range(ge="", lt="b"), Range(ge=0, lt="b"), Range(ge="2026-01", lt="2026-03")]
    filters += [In((True, False)), In(("t1", "t2", "a", "b"))]
    filters += [All((text,)) for text in ("a", "t2")] + [All(("a", "b")), All((True, 1)), All((None, "a"))]
    paths = ["thread", "tool", "status", "about_other", "filters", "a", "deep.b", "a.b", "deep", "planned_at"]
    paths += ["id", "n", "nothing", "deep.b.c", "cost", "at", "owner", "turn"]
    orders = [(), ("planned_at",), ("-planned_at",), ("-planned_at", "n"), ("-n",), ("id",), ("deep.none", "-id")]
    orders += [("at",), ("-at",), ("-at", "n")]
    return Query(
        kind=kind,
        where={path: chance.choice(filters) for path in chance.sample(paths, chance.choice([0, 1, 2, 3]))},
        words=chance.choice(["", "", "leave", "leaves pay", "pay lea", "STRASSE", "a 1"]),
        order=chance.choice(orders),
        limit=chance.choice([1, 7, 500]),
    )


async def agrees_with_memory(store: Store, chance: random.Random, queries: int, kind: str = "tool_call") -> None:
    """Fails at the first query or tally whose answer is not that of the memory store."""
    memory = MemoryStore()
    records = [some_record(chance, number, kind) for number in range(120)]
    records += [replace(one, n=one.n + 200, fields=some_record(chance, 0, kind).fields) for one in records[::3]]
    for one in (store, memory):
        await one.commit("thread:a", 0, drafted("thread:a", 0, GENESIS, [{}]), records, id="c1")
    for _ in range(queries):
        query = some_query(chance, kind)
        page, expected = await store.find(query), await memory.find(query)
        assert page == expected, query
        for _ in range(5):
            if page.cursor is None:
                break
            query = replace(query, cursor=page.cursor)
            page, expected = await store.find(query), await memory.find(query)
            assert page == expected, query
        by = chance.choice([(), ("a",), ("tool", "about_other"), ("deep.b", "planned_at"), ("n",)])
        sums = chance.choice([(), ("cost",), ("n", "a"), ("deep.b",)])
        assert await store.tally(query, by, sums) == await memory.tally(query, by, sums), (query, by, sums)
