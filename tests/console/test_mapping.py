"""The mapping of a sign-in on record: how people got their roles, without a secret, and where it is told."""

import json
import logging

import pytest

from console.account import this_account
from console.app import app, close
from console.sign_in.mapping import mapping_lines, mapping_of
from console.sign_in.way import way
from core.gate import Viewer
from core.log.administration import ADMINISTRATION
from tests.console.test_command_line import here
from tests.console.test_pages import open_as, texts
from tests.console.test_sign_in import COOKIE_SECRET, ONE, SECRETS, example, examples, settings_of

__all__ = ["here", "open_as", "settings_of"]

ADMIN = Viewer("e-7001", {"administrator"})


@pytest.mark.parametrize("title", list(examples()))
def test_the_mapping_says_how_people_get_their_roles_and_holds_no_secret(settings_of, title):
    mapping = mapping_of(example(settings_of, title))
    recorded = json.dumps(mapping)
    for secret in SECRETS.values():
        assert f'"{secret}"' not in recorded
    assert "secret" not in recorded
    assert "*" not in recorded  # as pydantic writes a secret
    assert mapping_lines(json.loads(recorded))[0].startswith("Roles by sign-in")


def test_the_mapping_in_words(settings_of):
    assert mapping_lines(mapping_of(example(settings_of, "Entra ID"))) == [
        "Roles by sign-in: everyone is employee; role HR.Auditor gives auditor; role HR.Approver gives approver",
        "Country by sign-in: from ctry; AT is austria; DE is germany",
        "A person's id: from oid at https://login.microsoftonline.com/YOUR-TENANT/v2.0",
        "A sign-in ends after 8 hours, or after 60 minutes without use",
        "A person without a role is told to ask the HR service desk",
    ]
    entra, _, okta, *_ = mapping_lines(mapping_of(example(settings_of, "Several providers")))
    assert (entra, okta) == (
        "Roles by sign-in with entra: everyone is employee",
        "Roles by sign-in with okta: everyone is employee",
    )
    own = mapping_of(settings_of(ROLLTOP_SIGN_IN_OWN="hr.entry:door"))
    assert mapping_lines(own)[0] == "Roles by sign-in: hr.entry:door gives them"
    nobody = mapping_of(settings_of("[proxy]\n", ROLLTOP_PROXY_SECRET=COOKIE_SECRET))
    assert mapping_lines(nobody)[0] == "Roles by sign-in: it gives none"
    ends = mapping_lines(mapping_of(settings_of(**ONE, ROLLTOP_OIDC_UNTIL_TOKEN_EXPIRES="true")))
    assert "A sign-in ends after 8 hours, or after 60 minutes without use, or when its token expires" in ends
    assert mapping_of(settings_of()) is None  # the development sign-in


def test_the_environment_comes_before_the_file(settings_of):
    toml = '[oidc]\neveryone = ["auditor"]\nroles_claim = "teams"\n[oidc.roles]\nhr = ["handler", "auditor"]\n'
    provider = mapping_of(settings_of(toml, **ONE))["providers"]["default"]
    assert (provider["everyone"], provider["roles_claim"]) == (["employee"], "teams")
    assert provider["roles"] == {"hr": ["auditor", "handler"]}  # sorted: a set has another order in each process


def test_a_providers_url_holds_no_password(settings_of):
    with pytest.raises(ValueError, match="without a password"):
        settings_of(**ONE | {"ROLLTOP_OIDC_ISSUER": "https://user:hunter2@sso.example"})


@pytest.fixture
def fresh_way():
    """After the test, the process forgets its way to sign in."""
    yield
    way.cache_clear()


@pytest.fixture
def start(tmp_path, monkeypatch, fresh_way):
    """Starts a console with this sign-in on one store, after the console before it has ended."""
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("ROLLTOP_ADMINISTRATORS", ADMIN.id)

    def start(**changed):
        close()
        for name, value in (ONE | changed).items():
            monkeypatch.setenv(name, value)
        way.cache_clear()
        return app()

    yield start
    close()


def mapped(console):
    entries = console.run(console.desk._store.read(ADMINISTRATION))
    return [(entry.by, entry.shell) for entry in entries if entry.kind == "sign_in.mapped"]


def test_a_console_puts_its_mapping_on_record_if_it_is_another_than_the_newest(start, here, caplog):
    (first,) = mapped(start())
    assert first == ("desk", {"mapping": way().mapping, "account": this_account().model_dump()})
    assert len(mapped(start())) == 1
    with caplog.at_level(logging.WARNING, "console.app"):
        console = start(ROLLTOP_OIDC_EVERYONE="employee auditor")
    assert "give both the same settings" in caplog.text
    assert len(mapped(console)) == 2
    people = console.run(console.desk.administration.people(ADMIN))
    everyone = [one.mapping["providers"]["default"]["everyone"] for one in people.sign_ins]
    assert everyone == [["auditor", "employee"], ["employee"]]
    told = here("grants", "--as", ADMIN.id).out.splitlines()
    account = f"{this_account().user} on {this_account().host}"
    newest, before = (place for place, line in enumerate(told) if line.endswith(f"console of {account}:"))
    assert told[newest + 1] == "  Roles by sign-in: everyone is auditor and employee"
    assert told[before].startswith("before that, since")
    assert told[before + 1] == "  Roles by sign-in: everyone is employee"
    lines = here("grants", "--as", ADMIN.id, "--json").lines
    assert [line["state"] for line in lines] == ["holds", "sign-in", "sign-in"]


def test_the_page_shows_the_mapping_and_a_console_whose_own_is_another(open_as, monkeypatch, settings_of, fresh_way):
    assert "No sign-in is on record." in texts(open_as(ADMIN, "people"))
    mapping = mapping_of(example(settings_of, "Entra ID"))
    app().run(app().desk.administration.map_sign_in(mapping, this_account()))
    shown = texts(open_as(ADMIN, "people"))
    for line in mapping_lines(mapping):
        assert line in shown
    assert "by other settings" not in shown  # the development sign-in has none
    monkeypatch.setattr("console.sign_in.way.mapping_of", lambda _: {**mapping, "whom_to_ask": "Ann"})
    way.cache_clear()
    assert "by other settings than the newest on record" in texts(open_as(ADMIN, "people"))
