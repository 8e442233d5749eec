"""Hostile texts through settings, plug-ins' settings and a backup's manifest: one line of words, and no traceback."""

import json
import os
import resource
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from backends.models.prices import read_prices
from backends.small_files import MOST
from console.backup.manifest import NAME, Manifest
from console.model_settings import ModelSettings
from console.plugins import PluginContext
from console.settings import Settings
from console.settings_file import FILE, VALUES
from console.sign_in.oidc import Oidc, Provider
from console.sign_in.proxy import Proxy
from console.value_settings import variable_of
from core.errors import InvalidInput
from tests.support.desks import PATIENCE
from tests.support.hostile import HOSTILE, LIMIT, rotated, watched
from tests.support.hostile_commands import GIGABYTE, faults_of, possible, run

ROUNDS = 1
"""Texts for each door in every run; the marker torture sends all of them."""

TABLES: dict[str, type[BaseModel]] = {
    "": Settings,
    **VALUES,
    "models.local": ModelSettings,
    "oidc": Oidc,
    "oidc.entra": Provider,
    "proxy": Proxy,
}
NAMES = [f"{table}.{field}".lstrip(".") for table, kind in TABLES.items() for field in kind.model_fields]
VARIABLES = [*map(variable_of, NAMES), FILE, *(variable_of(f"{table}.nothing").lstrip("_") for table in TABLES)]
COMMANDS = (("config",), ("config", "--json"), ("doctor",))

DEEP = "[" * 100_000
VALUES_OF_TOML = (
    *(json.dumps(text, ensure_ascii=False) for text in HOSTILE if possible(text) and len(text) <= 10_000),
    DEEP,
    "9" * 5_000,
    "-9999999999999999999999",
    "inf",
    "nan",
    "1979-05-27T07:32:00Z",
    "07:32:00",
    "{}",
    "[[]]",
    "[{}, 1, '']",
    "{a = {b = {c = 1}}}",
    '"\\u0000"',
    '"\\u202e"',
    "true",
)
"""What a field of a file may hold. JSON's escapes are TOML's; a program reads a long value whole."""


class PluginSettings(BaseModel):
    """Fields of each form that a plug-in may have."""

    url: str
    token: SecretStr = SecretStr("")
    days: int = 1
    share: float = 1
    names: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    folder: Path | None = None


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, so deep that a path which leads out of it leads into a folder of the test."""
    folder = tmp_path_factory.mktemp("hostile") / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ROLLTOP_STORE", "sqlite:///nothing.db")
    return folder


def sendable(text: str) -> bool:
    """Whether a variable can hold it: one longer than this is refused by the system."""
    return possible(text) and len(os.fsencode(text)) < 130_000


def from_variables(
    variable: str, texts: Sequence[str], commands: Sequence[Sequence[str]] = COMMANDS, limit: float | None = None
) -> Iterator[str]:
    for text in filter(sendable, texts):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable, text)
            for command in commands:
                yield from faults_of(f"{variable}={text[:40]!r} {command}", command, limit)


def from_files(
    file: Path, contents: Iterable[str], commands: Sequence[Sequence[str]] = COMMANDS, limit: float | None = None
) -> Iterator[str]:
    for content in contents:
        file.write_bytes(content.encode(errors="surrogateescape") if "\ud800" not in content else b"\xed\xa0\x80")
        for command in commands:
            yield from faults_of(f"{content[:60]!r} {command}", command, limit)


def of_field(name: str, values: Sequence[str]) -> Iterator[str]:
    table, _, field = name.rpartition(".")
    head = f"[{table}]\n" if table else ""
    return (f"{head}{field} = {value}\n" for value in values)


def of_plugin(field: str, texts: Sequence[str], limit: float) -> Iterator[str]:
    for text in filter(sendable, texts):
        with pytest.MonkeyPatch.context() as patch, watched(limit):
            patch.setenv("ROLLTOP_PLUGINS_HRIS_URL", "http://127.0.0.1")
            patch.setenv(f"ROLLTOP_PLUGINS_HRIS_{field.upper()}", text)
            try:
                PluginContext("hris").settings(PluginSettings)
            except InvalidInput as error:
                if len(text) > 8 and text in str(error):
                    yield f"{field}={text[:40]!r}: the message repeats the value"


def manifests() -> Iterator[str]:
    """A manifest that is hostile as a whole, and good ones with one hostile field."""
    yield from (*(text for text in HOSTILE if possible(text)), DEEP, f'{{"version": {DEEP}', '{"version": 1e999}')
    good = {
        "version": 1, "rolltop": "1", "taken_at": "2026-01-01T00:00:00+00:00", "source": "sqlite", "schema_version": 1,
        "fold": 1, "streams": {}, "entries": {}, "records": 0, "files": [],
    }  # fmt: skip
    for number, field in enumerate(Manifest.model_fields):
        texts = HOSTILE if field == "taken_at" else rotated(number, ROUNDS)
        for value in (*texts, 10**30, None, {"a": 10**400}, [{"name": "../x", "size": 1, "sha256": ""}]):
            yield json.dumps({**good, field: value})


def test_every_variable_takes_hostile_texts():
    assert len(VARIABLES) > 100
    found = [
        fault
        for number, variable in enumerate(VARIABLES)
        for fault in from_variables(variable, rotated(number, ROUNDS), (COMMANDS[number % len(COMMANDS)],))
    ]
    assert not found, "\n".join(found)


def test_every_field_of_the_file_takes_hostile_values(folder):
    whole = (
        text
        for text in (
            *rotated(0, 15),
            *rotated(1, 15),
            *rotated(2, 15),
            DEEP,
            f"a = {DEEP}",
            "[[a]]",
            "[desk.x.y]\nz = 1",
            "desk = 1",
            "models = 1",
        )
    )
    fields = (
        content
        for number, name in enumerate(NAMES)
        for content in of_field(name, (VALUES_OF_TOML[number % len(VALUES_OF_TOML)],))
    )
    found = [*from_files(folder / "rolltop.toml", whole), *from_files(folder / "rolltop.toml", fields, COMMANDS[1:2])]
    assert not found, "\n".join(found)


ENDLESS = {"/dev/zero": "not a file", "pipe": "not a file", ".": "Is a directory", "large": "larger than"}


@pytest.mark.parametrize(("path", "why"), ENDLESS.items())
def test_a_file_without_an_end_and_one_that_nobody_writes_are_refused_at_once(path, why, folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    (folder / "large").write_bytes(b"#" * (MOST + 1))
    monkeypatch.setenv(FILE, path)
    with watched():
        assert why in run(["doctor"], None)[1]
        with pytest.raises(InvalidInput, match=why):
            read_prices(path)


@pytest.mark.parametrize("field", PluginSettings.model_fields)
def test_a_plugin_reads_hostile_settings_or_says_what_is_wrong(field):
    found = [*of_plugin(field, HOSTILE, PATIENCE)]
    assert not found, "\n".join(found)


def test_a_hostile_manifest_is_refused_in_words(folder):
    backup = folder / "backup"
    backup.mkdir()
    found = []
    for text in manifests():
        (backup / NAME).write_bytes(text.encode(errors="surrogateescape"))
        for command in (["backup", "--check", "backup"], ["restore", "--as=e-1042", "--purpose=x", "backup"]):
            found += faults_of(f"{text[:60]!r} {command[0]}", command)
    assert not found, "\n".join(found)


@pytest.mark.torture
@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_takes_all_hostile_texts_in_time_and_memory(variable):
    found = [*from_variables(variable, HOSTILE, limit=LIMIT)]
    assert not found, "\n".join(found)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < GIGABYTE


@pytest.mark.torture
@pytest.mark.parametrize("name", NAMES)
def test_each_field_of_the_file_takes_all_hostile_values_in_time_and_memory(name, folder):
    found = [*from_files(folder / "rolltop.toml", of_field(name, VALUES_OF_TOML), limit=LIMIT)]
    assert not found, "\n".join(found)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < GIGABYTE
