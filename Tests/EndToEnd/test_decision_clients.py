"""Programs that bring humans' decisions: an OAuth library gets the token, and nobody decides as nobody."""

import base64
import json
import secrets

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client

from harness.gateway import Gateway
from harness.waiting import eventually

pytestmark = pytest.mark.timeout(120)

@pytest.fixture(scope="module")
def secret():
    return secrets.token_hex(32)


def clients(configuration, *more):
    configuration["oauth_clients"] = [
        {"id": "servicenow", "secrets": ["env:SERVICENOW"], "users": ["alice@example.com"], "groups": ["security"]},
        {"id": "pager", "secrets": ["env:PAGER", "env:PAGER_OLD"], "groups": ["dba"]},
        *more,
    ]


@pytest.fixture(scope="module")
def desk(scratch, upstream, secret):
    """A gateway with two clients, for the tests of this file."""
    gateway = Gateway(scratch / "clients", upstream.port, change=clients)
    gateway.environment |= {"SERVICENOW": secret, "PAGER": secrets.token_hex(32), "PAGER_OLD": secrets.token_hex(32)}
    gateway.start()
    yield gateway
    gateway.stop()
    gateway.cli("log", "fsck", timeout=300)


def endpoint(gateway):
    return f"http://127.0.0.1:{gateway.control}/oauth/token"


def library(gateway, name="servicenow", secret=None, method="client_secret_basic"):
    """An OAuth client of a library, with a token."""
    secret = secret or gateway.environment[name.upper()]
    client = OAuth2Client(name, secret, scope="decide", token_endpoint_auth_method=method)
    client.fetch_token(endpoint(gateway), grant_type="client_credentials")
    client.base_url = f"http://127.0.0.1:{gateway.control}"
    return client


def ballot(approval, user="alice@example.com", decision="approve", **more):
    body = {"decision": decision, "reason": "CHG0042", "action_digest": approval["action_digest"]}
    return body | ({"on_behalf_of": user} if user else {}) | more


def bring(client, approval, *arguments, **options):
    return client.post(f"/v1/approvals/{approval['id']}/decisions", json=ballot(approval, *arguments, **options))


def hold(gateway, path, method="DELETE", agent="bot"):
    ask = gateway.ask(method, f"/api/{path}", agent=agent, body=b"" if method == "POST" else None)
    return ask, gateway.pending(f"/{path}")


def refusals(gateway):
    return gateway.entries(kind="channel.refused")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_workflow_brings_a_humans_decision(desk, path, method):
    ask, approval = hold(desk, path)
    client = library(desk, method=method)
    assert 0 < client.token["expires_in"] <= 300 and client.token["token_type"] == "Bearer"
    seen = client.get(f"/v1/approvals/{approval['id']}")
    assert seen.status_code == 200 and seen.json()["action_digest"] == approval["action_digest"]
    answer = bring(client, approval)
    assert answer.status_code == 200, answer.text
    assert ask.answer().status == 200
    decision = answer.json()["decisions"][0]
    assert decision["user"] == "alice@example.com"
    entry = [each for each in desk.entries(approval=approval["id"]) if each["kind"] == "approval.decided"][0]
    assert entry["actor"] == {"type": "User", "id": "alice@example.com", "via": "client:servicenow"}
    desk.verify_receipt(approval["id"])


def test_a_client_alone_is_nobody(desk, path):
    ask, approval = hold(desk, path)
    client = library(desk)
    for body in (ballot(approval, None), ballot(approval, on_behalf_of=None), ballot(approval, ""), ballot(approval, 7)):
        answer = client.post(f"/v1/approvals/{approval['id']}/decisions", json=body)
        assert answer.status_code == 400 and "on_behalf_of" in answer.json()["detail"]
    for name in ("client:servicenow", "servicenow", "local-administrator", "bot", "nobody@example.com"):
        answer = bring(client, approval, name)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), name
    assert desk.approval(approval["id"])["decisions"] == []
    desk.approve(approval)
    ask.answer()


def test_only_users_of_the_client_count_and_each_attempt_has_an_entry(desk, path):
    ask, approval = hold(desk, path)
    client = library(desk)
    before = len(refusals(desk))
    # Bob is a DBA, but not this client's.
    answer = bring(client, approval, "bob@example.com")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    entry = refusals(desk)[before]
    assert entry["actor"] == {"type": "User", "id": "unknown", "via": "client:servicenow"}
    assert entry["reasons"] == ["not-allowed"] and "bob@example.com" in entry["detail"]
    # Carol is this client's, and not asked here: the same entry as when she decides herself.
    answer = bring(client, approval, "carol@example.com")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-an-approver")
    # Another letter case is the same person.
    answer = bring(client, approval, "ALICE@example.com")
    assert answer.status_code == 200 and answer.json()["decisions"][0]["user"] == "alice@example.com"
    ask.answer()


def test_the_rules_of_deciding_hold(desk, path):
    ask, approval = hold(desk, path)
    pager = library(desk, "pager")
    # Olga owns the agent.
    answer = bring(pager, approval, "olga@example.com")
    assert (answer.status_code, answer.json()["code"]) == (403, "self-approval")
    wrong = "A" * 43
    answer = bring(pager, approval, "bob@example.com", action_digest=wrong)
    assert (answer.status_code, answer.json()["code"]) == (409, "digest-mismatch")
    assert bring(pager, approval, "bob@example.com").status_code == 200
    answer = bring(pager, approval, "dave@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-decided")
    ask.answer()


def test_one_person_counts_once_through_whatever_they_decide(desk, path):
    ask, approval = hold(desk, f"two-dbas/{path}", "POST")
    pager, other = library(desk, "pager"), library(desk)
    assert bring(pager, approval, "alice@example.com").json()["status"] == "pending"
    answer = bring(other, approval, "alice@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-decided")
    answer = desk.decide(approval, user="alice")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-decided")
    assert desk.approve(approval, "bob")["status"] == "approved"
    ask.answer()


def test_an_approval_that_asks_none_of_its_users_does_not_exist_for_a_client(desk, path):
    ask, approval = hold(desk, f"both-groups/{path}", "POST")
    ask2, other = hold(desk, f"held/{path}", "GET")
    only_security = library(desk)
    assert only_security.get(f"/v1/approvals/{approval['id']}").status_code == 200
    assert only_security.get("/v1/approvals/apr_00000000000000000000000000").status_code == 404
    desk.decide(approval, "deny", "dave")
    desk.decide(other, "deny", "bob")
    ask.answer(), ask2.answer()


def test_a_client_can_do_nothing_else(desk):
    client = library(desk)
    document = desk.anyone().get("/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation["security"] or {"client": ["decide"]} in operation["security"]:
                continue
            target = path
            for name in ("id", "sequence", "connection", "tool", "name", "path"):
                target = target.replace("{" + name + "}", "apr_00000000000000000000000000" if name == "id" else "1")
            answer = client.request(method.upper(), target, json={} if method in ("post", "put", "patch") else None)
            assert answer.status_code in (401, 403), (method, target, answer.status_code)
            tried += 1
    assert tried > 15
    assert client.get("/approvals", follow_redirects=False).status_code in (303, 401, 403, 404)


def test_nobody_else_may_say_on_whose_behalf(desk, path):
    ask, approval = hold(desk, path)
    for client in (desk.user("bob"), desk.agent_api("bot")):
        answer = client.post(f"/v1/approvals/{approval['id']}/decisions", json=ballot(approval))
        assert answer.status_code == 400 and "on_behalf_of" in answer.json()["detail"]
    assert desk.approval(approval["id"])["decisions"] == []
    desk.approve(approval)
    ask.answer()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "body, headers, status, error",
    [
        ("", {}, 400, "invalid_request"),
        ("grant_type=password&username=a&password=b", {}, 400, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", {}, 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&grant_type=client_credentials", {}, 400, "invalid_request"),
        ("grant_type=client_credentials&scope=admin", {}, 400, "invalid_scope"),
        ("grant_type=client_credentials&client_id=servicenow", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=nobody&client_secret=x", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=%00&client_secret=x", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=a&client_id=b&client_secret=x", {}, 400, "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", {"Authorization": "Basic c2VydmljZW5vdzp4"}, 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=other", {"Authorization": "Basic c2VydmljZW5vdzp4"}, 400, "invalid_request"),
        ("grant_type=client_credentials", {"Authorization": "Basic ####"}, 400, "invalid_request"),
        ("grant_type=client_credentials", {"Authorization": "Basic bm9jb2xvbg=="}, 400, "invalid_request"),
        ("grant_type=client_credentials", {"Authorization": "Bearer x"}, 400, "invalid_request"),
        ("grant_type=client_credentials", {"Authorization": "Basic bm9ib2R5Ong="}, 401, "invalid_client"),
        ('{"grant_type": "client_credentials"}', {"Content-Type": "application/json"}, 400, "invalid_request"),
    ],
)  # fmt: skip
def test_the_token_endpoint_answers_mistakes_as_oauth_has_it(desk, body, headers, status, error):
    answer = httpx.post(endpoint(desk), content=body, headers=FORM | headers)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert answer.headers["cache-control"] == "no-store"
    assert (status != 401) or answer.headers["www-authenticate"].startswith("Basic ")


def test_the_token_endpoint_takes_nothing_from_an_address_line(desk, secret):
    query = f"?grant_type=client_credentials&client_id=servicenow&client_secret={secret}"
    assert httpx.get(endpoint(desk) + query).status_code == 405
    assert httpx.post(endpoint(desk) + query, headers=FORM).status_code == 400
    assert secret not in desk.log_text()


def test_guesses_have_a_bounded_number_of_entries_and_never_hold_up_the_right_secret(install):
    gateway = install(change=clients)
    gateway.environment |= {name: secrets.token_hex(32) for name in ("SERVICENOW", "PAGER", "PAGER_OLD")}
    gateway.start()

    def guess(name, n):
        form = {"grant_type": "client_credentials"}
        return httpx.post(endpoint(gateway), auth=(name, f"guess-{n}"), data=form).status_code

    statuses = [guess("pager", n) for n in range(14)]
    assert statuses[:10] == [401] * 10 and 429 in statuses[10:]
    entries = refusals(gateway)
    assert len(entries) >= 10 and all("pager" in each["detail"] and "guess" not in str(each) for each in entries)
    # Other names are no way round it, whether there are such clients or not.
    assert 429 in [guess(name, n) for n in range(4) for name in ("servicenow", "nobody", f"nobody-{n}", "a b")]
    # Behind a proxy everybody has one address: who knows a secret does not wait for who guesses.
    for name in ("pager", "servicenow"):
        assert library(gateway, name).token["access_token"]


def test_tokens_of_every_other_kind_are_none(desk, secret):
    client = library(desk)
    token = client.token["access_token"]
    head, claims, signature = token.removeprefix("cso_").split(".")
    members = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(members | {"sub": "pager"}).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"countersign-client"}').decode().rstrip("=")
    user = desk.token("bob@example.com")
    for bad in (
        token[:-2], "cso_" + f"{head}.{forged}.{signature}", "cso_" + f"{none}.{claims}.", "cso_", "cso_.." ,
        "cso_" + user.removeprefix("cst_"), "cst_" + token.removeprefix("cso_"), token.removeprefix("cso_"), secret,
    ):  # fmt: skip
        answer = httpx.get(f"http://127.0.0.1:{desk.control}/v1/me", headers={"Authorization": f"Bearer {bad}"})
        assert answer.status_code == 401, bad
        path = f"http://127.0.0.1:{desk.control}/v1/approvals/apr_00000000000000000000000000"
        assert httpx.get(path, headers={"Authorization": f"Bearer {bad}"}).status_code == 401, bad


def test_what_is_taken_out_of_the_configuration_ends_at_once(install):
    gateway = install(change=clients)
    gateway.environment |= {name: secrets.token_hex(32) for name in ("SERVICENOW", "PAGER", "PAGER_OLD")}
    gateway.start()
    old = library(gateway, "pager", gateway.environment["PAGER_OLD"])
    new = library(gateway, "pager")
    ask, approval = hold(gateway, "x")
    for client in (old, new):
        assert client.get(f"/v1/approvals/{approval['id']}").status_code == 200
    # The old secret goes, and with it the tokens that it was worth.
    gateway.configuration["oauth_clients"][1]["secrets"].pop()
    gateway.write_configuration()
    gateway.hang_up()
    eventually(lambda: old.get(f"/v1/approvals/{approval['id']}").status_code == 401, 10)
    assert new.get(f"/v1/approvals/{approval['id']}").status_code == 200
    gateway.configuration["oauth_clients"].pop()
    gateway.write_configuration()
    gateway.hang_up()
    eventually(lambda: new.get(f"/v1/approvals/{approval['id']}").status_code == 401, 10)
    assert bring(new, approval, "bob@example.com").status_code == 401
    gateway.approve(approval)
    assert ask.answer().status == 200


@pytest.mark.parametrize(
    "client, words",
    [
        ({"id": "x", "secrets": ["env:SERVICENOW"]}, "for nobody"),
        ({"id": "x", "secrets": ["env:SHORT"], "groups": ["dba"]}, "shorter than 32"),
        ({"id": "a b", "secrets": ["env:SERVICENOW"], "groups": ["dba"]}, "is not a client's name"),
        ({"id": "servicenow", "secrets": ["env:SERVICENOW"], "groups": ["dba"]}, "two clients"),
        ({"id": "x", "secrets": ["in the clear"], "groups": ["dba"]}, "must be a reference"),
        ({"id": "x", "groups": ["dba"]}, "lacks the key secrets"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said(install, client, words):
    gateway = install(change=lambda configuration: clients(configuration, client))
    gateway.environment |= {name: secrets.token_hex(32) for name in ("SERVICENOW", "PAGER", "PAGER_OLD")}
    gateway.environment["SHORT"] = "x" * 31
    code, said = gateway.refuse_to_start()
    assert code != 0 and words in said


def test_the_metadata_says_where_tokens_are(desk):
    metadata = desk.anyone().get("/.well-known/oauth-authorization-server").json()
    assert metadata["token_endpoint"] == endpoint(desk) and metadata["grant_types_supported"] == ["client_credentials"]
    document = desk.anyone().get("/openapi.json").json()
    flow = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == endpoint(desk)
