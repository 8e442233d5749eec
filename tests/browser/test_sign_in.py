"""The sign-in by OpenID Connect, in a real Chromium, at a provider on this machine."""

import os
import re
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager

import pytest

from tests.browser.waits import wait_until
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


@contextmanager
def signing_in_at(provider, folder, *, demo):
    """A console in this folder that signs people in with that provider; e-7001 is its administrator."""
    port = free_port()
    (folder / "rolltop.toml").write_text(MAPPING.format(ask=ASK))
    with pytest.MonkeyPatch.context() as patch:
        settings = {
            "FILE": str(folder / "rolltop.toml"),
            "OIDC_ISSUER": provider.url,
            "OIDC_CLIENT_ID": oidc.CLIENT,
            "OIDC_CLIENT_SECRET": oidc.SECRET,
            "OIDC_REDIRECT": f"http://127.0.0.1:{port}/oauth2callback",
            "OIDC_COOKIE_SECRET": "a-secret-of-at-least-32-characters",
            "ADMINISTRATORS": "e-7001",
        }
        for name, value in settings.items():
            patch.setitem(os.environ, f"ROLLTOP_{name}", value)
        process = start(folder, "offline:?delay=0", port, demo=demo)
    yield Console(f"http://127.0.0.1:{port}", folder)
    end(process)


@pytest.fixture(scope="module")
def desk(provider, tmp_path_factory):
    """A company's console with that provider, and without handbooks."""
    with signing_in_at(provider, tmp_path_factory.mktemp("signed"), demo=False) as desk:
        yield desk


@pytest.fixture
def new_tab(browser, provider):
    """Makes a tab of a new browser profile; the provider knows the employee."""
    contexts = []

    def make():
        provider.claims = dict(EMPLOYEE)
        contexts.append(context := browser.new_context())
        context.set_default_timeout(1000 * PATIENCE)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def tab(new_tab):
    return new_tab()


def sign_in(tab, desk, path="/"):
    tab.goto(desk.url + path)
    tab.get_by_role("button", name="Sign in").click()
    return tab


def box(tab):
    return tab.get_by_role("textbox", name="Ask about leave")


def ask(tab, question):
    """Ask, and wait until the thread is in the address: it is on record then."""
    box(tab).fill(question)
    box(tab).press("Enter")
    expect(tab).to_have_url(re.compile("thread="))
    expect(tab.get_by_text(question).last).to_be_visible()


def is_stored(desk, text):
    """Whether the desk's store holds this text anywhere."""
    with closing(sqlite3.connect(desk.folder / "desk.db")) as store:
        stored = "\n".join(store.iterdump())
    return text in stored or text.encode().hex().upper() in stored


def test_a_person_signs_in_and_a_deep_link_leads_to_its_page(desk, tab):
    sign_in(tab, desk, "/my-data?from=mail")
    expect(tab.get_by_role("heading", name="My data")).to_be_visible()
    expect(tab).to_have_url(f"{desk.url}/my-data?from=mail")
    expect(tab.get_by_text("Ada Example")).to_be_visible()


def test_a_question_is_on_record_under_the_users_id_and_the_name_is_nowhere(desk, tab):
    sign_in(tab, desk)
    ask(tab, "What is our policy on remote work?")
    assert is_stored(desk, "auth0|5f7c")
    assert not is_stored(desk, "Ada Example")
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
    expect(tab.get_by_text(f"ask {ASK}")).to_be_visible()
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


def test_what_signed_a_person_in_signs_nobody_in_when_it_is_sent_again(desk, new_tab):
    tab, answers = new_tab(), []
    tab.on("request", lambda request: answers.append(request.url) if "/oauth2callback?" in request.url else None)
    sign_in(tab, desk)
    box(tab).wait_for()
    cookies = tab.context.cookies()
    thief = new_tab()
    thief.goto(answers[0])  # the provider's answer, with its code
    expect(thief.get_by_text("The sign-in did not succeed")).to_be_visible()
    expect(box(thief)).to_have_count(0)
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    thief.context.add_cookies(cookies)
    thief.goto(desk.url)
    expect(thief.get_by_text("Your sign-in has ended")).to_be_visible()
    expect(box(thief)).to_have_count(0)


def test_signing_out_ends_every_tab_and_the_sign_in_at_the_provider(desk, tab, provider):
    sign_in(tab, desk)
    ask(tab, "What is our policy on remote work?")
    second = tab.context.new_page()
    second.goto(tab.url)
    expect(second.get_by_text("policy on remote work?").last).to_be_visible()
    before = provider.signed_out
    tab.get_by_role("button", name="Sign out").click()
    for page in (tab, second):
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_text("policy on remote work?")).to_have_count(0)
        expect(page).to_have_url(f"{desk.url}/")
    assert provider.signed_out == before + 1
    assert not [one for one in tab.context.cookies() if one["name"].startswith("_streamlit_user")]
    provider.claims.update(oid="e-1042", name="Grace Example")
    tab.get_by_role("button", name="Sign in").click()
    for page in (tab, second):
        expect(page.get_by_text("Grace Example")).to_be_visible()


DEAF = """
window.BroadcastChannel = class { postMessage() {} };
const listen = window.addEventListener;
window.addEventListener = (kind, ...rest) => ["focus", "pageshow"].includes(kind) || listen.call(window, kind, ...rest);
"""


def test_a_question_from_a_tab_that_has_not_heard_of_the_end_is_not_asked(desk, tab):
    sign_in(tab, desk)
    box(tab).wait_for()
    deaf = tab.context.new_page()
    deaf.add_init_script(DEAF)
    deaf.goto(desk.url)
    box(deaf).fill("Asked after the end")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    expect(box(deaf)).to_have_value("Asked after the end")
    box(deaf).press("Enter")
    expect(deaf.get_by_role("button", name="Sign in")).to_be_visible()
    assert not is_stored(desk, "Asked after the end")


def test_an_unattended_page_is_loaded_anew_when_its_sign_in_ends(desk, tab):
    tab.clock.install()
    sign_in(tab, desk)
    box(tab).wait_for()
    tab.evaluate("window.unattended = true")
    tab.clock.fast_forward("59:00")
    assert tab.evaluate("window.unattended")
    tab.clock.fast_forward("02:00")
    wait_until(tab, "window.unattended === undefined")


def test_an_auditor_says_why_before_the_first_look(desk, tab, provider):
    provider.claims.update(oid="e-2001", groups=["audit"])
    sign_in(tab, desk, "/threads")
    expect(tab.get_by_text("is recorded with your purpose")).to_have_count(0)
    tab.get_by_role("textbox", name="Purpose").fill("complaint 7")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.get_by_text("is recorded with your purpose: complaint 7")).to_be_visible()
    # It holds for the sign-in: another tab does not ask again.
    second = tab.context.new_page()
    second.goto(f"{desk.url}/threads")
    expect(second.get_by_text("is recorded with your purpose: complaint 7")).to_be_visible()


@pytest.fixture
def demo(provider, sample_catalogue, tmp_path):
    """A demo with its tools and handbooks, whose people sign in with that provider."""
    shutil.copy(sample_catalogue, tmp_path / CATALOGUE)
    with signing_in_at(provider, tmp_path, demo=True) as desk:
        yield desk


def menu(tab):
    return tab.get_by_test_id("stSidebarNav")


def test_a_granted_role_opens_its_page_until_it_is_taken_away_and_a_block_ends_all(demo, new_tab, provider):
    def person(id):
        tab = new_tab()
        provider.claims.update(oid=id, name=f"Person {id}")
        sign_in(tab, demo)
        expect(tab.get_by_text(f"Person {id}")).to_be_visible()
        return tab

    employee = person("e-1042")
    ask(employee, "What is our policy on remote work?")
    expect(employee.get_by_role("button", name="Open source 1", exact=True)).to_be_visible()
    for bank in ("Bank Graz", "Bank Linz"):
        ask(employee, f'Please issue a salary letter to "{bank}"')
        expect(employee.get_by_text("Waits for an approver until").last).to_be_visible()

    approver = person("e-3001")
    expect(menu(approver).get_by_role("link", name="My data")).to_be_visible()
    expect(menu(approver).get_by_role("link", name="Approvals")).to_have_count(0)

    administrator = person("e-7001")
    menu(administrator).get_by_role("link", name="People & roles").click()
    grant = administrator.get_by_test_id("stForm").filter(has_text="Grant a role")
    grant.get_by_role("textbox", name="Person").fill("e-3001")
    grant.get_by_role("textbox", name="Reason").fill("on duty")  # the page scrolls, so that the roles have room
    grant.get_by_role("combobox", name="Role").fill("Approver")
    administrator.get_by_role("option", name="Approver").click()
    grant.get_by_role("button", name="Grant role").click()
    expect(administrator.get_by_text("e-3001 has the role now.")).to_be_visible()

    menu(approver).get_by_role("link", name="My data").click()
    menu(approver).get_by_role("link", name="Approvals").click()
    approver.get_by_role("button", name="Approve", exact=True).first.click()
    expect(approver.get_by_text("Approved. The request runs")).to_be_visible()
    expect(employee.get_by_text("was approved by e-3001")).to_be_visible()
    expect(approver.get_by_role("button", name="Approve", exact=True)).to_have_count(1)

    administrator.get_by_role("button", name="End role").first.click()
    ending = administrator.get_by_test_id("stPopoverBody")
    ending.get_by_role("textbox", name="Reason").fill("moved on")
    ending.get_by_role("button", name="End role").click()
    expect(administrator.get_by_text("e-3001 no longer has the granted role.")).to_be_visible()

    approver.get_by_role("button", name="Approve", exact=True).click()
    expect(approver.get_by_text("You no longer have the role Approver")).to_be_visible()
    expect(menu(approver).get_by_role("link", name="Approvals")).to_have_count(0)
    expect(approver.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    expect(employee.get_by_text("Waits for an approver until")).to_have_count(1)

    block = administrator.get_by_test_id("stForm").filter(has_text="Block a person")
    block.get_by_role("textbox", name="Person").fill("e-1042")
    block.get_by_role("textbox", name="Reason").fill("left")
    block.get_by_role("button", name="Block").click()
    expect(administrator.get_by_text("e-1042 is blocked.")).to_be_visible()
    box(employee).fill("Asked after the block")
    box(employee).press("Enter")
    expect(employee.get_by_text("an administrator has blocked you here")).to_be_visible()
    expect(employee.get_by_text("policy on remote work?")).to_have_count(0)
    assert not is_stored(demo, "Asked after the block")
