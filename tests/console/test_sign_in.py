"""Who a sign-in says somebody is, how long it lasts, and where it leads: without a browser."""

import json
import re
import time
import tomllib
from datetime import UTC, datetime, timedelta
from threading import current_thread

import anyio.to_thread
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

import console.upload_guard
from console.app import close, start
from console.settings import read_settings
from console.sign_in.claims import ClaimMapping
from console.sign_in.gate import SignInGate
from console.sign_in.identity import Identity
from console.sign_in.oidc import OidcSignIn
from console.sign_in.proxy import ProxySignIn
from console.sign_in.return_path import FAILED, RETURN, ReturnPath
from console.sign_in.roles import viewer_of
from console.sign_in.settings import SignInSettings, read_sign_in
from console.sign_in.way import way
from console.upload_guard import UploadGuard
from core.errors import InvalidInput, Unavailable
from core.gate import Viewer
from tests.support.paths import ROOT
from tests.support.signing_in import any_store

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
COOKIE_SECRET = "a-secret-of-at-least-32-characters"
SECRETS = {
    "ROLLTOP_OIDC_CLIENT_SECRET": "s",
    "ROLLTOP_OIDC_COOKIE_SECRET": COOKIE_SECRET,
    "ROLLTOP_OIDC_ENTRA_CLIENT_SECRET": "entra's",
    "ROLLTOP_OIDC_OKTA_CLIENT_SECRET": "okta's",
    "ROLLTOP_PROXY_SECRET": COOKIE_SECRET,
}
ONE = {
    "ROLLTOP_OIDC_ISSUER": "https://sso.example",
    "ROLLTOP_OIDC_CLIENT_ID": "desk",
    "ROLLTOP_OIDC_CLIENT_SECRET": "the-clients-secret",
    "ROLLTOP_OIDC_REDIRECT": "https://hr.example/oauth2callback",
    "ROLLTOP_OIDC_COOKIE_SECRET": COOKIE_SECRET,
    "ROLLTOP_OIDC_EVERYONE": "employee",
}


@pytest.fixture
def settings_of(tmp_path):
    """The settings of this rolltop.toml with this environment."""

    def read(toml="", **environment):
        file = tmp_path / "rolltop.toml"
        file.write_text(toml)
        return read_sign_in({"ROLLTOP_FILE": str(file), **environment})

    return read


def examples():
    """The examples of docs/sign-in.md, by the heading above each."""
    parts = re.split(r"^##+ (.*)$", (ROOT / "docs" / "sign-in.md").read_text(), flags=re.MULTILINE)
    found = [re.search(r"```toml\n(.*?)```", part, re.DOTALL) for part in parts[2::2]]
    return {title: toml[1] for title, toml in zip(parts[1::2], found, strict=True) if toml}


def example(settings_of, name, **environment):
    toml = examples()[name]
    return settings_of(toml, **{variable: value for variable, value in SECRETS.items() if fits(variable, toml)})


def fits(variable, toml):
    """Whether this secret belongs to this example."""
    table = tomllib.loads(toml)
    if "proxy" in table or "PROXY" in variable:
        return "proxy" in table and "PROXY" in variable
    several = "entra" in table["oidc"]
    return "COOKIE" in variable or several == ("ENTRA" in variable or "OKTA" in variable)


def person(settings: SignInSettings, claims, provider="default"):
    return settings.oidc.providers[provider].identity({"iat": NOW.timestamp(), **claims}, provider, now=NOW)


def told(identity: Identity):
    return identity.user_id, set(identity.roles), identity.country, identity.entity


@pytest.mark.parametrize(
    ("name", "claims", "expected"),
    [
        (
            "Entra ID",
            {"oid": "5f7c-11", "sub": "other", "roles": ["HR.Auditor", "Another.App"], "ctry": "AT"},
            ("5f7c-11", {"employee", "auditor"}, "austria", None),
        ),
        ("Entra ID", {"oid": "5f7c-12", "ctry": "FR"}, ("5f7c-12", {"employee"}, None, None)),
        (
            "Okta",
            {"sub": "00u1", "groups": ["Everyone", "Data Protection"], "country": "uk", "company": "Example Ltd"},
            ("00u1", {"employee", "data_protection_officer"}, "uk", "Example Ltd"),
        ),
        (
            "Keycloak",
            {"sub": "f:1", "preferred_username": "ada", "realm_access": {"roles": ["employee", "hr-author"]}},
            ("ada", {"employee", "knowledge_owner"}, None, None),
        ),
        ("Keycloak", {"sub": "f:1", "preferred_username": "left"}, ("left", set(), None, None)),
        (
            "Google",
            {"sub": "1", "email": "josé@example.com", "email_verified": True, "hd": "example.com"},
            ("josé@example.com", {"employee"}, None, None),
        ),
        ("Google", {"sub": "2", "email": "a@gmail.com", "email_verified": True}, ("a@gmail.com", set(), None, None)),
    ],
)
def test_the_examples_of_the_docs_map_what_the_provider_sends(settings_of, name, claims, expected):
    assert told(person(example(settings_of, name), claims)) == expected


def test_the_environment_comes_before_rolltop_toml_and_that_before_streamlits_secrets(
    settings_of, tmp_path, monkeypatch
):
    home, here = tmp_path / "home", tmp_path / "here"
    for place, secret in ((home, "home's"), (here, "here's")):
        (place / ".streamlit").mkdir(parents=True)
        (place / ".streamlit" / "secrets.toml").write_text(
            f'[oidc]\nclient_secret = "{secret}"\ncookie_secret = "{COOKIE_SECRET}"\nclient_id = "secrets\'"\n'
            "[another_program]\nkey = 1\n"
        )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    toml = '[oidc]\nissuer = "https://sso.example"\nclient_id = "file\'s"\nredirect = "https://hr.example/oauth2callback"\n'
    (provider,) = settings_of(toml).oidc.providers.values()
    assert (provider.client_id, provider.client_secret.get_secret_value()) == ("file's", "here's")
    (provider,) = settings_of(toml, ROLLTOP_OIDC_CLIENT_SECRET="environment's").oidc.providers.values()
    assert provider.client_secret.get_secret_value() == "environment's"
    (here / ".streamlit" / "secrets.toml").write_text("[oidc\n")
    with pytest.raises(InvalidInput, match=r"secrets\.toml is not TOML"):
        settings_of(toml)


def test_the_docs_have_an_example_for_each_way():
    assert {"Entra ID", "Okta", "Keycloak", "Google", "Several providers", "Behind a proxy of your own"} <= set(
        examples()
    )


def test_several_providers_have_a_secret_of_their_own_and_streamlit_gets_all_it_needs(settings_of):
    settings = example(settings_of, "Several providers")
    auth = settings.oidc.auth_secrets()["auth"]
    assert auth["entra"] == {
        "client_id": "00000000-0000-0000-0000-000000000000",
        "client_secret": "entra's",
        "server_metadata_url": ("https://login.microsoftonline.com/YOUR-TENANT/v2.0/.well-known/openid-configuration"),
        "client_kwargs": {"scope": "openid profile email"},
    }
    assert auth["okta"]["client_secret"] == "okta's"
    assert auth["redirect_uri"] == "https://hr.example.com/oauth2callback"
    assert auth["cookie_secret"] == COOKIE_SECRET


def test_a_variable_comes_before_the_file(settings_of):
    toml = '[oidc]\nclient_id = "of-the-file"\nuser_id = "oid"\n[oidc.roles]\nhr = ["auditor"]'
    (provider,) = settings_of(toml, **ONE).oidc.providers.values()
    assert (provider.client_id, provider.user_id, provider.roles) == ("desk", "oid", {"hr": {"auditor"}})


@pytest.mark.parametrize(
    ("toml", "environment", "said"),
    [
        ("", ONE | {"ROLLTOP_OIDC_CLIENTID": "x"}, "unknown setting ROLLTOP_OIDC_CLIENTID: the settings are"),
        ("", ONE | {"ROLLTOP_OIDC_ENTRA_CLIENT_ID": "x"}, "unknown setting ROLLTOP_OIDC_ENTRA_CLIENT_ID"),
        ("", ONE | {"ROLLTOP_OIDC_REDIRECT": "https://hr.example/"}, "oidc.redirect: .*oauth2callback"),
        ("", ONE | {"ROLLTOP_OIDC_REDIRECT": "http://hr.example/oauth2callback"}, "oidc.redirect: .*https://"),
        ("", ONE | {"ROLLTOP_OIDC_ISSUER": "http://sso.example"}, "oidc.issuer: .*https://"),
        ("", ONE | {"ROLLTOP_OIDC_COOKIE_SECRET": "hunter2"}, "oidc.cookie_secret: .*32"),
        ("", ONE | {"ROLLTOP_OIDC_EVERYONE": "boss"}, "oidc.everyone.*auditor"),
        ("", ONE | {"ROLLTOP_OIDC_SESSION_HOURS": "99"}, "oidc.session_hours"),
        (
            "",
            {"ROLLTOP_OIDC_CLIENT_ID": "desk"},
            "oidc.issuer: it must be set, in rolltop.toml or as ROLLTOP_OIDC_ISSUER",
        ),
        ("[oidc.roles]\nhr = ['boss']", ONE, "oidc.roles.hr"),
        ("[odic]\nissuer = 'x'", {}, "odic"),
        ("[oidc.entra]\nissuer = 'https://a.example'", ONE, "oidc: issuer, client_id.*\\[oidc.NAME\\]"),
        ("[oidc", {}, "rolltop.toml is not TOML"),
        ("", ONE | {"ROLLTOP_PROXY_SECRET": COOKIE_SECRET}, "one sign-in at a time"),
        ("", {"ROLLTOP_PROXY_SECRET": "hunter2"}, "proxy.secret"),
        ("[proxy]\nsecrett = 'hunter2'", {}, "proxy.secret: it must be set.*proxy.secrett: unknown setting"),
        ("", {"ROLLTOP_SIGN_IN_OWN": "no colon"}, "sign_in.own"),
        ("", {"ROLLTOP_SIGN_IN_WHO": "x"}, "sign_in.who"),
    ],
)
def test_a_fault_in_the_settings_is_named_and_no_value_is_repeated(settings_of, toml, environment, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        settings_of(toml, **environment)
    assert "hunter2" not in str(caught.value)
    assert "the-clients-secret" not in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(InvalidInput, match="ROLLTOP_FILE cannot be read"):
        read_sign_in({"ROLLTOP_FILE": str(tmp_path / "none.toml")})


def test_the_consoles_other_settings_leave_those_of_the_sign_in_alone(monkeypatch):
    for name, value in ONE.items():
        monkeypatch.setenv(name, value)
    read_settings()


GROUPS = ClaimMapping(roles={"hr": frozenset({"auditor"})})


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"sub": None}, "lacks the claim sub"),
        ({"sub": 7}, "claim sub of your sign-in is not a text"),
        ({"sub": " blank "}, "a user id is"),
        ({"groups": {"hr": True}}, "claim groups of your sign-in is neither"),
        ({"groups": ["hr", 7]}, "claim groups of your sign-in is neither"),
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, "more groups than fit"),
        ({"hasgroups": True}, "more groups than fit"),
        ({"name": ["x"]}, "claim name"),
        ({"iat": None}, "lacks the claim iat"),
        ({"iat": "today"}, "lacks the claim iat"),
        ({"iat": 1e30}, "not a time"),
        ({"iat": (NOW + timedelta(hours=1)).timestamp()}, "from the future"),
    ],
)
def test_claims_of_another_shape_are_refused_in_words(claims, said):
    with pytest.raises(InvalidInput, match=said):
        GROUPS.identity({"sub": "e-1", "iat": NOW.timestamp(), **claims}, "p", now=NOW)


@pytest.mark.parametrize(
    ("user_id", "claims"),
    [
        ("email", {"email": "boss@firm.example", "email_verified": False}),
        ("email", {"email": "boss@firm.example", "email_verified": "true"}),
        ("phone_number", {"phone_number": "+43 1 99", "phone_number_verified": False}),
        ("user.email", {"user": {"email": "boss@firm.example", "email_verified": False}}),
    ],
)
def test_an_address_that_the_provider_has_not_verified_names_nobody(user_id, claims):
    with pytest.raises(InvalidInput, match="not verified"):
        ClaimMapping(user_id=user_id).identity({"iat": NOW.timestamp(), **claims}, "p", now=NOW)


def test_left_out_groups_matter_only_if_they_give_roles():
    claims = {"sub": "e-1", "iat": NOW.timestamp(), "hasgroups": True, "roles": "hr"}
    mapping = ClaimMapping(roles_claim="roles", roles={"hr": frozenset({"auditor"})})
    assert mapping.identity(claims, "p", now=NOW).roles == {"auditor"}
    assert ClaimMapping(everyone=frozenset({"employee"})).identity(claims, "p", now=NOW).roles == {"employee"}


def test_a_claim_with_dots_in_its_name_is_found_before_a_path():
    mapping = ClaimMapping(roles_claim="https://hr.example/roles", roles={"hr": frozenset({"auditor"})})
    claims = {"sub": "e-1", "iat": NOW.timestamp(), "https://hr.example/roles": ["hr"]}
    assert mapping.identity(claims, "p", now=NOW).roles == {"auditor"}


class Clock:
    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time

    def go(self, **time):
        self.time += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def signing_in(settings_of, clock):
    """A sign-in with one provider, at nine o'clock."""
    return OidcSignIn(settings_of(**ONE).oidc, clock)


def headers(secret=COOKIE_SECRET, **claims):
    """What a browser sends that has signed in at nine."""
    standard = {"sub": "e-1", "iat": NOW.timestamp(), "exp": NOW.timestamp() + 300, "provider": "default"}
    cookie = {**standard, "origin": "https://hr.example", "is_logged_in": True, **claims}
    return {"cookie": f"_streamlit_user={create_signed_value(secret, '_streamlit_user', json.dumps(cookie)).decode()}"}


def test_the_cookie_of_a_sign_in_names_its_person(signing_in):
    identity = signing_in.sign_in(headers())
    assert (identity.user_id, identity.roles, identity.signed_in_at) == ("e-1", {"employee"}, NOW)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"cookie": "_streamlit_user=e-1"},
        headers(secret="another-secret-of-more-than-32-characters"),
        {"cookie": headers()["cookie"][:40] + "A" + headers()["cookie"][41:]},
        headers(origin="https://other.example"),
        headers(provider="okta"),
    ],
    ids=["none", "plain", "other secret", "tampered", "other console", "other provider"],
)
def test_any_other_cookie_names_nobody(signing_in, sent):
    assert signing_in.sign_in(sent) is None


def test_parts_of_two_sign_ins_are_no_sign_in(settings_of, clock, monkeypatch):
    signing_in = OidcSignIn(settings_of('[oidc.roles]\nhr = ["auditor"]', **ONE).oidc, clock)

    def cookies(first, at):
        monkeypatch.setattr(time, "time", at.timestamp)
        claims = json.dumps({"groups": [first], "sub": "e-1", "iat": at.timestamp(), "provider": "default"})[:-1]
        rest = ', "origin": "https://hr.example"}'
        values = {
            "_streamlit_user": "chunks-2",
            "_streamlit_user_1": claims[:17],
            "_streamlit_user_2": claims[17:] + rest,
        }
        return {name: create_signed_value(COOKIE_SECRET, name, value).decode() for name, value in values.items()}

    def sent(parts):
        return signing_in.sign_in({"cookie": "; ".join(f"{name}={value}" for name, value in parts.items())})

    before = cookies("hr", NOW - timedelta(days=20))
    now = cookies("it", NOW)
    assert sent(now).roles == {"employee"}
    assert sent({**now, "_streamlit_user_1": before["_streamlit_user_1"]}) is None


def test_ids_of_several_providers_begin_with_the_providers_name(settings_of, clock):
    signing_in = OidcSignIn(example(settings_of, "Several providers").oidc, clock)
    sent = headers(provider="okta", origin="https://hr.example.com")
    assert signing_in.sign_in(sent).user_id == "okta:e-1"


def test_a_sign_in_ends_after_its_hours_however_it_is_used(signing_in, clock):
    for _ in range(15):
        clock.go(minutes=30)
        signing_in.sessions.use(signing_in.sign_in(headers()))
    clock.go(minutes=29)
    assert signing_in.sign_in(headers())
    clock.go(minutes=1)
    with pytest.raises(InvalidInput, match="has ended"):
        signing_in.sign_in(headers())


def test_a_sign_in_ends_once_it_was_not_used_for_an_hour(signing_in, clock):
    clock.go(minutes=59)
    identity = signing_in.sign_in(headers())
    signing_in.sessions.use(identity)
    clock.go(minutes=59)
    assert signing_in.sign_in(headers()) == identity
    clock.go(minutes=1)
    with pytest.raises(InvalidInput, match="has ended"):
        signing_in.sign_in(headers())


def test_to_sign_out_ends_that_sign_in_and_no_later_one(signing_in, clock):
    signing_in.sessions.end(signing_in.sign_in(headers()))
    with pytest.raises(InvalidInput, match="has ended"):
        signing_in.sign_in(headers())
    clock.go(seconds=1)
    assert signing_in.sign_in(headers(iat=clock.time.timestamp()))


def test_what_is_known_of_old_sign_ins_goes(signing_in, clock):
    sessions = signing_in.sessions
    sessions.end(signing_in.sign_in(headers()))
    sessions.use(signing_in.sign_in(headers(sub="e-2")))
    sessions.look_for(signing_in.sign_in(headers(sub="e-2")), "complaint 7")
    clock.go(hours=17)
    sessions.use(signing_in.sign_in(headers(iat=clock.time.timestamp())))
    assert (len(sessions._ended), len(sessions._used), len(sessions._purposes)) == (0, 1, 0)


def test_a_purpose_holds_for_its_sign_in_and_ends_with_it(signing_in, clock):
    sessions, identity = signing_in.sessions, signing_in.sign_in(headers())
    sessions.use(identity)
    sessions.look_for(identity, "complaint 7")
    assert sessions.purpose(signing_in.sign_in(headers())) == "complaint 7"
    clock.go(seconds=1)
    assert sessions.purpose(signing_in.sign_in(headers(iat=clock.time.timestamp()))) is None
    assert sessions.purpose(signing_in.sign_in(headers(sub="e-2"))) is None
    sessions.look_for(identity, None)
    assert sessions.purpose(identity) is None
    sessions.look_for(identity, "complaint 8")
    sessions.end(identity)
    sessions.look_for(identity, "from a tab that has not heard of the end")
    assert sessions.purpose(identity) is None


def test_a_sign_in_may_end_with_its_token(settings_of, clock):
    signing_in = OidcSignIn(settings_of(**ONE, ROLLTOP_OIDC_UNTIL_TOKEN_EXPIRES="true").oidc, clock)
    assert signing_in.sign_in(headers())
    clock.go(minutes=5)
    with pytest.raises(InvalidInput, match="has ended"):
        signing_in.sign_in(headers())


async def connect(sign_in, *messages, cookie=""):
    """What Streamlit receives on a websocket through the gate, and which protocols it is asked for."""
    waiting, seen, asked = [*messages, {"type": "websocket.disconnect"}], [], []

    async def receive():
        return waiting.pop(0)

    async def streamlit(scope, receive, send):
        asked.append(dict(scope["headers"])[b"sec-websocket-protocol"].decode())
        while (message := await receive())["type"] != "websocket.disconnect":
            seen.append(BackMsg.FromString(message["bytes"]))

    sent = [(b"cookie", cookie.encode()), (b"sec-websocket-protocol", b"streamlit, token, session")]
    await SignInGate(streamlit, sign_in)({"type": "websocket", "headers": sent}, receive, None)
    return seen, asked[0]


def click():
    message = BackMsg()
    message.rerun_script.query_string = "thread=7"
    message.rerun_script.fragment_id = "fragment"
    message.rerun_script.widget_states.widgets.add(id="ask", trigger_value=True)
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def upload():
    message = BackMsg()
    message.file_urls_request.session_id = "session"
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


async def test_a_click_of_a_sign_in_that_has_ended_is_a_plain_run_of_its_page(signing_in):
    class EndsAfterTwo:
        calls = 0

        def sign_in(self, sent):
            self.calls += 1
            if self.calls == 3:  # the handshake was the first
                signing_in.sessions.end(signing_in.sign_in(sent))
            return signing_in.sign_in(sent)

    seen, asked = await connect(EndsAfterTwo(), click(), click(), upload(), cookie=headers()["cookie"])
    before, after = seen
    assert before.SerializeToString() == click()["bytes"]
    assert after.rerun_script.query_string == "thread=7"
    assert not after.rerun_script.widget_states.widgets
    assert not after.rerun_script.fragment_id
    assert asked == "streamlit, token, session"


async def test_a_tab_that_is_not_signed_in_gets_the_sign_in_in_a_session_of_its_own(signing_in):
    (seen,), asked = await connect(signing_in, click())
    assert seen.rerun_script.widget_states.widgets
    assert asked == "streamlit, token"


async def led(
    path, query="", *, referer="", cookie="", status=302, answered=(("location", "/"),), origin="https://hr.example"
):
    """The headers that a browser gets for a request on the way to its provider or back, by name."""
    sent = []

    async def streamlit(scope, receive, send):
        lines = [(name.encode(), value.encode()) for name, value in answered]
        await send({"type": "http.response.start", "status": status, "headers": lines})

    async def send(message):
        sent.append(message)

    lines = [(b"referer", referer.encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "path": path, "query_string": query.encode(), "headers": lines}
    await ReturnPath(streamlit, origin)(scope, None, send)
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    cookies = dict(value.split("=", 1) for name, value in headers if name == "set-cookie")
    return sent[0]["status"], dict(headers)["location"], cookies


@pytest.mark.parametrize(
    ("referer", "path"),
    [
        ("https://hr.example/thread?tr_id=7", "/thread?tr_id=7"),
        ("https://hr.example/", "/"),
        ("https://other.example/thread", "/"),
        ("https://hr.example@other.example/x", "/"),
        ("http://hr.example/x", "/"),
        ("https://hr.example//other.example", "/"),
        ("https://hr.example/\\other.example", "/"),
        ("", "/"),
    ],
)
async def test_a_sign_in_leads_back_to_the_page_it_began_on_and_never_to_another_server(referer, path):
    _, _, cookies = await led("/auth/login", "provider=x", referer=referer)
    value, _, attributes = cookies[RETURN].partition(";")
    assert "HttpOnly" in attributes
    assert "Secure" in attributes
    answered = (("location", "/"), ("set-cookie", "_streamlit_user=signed; Max-Age=9"))
    back = await led("/oauth2callback", "code=1&state=2", cookie=f"{RETURN}={value}", answered=answered)
    assert back[1] == path
    assert back[2][RETURN].startswith("; Max-Age=0")
    assert back[2]["_streamlit_user"] == "signed; Max-Age=9; Secure"
    assert back[2][FAILED].startswith("; Max-Age=0")


async def test_a_cookie_that_somebody_else_has_set_leads_to_no_other_server():
    for forged in ("%2F%2Fother.example", "%40other.example%2F", ".other.example", "https%3A%2F%2Fother.example"):
        assert (await led("/oauth2callback", "code=1", cookie=f"{RETURN}={forged}"))[1] == "/"


@pytest.mark.parametrize("query", ["code=1&state=2", "error=access_denied"])
async def test_a_sign_in_that_failed_leaves_a_word_for_the_page(query):
    dropped = (("location", "/"), ("set-cookie", "_streamlit_user=; Max-Age=0"))
    assert (await led("/oauth2callback", query, answered=dropped))[2][FAILED].startswith("1;")


async def test_to_come_back_from_signing_out_is_no_failure():
    assert FAILED not in (await led("/oauth2callback"))[2]


async def test_a_provider_that_does_not_answer_leads_back_to_the_page():
    referer = "http://localhost:8501/my-data"
    status, location, cookies = await led("/auth/login", referer=referer, status=400, origin="http://localhost:8501")
    assert (status, location) == (302, "/my-data")
    assert cookies[FAILED].startswith("1;")
    assert "Secure" not in cookies[FAILED]


@pytest.fixture
def proxied(settings_of, clock):
    return ProxySignIn(example(settings_of, "Behind a proxy of your own").proxy, clock)


def test_a_proxys_headers_count_beside_its_secret(proxied):
    sent = {
        "X-Rolltop-Proxy-Secret": COOKIE_SECRET,
        "X-Forwarded-User": "josé".encode().decode("latin-1"),
        "X-Forwarded-Groups": "staff, hr-auditors",
    }
    identity = proxied.sign_in(sent)
    assert told(identity) == ("josé", {"employee", "auditor"}, None, None)
    assert identity == proxied.sign_in(sent)


@pytest.mark.parametrize("secret", [None, "", "another", COOKIE_SECRET + "x"])
def test_without_the_proxys_secret_headers_name_nobody(proxied, secret):
    sent = {"X-Forwarded-User": "e-1"} | ({"X-Rolltop-Proxy-Secret": secret} if secret is not None else {})
    assert proxied.sign_in(sent) is None


@pytest.mark.parametrize(("user", "said"), [("", "lacks the claim X-Forwarded-User"), ("jos\xe9", "is not UTF-8")])
def test_a_proxy_that_names_nobody_is_told(proxied, user, said):
    with pytest.raises(InvalidInput, match=said):
        proxied.sign_in({"X-Rolltop-Proxy-Secret": COOKIE_SECRET, "X-Forwarded-User": user})


@pytest.fixture
def way_with(monkeypatch):
    """The way to sign in of a process with this sign-in of its own."""

    def make(own):
        monkeypatch.setenv("ROLLTOP_SIGN_IN_OWN", own)
        way.cache_clear()
        return way()

    yield make
    way.cache_clear()


def test_a_sign_in_of_ones_own_is_an_object_with_one_method(way_with):
    assert way_with("tests.support.signing_in:any_store").sign_in is any_store


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("tests.support.nowhere:it", "cannot be imported"),
        ("tests.support.signing_in:nothing", "cannot be imported"),
        ("tests.support.signing_in:SINCE", "lacks the method sign_in"),
    ],
)
def test_a_sign_in_of_ones_own_that_is_none_is_named(way_with, own, said):
    with pytest.raises(InvalidInput, match=said):
        way_with(own)


@pytest.fixture
def keepers(monkeypatch, tmp_path):
    """A process in which the provider's people are knowledge owners, with a desk."""
    store = {"ROLLTOP_STORE": f"sqlite:///{tmp_path}/desk.db", "ROLLTOP_MODEL": "offline:"}
    for name, value in (ONE | store | {"ROLLTOP_OIDC_EVERYONE": "knowledge_owner"}).items():
        monkeypatch.setenv(name, value)
    way.cache_clear()
    yield start()
    close()
    way.cache_clear()


async def put(**claims):
    """Whether a file reaches Streamlit from the browser of a person with these claims; else what it is answered."""
    sent, reached, answers = headers(**{"iat": datetime.now(UTC).timestamp(), **claims}), [], []

    async def streamlit(scope, receive, send):
        reached.append(scope["path"])

    async def send(message):
        answers.append(message)

    lines = [(name.encode(), value.encode()) for name, value in sent.items()]
    scope = {"type": "http", "method": "PUT", "path": "/file", "headers": lines}
    await UploadGuard(streamlit)(scope, None, send)
    assert bool(reached) != bool(answers)
    return answers[0]["status"] if answers else "taken"


async def test_a_file_is_taken_from_a_knowledge_owner_of_the_provider_alone(keepers):
    assert await put() == "taken"
    assert await put(provider="another") == 403
    assert await put(iat=NOW.timestamp() - 1e8) == 403
    assert await put(sub=None) == 403


async def test_a_file_is_taken_by_the_roles_on_record(keepers, monkeypatch):
    people, admin = keepers.desk.administration, Viewer("e-7001", {"administrator"})
    await anyio.to_thread.run_sync(keepers.run, people.block(admin, "e-1", "left"))
    assert await put() == 403
    monkeypatch.setenv("ROLLTOP_OIDC_EVERYONE", "employee")
    way.cache_clear()
    assert await put(sub="e-2") == 403
    await anyio.to_thread.run_sync(keepers.run, people.grant(admin, "e-2", "knowledge_owner", "writes handbooks"))
    assert await put(sub="e-2") == "taken"
    await anyio.to_thread.run_sync(keepers.run, people.end_grant(admin, "e-2", "knowledge_owner", "moved on"))
    assert await put(sub="e-2") == 403

    async def away(person):
        raise Unavailable("away")

    monkeypatch.setattr(people, "_granted", away)
    assert await put() == 503


async def test_who_may_upload_is_asked_outside_of_the_servers_loop(keepers, monkeypatch):
    threads = []

    def asked(identity):
        threads.append(current_thread())
        return viewer_of(identity)

    monkeypatch.setattr(console.upload_guard, "viewer_of", asked)
    assert await put() == "taken"
    assert threads != [current_thread()]
