"""Settings: each in rolltop.toml and in the environment, which comes first; and what `rolltop config` says of them."""

import json
import re

import pytest
from anyio import to_thread
from pydantic import Field, PositiveInt
from pydantic_core import PydanticUndefined

from backends import open_store
from console.app import app, close
from console.cli.main import main
from console.model_settings import ModelSettings
from console.settings import Settings, read_settings
from console.settings_file import TABLES, VALUES
from console.sign_in.oidc import Oidc, Provider
from console.sign_in.proxy import Proxy
from console.sign_in.settings import General
from console.value_settings import read_value, variable_of
from core.desk.administration import Administration
from core.errors import InvalidInput
from core.options import Options
from core.values import Value
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "settings.md"
KINDS = {
    "": Settings,
    **VALUES,
    "models.NAME": ModelSettings,
    "sign_in": General,
    "oidc": Oidc,
    "oidc.NAME": Provider,
    "proxy": Proxy,
}


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Write this rolltop.toml, and set these variables."""
    monkeypatch.chdir(tmp_path)

    def put(toml="", **variables):
        (tmp_path / "rolltop.toml").write_text(toml)
        for name, value in variables.items():
            monkeypatch.setenv(f"ROLLTOP_{name}", value)

    return put


@pytest.fixture
def config(capsys):
    """`rolltop config` with these options: its status, and its JSON lines by the setting's name."""

    def run(*options):
        status = main(["config", "--json", *options])
        return status, {line["setting"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}

    return run


def test_a_setting_stands_in_the_file_under_its_own_name_and_a_variable_comes_before_it(given):
    given('store = "memory:"\nadministrators = ["e-7001", "e-7002"]\nerase_after_days = 3', ERASE_AFTER_DAYS="4")
    read = read_settings()
    assert (read.store.get_secret_value(), read.erase_after_days) == ("memory:", 4)
    assert read.administrators == ("e-7001", "e-7002")
    assert not read.default_desk
    given(ADMINISTRATORS=" e-1 , e-2,")
    assert read_settings().administrators == ("e-1", "e-2")


def test_every_option_of_a_desk_is_a_setting_and_reaches_the_desk(given):
    given(
        'embedder = "none:"\nstore = "memory:"\n[desk]\nfirst_content = 600\nforget = ["tool.finished"]',
        DESK_MODEL_CALL="1800",
        DESK_RETRIEVE_FIRST="false",
        DESK_MODEL_SETTINGS="{}",
        DESK_FORGET="model.failed,passages.retrieved",
    )
    options = app().desk.options
    close()
    assert options == Options(
        first_content=600, model_call=1800, retrieve_first=False, forget=("model.failed", "passages.retrieved")
    )


def test_what_a_file_of_handbooks_may_take_is_a_setting(given, tmp_path, caplog):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "leave.md").write_text("# Leave\n\nEverybody has 25 days of leave. " + "Ask HR. " * 200)
    given('store = "memory:"\nembedder = "none:"\nhandbooks = "policies"\n[documents]\noutput = 1024')
    with caplog.at_level("WARNING"):
        app()
    close()
    assert "1 handbooks could not be read" in caplog.text
    assert "leave" not in caplog.text


def test_the_older_name_of_a_variable_counts_and_both_names_are_refused(given):
    given(TURNS_AT_ONCE="5")
    assert read_value("desk", Options).turns_at_once == 5
    given(DESK_TURNS_AT_ONCE="6")
    with pytest.raises(InvalidInput, match="DESK_TURNS_AT_ONCE: it is set twice, also as ROLLTOP_TURNS_AT_ONCE"):
        read_value("desk", Options)


class Caps(Value):
    """A table of numbers, as a plug-in may have one."""

    steps: PositiveInt = 8
    cost_a_day: int | None = None
    by_role: dict[str, int] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("toml", "variables", "said"),
    [
        ("[plugins.caps]\nsteps = true", {}, "plugins.caps.steps: Input should be a valid integer"),
        ('[plugins.caps]\nsteps = "7"', {}, "plugins.caps.steps: "),
        ("[plugins.caps]\nstep = 7", {}, "plugins.caps.step: unknown setting: write plugins.caps.steps"),
        ("[plugins]\ncaps = 7", {}, r"plugins.caps is a table: write its fields below \[plugins.caps\]"),
        ("", {"PLUGINS_CAPS_STEPS": "hunter2"}, "ROLLTOP_PLUGINS_CAPS_STEPS: .*integer"),
        ("", {"PLUGINS_CAPS_STEPS": "0"}, "ROLLTOP_PLUGINS_CAPS_STEPS: .*greater than 0"),
        ("", {"PLUGINS_CAPS_STEP": "hunter2"}, "ROLLTOP_PLUGINS_CAPS_STEP: .*write ROLLTOP_PLUGINS_CAPS_STEPS"),
        ("", {"PLUGINS_CAPS_XYZ": "hunter2"}, "the settings are ROLLTOP_PLUGINS_CAPS_STEPS, ROLLTOP_PLUGINS_CAPS_COST"),
        ("", {"PLUGINS_CAPS_BY_ROLE": "hunter2"}, "ROLLTOP_PLUGINS_CAPS_BY_ROLE: write a JSON object"),
        ("steps = hunter2", {}, "rolltop.toml is not TOML"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_never_repeated(given, toml, variables, said):
    given(toml, **variables)
    with pytest.raises(InvalidInput, match=said) as caught:
        read_value("plugins.caps", Caps)
    assert "hunter2" not in str(caught.value)


def test_all_faults_of_a_table_are_told_at_once_and_what_was_meant_by_a_name_elsewhere(given):
    given("[dsek]\nlease = 7", STOER="hunter2", DESK_LEASE="never", DSK_BEAT="2")
    with pytest.raises(InvalidInput) as caught:
        read_settings()
    assert "dsek: unknown setting: write desk" in str(caught.value)
    assert "ROLLTOP_STOER: unknown setting: write ROLLTOP_STORE" in str(caught.value)
    assert "ROLLTOP_DSK_BEAT: unknown setting: write ROLLTOP_DESK_BEAT" in str(caught.value)
    with pytest.raises(InvalidInput, match=r"ROLLTOP_DESK_LEASE: .*number"):
        read_value("desk", Options)


def test_values_that_are_valid_alone_and_not_for_a_desk_are_refused_by_the_tables_name(given, config):
    given(DESK_BEAT="inf")
    with pytest.raises(InvalidInput, match="desk: `beat`"):
        read_value("desk", Options)
    assert "`beat`" in config()[1]["desk"]["fault"]


SECRET = """
model = "qwen openai:m?base_url=http://u:hunter2@h/v1&key_env=K"
[models.qwen]
url = "openai:qwen?api=chat&base_url=http://u:hunter2@h/v1"
headers = { X-Team = "hunter2" }
extra_body = { api_key = "hunter2" }
[plugins.hris]
token = "hunter2"
"""


def test_config_shows_what_holds_and_where_from_and_no_secret(given, tmp_path, capsys):
    streamlit = tmp_path / ".streamlit"
    streamlit.mkdir()
    (streamlit / "secrets.toml").write_text('[proxy]\nsecret = "hunter2hunter2hunter2hunter2hunter2"\n')
    given(
        SECRET,
        STORE="mongodb://hr:hunter2?@db.example/desk?authSource=hunter2",
        VECTORS="pinecone:x?hunter2=1",
        MODELS_QWEN_TEMPERATURE="0.5",
        MODELS_QWEN_SETTINGS='{"seed": 7, "api_key": "hunter2", "extra_headers": {"X": "hunter2"}}',
        DESK_MODEL_SETTINGS='{"user": "hunter2"}',
        PLUGINS_HRIS_PIN="hunter2",
        DESK_MAX_STEPS="12",
    )
    for options in ([], ["--json"]):
        assert main(["config", *options]) == 0
        printed = capsys.readouterr().out
        assert "hunter2" not in printed
    rows = {line["setting"]: (line["value"], line["from"]) for line in map(json.loads, printed.splitlines())}
    assert rows["store"] == ("mongodb://db.example/desk", "ROLLTOP_STORE")
    assert rows["model"] == ("qwen openai:m?…", "rolltop.toml")
    assert rows["desk.max_steps"] == (12, "ROLLTOP_DESK_MAX_STEPS")
    assert rows["desk.passages"] == (6, "default")
    assert rows["models.qwen.url"] == ("openai:qwen?…", "rolltop.toml")
    assert rows["models.qwen.temperature"] == (0.5, "ROLLTOP_MODELS_QWEN_TEMPERATURE")
    assert rows["models.qwen.headers"] == ({"X-Team": "set"}, "rolltop.toml")
    settings = {"seed": 7, "api_key": "set", "extra_headers": "set"}
    assert rows["models.qwen.settings"] == (settings, "ROLLTOP_MODELS_QWEN_SETTINGS")
    assert rows["proxy.secret"] == ("set", ".streamlit/secrets.toml")
    assert rows["plugins.hris.token"] == ("set", "rolltop.toml")
    assert rows["plugins.hris_pin"] == ("set", "ROLLTOP_PLUGINS_HRIS_PIN")
    assert {path.name for path in tmp_path.iterdir()} == {".streamlit", "rolltop.toml"}


def test_config_names_every_setting_or_only_what_was_changed(given, config):
    given("[desk]\nlease = 40")
    status, rows = config()
    assert status == 0
    fields = {f"desk.{name}" for name in Options.model_fields} | set(Settings.model_fields)
    assert fields <= rows.keys()
    status, rows = config("--changed")
    assert (status, list(rows), rows["desk.lease"]["value"]) == (0, ["desk.lease"], 40)


def test_config_hides_a_login_in_whatever_setting_it_was_written(capsys, monkeypatch):
    monkeypatch.setenv("ROLLTOP_MODELS_NAME_URL", "openai:m")
    shown = set()
    for name in (f"{table}.{field}".lstrip(".") for table, kind in KINDS.items() for field in kind.model_fields):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable_of(name), "https://u:hunter2@db.example/x")
            for options in ((), ("--json",)):
                main(["config", *options])
                printed = capsys.readouterr()
                assert "hunter2" not in printed.out + printed.err, name
        shown |= {name} if "db.example" in printed.out else set()
    assert {"store", "index", "instructions", "models.NAME.url"} <= shown


async def test_config_names_the_administrators_on_record_and_what_made_them_so_and_puts_the_look_on_record(
    given, capsys, tmp_path
):
    url = f"sqlite:///{tmp_path}/desk.db"
    given(STORE=url)
    assert await to_thread.run_sync(main, ["config", "--as", "e-7001"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "desk.db").exists()
    async with open_store(url) as store:
        administration = Administration(store)
        await administration.install(["e-7001"])
        by = await administration.viewer("e-7001")
        await administration.grant(by, "e-7002", "administrator", "deputy")
        await administration.grant(by, "e-2001", "auditor", "audit")
        assert await to_thread.run_sync(main, ["config", "--as", "e-7001", "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found = [(row["administrator"], row["from"]) for row in rows if "administrator" in row]
        assert found == [("e-7001", "ROLLTOP_ADMINISTRATORS"), ("e-7002", "granted by e-7001")]
        looks = [entry.payload for entry in await store.read("audit:e-7001")]
        assert len(looks) == 1
        assert await to_thread.run_sync(main, ["config", "--as", "e-2001"]) == 2
    assert "e-7002" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("toml", "variables", "said"),
    [
        ("", {"DESK_LEASE": "hunter2"}, "! ROLLTOP_DESK_LEASE: "),
        ("", {"STOER": "hunter2"}, "! ROLLTOP_STOER: unknown setting: write ROLLTOP_STORE"),
        ("", {"MODELS_A_TEMPRATURE": "hunter2"}, "! models: unknown setting ROLLTOP_MODELS_A_TEMPRATURE"),
        ("", {"OIDC_ISUER": "hunter2"}, "! sign-in: unknown setting ROLLTOP_OIDC_ISUER"),
        ("hunter2", {}, "! rolltop.toml: rolltop.toml is not TOML"),
    ],
)
def test_config_shows_mistakes_beside_the_rest_and_needs_a_person(given, capsys, toml, variables, said):
    given(toml, **variables)
    assert main(["config", "--changed"]) == 1
    printed = capsys.readouterr().out
    assert said in printed
    assert "hunter2" not in printed


def fields_of(kind):
    """The fields with their defaults as the page writes them."""
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name != "providers" and not (kind is Oidc and name in Provider.model_fields):
            yield name, written(default)


def written(default):
    if default is PydanticUndefined:
        return "required"
    if hasattr(default, "get_secret_value"):
        default = default.get_secret_value()
    if default is None or default in ("", (), frozenset()) or default == {}:
        return ""
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return text if len(text) < 60 else "an HR desk's"


def test_the_example_of_the_page_gives_a_local_model_its_minutes(given):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    given(example)
    assert read_settings().administrators == ("e-7001",)
    assert read_value("desk", Options).model_fields_set == {"first_content", "model_call", "turn_deadline"}


def test_the_page_of_settings_has_every_setting_with_its_default_and_no_other():
    page = PAGE.read_text()
    tables = re.split(r"^##+ .*?`\[([\w.]*)\]`.*$", page, flags=re.MULTILINE)
    on_page = dict(zip(["", *tables[1::2]], tables[::2], strict=True))
    for table, kind in KINDS.items():
        rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.+) \|$", on_page.pop(table), flags=re.MULTILINE)
        assert [(name, default.strip("`")) for name, default, _ in rows] == list(fields_of(kind)), table
    assert on_page.keys() == {"plugins.NAME"}
    assert {table.partition(".")[0] for table in KINDS} | {"plugins", ""} == {*TABLES, ""}
