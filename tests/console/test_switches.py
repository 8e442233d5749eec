"""The page Tools & models and the commands behind it: what an administrator sees of a tool, and switching it off."""

import platform

import pytest

from backends.models.opening import is_priced
from console.app import app
from tests.console.test_command_line import failed, here
from tests.console.test_pages import APPROVER, AUDITOR, EMPLOYEE, HANDLER, KEEPER, OFFICER, ask, open_as, texts
from tests.console.test_people import ADMIN, on_record, url

__all__ = ["here", "open_as", "url"]


def tools_page(open_as):
    at = open_as(ADMIN, "tools")
    assert not at.exception
    assert at.title[0].value == "Tools & models"
    return at


def cells(at):
    return [table.value.astype(str).to_numpy().tolist() for table in at.table]


def test_administrators_alone_are_offered_the_page(open_as):
    for viewer in (EMPLOYEE, AUDITOR, APPROVER, HANDLER, OFFICER, KEEPER):
        with pytest.raises(ValueError, match=r"tools\.py"):
            open_as(viewer, "tools")


def test_the_page_says_what_each_tool_and_model_may_do(open_as):
    at = tools_page(open_as)
    shown = texts(at)
    assert "**Leave request** :green-badge[:material/check: On]" in shown
    described = [text.value for text in at.text]
    assert "Request leave for the asking employee: book days off from a first to a last day." in described
    tables = repr(cells(at))
    assert "The person who asked must approve each call" in tables
    assert "An approver other than the person who asked" in tables
    assert "A call is attempted at most once" in tables
    assert "15 seconds" in tables
    assert "in demo'" in tables
    rows = [row for table in cells(at) for row in table]
    assert ["kind", "Choice: annual, special, unpaid", "No", "The kind of leave\\."] in rows
    assert "The only model" in tables
    assert at.button(key="tm_model_offline:_off_sure")


def test_a_tool_is_switched_off_with_a_reason_and_on_again(open_as):
    at = tools_page(open_as)
    at.button(key="tm_tool_request_leave_off_sure").click().run()
    assert "say in 1 to 500 characters why the tool is switched off" in texts(at)
    at.text_input(key="tm_tool_request_leave_off_why").set_value("books the *wrong* days")
    at.button(key="tm_tool_request_leave_off_sure").click().run()
    assert not at.exception
    shown = texts(at)
    assert at.success[0].value == "request\\_leave is off\\. No call of it begins from now on\\."
    assert "**Leave request** :red-badge[:material/power_settings_new: Off]" in shown
    assert "by e\\-7001. The reason:" in shown
    assert "books the *wrong* days" in [text.value for text in at.text]
    assert app().run(app().desk.administration.off()).tools == {"request_leave"}
    at.text_input(key="tm_tool_request_leave_on_why").set_value("mended")
    at.button(key="tm_tool_request_leave_on_sure").click().run()
    assert at.success[0].value == "request\\_leave is on again\\."
    assert app().run(app().desk.administration.off()).tools == frozenset()


def test_a_tool_that_is_off_and_missing_here_is_listed(open_as):
    app().run(app().desk.administration.switch_off_tool(ADMIN, "fax", "nobody faxes"))
    at = tools_page(open_as)
    assert "**Fax** :red-badge" in texts(at)
    assert "This process does not have the tool; others may." in texts(at)
    assert at.button(key="tm_tool_fax_on_sure")


def test_a_desk_without_tools_says_how_it_gets_some(open_as, monkeypatch):
    tools_page(open_as)
    monkeypatch.setattr(app().desk.administration, "_tools", {})
    assert "This desk has no tools." in texts(tools_page(open_as))


def test_a_model_is_switched_off_and_questions_end_in_words(open_as):
    at = tools_page(open_as)
    at.text_input(key="tm_model_offline:_off_why").set_value("investigation")
    at.button(key="tm_model_offline:_off_sure").click().run()
    assert "It is sent no request from now on" in at.success[0].value
    at = open_as(EMPLOYEE)
    at.chat_input[0].set_value("How many vacation days do I have left?").run()
    assert "An administrator has switched the language models off. Try again later." in texts(at)


def test_the_card_of_a_call_that_waits_for_its_asker_says_that_its_tool_is_off(open_as):
    at = ask(open_as(EMPLOYEE), "Request annual leave from 2026-12-21 to 2026-12-23")
    app().run(app().desk.administration.switch_off_tool(ADMIN, "request_leave", "books the wrong days"))
    at.run()
    assert "While it is off, it does not run, even if it is approved." in texts(at)


def test_the_price_of_a_model_is_known_by_its_url(monkeypatch):
    priced = {url: is_priced(url) for url in ("openai:gpt-4o", "openai:no-such-model", "offline:")}
    assert priced == {"openai:gpt-4o": True, "openai:no-such-model": False, "offline:": None}
    assert is_priced("anthropic:no-such-model") is False


# The commands


def test_a_tool_and_a_model_are_switched_with_the_commands(url, here):
    decision = ("--store", url, "--as", "e-7001", "--why")
    ran = here("switch", "off", "tool", "request_leave", *decision, "wrong days")
    assert (ran.status, ran.out) == (0, "the tool request_leave is off, in all processes within a second\n")
    assert here("switch", "off", "model", "openai:gpt-4o", *decision, "price doubled").status == 0
    rows = [line.split() for line in here("switches", "--store", url, "--as", "e-7001").out.splitlines()]
    assert rows[0][:3] == ["WHAT", "NAME", "OFF"]
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("tool", "request_leave", "e-7001"),
        ("model", "openai:gpt-4o", "e-7001"),
    ]
    assert here("switch", "on", "model", "openai:gpt-4o", *decision, "price is back").status == 0
    (line,) = here("switches", "--store", url, "--as", "e-7001", "--json").lines
    assert (line["name"], line["why"], line["account"]["host"]) == ("request_leave", "wrong days", platform.node())
    assert here("switch", "on", "tool", "request_leave", *decision, "mended").status == 0
    assert here("switches", "--store", url, "--as", "e-7001").out == "all tools and models are on\n"
    failed(here("switch", "on", "tool", "request_leave", *decision, "mended"), "is not switched off")
    failed(here("switch", "off", "tool", "pay", "--store", url, "--as", "e-2001", "--why", "x"), "is not allowed")
    assert [entry.kind for entry in on_record(url)[1:]] == ["switched.off"] * 2 + ["switched.on"] * 2


def test_a_command_switches_a_model_by_its_table_and_says_if_no_model_has_the_name(url, here, tmp_path, monkeypatch):
    name = "openai:qwen3?api=chat&base_url=http://127.0.0.1:1/v1"
    (tmp_path / "rolltop.toml").write_text(f'[models.ollama]\nurl = "{name}"\n')
    monkeypatch.setenv("ROLLTOP_FILE", f"{tmp_path}/rolltop.toml")
    monkeypatch.setenv("ROLLTOP_MODEL", "ollama offline:")
    decision = ("--store", url, "--as", "e-7001", "--why", "wrong answers")
    ran = here("switch", "off", "model", "ollama", *decision)
    assert (ran.out, ran.err) == (f"the model {name} is off, in all processes within a second\n", "")
    ran = here("switch", "off", "model", "openai:qwen3", *decision)
    assert (ran.status, ran.err) == (0, f"no model of ROLLTOP_MODEL has this name; the names are: {name}, offline:\n")
    assert here("switch", "on", "model", "ollama", *decision).err == ""
    monkeypatch.setenv("ROLLTOP_MODEL", "gone")
    assert "check the name on the page Tools & models" in here("switch", "on", "model", "openai:qwen3", *decision).err
