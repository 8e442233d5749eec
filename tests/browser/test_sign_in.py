"""The sign-in by OpenID Connect, in a real Chromium, at a provider on this machine."""

import os
import shutil
import sqlite3
import time
from contextlib import closing

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
user_id = "oid"
roles_claim = "groups"
country_claim = "ctry"

[oidc.roles]
staff = "employee"
audit = "employee auditor"
hr = "knowledge_owner"

[oidc.countries]
AT = "austria"
"""
EMPLOYEE = {"sub": "pairwise", "oid": "auth0|5f7c", "name": "Ada Example", "groups": ["staff"], "ctry": "AT"}


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


def test_a_question_is_on_record_under_the_users_id_and_the_name_is_nowhere(desk, tab):
    sign_in(tab, desk)
    box(tab).fill("What is our policy on remote work?")
    box(tab).press("Enter")
    expect(tab.get_by_text("Sources").first).to_be_visible()
    with closing(sqlite3.connect(desk.folder / "desk.db")) as store:
        stored = "\n".join(store.iterdump())
    for name, is_stored in (("auth0|5f7c", True), ("Ada Example", False)):
        assert (name in stored or name.encode().hex().upper() in stored) == is_stored
    assert "Ada Example" not in (desk.folder / "console.log").read_text()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://another.example"}, "The sign-in did not succeed"),
        ({"exp": time.time() - 3600, "iat": time.time() - 7200}, "The sign-in did not succeed"),
        ({"iat": time.time() - 9 * 3600}, "Your sign-in has ended"),
        ({"oid": None}, "Your sign-in lacks the claim oid"),
        ({"groups": ["guests"]}, f"You are signed in as auth0|5f7c, and have no role here yet. Ask {ASK}."),
    ],
    ids=["wrong issuer", "expired token", "too long ago", "missing claim", "no role"],
)
def test_a_sign_in_that_does_not_do_says_why_and_shows_no_page(desk, tab, provider, claims, said):
    provider.claims.update(claims)
    sign_in(tab, desk, "/my-data")
    expect(tab.get_by_text(said)).to_be_visible()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    expect(tab).to_have_url(f"{desk.url}/my-data")
    expect(tab.get_by_text("Who has looked")).to_have_count(0)
    provider.claims = dict(EMPLOYEE)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="My data")).to_be_visible()


def test_a_cookie_that_was_changed_signs_nobody_in(desk, tab):
    sign_in(tab, desk)
    box(tab).wait_for()
    (cookie,) = (one for one in tab.context.cookies() if one["name"] == "_streamlit_user")
    assert cookie["httpOnly"]
    middle = len(cookie["value"]) // 2
    changed = "A" if cookie["value"][middle] != "A" else "B"
    cookie["value"] = cookie["value"][:middle] + changed + cookie["value"][middle + 1 :]
    tab.context.add_cookies([cookie])
    tab.goto(desk.url)
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    expect(box(tab)).to_have_count(0)


def test_signing_out_ends_every_tab_and_the_sign_in_at_the_provider(desk, tab, provider):
    sign_in(tab, desk)
    box(tab).fill("What is our policy on remote work?")
    box(tab).press("Enter")
    expect(tab.get_by_text("Sources").first).to_be_visible()
    second = tab.context.new_page()
    second.goto(tab.url)
    expect(second.get_by_text("Sources").first).to_be_visible()
    before = provider.signed_out
    tab.get_by_role("button", name="Sign out").click()
    for page in (tab, second):
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_text("Sources")).to_have_count(0)
        expect(page).to_have_url(f"{desk.url}/")
    assert provider.signed_out == before + 1
    assert not [one for one in tab.context.cookies() if one["name"].startswith("_streamlit_user")]
    provider.claims.update(oid="e-1042", name="Grace Example")
    tab.get_by_role("button", name="Sign in").click()
    for page in (tab, second):
        expect(page.get_by_text("Grace Example")).to_be_visible()


def test_an_unattended_page_is_loaded_anew_when_its_sign_in_ends(desk, tab):
    tab.clock.install()
    sign_in(tab, desk)
    box(tab).wait_for()
    tab.evaluate("window.unattended = true")
    tab.clock.fast_forward("59:00")
    assert tab.evaluate("window.unattended")
    tab.clock.fast_forward("02:00")
    tab.wait_for_function("window.unattended === undefined")


def test_an_auditor_says_why_before_the_first_look(desk, tab, provider):
    provider.claims.update(oid="e-2001", groups=["audit"])
    sign_in(tab, desk, "/threads")
    expect(tab.get_by_text("is recorded with your purpose")).to_have_count(0)
    tab.get_by_role("textbox", name="Purpose").fill("complaint 7")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.get_by_text("is recorded with your purpose: complaint 7")).to_be_visible()
