"""The sign-in by OpenID Connect, in a real Chromium, at a provider on this machine."""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.servers import oidc
from tests.support.consoles import CATALOGUE, Console, end, start
from tests.support.desks import PATIENCE
from tests.support.ports import free_port

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

ASK = "an HR officer in Graz"
MAPPING = """
[sign_in]
whom_to_ask = "{ask}"

[oidc]
roles_claim = "groups"
country_claim = "ctry"

[oidc.roles]
staff = "employee"
audit = "employee auditor"
hr = "knowledge_owner"

[oidc.countries]
AT = "austria"
"""
EMPLOYEE = {"sub": "auth0|5f7c", "name": "Ada Example", "groups": ["staff"], "ctry": "AT"}


@pytest.fixture(scope="module")
def provider(browser):
    with oidc.serving() as provider:
        yield provider


@pytest.fixture(scope="module")
def desk(provider, sample_catalogue, tmp_path_factory):
    """A company's console with that provider and the sample handbooks."""
    folder, port = tmp_path_factory.mktemp("signed"), free_port()
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    (folder / "rolltop.toml").write_text(MAPPING.format(ask=ASK))
    with pytest.MonkeyPatch.context() as patch:
        settings = {
            "FILE": str(folder / "rolltop.toml"),
            "OIDC_ISSUER": provider.url,
            "OIDC_CLIENT_ID": oidc.CLIENT,
            "OIDC_CLIENT_SECRET": oidc.SECRET,
            "OIDC_REDIRECT": f"http://127.0.0.1:{port}/oauth2callback",
            "OIDC_COOKIE_SECRET": "a-secret-of-at-least-32-characters",
        }
        for name, value in settings.items():
            patch.setitem(os.environ, f"ROLLTOP_{name}", value)
        process = start(folder, "offline:?delay=0", port, demo=False)
    yield Console(f"http://127.0.0.1:{port}", folder)
    end(process)


@pytest.fixture
def tab(browser, provider):
    """A tab of a new browser profile; the provider knows the employee."""
    provider.claims = dict(EMPLOYEE)
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()


def sign_in(tab, desk, path="/"):
    tab.goto(desk.url + path)
    tab.get_by_role("button", name="Sign in").click()
    return tab


def box(tab):
    return tab.get_by_role("textbox", name="Ask about leave")


def test_a_person_signs_in_and_a_deep_link_leads_to_its_page(desk, tab):
    sign_in(tab, desk, "/my-data?from=mail")
    expect(tab.get_by_role("heading", name="My data")).to_be_visible()
    expect(tab).to_have_url(f"{desk.url}/my-data?from=mail")
    expect(tab.get_by_text("Ada Example")).to_be_visible()
