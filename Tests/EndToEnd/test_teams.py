"""Microsoft Teams: a card where people work, and an answer in one tap."""

import asyncio
import hashlib
import hmac
import json
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from microsoft_agents.hosting.core.authorization import AgentAuthConfiguration, JwtTokenValidator
from microsoft_agents.hosting.core.authorization.jwt import jwt_token_validator

from harness.gateway import Gateway
from harness.teams import APPLICATION, ISSUER, OTHER_TENANT, ROOM, TENANT, Person, Teams, buttons, words
from harness.waiting import eventually


@pytest.fixture(scope="module")
def teams():
    teams = Teams()
    yield teams
    teams.stop()
    assert teams.problems == []


@pytest.fixture(scope="module")
def shared(scratch, upstream, teams):
    gateway = teams.configure(Gateway(scratch / "teams", upstream.port)).start()
    assert teams.install(gateway).status_code == 200
    eventually(lambda: any(ROOM in text for text in teams.texts()), 10, "the bot's first words")
    yield gateway
    gateway.stop()
    gateway.cli("log", "fsck")


@pytest.fixture
def gateway(shared):
    yield shared
    assert shared.process.poll() is None, shared.log_text()[-3000:]


def held(gateway, teams, path, name="held"):
    """An agent's request that waits, and its card."""
    ask = gateway.ask("GET", f"/api/{name}/{path}")
    return ask, teams.card(f"/{name}/{path}")


def test_an_approval_in_teams_lets_the_request_run(gateway, teams, upstream, path):
    ask, message = held(gateway, teams, path)
    assert buttons(message.card) == ["Approve", "Deny", "Open"]
    assert "bot" in message.text and "1 approval is missing" in message.text
    # Whoever looks is asked for by name, by the ids that Teams has for them.
    assert message.card["refresh"]["userIds"] == [person.id for person in teams.people.values()]
    answer = teams.press(gateway, message, "approve", "alice")
    assert answer.status_code == 200 and answer.type == "application/vnd.microsoft.card.adaptive"
    assert buttons(answer.value) == ["Open"] and "Approved by alice@example.com" in words(answer.value)
    assert ask.answer().status == 200
    done = eventually(lambda: buttons(message.card) == ["Open"] and "done" in message.text, 10, "the card's correction")
    assert done and "Approved by alice@example.com" in message.text and "refresh" not in message.card
    approval = gateway.of(f"/held/{path}")[0]
    assert approval["decisions"][0]["channel"] == "teams"
    gateway.verify_receipt(approval["id"])


def test_a_denial_in_teams_has_its_reason(gateway, teams, upstream, path):
    ask, message = held(gateway, teams, path)
    answer = teams.press(gateway, message, "deny", "bob", reason="Not on a *Monday* <b>")
    assert "Denied by bob@example.com" in words(answer.value) and "Not on a *Monday* <b>" in words(answer.value)
    assert ask.answer().status == 403
    assert gateway.of(f"/held/{path}")[0]["decisions"][0]["reason"] == "Not on a *Monday* <b>"
    eventually(lambda: "Denied by bob@example.com" in message.text, 10, "the card's correction")


def test_a_denial_without_a_reason_does_not_count(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    for reason in (None, "", " \n\t"):
        answer = teams.press(gateway, message, "deny", "bob", reason=reason)
        assert "Not done: Say why you deny it." in words(answer.value) and "Deny" in buttons(answer.value)
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    teams.press(gateway, message, "deny", "bob", reason="no")
    assert ask.answer().status == 403


def test_the_sdk_agrees_on_the_token(gateway, teams, monkeypatch):
    """What we let in, Microsoft's own code lets in, too."""
    monkeypatch.setitem(jwt_token_validator.BOTFRAMEWORK_JWKS_URIS, ISSUER, f"{teams.url}/keys")
    validator = JwtTokenValidator(AgentAuthConfiguration(client_id=APPLICATION, validate_issuer=True))
    token = teams.token()
    claims = asyncio.run(validator.validate_token(token))
    assert claims.get_app_id() == APPLICATION
    assert teams.send(gateway, teams.activity("message", text="hello"), token=token).status_code == 200
    for bad in (teams.token(aud="other"), teams.token(exp=1), teams.token(nbf=9_999_999_999), teams.token("key-foreign", kid="key-1")):
        with pytest.raises(Exception):
            asyncio.run(validator.validate_token(bad))
        assert teams.send(gateway, teams.activity("message", text="hello"), token=bad).status_code == 403


def refused(gateway, teams, answer, code, status=403):
    """It was refused in these words, and an entry says so."""
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    found = [entry for entry in gateway.entries(kind="channel.refused") if entry["reasons"] == [code]]
    assert found and found[-1]["channel"] == "teams"
    return found[-1]


def test_only_microsoft_speaks_for_teams(gateway, teams, path):
    """Each check of the token counts, and no press behind a wrong one does anything."""
    ask, message = held(gateway, teams, path)
    now = int(time.time())
    header = {"alg": "RS256", "kid": "key-1", "typ": "JWT"}

    def mac(key):
        return lambda text: hmac.new(key, text, hashlib.sha256).digest()

    bad = {
        "another issuer": (teams.token(iss="https://login.microsoftonline.com"), "signature-invalid"),
        "no issuer": (teams.token(iss=None), "signature-invalid"),
        "another application": (teams.token(aud="99999999-2222-4333-8444-555555555555"), "signature-invalid"),
        "over": (teams.token(exp=now - 301), "callback-late"),
        "not yet": (teams.token(nbf=now + 330), "callback-late"),
        "without end": (teams.token(exp=None), "signature-invalid"),
        "another connector": (teams.token(serviceurl="https://evil.example.com/"), "signature-invalid"),
        "no connector": (teams.token(serviceurl=None), "signature-invalid"),
        "an unpublished key": (teams.token("key-unpublished"), "signature-invalid"),
        "a key that pretends": (teams.token("key-foreign", kid="key-1"), "signature-invalid"),
        "a key of another platform": (teams.token("key-webchat"), "signature-invalid"),
        "no algorithm": (teams.crafted({**header, "alg": "none"}), "signature-invalid"),
        "the public key as a secret": (
            teams.crafted({**header, "alg": "HS256"}, sign=mac(teams.public_pem())),
            "signature-invalid",
        ),
        "RS256 in name only": (teams.crafted(header, sign=mac(teams.public_pem())), "signature-invalid"),
        "no key's name": (teams.crafted({"alg": "RS256"}), "signature-invalid"),
        "nothing": ("x", "signature-invalid"),
    }
    for what, (token, code) in bad.items():
        answer = teams.send(gateway, teams.execute(message, "approve"), token=token)
        assert (answer.status_code, answer.json()["code"]) == (403, code), what
    for headers in ({}, {"Authorization": "Basic eDp5"}):
        assert teams.send(gateway, teams.execute(message, "approve"), headers=headers).status_code == 403
    activity = {**teams.execute(message, "approve"), "channelId": "webchat"}
    assert teams.send(gateway, activity).status_code == 403
    activity = {**teams.execute(message, "approve"), "serviceUrl": "http://127.0.0.1:1/"}
    assert teams.send(gateway, activity).status_code == 403
    refused(gateway, teams, teams.send(gateway, teams.execute(message, "approve"), token=teams.token(exp=now - 900)),
            "callback-late")
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    teams.press(gateway, message, "approve", "alice")
    assert ask.answer().status == 200


def test_activities_that_are_not_right_are_refused(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    good = teams.execute(message, "approve")
    other = {"id": ROOM, "tenantId": OTHER_TENANT}
    stranger = {**good, "conversation": other, "channelData": {"tenant": {"id": OTHER_TENANT}}}
    entry = refused(gateway, teams, teams.send(gateway, stranger), "account-refused")
    assert entry["account"].startswith(f"teams:{OTHER_TENANT}/")
    for bad in (
        {**good, "conversation": other},
        {**good, "conversation": {"id": "19:a b", "tenantId": TENANT}},
        {**good, "from": {}},
        {**good, "id": None},
        {**good, "id": "x" * 600},
        b"[]",
        b"{",
        b'{"a":1,"a":2}',
        json.dumps({**good, "text": "x" * 300_000}).encode(),
    ):
        refused(gateway, teams, teams.send(gateway, bad), "bad-request")
    # A press that cannot be read is answered as Teams wants it, and does nothing.
    for data in ({}, {"verb": "countersign.approve"}, {"verb": "x", "handle": "y"}, {"handle": "z" * 5000}):
        answer = teams.press(gateway, message, "approve", data=data)
        assert (answer.status_code, answer.type) == (400, "application/vnd.microsoft.error")
    for endpoint in ("other", "messages/x"):
        url = f"/channels/teams/{endpoint}"
        assert gateway.anyone().post(url, json=good).status_code == 404
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    gateway.decide(gateway.of(f"/held/{path}")[0], "deny")
    ask.answer()


def test_an_activity_counts_once(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    activity = teams.execute(message, "deny", "alice", reason="once")
    assert teams.send(gateway, activity).status_code == 200
    refused(gateway, teams, teams.send(gateway, activity), "callback-replayed")
    assert len(gateway.of(f"/held/{path}")[0]["decisions"]) == 1
    ask.answer()


def test_pressed_twice_and_by_two_at_once(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    with ThreadPoolExecutor(4) as pool:
        presses = [("approve", "alice", None), ("deny", "bob", "no"), ("approve", "bob", None), ("deny", "alice", "no")]
        answers = list(pool.map(lambda each: teams.press(gateway, message, *each), presses))
    approval = gateway.of(f"/held/{path}")[0]
    assert len(approval["decisions"]) == 1
    texts = [words(answer.value) for answer in answers]
    assert len([text for text in texts if "Not done: " not in text]) == 1
    for text in texts:
        assert approval["decisions"][0]["user"] in text
    ask.answer()
    # A press on what is over shows the truth, and changes nothing.
    eventually(lambda: buttons(message.card) == ["Open"], 10, "the card's correction")
    first = message.versions[0]["attachments"][0]["content"]["actions"][0]["data"]
    late = teams.press(gateway, message, "approve", "bob", data=first)
    assert buttons(late.value) == ["Open"] and "Not done" in words(late.value)
    assert len(gateway.of(f"/held/{path}")[0]["decisions"]) == 1


def test_after_its_end_a_press_does_nothing(gateway, teams, path):
    ask, message = held(gateway, teams, path, "brief")
    data = message.versions[0]["attachments"][0]["content"]["actions"][0]["data"]
    ask.answer()
    late = teams.press(gateway, message, "approve", "alice", data=data)
    assert buttons(late.value) == ["Open"] and "Expired" in words(late.value) and "Not done" in words(late.value)
    eventually(lambda: "Expired" in message.text, 10, "the card's correction")
    assert gateway.of(f"/brief/{path}")[0]["decisions"] == []


def test_a_card_of_another_action_decides_nothing(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    data = message.data("approve")
    approval, digest = data["handle"].split(" ")
    stale = {**data, "handle": f"{approval} {'A' * len(digest)}"}
    answer = teams.press(gateway, message, "approve", "alice", data=stale)
    assert "shows another action" in words(answer.value)
    nobody = {**data, "handle": f"apr_00000000000000000000000000 {digest}"}
    assert "Nobody in this conversation" in teams.press(gateway, message, "approve", "alice", data=nobody).value
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    teams.press(gateway, message, "deny", "alice", reason="no")
    ask.answer()


def test_a_card_counts_only_where_it_was_posted(gateway, teams, path):
    """A client of somebody's own can send any data, from any chat with the bot: it is shown nothing and decides nothing."""
    ask, message = held(gateway, teams, path)
    for verb in ("approve", "refresh"):
        data = {**message.data("approve"), "verb": f"countersign.{verb}"}
        answer = teams.press(gateway, message, verb, "alice", data=data, conversation="a:1personal")
        assert answer.value == "Nobody in this conversation was asked about that."
    submitted = teams.submit(message, "approve", "alice", conversation="a:1personal")
    assert teams.send(gateway, submitted).status_code == 200
    assert ["not-found"] in [entry["reasons"] for entry in gateway.entries(kind="channel.refused")]
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    teams.press(gateway, message, "deny", "alice", reason="no")
    ask.answer()


def test_who_may_not_decide_does_not(gateway, teams, path):
    """The owner of the agent, people of other groups, guests, strangers: the enforcement and the tenant say no."""
    ask, message = held(gateway, teams, path)
    teams.people["guest"] = Person("guest", "alice_partner.com#EXT#@example.com", role="guest")
    teams.people["foreign"] = Person("foreign", "bob@example.com", tenant=OTHER_TENANT)
    teams.people["twin"] = Person("twin", "alice@example.com")
    outsider = Person("outsider", "bob@example.com")
    # The account of alice is linked first, so that nobody else becomes her.
    link_alice(gateway, teams, path)
    for person in ("olga", "erin", "carol", "guest", "foreign", "twin", outsider):
        answer = teams.press(gateway, message, "approve", person)
        assert answer.type == "application/vnd.microsoft.card.adaptive"
        assert "Not done: " in words(answer.value), person
    approval = gateway.of(f"/held/{path}")[0]
    assert approval["status"] == "pending" and approval["decisions"] == []
    nameless = teams.execute(message, "approve")
    del nameless["from"]["aadObjectId"]
    assert "Not done" in words(teams.send(gateway, nameless).json()["value"])
    codes = {code for entry in gateway.entries(kind="channel.refused") for code in entry["reasons"]}
    assert {"account-refused", "account-unknown"} <= codes
    for name in ("guest", "foreign", "twin"):
        del teams.people[name]
    teams.press(gateway, message, "approve", "bob")
    assert ask.answer().status == 200


def link_alice(gateway, teams, path):
    ask, message = held(gateway, teams, path + "-first")
    teams.press(gateway, message, "deny", "alice", reason="no")
    ask.answer()


def test_each_viewer_has_a_view_of_their_own(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    data = {**message.data("approve"), "verb": "countersign.refresh"}
    # Pressing once tells who they are; from then on the view follows.
    teams.press(gateway, message, "approve", "olga")
    teams.press(gateway, message, "approve", "erin")
    shown = {name: buttons(teams.press(gateway, message, "refresh", name, data=data).value)
             for name in ("alice", "olga", "erin")}
    assert shown == {"alice": ["Approve", "Deny", "Open"], "olga": ["Open"], "erin": ["Open"]}
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    teams.press(gateway, message, "approve", "alice")
    ask.answer()
    view = teams.press(gateway, message, "refresh", "alice", data=data).value
    assert buttons(view) == ["Open"] and "refresh" not in view


def test_clients_without_execute_submit(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    assert teams.send(gateway, teams.submit(message, "approve", "olga")).status_code == 200
    eventually(lambda: [text for text in teams.texts() if text.startswith("Not done: ")], 10, "the refusal in words")
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    assert teams.send(gateway, teams.submit(message, "deny", "bob", reason="no")).status_code == 200
    assert ask.answer().status == 403
    eventually(lambda: "Denied by bob@example.com" in message.text, 10, "the card's correction")


def test_words_below_a_card_are_comments(gateway, teams, path):
    ask, message = held(gateway, teams, path)
    bot = {"id": f"28:{APPLICATION}", "name": "Countersign"}
    mention = {"type": "mention", "text": "<at>Countersign</at>", "mentioned": bot}

    def write(text, person="alice", conversation=f"{ROOM};messageid={message.id}"):
        activity = teams.activity("message", person, conversation, text=text, entities=[mention])
        assert teams.send(gateway, activity).status_code == 200

    write("<at>Countersign</at> Which *ticket* is this?\n")
    eventually(lambda: "Which *ticket* is this?" in message.text, 10, "the comment on the card")
    comments = gateway.of(f"/held/{path}")[0]["comments"]
    assert [each["text"] for each in comments] == ["Which *ticket* is this?"]
    # Elsewhere, and below what is no card, words are nobody's concern.
    write("hello", conversation=ROOM)
    write("hello", conversation=f"{ROOM};messageid=1")
    write("<at>Countersign</at>")
    # A stranger's words are not kept, and neither are too many.
    seen = len(teams.texts())
    write("let me in", person=Person("nobody", "nobody@example.com"))
    write("x" * 2000)
    eventually(lambda: len(teams.texts()) == seen + 2, 10, "two refusals in words")
    assert all(text.startswith("Not kept: ") for text in teams.texts()[seen:])
    approval = gateway.of(f"/held/{path}")[0]
    assert len(approval["comments"]) == 1 and approval["decisions"] == []
    teams.press(gateway, message, "deny", "bob", reason="no")
    ask.answer()


def test_no_text_breaks_out_of_the_card(gateway, teams, path):
    hostile = (
        "**bold** [link](https://evil.example.com) <at>Everyone</at> ```x``` \u202egnp.exe \u200b\u0430pple "
        '"}],"actions":[{"type":"Action.OpenUrl","url":"https://evil.example.com"}] {{DATE(2026-01-01)}} '
    )
    body = (hostile * 3 + "x" * 50_000).encode()
    headers = [("Content-Type", "text/plain"), ("Countersign-Justification", "approve **now** [x](y)")]
    ask = gateway.ask("POST", f"/api/held/{path}", *headers, body=body)
    message = teams.card(f"/held/{path}")
    for block in message.card["body"]:
        if block["type"] == "TextBlock":
            assert block["text"] == "Approval wanted"
    assert buttons(message.card) == ["Approve", "Deny", "Open"]
    assert all(action["url"].startswith(gateway.configuration["public_url"]) for action in message.card["actions"]
               if action["type"] == "Action.OpenUrl")
    assert "\u202e" not in message.text and "\u200b" not in message.text and "\\u{202E}" in message.text
    assert "Cut: " in message.text and "open the page" in message.text
    answer = teams.press(gateway, message, "deny", "alice", reason=hostile)
    assert "\u202e" not in words(answer.value) and len(json.dumps(answer.value)) < 28_000
    ask.answer()


def test_the_app_package_is_one(gateway, teams):
    file = gateway.folder / "public.yaml"
    file.write_text(gateway.file.read_text().replace(f"http://127.0.0.1:{gateway.control}\n", "https://c.example.com\n"))
    out = gateway.folder / "app.zip"
    command = ("channels", "teams", "manifest", "--output", str(out))
    refused = gateway.cli(*command, succeed=False)
    assert refused.returncode == 2 and "https" in refused.stderr
    gateway.cli(*command, "--config", str(file), configured=False)
    assert gateway.cli(*command, "--config", str(file), configured=False, succeed=False).returncode == 2
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "color.png", "outline.png"]
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["version"] == "0.1.0"
        assert manifest["id"] == manifest["bots"][0]["botId"] == APPLICATION
        assert manifest["validDomains"] == ["c.example.com"]
        assert len(manifest["name"]["short"]) <= 30 and len(manifest["description"]["short"]) <= 80
        assert picture(archive.read("color.png"))[:2] == (192, 192)
        side, _, pixels, alphas = picture(archive.read("outline.png"))
        # White on nothing, and there is something to see.
        assert side == 32 and alphas == b"\x00\xff" and 50 < pixels.count(1) < 400


@pytest.mark.parametrize("version", ["1.2", "1.2.3.4", "1.02.3", "v1.2.3", "1.2.3-rc", "1.2.x", "1..3", "", "1.2.1234567890"])
def test_a_version_that_teams_would_not_take_is_refused(gateway, teams, version):
    out = gateway.folder / f"{version}.zip"
    command = ("channels", "teams", "manifest", "--output", str(out), "--app-version", version)
    refused = gateway.cli(*command, succeed=False)
    assert refused.returncode == 2 and "1.0.1" in refused.stderr and not out.exists()


def test_an_update_of_the_app_package_has_a_version_of_its_own(gateway, teams):
    file = gateway.folder / "update.yaml"
    file.write_text(gateway.file.read_text().replace(f"http://127.0.0.1:{gateway.control}\n", "https://c.example.com\n"))
    out = gateway.folder / "update.zip"
    command = ("channels", "teams", "manifest", "--output", str(out), "--app-version", "1.10.0", "--config", str(file))
    gateway.cli(*command, configured=False)
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("manifest.json"))["version"] == "1.10.0"


def picture(data):
    """A PNG's size, pixels and transparency; its checksums are right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(name + body)
        chunks[name] = body
        place += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (width + 1) and set(rows[:: width + 1]) == {0}
    pixels = b"".join(rows[at + 1 : at + 1 + width] for at in range(0, len(rows), width + 1))
    return width, height, pixels, chunks[b"tRNS"]
