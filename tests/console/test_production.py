"""The page on running a console for a company: its settings start one, and its commands work in their order."""

import re
import shlex
import tomllib

import pytest

from console.app import app, close
from console.cli.main import main
from console.sign_in.oidc import OidcSignIn
from console.sign_in.way import way
from core.desk.administration import Administration
from core.gate import Viewer
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "production.md").read_text()
HOME = "/srv/rolltop"


def block(kind, start):
    """The page's block of this kind that begins so."""
    return next(
        text for text in re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.M) if text.startswith(start)
    )


@pytest.fixture
def console(tmp_path, monkeypatch):
    """A console with the page's settings, in a folder of its own instead of /srv/rolltop."""
    (tmp_path / "rolltop.toml").write_text(block("toml", "[sign_in]"))
    monkeypatch.chdir(tmp_path)
    for line in block("ini", "ROLLTOP_STORE").splitlines():
        name, _, value = line.partition("=")
        (value,) = shlex.split(value)
        monkeypatch.setenv(name, value.replace(HOME, str(tmp_path)))
    way.cache_clear()
    yield app()
    close()
    way.cache_clear()


def test_the_pages_settings_start_a_company_console_with_its_sign_in_and_its_commands_work(console, tmp_path, capsys):
    assert not console.demo
    assert isinstance(way().sign_in, OidcSignIn)
    assert way().sign_in.settings.redirect == tomllib.loads(block("toml", "[sign_in]"))["oidc"]["redirect"]
    commands = re.findall(r"^rolltop (.*)$", block("sh", "sudo -u rolltop -s") + block("sh", "rolltop doctor"), re.M)
    assert len(commands) == 13
    said = []
    for command in commands:
        # The model's key is a placeholder, and the doctor opens no model's server.
        status = main(shlex.split(command.replace("/backup/", f"{tmp_path}/"), comments=True))
        said.append(capsys.readouterr())
        assert (status, said[-1].err) == (0, ""), command
    first, *_ = said
    assert first.out == "e-7001 has the role administrator\n"
    assert "Roles by sign-in: everyone is employee; group HR.Approver gives approver" in said[4].out
    assert (tmp_path / "2026-12-01" / "manifest.json").exists()
    people = console.run(Administration(console.desk._store).people(Viewer("e-7001", {"administrator"})))
    assert {(one.person, one.role) for one in people.grants} == {
        ("e-7001", "administrator"),
        ("e-6001", "data_protection_officer"),
        ("e-4001", "knowledge_owner"),
    }
    assert people.blocks == []
