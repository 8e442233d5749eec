"""The image: what it installs, and a console in it. Where there is no Docker, the Dockerfile's steps run by hand."""

import json
import re
import tomllib
from importlib.metadata import requires

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.clean_root import CleanRoot, missing
from tests.support.dockerfile import stages
from tests.support.paths import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
SIGN_IN = {
    "ROLLTOP_OIDC_ISSUER": "https://sso.example.com",
    "ROLLTOP_OIDC_CLIENT_ID": "rolltop",
    "ROLLTOP_OIDC_CLIENT_SECRET": "the-clients-secret",
    "ROLLTOP_OIDC_COOKIE_SECRET": "0123456789abcdef0123456789abcdef",
    "ROLLTOP_OIDC_REDIRECT": "https://hr.example.com/hr/oauth2callback",
}


def locked(name):
    """The versions that this lock file pins, by package."""
    pinned = re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pinned}


def test_the_image_installs_the_versions_that_the_tests_run_with():
    image, tests = locked("requirements-image.lock"), locked("requirements.lock")
    assert len(image) > 60
    assert {name: image[name] for name in image.keys() & tests.keys() if image[name] != tests[name]} == {}
    # What the tests never install belongs to other systems.
    assert image.keys() - tests.keys() == {"colorama", "httpx2-jsfetch"}


def test_the_image_has_all_that_rolltop_needs_and_each_file_is_known_by_its_hash():
    image = locked("requirements-image.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras, asked = {"image"}, list(project["dependencies"])
    while extras:
        for text in project["optional-dependencies"][extras.pop()]:
            needed = Requirement(text)
            (extras.update(needed.extras) if needed.name == "rolltop" else asked.append(text))
    needed = {canonicalize_name(Requirement(text).name) for text in asked}
    assert needed - image.keys() == set()
    for name in needed:
        for text in requires(name) or []:
            dependency = Requirement(text)
            if dependency.marker is None or dependency.marker.evaluate({"extra": ""}):
                assert canonicalize_name(dependency.name) in image, f"{name} needs {dependency}"
    entries = re.split(r"^(?=\w)", (ROOT / "requirements-image.lock").read_text(), flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The root that the Dockerfile's steps leave."""
    if reason := missing():
        pytest.skip(reason)
    built = {}
    for number, stage in enumerate(stages(ROOT / "Dockerfile")):
        root = CleanRoot(tmp_path_factory.mktemp("roots") / str(number))
        root.carry_out(stage, ROOT, built)
        built[stage.name] = root
    return built[""]


def started(image, data, after, **environment):
    """What a shell prints that starts the image's console as compose.yaml has it, and then runs these lines."""
    *_, final = stages(ROOT / "Dockerfile")
    service = COMPOSE["rolltop-1"]
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
    image.environment["STREAMLIT_SERVER_BASE_URL_PATH"] = service["environment"]["STREAMLIT_SERVER_BASE_URL_PATH"]
    program = " ".join(final.last("ENTRYPOINT").command + final.last("CMD").command)
    lines = f"{program} 2>&1 & server=$!\n{after}"
    assert any(volume == f"desk:{final.last('VOLUME').text}" for volume in service["volumes"])
    return image.run(
        ["/bin/sh", "-c", lines],
        environment={**image.environment, "HOME": "/data", **environment},
        binds={final.last("VOLUME").text: data},
        read_only=True,
        network=False,
    )


@pytest.fixture
def data(tmp_path):
    """The volume of a container, which belongs to its user."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    tmp_path.chmod(0o755)
    return folder


@pytest.mark.torture  # it installs everything, as a build of the image does
def test_the_images_console_runs_without_rights_on_a_root_that_cannot_be_written(image, data):
    *_, final = stages(ROOT / "Dockerfile")
    health = final.last("HEALTHCHECK")
    assert image.user == "10001"
    said = started(
        image,
        data,
        f"""
until {health.command[-1]} 2>/data/health; do kill -0 $server; sleep 0.5; done
echo healthy
python -c "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8501/hr/').status)"
id -u
for place in /opt/rolltop/new /etc/new /new; do touch $place 2>/dev/null && echo written $place; done
touch /data/new /tmp/new && echo writable
python -m pip --version 2>/dev/null && echo pip
kill -TERM $server
wait $server
echo ended $?
""",
        **SIGN_IN,
        ROLLTOP_STORE="sqlite:////data/desk.db",
    )
    lines = said.splitlines()
    assert lines[0] == "Rolltop starts on http://0.0.0.0:8501/hr; Ctrl+C ends it"
    assert [line for line in lines if line in ("healthy", "200", "10001", "writable", "pip") or "written" in line] == [
        "healthy",
        "200",
        "10001",
        "writable",
    ]
    assert lines[-1] == "ended 143"
    assert (data / "desk.db").exists()


@pytest.mark.torture  # it installs everything, as a build of the image does
def test_without_a_sign_in_the_image_refuses_to_serve_other_machines(image, data):
    said = started(image, data, "wait $server; echo ended $?")
    assert "anyone can sign in as anyone" in said
    assert said.splitlines()[-1] == "ended 2"
    assert list(data.iterdir()) == []


@pytest.mark.torture  # it installs everything, as a build of the image does
def test_an_image_with_a_companys_plug_in_is_built_from_it_as_the_docs_say(image, data, tmp_path):
    text = (ROOT / "docs" / "production.md").read_text()
    (recipe,) = re.findall(r"^```dockerfile\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "Dockerfile").write_text(recipe)
    built = {"rolltop": image}
    for number, stage in enumerate(stages(tmp_path / "Dockerfile")):
        place = tmp_path / f"root-{number}"
        root = image.copied(place) if stage.base == "rolltop" else CleanRoot(place)
        root.carry_out(stage, ROOT / "examples", built)
        built[stage.name] = root
    assert built[""].user == image.user
    hris = {"ROLLTOP_PLUGINS_HRIS_URL": "http://127.0.0.1:9", "ROLLTOP_PLUGINS_HRIS_TOKEN": "t"}
    settings = {"ROLLTOP_TOOLS": "hris", "ROLLTOP_STORE": "memory:", **hris}
    said = built[""].run(
        ["/bin/sh", "-c", "rolltop doctor --json; true"],
        environment={**built[""].environment, "HOME": "/data", "ROLLTOP_EMBEDDER": "none:", **settings},
        binds={"/data": data},
        read_only=True,
        network=False,
    )
    found = [json.loads(line) for line in said.splitlines()]
    told = [(one["about"], one["what"]) for one in found if one["about"] in ("tools", "desk")]
    assert told == [("tools", "hris: leave_balance")]


def test_compose_starts_two_consoles_on_one_store_that_only_a_proxy_of_the_machine_reaches():
    first, second = COMPOSE["rolltop-1"], COMPOSE["rolltop-2"]
    assert {**first, "ports": None} == {**second, "ports": None}
    ports = [port.rpartition(":")[0] for service in (first, second) for port in service["ports"]]
    assert ports == ["127.0.0.1:8501", "127.0.0.1:8502"]
    assert json.dumps(COMPOSE).count("ports") == 2
