"""Channels as operators see them: how they stand, who was told, and sending again."""

import json
import re
from contextlib import closing

import pytest

from harness.hook_receiver import SECRET, HookReceiver
from harness.waiting import eventually
from test_dashboard import field, held, sign_in


@pytest.fixture
def receiver():
    with closing_receiver() as receiver:
        yield receiver


def closing_receiver():
    receiver = HookReceiver()
    receiver.close = receiver.stop
    return closing(receiver)


@pytest.fixture
def house(install, receiver):
    """A gateway with one webhook, whose notices the group security may send again."""

    def change(configuration):
        configuration["channels"] = [receiver.channel()]
        configuration["notices"] = {"replayers": ["security"]}

    gateway = install(change=change)
    gateway.environment["HOOK_SECRET"] = SECRET
    return gateway.start()


def channels(gateway):
    answer = gateway.user("alice").get("/v1/channels")
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["items"]}


def notices(gateway, **query):
    answer = gateway.user("alice").get("/v1/notices", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def replay(gateway, number, user="carol"):
    return gateway.user(user).post(f"/v1/notices/{number}/replay")


def metric(gateway, name, channel="hook"):
    text = gateway.anyone().get("/metrics").text
    return float(re.search(rf'^{name}{{channel="{channel}"}} (\S+)$', text, re.MULTILINE)[1])


def test_a_delivered_notice_is_seen_by_api_command_line_page_and_metrics(house, receiver, path):
    approval = held(house, f"/{path}")
    eventually(lambda: receiver.about(approval), what="the webhook")
    # The numbers first, then the outbox.
    eventually(lambda: notices(house, state="delivered"))
    standing = channels(house)["hook"]
    assert (standing["state"], standing["kind"], standing["due"], standing["failed"]) == ("ok", "webhook", 0, 0)
    assert standing["trouble"] is None and standing["oldest_due_at"] is None
    assert 0 <= standing["lateness_seconds"] == standing["lateness_total_seconds"] < 20
    told = notices(house, approval=approval["id"])
    assert [(item["cause"], item["state"], item["channel"], item["tries"]) for item in told] == [
        ("requested", "delivered", "hook", 1)
    ]
    assert receiver.about(approval)[0][0] == told[0]["id"]
    house.approve(approval)
    eventually(lambda: len(receiver.about(approval)) == 2)
    eventually(lambda: [item["state"] for item in notices(house, approval=approval["id"])] == ["delivered"] * 2)
    assert [item["cause"] for item in notices(house, approval=approval["id"])] == ["changed", "requested"]

    status = json.loads(house.cli("channels", "status", "--json").stdout)["items"]
    assert [(item["name"], item["state"]) for item in status] == [("hook", "ok")]
    assert re.search(r"^hook +webhook +ok +0 +0 +0 +2 ", house.cli("channels", "status").stdout, re.MULTILINE)
    listed = house.cli("channels", "notices", "--approval", approval["id"]).stdout
    assert listed.count(approval["id"]) == 2 and "requested" in listed

    assert metric(house, "countersign_notices_delivered_total") == 2
    assert metric(house, "countersign_notices_lateness_seconds_count") == 2
    assert 0 <= metric(house, "countersign_notices_lateness_seconds_sum") < 40
    assert metric(house, "countersign_notices_due") == metric(house, "countersign_notices_failed") == 0
    assert metric(house, "countersign_notices_oldest_due_seconds") == 0

    with closing(sign_in(house, "erin")) as browser:
        page = browser.get(f"/approvals/{approval['id']}").text
        told = page[page.index("Who was told") :]
        assert told.index("told of what changed") < told.index("asked")
        assert "delivered" in told and "hook" in told
        room = browser.get("/channels").text
        assert "webhook" in room and approval["id"] in room and "Send again" not in room


def test_lists_go_on_where_the_page_before_ended(house, receiver, path):
    for number in range(3):
        held(house, f"/{path}/{number}")
    eventually(lambda: len(notices(house, state="delivered")) == 3)
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "channel": "hook", "state": "delivered"} | ({"cursor": cursor} if cursor else {})
        page = house.user("alice").get("/v1/notices", params=query).json()
        seen += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == sorted(seen, reverse=True) and len(seen) == 3
    assert notices(house, channel="other") == []
    for wrong in ({"state": "lost"}, {"approval": "apr_1"}, {"limit": 0}):
        assert house.user("alice").get("/v1/notices", params=wrong).status_code == 400
    assert house.agent_api().get("/v1/notices").status_code == 403
    assert house.agent_api().get("/v1/channels").status_code == 403
    assert house.anyone().get("/v1/channels").status_code == 401


def test_a_refused_notice_is_seen_told_by_doctor_and_sent_again_by_who_may(house, receiver, path):
    receiver.script = [302]
    approval = held(house, f"/{path}")
    notice = eventually(lambda: notices(house, state="failed"), what="the failed notice")[0]
    assert "302" in notice["trouble"] and notice["approval"] == approval["id"]
    assert channels(house)["hook"]["failed"] == 1
    assert metric(house, "countersign_notices_failed") == metric(house, "countersign_notices_failures_total") == 1
    found = house.cli("doctor", succeed=False)
    assert found.returncode == 1 and "1 notice has failed" in found.stdout and "302" in found.stdout

    for user in ("alice", "olga"):
        refused = replay(house, notice["number"], user)
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    assert house.agent_api().post(f"/v1/notices/{notice['number']}/replay").status_code == 403
    assert replay(house, notice["number"] + 1000).status_code == 404
    assert house.user("carol").post("/v1/notices/x/replay").status_code == 404
    assert not house.entries(kind="notice.replayed")

    again = replay(house, notice["number"])
    assert again.status_code == 200 and again.json()["state"] == "waiting"
    eventually(lambda: receiver.about(approval, 204), what="the repetition")
    # The receiver knows it by its id.
    assert receiver.about(approval, 204)[0][0] == receiver.about(approval, 302)[0][0] == notice["id"]
    eventually(lambda: notices(house, approval=approval["id"])[0]["state"] == "delivered")
    entry = house.entries(kind="notice.replayed")[0]
    assert entry["actor"]["id"] == "carol@example.com"
    assert entry["notice"]["number"] == notice["number"] and entry["notice"]["approval"] == approval["id"]
    assert entry["notice"]["state"] == "failed" and "approval" not in entry
    assert house.cli("doctor", succeed=False).stdout.count("failed") == 0
    # The log is sound with the entry, whatever the configuration has by now.
    house.configuration["channels"] = []
    house.write_configuration()
    house.cli("log", "fsck", timeout=120)


def test_the_command_line_sends_all_again_that_failed(house, receiver, path):
    receiver.script = [302, 302]
    held(house, f"/{path}/1")
    held(house, f"/{path}/2")
    eventually(lambda: len(notices(house, state="failed")) == 2)
    done = house.cli("channels", "replay", "--failed", "--json")
    assert len(json.loads(done.stdout)["items"]) == 2
    eventually(lambda: channels(house)["hook"]["delivered"] == 2)
    assert {entry["actor"]["id"] for entry in house.entries(kind="notice.replayed")} == {"local-administrator"}
    assert "No notice has failed" in house.cli("channels", "replay", "--failed").stdout
    missing = house.cli("channels", "replay", "99999", succeed=False)
    assert missing.returncode == 4
    denied = house.cli("channels", "replay", "1", "--as", "bob@example.com", succeed=False)
    assert denied.returncode == 5
    for wrong in ([], ["1", "--failed"], ["1", "--channel", "hook"]):
        assert house.cli("channels", "replay", *wrong, succeed=False).returncode == 2


def test_a_waiting_notice_is_not_sent_twice_by_a_replay(house, receiver, path):
    receiver.status = 503
    approval = held(house, f"/{path}")
    notice = eventually(lambda: [item for item in notices(house) if item["trouble"]])[0]
    standing = eventually(lambda: channels(house)["hook"] if channels(house)["hook"]["due"] == 1 else None)
    assert standing["state"] == "failing" and "503" in standing["trouble"] and standing["oldest_due_at"]
    assert metric(house, "countersign_notices_due") == 1
    assert metric(house, "countersign_notices_oldest_due_seconds") > 0
    refused = replay(house, notice["number"])
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    assert not house.entries(kind="notice.replayed")
    # The action is held as ever.
    assert house.approval(approval["id"])["status"] == "pending"


def test_the_page_sends_again_with_the_sessions_token_only(house, receiver, path):
    receiver.script = [302]
    approval = held(house, f"/{path}")
    number = eventually(lambda: notices(house, state="failed"))[0]["number"]
    with closing(sign_in(house, "carol")) as browser, closing(sign_in(house, "bob")) as other:
        page = browser.get("/channels").text
        assert "What has failed" in page and "302" in page
        form = {"csrf": field(page, "csrf"), "number": field(page, "number")}
        assert form["number"] == str(number)
        for wrong in ({"csrf": "x"}, {"csrf": ""}):
            assert browser.post("/channels/replay", data=form | wrong).status_code == 403
        assert browser.post("/channels/replay", data=form | {"number": "x"}).status_code == 400
        away = browser.post("/channels/replay", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert away.status_code == 403
        # Who may not has no button, and a form of their own does not help.
        theirs = other.get("/channels").text
        assert "Send again" not in theirs
        refused = other.post("/channels/replay", data=form | {"csrf": field(theirs, "csrf")})
        assert refused.headers["location"] == "/channels?result=not-allowed"
        assert not house.entries(kind="notice.replayed")
        done = browser.post("/channels/replay", data=form)
        assert done.headers["location"] == "/channels?result=replayed"
        assert "It is sent again" in browser.get(done.headers["location"]).text
    eventually(lambda: receiver.about(approval, 204))


def test_a_receivers_words_are_shown_as_text(house, receiver, path):
    """What a channel says of its trouble is of our own words; the address is the configuration's. Both are escaped."""
    receiver.script = [302]
    held(house, f"/{path}/%3Cscript%3E")
    eventually(lambda: notices(house, state="failed"))
    with closing(sign_in(house, "erin")) as browser:
        page = browser.get("/channels?result=%3Cscript%3E").text
    assert "<script>" not in page.replace('<script type="module"', "")


def test_notices_of_a_channel_that_is_gone_are_shown_and_not_sent_again(house, receiver, path):
    receiver.script = [302]
    held(house, f"/{path}")
    number = eventually(lambda: notices(house, state="failed"))[0]["number"]
    assert house.stop() == 0
    house.configuration["channels"] = []
    house.write_configuration()
    house.start()
    assert channels(house)["hook"]["state"] == "unconfigured"
    refused = replay(house, number)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    assert not house.entries(kind="notice.replayed")
    with closing(sign_in(house, "carol")) as browser:
        assert "unconfigured" in browser.get("/channels").text


def test_doctor_finds_groups_that_nobody_reaches_and_channels_that_nobody_uses(install, receiver):
    def change(configuration):
        configuration["channels"] = [receiver.channel()]

    gateway = install(change=change)
    gateway.environment["HOOK_SECRET"] = SECRET
    quiet = gateway.cli("doctor", succeed=False)
    assert "every group that gates name is reached" in quiet.stdout
    gateway.configuration["routing"] = [{"groups": ["dba"], "notify": [{"channel": "hook"}]}]
    gateway.write_configuration()
    found = gateway.cli("doctor", succeed=False)
    assert found.returncode == 1
    assert "BAD   routing: the gate dba-and-security asks the group security" in found.stdout
    assert "asks the group dba" not in found.stdout
    assert "BAD   public_url: notices have links to" in found.stdout
    gateway.configuration["routing"].append({"groups": ["*"], "notify": [{"channel": "hook"}]})
    gateway.configuration["public_url"] = "https://countersign.example.com"
    gateway.write_configuration()
    mended = gateway.cli("doctor", succeed=False)
    assert mended.returncode == 0, mended.stdout


def test_an_operators_shell_needs_none_of_the_gateways_secrets(house, receiver, path):
    receiver.script = [302]
    held(house, f"/{path}")
    number = eventually(lambda: notices(house, state="failed"))[0]["number"]
    for command in (
        ("channels", "status"),
        ("channels", "notices"),
        ("channels", "replay", str(number)),
        ("approvals", "list"),
        ("user", "link", "alice@example.com", "slack:T1/U1"),
        ("user", "links"),
        ("user", "link", "alice@example.com"),
        ("user", "token", "alice@example.com"),
        ("log", "key"),
    ):
        house.cli(*command, environment={})
    # Whether the secrets are there is what doctor is for.
    asked = house.cli("doctor", environment={}, succeed=False)
    assert asked.returncode == 1 and "HOOK_SECRET is not set" in asked.stdout
    assert house.stop() == 0
    house.cli("user", "link", "bob@example.com", "slack:T1/U2", environment={})
    assert "slack:T1/U2" in house.cli("user", "links", environment={}).stdout
