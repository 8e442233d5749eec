"""The page People & roles and the commands behind it: who may open it, what it shows, and what is put on record."""

import platform
from datetime import date, timedelta

import anyio
import psutil
import pytest

from backends import open_store
from console.app import app
from console.cli.main import main
from console.people import PEOPLE
from console.settings import read_settings
from core.desk.administration import Administration
from core.errors import InvalidInput
from core.gate import ROLES, Viewer
from core.log.administration import ADMINISTRATION
from tests.console.test_command_line import failed, here
from tests.console.test_pages import APPROVER, AUDITOR, EMPLOYEE, HANDLER, KEEPER, OFFICER, open_as, texts

__all__ = ["here", "open_as"]

ADMIN = Viewer("e-7001", {"employee", "administrator"}, country="austria")


@pytest.fixture
def url(tmp_path):
    """A store with the administrator e-7001 on record."""
    url = f"sqlite:///{tmp_path}/roles.db"

    async def install() -> None:
        async with open_store(url) as store:
            await Administration(store).install([ADMIN.id])

    anyio.run(install)
    return url


def on_record(url):
    async def read():
        async with open_store(url) as store:
            return await store.read(ADMINISTRATION)

    return anyio.run(read)


# The page


def people_page(open_as):
    at = open_as(ADMIN, "people")
    assert not at.exception
    assert at.title[0].value == "People & roles"
    return at


def test_administrators_alone_are_offered_the_page_and_none_with_what_others_wrote(open_as):
    for viewer in (EMPLOYEE, AUDITOR, APPROVER, HANDLER, OFFICER, KEEPER):
        with pytest.raises(ValueError, match=r"people\.py"):
            open_as(viewer, "people")
    at = people_page(open_as)
    for page in ("threads", "thread", "tool_calls", "call", "audit_log", "overview", "approvals", "handbooks"):
        with pytest.raises(ValueError, match=rf"{page}\.py"):
            at.switch_page(f"../pages/{page}.py")


def test_a_demo_has_a_sample_person_for_each_role():
    assert {role for person in PEOPLE for role in person.roles} == ROLES


def test_a_role_is_granted_with_a_reason_and_ended_with_another(open_as):
    at = people_page(open_as)
    assert "No role is on record" in texts(at)
    at.text_input(key="pr_grant_0_person").set_value(" e-2001 ")
    at.button(key="pr_grant_0_send").click().run()
    assert "Choose a role" in texts(at)
    at.selectbox(key="pr_grant_0_role").set_value("auditor")
    at.button(key="pr_grant_0_send").click().run()
    assert "say in 1 to 500 characters why the role is granted" in texts(at)
    assert at.text_input(key="pr_grant_0_person").value == " e-2001 "  # what was typed stays
    at.text_input(key="pr_grant_0_why").set_value("spring *audit*")
    at.date_input(key="pr_grant_0_last").set_value(date.today() + timedelta(days=9))
    at.button(key="pr_grant_0_send").click().run()
    assert not at.exception
    assert at.text_input(key="pr_grant_1_person").value == ""
    shown = texts(at)
    assert "**e\\-2001** :gray-badge[HR auditor]" in shown
    assert "granted by e\\-7001" in shown
    assert "spring *audit*" in [text.value for text in at.text]
    (grant,) = app().run(app().desk.administration.people(ADMIN)).grants
    assert (grant.by, grant.why) == (ADMIN.id, "spring *audit*")
    assert grant.ends_at == f"{date.today() + timedelta(days=10)}T00:00:00.000Z"
    at.button(key="pr_end_auditor_e-2001_sure").click().run()
    assert "say in 1 to 500 characters why the role is taken away" in texts(at)
    at.text_input(key="pr_end_auditor_e-2001_why").set_value("moved on")
    at.button(key="pr_end_auditor_e-2001_sure").click().run()
    assert "No role is on record" in texts(at)
    assert app().run(app().desk.administration.people(ADMIN)).grants == []


def test_a_person_is_blocked_and_unblocked_with_reasons(open_as):
    at = people_page(open_as)
    assert "Nobody is blocked." in texts(at)
    at.text_input(key="pr_block_0_person").set_value("e-1077")
    at.text_input(key="pr_block_0_why").set_value("left")
    at.button(key="pr_block_0_send").click().run()
    assert "**e\\-1077** :red-badge[Blocked]" in texts(at)
    assert "left" in [text.value for text in at.text]
    at.text_input(key="pr_unblock_e-1077_why").set_value("came back")
    at.button(key="pr_unblock_e-1077_sure").click().run()
    assert "Nobody is blocked." in texts(at)


def test_what_core_refuses_is_said_at_the_form(open_as):
    at = people_page(open_as)
    at.text_input(key="pr_grant_0_person").set_value(ADMIN.id)
    at.selectbox(key="pr_grant_0_role").set_value("auditor")
    at.text_input(key="pr_grant_0_why").set_value("curious")
    at.button(key="pr_grant_0_send").click().run()
    assert "nobody grants a role to themselves" in texts(at)


def test_the_settings_name_the_first_administrators(open_as, monkeypatch):
    monkeypatch.setenv("ROLLTOP_ADMINISTRATORS", "e-7001, jos\u00e9@firma.de")
    shown = texts(people_page(open_as))
    assert shown.count("granted by the settings of this desk") == 2
    assert app().run(app().desk.administration.viewer("jos\u00e9@firma.de")).roles == {"administrator"}


# The commands


def test_the_first_grant_is_by_the_operator_and_names_their_account(tmp_path, here):
    url = f"sqlite:///{tmp_path}/new.db"
    first = ("grant", "--store", url, "e-7001", "administrator", "--first", "--as", "e-7001", "--why", "set up")
    failed(here(*first), "does not exist")
    assert main(["demo", "--store", url]) == 0
    here()
    ran = here(*first)
    assert (ran.status, ran.out) == (0, "e-7001 has the role administrator\n")
    _, granted = on_record(url)
    account = {"user": psutil.Process().username(), "host": platform.node()}
    assert (granted.by, granted.shell["account"], granted.shell["basis"]) == ("e-7001", account, "first")
    failed(here(*first), "roles are on record already")
    failed(here(*[{"administrator": "auditor"}.get(word, word) for word in first]), "makes an administrator")


def test_an_administrator_on_record_grants_blocks_and_lists(url, here):
    decision = ("--store", url, "--as", "e-7001", "--why")
    ran = here("grant", "e-2001", "auditor", *decision, "audit", "--until", "2999-01-01")
    assert (ran.status, ran.out) == (0, "e-2001 has the role auditor until 2999-01-01T00:00:00.000Z\n")
    assert here("block", "e-1077", *decision, "left").out == "e-1077 is blocked\n"
    listed = here("grants", "--store", url, "--as", "e-7001")
    rows = [line.split() for line in listed.out.splitlines()]
    assert rows[0] == ["STATE", "PERSON", "ROLE", "SINCE", "UNTIL", "BY", "WHY"]
    assert [(row[0], row[1], row[2], row[5]) for row in rows[1:]] == [
        ("holds", "e-2001", "auditor", "e-7001"),
        ("holds", "e-7001", "administrator", "settings"),
        ("blocked", "e-1077", "-", "e-7001"),
    ]
    assert here("block", "e-1077", "--end", *decision, "back").out == "e-1077 is no longer blocked\n"
    assert here("grant", "e-2001", "auditor", "--end", *decision, "done").status == 0
    (line,) = here("grants", "--store", url, "--as", "e-7001", "--json").lines
    assert (line["state"], line["person"], line["account"]) == ("holds", "e-7001", None)
    assert all(entry.shell["account"]["host"] == platform.node() for entry in on_record(url)[1:])


def test_others_and_people_who_are_blocked_decide_nothing_with_the_commands(url, here):
    for command in (("grant", "e-1", "auditor"), ("block", "e-1")):
        failed(here(*command, "--store", url, "--as", "e-2001", "--why", "audit"), "is not allowed")
    failed(here("grants", "--store", url, "--as", "e-2001"), "roles.list is not allowed")
    decision = ("--store", url, "--as", "e-7001", "--why", "deputy")
    assert here("grant", "e-7002", "administrator", *decision).status == 0
    assert here("block", "e-7002", *decision).status == 0
    failed(here("grants", "--store", url, "--as", "e-7002"), "e-7002 is blocked")
    failed(here("grant", "e-7001", "administrator", "--end", *decision), "is the last administrator")
    failed(here("grant", "e-1", "auditor", "--end", "--until", "2999-01-01", *decision), "--until is for a role")


def test_a_malformed_id_in_the_settings_is_named_before_anything_is_opened(monkeypatch):
    monkeypatch.setenv("ROLLTOP_ADMINISTRATORS", "e-7001," + "x" * 129)
    with pytest.raises(InvalidInput, match=r"ROLLTOP_ADMINISTRATORS: .*a user id is a text of 1 to 128"):
        read_settings()
