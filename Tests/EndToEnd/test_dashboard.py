"""The dashboard without a browser: pages and forms over plain HTTP, and what must not work."""

import html
import re

import httpx
import pytest


def field(page, name):
    """The value of a hidden field."""
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def sign_in(gateway, user="bob"):
    """A client with a session, signed in by a one-time link."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}", follow_redirects=False, timeout=20)
    link = gateway.sign_in_link(f"{user}@example.com")
    page = client.get(link)
    assert page.status_code == 200
    answer = client.post("/sign-in", data={"token": field(page.text, "token")})
    assert answer.status_code == 303 and answer.headers["location"] == "/", answer.text
    return client


@pytest.fixture
def browser(gateway):
    """Signs users in; the clients are closed at the end."""
    clients = []

    def make(user="bob"):
        clients.append(sign_in(gateway, user))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def held(gateway, path, *headers, method="DELETE"):
    answer = gateway.exchange(method, f"/api{path}", ("Prefer", "wait=0"), *headers)
    assert answer.status == 202
    return gateway.approval(answer.header("location").rsplit("/", 1)[1])


def form(page, decision, reason=""):
    names = ("csrf", "action_digest", "preview_digest")
    return {name: field(page, name) for name in names} | {"decision": decision, "reason": reason}


def decide(client, approval, decision, reason="", **changes):
    url = f"/approvals/{approval['id']}"
    return client.post(url + "/decide", data=form(client.get(url).text, decision, reason) | changes)


def test_the_session_cookie_is_strict_and_out_of_scripts_reach(gateway):
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}") as client:
        page = client.get(gateway.sign_in_link("bob@example.com"))
        answer = client.post("/sign-in", data={"token": field(page.text, "token")})
        cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Max-Age=" in cookie


def test_a_sign_in_link_works_once(gateway):
    link = gateway.sign_in_link("bob@example.com")
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}") as client:
        # Looking at the link, as a chat's preview does, does not use it up.
        for _ in range(3):
            token = field(client.get(link).text, "token")
        assert client.post("/sign-in", data={"token": token}).status_code == 303
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}") as client:
        again = client.post("/sign-in", data={"token": token})
        assert again.status_code == 403 and "set-cookie" not in again.headers
        assert "does not work" in again.text
        assert client.post("/sign-in", data={"token": token[:-2] + "xx"}).status_code == 403


def test_signing_in_leads_to_the_approval_that_one_came_for(gateway):
    """A notice's link, then the administrator's, in one browser."""
    approval = "/approvals/apr_" + "0" * 26
    for asked, then in ((approval, approval), ("/approvals/batch?batch=x", "/approvals/batch?batch=x"), ("/log", "/")):
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}") as client:
            assert client.get(asked).headers["location"] == "/sign-in"
            token = field(client.get(gateway.sign_in_link("bob@example.com")).text, "token")
            answer = client.post("/sign-in", data={"token": token})
            assert answer.status_code == 303 and answer.headers["location"] == then
            # Once: the next sign-in in this browser has a way of its own.
            assert set(client.cookies) == {"countersign_session"}


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "/approvals", "/approvals/x\\y", "/approvals/<a>",
        "/approvals/%0d%0aSet-Cookie:a=b", "/log", "/sign-in?token=x", "/approvals/" + "a" * 600, "approvals/x", "",
    ],
)
def test_signing_in_leads_nowhere_else(gateway, place):
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}") as client:
        token = field(client.get(gateway.sign_in_link("bob@example.com")).text, "token")
        cookie = {"Cookie": f"countersign_return={place}"}
        answer = client.post("/sign-in", data={"token": token}, headers=cookie)
        assert answer.status_code == 303 and answer.headers["location"] == "/"


def test_a_held_delete_approved_by_the_dashboards_form_runs(gateway, upstream, browser, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    client = browser("bob")
    assert f"/approvals/{approval['id']}" in client.get("/").text
    answer = decide(client, approval, "approve", "seen in the dashboard")
    assert answer.status_code == 303 and answer.headers["location"] == f"/approvals/{approval['id']}?result=approved"
    assert ask.answer().status == 200 and upstream.count(f"/{path}") == 1
    decision = gateway.approval(approval["id"])["decisions"][0]
    assert (decision["user"], decision["channel"]) == ("bob@example.com", "dashboard")
    assert decision["reason"] == "seen in the dashboard"
    page = client.get(answer.headers["location"]).text
    assert "Approved" in page and 'name="decision"' not in page


def test_a_denial_by_the_form_needs_a_reason(gateway, upstream, browser, path):
    approval, client = held(gateway, f"/{path}"), browser()
    answer = decide(client, approval, "deny", "   ")
    assert answer.headers["location"].endswith("result=reason-missing")
    assert gateway.approval(approval["id"])["status"] == "pending"
    assert decide(client, approval, "deny", "no").headers["location"].endswith("result=denied")
    assert gateway.approval(approval["id"])["status"] == "denied"


@pytest.mark.parametrize(
    "user, headers",
    [
        ("olga", []),
        ("bob", [("Countersign-On-Behalf-Of", "bob@example.com")]),
    ],
)
def test_self_approval_by_the_dashboard_is_refused_and_recorded(gateway, browser, path, user, headers):
    approval, other = held(gateway, f"/{path}", *headers), browser("alice")
    client = browser(user)
    page = client.get(f"/approvals/{approval['id']}").text
    assert 'name="decision"' not in page and "somebody else must decide" in page.lower()
    # Whoever builds the form by hand is refused all the same.
    fields = form(other.get(f"/approvals/{approval['id']}").text, "approve")
    fields["csrf"] = field(page, "csrf")
    answer = client.post(f"/approvals/{approval['id']}/decide", data=fields)
    assert answer.headers["location"].endswith("result=self-approval")
    entry = gateway.entries(approval=approval["id"], kind="approval.decided")[-1]
    assert entry["accepted"] is False and entry["reasons"] == ["self-approval"]
    assert entry["actor"] == {"type": "User", "id": f"{user}@example.com", "via": "dashboard"}


def test_a_change_needs_the_sessions_token(gateway, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("bob")
    other = browser("alice")
    foreign = field(other.get("/").text, "csrf")
    for wrong in ("", "x", foreign):
        assert decide(client, approval, "approve", csrf=wrong).status_code == 403
    assert gateway.approval(approval["id"])["status"] == "pending"
    # The cookie alone does not open the API for changes, either.
    ballot = {"decision": "approve", "reason": "", "action_digest": approval["action_digest"]}
    url = f"/v1/approvals/{approval['id']}/decisions"
    assert client.post(url, json=ballot).status_code == 403
    token = field(client.get("/").text, "csrf")
    assert client.post(url, json=ballot, headers={"X-CSRF-Token": token}).status_code == 200


def test_a_form_of_another_site_is_refused(gateway, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("bob")
    url = f"/approvals/{approval['id']}"
    fields = form(client.get(url).text, "approve")
    for site in ("cross-site", "same-site"):
        assert client.post(url + "/decide", data=fields, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_a_decision_on_another_preview_is_refused(gateway, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("bob")
    answer = decide(client, approval, "approve", preview_digest="A" * 43)
    assert answer.headers["location"].endswith("result=digest-mismatch")
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_without_a_session_every_room_leads_to_the_sign_in(gateway):
    for path in ("/", "/activity", "/agents", "/tools", "/log", "/approvals/apr_" + "0" * 26, "/activity/0"):
        answer = gateway.anyone().get(path)
        assert answer.status_code == 303 and answer.headers["location"] == "/sign-in"


def test_signing_out_ends_the_session(gateway, browser):
    client = browser("bob")
    cookies = dict(client.cookies)
    token = field(client.get("/").text, "csrf")
    assert client.post("/sign-out", data={"csrf": token}).status_code == 303
    with httpx.Client(base_url=client.base_url, cookies=cookies) as old:
        assert old.get("/").status_code == 303
    kinds = [entry["kind"] for entry in gateway.entries(kind=["session.started", "session.ended"])]
    assert "session.started" in kinds and kinds[-1] == "session.ended"


def test_pages_have_no_inline_script_and_a_strict_policy(gateway, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("bob")
    for page in ("/", "/activity", "/agents", "/tools", "/log", f"/approvals/{approval['id']}", "/activity/0", "/nothing"):
        answer = client.get(page, headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy and "form-action 'self'" in policy
        text = answer.text
        for script in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
            assert "src=" in script[0] and not script[1].strip(), f"an inline script on {page}"
        assert not re.search(r"\son[a-z]+\s*=", re.sub(r">[^<]*<", "><", text)), f"an inline handler on {page}"
        assert not re.search(r"<[^>]+\sstyle\s*=", text) and "<style" not in text
        assert answer.headers["cache-control"] == "no-store"


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{x}}"


def test_what_agents_write_is_shown_and_never_becomes_markup(gateway, browser, path):
    body = f'{{"note": "{EVIL.replace(chr(34), chr(92) + chr(34))}"}}'.encode()
    fields = [("Countersign-Justification", EVIL), ("X-Evil", EVIL), ("Content-Type", "application/json")]
    ask = gateway.ask("POST", f"/api/held/{path}?q=%3Cscript%3E", *fields, body=body)
    approval = gateway.pending(f"/held/{path}")
    client = browser("bob")
    for page in ("/", f"/approvals/{approval['id']}", "/activity", "/activity?q=%3Cscript%3Ealert"):
        text = client.get(page).text
        assert "<script>alert" not in text and "<img src=x" not in text
    page = client.get(f"/approvals/{approval['id']}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    ask.abandon()


def test_text_that_deceives_the_eye_is_made_visible(gateway, browser, path):
    body = '{"account": "safe\u202egnp.exe\u200b", "who": "p\u0430ypal"}'.encode()
    ask = gateway.ask("POST", f"/api/held/{path}", ("Content-Type", "application/json"), body=body)
    approval = gateway.pending(f"/held/{path}")
    page = browser("bob").get(f"/approvals/{approval['id']}").text
    assert "\u202e" not in page and "\u200b" not in page
    assert "202E" in page.upper() and "200B" in page.upper()
    ask.abandon()


def test_the_approvals_page_answers_the_three_questions_in_order(gateway, browser, path):
    approval = held(gateway, f"/{path}", ("Countersign-On-Behalf-Of", "carol@example.com"))
    page = browser("bob").get(f"/approvals/{approval['id']}").text
    who, what, within = (
        page.index(text) for text in ("Who is asking", "What exactly it will do", "Whether it is within")
    )
    assert who < what < within
    for text in ("bot", "olga@example.com", "carol@example.com", "127.0.0.1"):
        assert text in page[who:what], text
    assert f"/{path}" in page[what:within] and approval["action_digest"] in page[what:within]
    for text in ("deletes-need-a-dba", "main.cedar:", "Deletes. Look twice.", "alice@example.com"):
        assert text in page[within:], text


def test_activity_can_be_searched_and_receipts_downloaded(gateway, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("carol")
    page = client.get("/activity", params={"q": path}).text
    assert "approval.requested" in page and approval["id"] in page
    assert "Nothing found" in client.get("/activity", params={"q": "no such text anywhere"}).text
    receipt = client.get(f"/v1/approvals/{approval['id']}/receipt")
    assert receipt.content == gateway.receipt(approval["id"]) or receipt.json()["approval"] == approval["id"]
    assert receipt.headers["content-disposition"].startswith("attachment")


def test_an_approved_action_can_be_revoked_by_the_form(gateway, upstream, browser, path):
    approval, client = held(gateway, f"/{path}"), browser("alice")
    gateway.approve(approval)
    url = f"/approvals/{approval['id']}"
    answer = client.post(url + "/revoke", data={"csrf": field(client.get(url).text, "csrf")})
    assert answer.headers["location"].endswith("result=revoked")
    assert gateway.approval(approval["id"])["status"] == "revoked" and upstream.count(f"/{path}") == 0
