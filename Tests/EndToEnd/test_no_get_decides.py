"""Mail scanners and link previews open everything: nothing that is opened may decide anything."""

import re

import httpx
import pytest

from harness.mailserver import MailServer
from harness.waiting import eventually

pytestmark = pytest.mark.timeout(120)

TEMPTING = ["", "?decision=approve", "?approve=1&action=approve", "?_method=POST&decision=approve", "?wait=0"]


@pytest.fixture
def scene(install):
    """A gateway that mails, a mail, an approval and a signed-in browser."""
    server = MailServer()

    def change(configuration):
        configuration["channels"] = [
            {"name": "mail", "kind": "email", "server": f"127.0.0.1:{server.port}", "security": "none",
             "from": "countersign@example.com"},
            {"name": "hook", "kind": "webhook", "url": "https://hooks.example.com/", "secrets": ["env:HOOK"]},
        ]  # fmt: skip
        configuration["routing"] = [{"groups": ["dba"], "notify": [{"channel": "mail", "to": "dba@example.com"}]}]

    gateway = install(change=change)
    gateway.environment["HOOK"] = "whsec_" + "A" * 43 + "="
    gateway.start()
    ask = gateway.ask("DELETE", "/api/scanned")
    approval = gateway.pending("/scanned")
    letter = eventually(lambda: server.letters, 20, "the mail")[0]
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}", follow_redirects=True, timeout=10) as browser:
        token = re.search(r"token=([^&\s]+)", gateway.sign_in_link("alice@example.com"))[1]
        assert browser.post("/sign-in", data={"token": token}).status_code == 200
        yield gateway, approval, letter, browser, ask
    server.stop()


def settled(gateway):
    """What must not change: every approval, and every entry but those of reading."""
    approvals = {each["id"]: (each["status"], len(each["decisions"]), each["grant_expires_at"]) for each in gateway.approvals()}
    return approvals, [entry["sequence"] for entry in gateway.entries() if entry["kind"].startswith(("app", "act"))]


def addresses(gateway, approval, letter, browser):
    """Every GET that there is: the API's own list of itself, the links of the mail, and all that these pages link to."""
    document = gateway.anyone().get("/openapi.json").json()
    found = set(letter.links) | {"/", "/approvals", f"/approvals/{approval['id']}"}
    for path, operations in document["paths"].items():
        filled = path.replace("{id}", approval["id"]).replace("{sequence}", "0").replace("{connection}", "api")
        filled = re.sub(r"\{[^}]+\}", "mail", filled)
        # Also where the API takes only POST: a scanner does not know.
        found.add(filled)
    found |= {"/oauth/token", "/channels/mail/answers", "/channels/hook/answers", "/sign-out", "/sign-in"}
    found -= {"/v1/events"}
    queue, seen = list(found), set()
    while queue:
        address = queue.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = browser.get(address)
        if "html" in answer.headers.get("content-type", ""):
            links = re.findall(r'(?:href|src|action|formaction)="(/[^"]*)"', answer.text)
            queue += [link for link in links if len(seen) < 500 and not link.startswith("//")]
    return sorted(seen)


def test_no_get_and_no_head_changes_an_approval(scene):
    gateway, approval, letter, browser, ask = scene
    before = settled(gateway)
    everything = addresses(gateway, approval, letter, browser)
    assert len(everything) > 40 and f"/v1/approvals/{approval['id']}/decisions" in everything
    stranger = httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}", follow_redirects=True, timeout=10)
    bearer = gateway.user("alice")
    scanner = {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner)", "Accept": "*/*"}
    with stranger:
        for address in everything:
            for query in TEMPTING:
                separator = "&" if "?" in address else "?"
                target = address + (separator + query[1:] if query else "")
                for client in (stranger, browser, bearer):
                    for method in ("GET", "HEAD"):
                        answer = client.request(method, target, headers=scanner)
                        assert answer.status_code < 500, (method, target, answer.status_code)
    assert settled(gateway) == before
    assert gateway.approval(approval["id"])["status"] == "pending"
    # And then somebody decides, as it should be.
    gateway.approve(approval)
    assert ask.answer().status == 200


def test_the_mail_has_one_link_and_it_opens_the_page(scene):
    gateway, approval, letter, browser, ask = scene
    assert letter.links == [f"http://127.0.0.1:{gateway.control}/approvals/{approval['id']}"]
    assert not re.search(r"<(form|button|input|script|img|iframe|link)\b", letter.html)
    page = browser.get(letter.links[0])
    assert page.status_code == 200 and approval["id"] in page.text
    assert gateway.approval(approval["id"])["status"] == "pending"
