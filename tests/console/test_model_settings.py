"""The settings of single models: tables of rolltop.toml, variables before them, and faults that are named."""

import os
import re
from pathlib import Path

import pytest

from backends.models.scripted.model import Say
from console.model_settings import open_models, read_model_settings
from console.settings import read_settings
from console.sign_in.settings import read_sign_in
from core import InvalidInput, Tuning
from core.model import ModelRequest, UserMessage
from tests.servers.faults.server import FaultServer

ROOT = Path(__file__).parents[2]
HELLO = ModelRequest(instructions="Be brief.", messages=(UserMessage(text="hello"),))
LOCAL = """
[models.local-qwen]
url = "openai:qwen3?api=chat&base_url=%s/v1"
key_env = "LOCAL_KEY"
headers = { X-Team = "hr", X-Secret = "$TEAM_SECRET" }
extra_body = { chat_template_kwargs = { enable_thinking = false } }
temperature = 0.2
max_output_tokens = 700
context_window = 32768
first_content = 120
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment with this rolltop.toml and these variables."""

    def of(toml="", **variables):
        file = tmp_path / "rolltop.toml"
        file.write_text(toml)
        for name, value in {"ROLLTOP_FILE": str(file), **variables}.items():
            monkeypatch.setenv(name, value)
        return dict(os.environ)

    return of


async def test_a_models_own_key_headers_fields_and_settings_reach_its_server_alone(environment):
    async with FaultServer([[Say("Hi.")]], strict=False) as server:
        given = environment(LOCAL % server.url, LOCAL_KEY="sk-local", OPENAI_API_KEY="sk-openai", TEAM_SECRET="s3cret")
        offline, local = open_models(["offline:", "local-qwen"], environment=given)
        assert local.tuning == Tuning(
            settings={"temperature": 0.2, "max_output_tokens": 700}, context_window=32768, first_content=120
        )
        assert [event.text async for event in local.stream(HELLO) if event.kind == "text"] == ["Hi."]
        await local.close()
        await offline.close()
        asked = server.requests[0]
    assert (asked.headers["authorization"], asked.headers["x-team"]) == ("Bearer sk-local", "hr")
    assert asked.headers["x-secret"] == "s3cret"
    assert asked.body["chat_template_kwargs"] == {"enable_thinking": False}
    assert not any(word in local.name for word in ("sk-", "s3cret"))


def test_variables_come_before_the_file_and_may_make_a_model_alone(environment):
    read = read_model_settings(
        environment(
            LOCAL % "http://127.0.0.1",
            ROLLTOP_MODELS_LOCAL_QWEN_TEMPERATURE="0.9",
            ROLLTOP_MODELS_LOCAL_QWEN_EXTRA_BODY='{"num_ctx": 8192}',
            ROLLTOP_MODELS_CLAUDE_URL="anthropic:claude-sonnet-4-5",
            ROLLTOP_MODELS_CLAUDE_MAX_OUTPUT_TOKENS="900",
            ROLLTOP_MODEL="claude local-qwen",
            ANTHROPIC_API_KEY="k",
            LOCAL_KEY="k",
            TEAM_SECRET="s",
        )
    )
    assert (read["local-qwen"].temperature, read["local-qwen"].extra_body) == (0.9, {"num_ctx": 8192})
    assert read["local-qwen"].max_output_tokens == 700
    claude, _ = open_models(read_settings().models)
    assert claude.tuning.settings == {"max_tokens": 900}


@pytest.mark.parametrize(
    ("toml", "variables", "said"),
    [
        ('[models.a]\nurl = "offline:"\ntemprature = 1', {}, r"models\.a\.temprature.*write models\.a\.temperature"),
        (
            '[models.a]\nurl = "offline:"\nxyz = 1',
            {},
            r"models\.a\.xyz: unknown setting: the settings are models\.a\.url",
        ),
        ("[models.a]\ntemperature = 1", {}, r"models\.a\.url: it must be set, .* as ROLLTOP_MODELS_A_URL"),
        ("", {"ROLLTOP_MODELS_A_TEMPERATURE": "1"}, r"models\.a\.url: it must be set"),
        ("[models.a]\nurl = 7", {}, r"models\.a\.url: "),
        ('[models.a]\nurl = "offline:"\ntemperature = "hunter2"', {}, r"models\.a\.temperature"),
        ('[models.a]\nurl = "offline:"\ntemperature = 1', {}, r"models\.a: .*temperature.*accepts: delay"),
        ('[models.a]\nurl = "openai:m?base_url=http://h/v1"\nheaders = {x = "$NO_SUCH"}', {}, r"headers\.x.*NO_SUCH"),
        (
            '[models.a]\nurl = "openai:m?base_url=http://h/v1"\nextra_body = {model = "hunter2"}',
            {},
            "extra_body: model",
        ),
        ('[models.a]\nurl = "openai:m?bas_url=hunter2"', {}, "models.a: openai:m takes api, base_url, key_env"),
        ('[models.a]\nurl = "openai:m?base_url=http://h/v1"\nkey_env = "NO_SUCH"', {}, "variable NO_SUCH"),
        ("models = 7", {}, "table of its own"),
        ("[modles.a]", {}, "unknown modles; the tables are"),
        ("", {"ROLLTOP_MODELS_A_TEMPRATURE": "hunter2"}, "ROLLTOP_MODELS_A_TEMPRATURE"),
        ("", {"ROLLTOP_MODELS_A_URL": "offline:", "ROLLTOP_MODELS_A_EXTRA_BODY": "hunter2"}, "JSON object"),
        ("", {}, "a table .models.NAME.; the tables are none"),
    ],
)
def test_a_fault_stops_the_start_by_its_name_and_no_value_is_repeated(environment, toml, variables, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        open_models(["a"], environment=environment(toml, **variables))
    assert "hunter2" not in str(caught.value)


def test_two_tables_for_one_model_of_one_server_are_refused_by_their_names(environment):
    url = 'url = "openai:m?api=chat&base_url=http://127.0.0.1/v1"\n'
    given = environment(f"[models.quick]\n{url}[models.slow]\n{url}temperature = 1")
    with pytest.raises(InvalidInput, match=r"models\.quick and models\.slow are one model of one server, openai:m"):
        open_models(["quick", "slow"], environment=given)
    assert len(open_models(["quick", "offline:"], environment=given)) == 2


def test_the_sign_in_and_the_models_share_a_file_and_leave_each_others_tables_alone(environment):
    given = environment('[sign_in]\nwhom_to_ask = "Payroll"\n' + LOCAL % "http://127.0.0.1")
    assert read_sign_in(given).sign_in.whom_to_ask == "Payroll"
    assert list(read_model_settings(given)) == ["local-qwen"]


def test_the_examples_of_the_docs_open(environment):
    text = (ROOT / "docs" / "models.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    variables = {name: "k" for name in re.findall(r'(?:key_env = "|"\$)(\w+)"', example)}
    given = environment(example, **variables)
    names = list(read_model_settings(given))
    assert [model.name.partition(":")[0] for model in open_models(names, environment=given)] == ["openai"] * len(names)
    assert len(names) == 5
