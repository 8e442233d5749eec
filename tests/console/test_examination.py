"""What an examination says of an installation: settings, people, and erasures that are due."""

from datetime import timedelta

import anyio
import pytest

from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from console.doctor.models import examine_models
from console.doctor.people import examine_people, examine_sign_in
from console.doctor.store import Equipped, address, examine_promises, examine_store
from console.settings import Settings
from core import Administration, Desk, Viewer
from core.store import Capabilities
from tests.support.desks import ASKER, QUICK, ended
from tests.support.wrapped import LaterStore

ADMIN = Viewer("e-7001", {"administrator"})


@pytest.fixture
def store():
    return MemoryStore()


def levels(findings, about):
    return [(one.level, one.text) for one in findings if one.about == about and one.level != "fact"]


async def of_people(store, **settings):
    found = [one async for one in examine_people(store, Settings(**settings))]
    return found[0].what, levels(found, "roles")


async def test_an_installation_without_an_administrator_is_told_how_to_get_one(store):
    said, [(level, text)] = await of_people(store)
    assert said == "0 grants on record, 0 people blocked"
    assert level == "open"
    assert "ROLLTOP_ADMINISTRATORS, or use `rolltop grant --first`" in text
    assert await of_people(store, administrators=("e-7001",)) == (said, [])  # the next start makes them


async def test_administrators_who_depend_on_the_settings_or_on_one_person_are_told(store):
    people = Administration(store)
    await people.install([ADMIN.id])
    _, [(level, text)] = await of_people(store, administrators=("e-7001",))
    assert level == "open"
    assert "named by ROLLTOP_ADMINISTRATORS alone" in text
    await people.grant(ADMIN, "e-7002", "administrator", "deputy")
    assert (await of_people(store))[1] == []
    await people.block(Viewer("e-7002", {"administrator"}), ADMIN.id, "left")
    _, [(_, text)] = await of_people(store)
    assert text.startswith("1 administrator on record, and nobody to stand in")


async def test_ended_grants_and_blocks_are_counted_and_nobody_is_named(store):
    people, later = Administration(store), LaterStore(store)
    soon = await store.now() + timedelta(hours=1)
    await people.grant(ADMIN, "e-2001", "auditor", "spring audit", until=soon)
    await people.block(ADMIN, "e-1077", "left")
    assert (await of_people(later))[0] == "1 grant on record, 1 person blocked"
    later.ahead = 7200
    said, _ = await of_people(later)
    assert said == "0 grants on record, 1 person blocked; 1 grant ended by the date that was set"


def test_a_faulty_sign_in_is_trouble_and_a_missing_one_is_open(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = list(examine_sign_in(demo=False))
    assert "rolltop.toml" in levels(found, "sign-in")[0][1]
    assert levels(examine_sign_in(demo=True), "sign-in") == []
    monkeypatch.setenv("ROLLTOP_OIDC_ISSUER", "https://hr.example.com")
    ((level, text),) = levels(examine_sign_in(demo=False), "sign-in")
    assert level == "trouble"
    assert "client_id" in text
    assert "docs/sign-in.md" in text


@pytest.mark.parametrize(
    ("model", "about", "said"),
    [
        ("offline:", "models", "set ROLLTOP_MODEL and the provider's key"),
        ("openai:gpt-4o-mini", None, ""),
        ("openai:gpt-4o-mini?base_url=http://127.0.0.1:1/v1", "prices", "ROLLTOP_PRICES"),
        ("openai:no-such-model anthropic:nor-this", "prices", "openai:no-such-model"),
    ],
)
def test_models_say_what_is_not_set(model, about, said):
    found = [one for one in examine_models(Settings(model=model)) if one.level == "open"]
    assert {one.about for one in found} == ({about} if about else set())
    assert said in "".join(one.text for one in found)
    assert "base_url" not in "".join(one.text for one in found)


def test_a_store_that_ends_with_its_process_is_told():
    (kept,) = examine_promises(Capabilities(durable_on_ack=True, multi_process=False, atomic_records=True))
    assert "outlives its process: yes; may be shared by processes: no" in kept.what
    *_, lost = examine_promises(MemoryStore.capabilities)
    assert (lost.level, "ROLLTOP_STORE" in lost.to_do) == ("open", True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("memory:", "in memory"),
        ("sqlite:///desk.db", "SQLite, desk.db"),
        ("sqlite:////var/desk.db", "SQLite, /var/desk.db"),
        ("mongodb://hr:hunter2@one.example,two.example:27018/desk?authSource=hunter2", None),
        ("mongodb+srv://hr:hunter%402@one.example/desk", "MongoDB, one.example/desk"),
        ("mongodb://hr:hunter2#7@one.example/desk", "MongoDB, one.example/desk"),
    ],
)
def test_an_address_has_no_secret(url, told):
    assert address(url) == (told or "MongoDB, one.example,two.example:27018/desk")


async def of_erasures(store):
    equipped = Equipped(models=("scripted:",), tools=frozenset())
    found = [one async for one in examine_store(store, equipped) if one.about == "erasure"]
    return [(one.level, one.text) for one in found]


async def test_an_erasure_that_no_desk_carries_out_is_trouble_once_it_is_overdue(store):
    later = LaterStore(store)
    async with Desk(store, ScriptedModel([[Say("Yes.")]]), options=QUICK, erase_after=timedelta(hours=1)) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ended(desk, await desk.submit(ASKER, thread, "May I?"))
        await desk.ask_erasure(ASKER, thread)
    assert await of_erasures(later) == []
    later.ahead = 3600 + 60
    assert await of_erasures(later) == []  # the next sweep of a desk carries it out
    later.ahead = 3600 * 50
    ((level, text),) = await of_erasures(later)
    assert level == "trouble"
    assert f"the erasure of thread {thread} was due 2 days ago: start a desk" in text


async def test_an_erasure_that_waits_for_an_open_turn_is_no_trouble(store):
    later = LaterStore(store)
    script = [[Wait(anyio.Event())]]
    async with Desk(store, ScriptedModel(script), options=QUICK, erase_after=timedelta(hours=1)) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.ask_erasure(ASKER, thread)
        await desk.submit(ASKER, thread, "May I?")
        later.ahead = 3600 * 50
        ((level, text),) = await of_erasures(later)
        assert level == "fact"
        assert text.endswith("it comes once its open turn has ended")
