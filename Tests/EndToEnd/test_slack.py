"""Approvals in Slack, by buttons that are signed as Slack signs them, and over Socket Mode."""

import json
import re
import time
from contextlib import closing

import pytest
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware import RequestVerification
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from harness.gateway import POLICIES
from harness.slack import APP_TOKEN, ENVIRONMENT, ROOM, SECRET, SOON, TEAM, TOKEN, held, with_slack
from harness.waiting import eventually
from test_batches import box, boxes, form
from test_dashboard import sign_in


# The main road


def test_a_hold_is_approved_by_a_click_and_the_card_is_corrected(in_slack, slack, own_upstream, path):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    assert slack.title(card) == "Approval wanted"
    assert slack.buttons(card) == ["countersign.approve", "countersign.deny", "countersign.open"]
    answer = slack.send(gateway, slack.click(card, "approve", "alice"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert ask.answer().status == 200
    assert own_upstream.count(f"/held/{path}") == 1
    slack.until_title(card, "Approved, and done")
    assert slack.buttons(card) == ["countersign.open"]
    decided = gateway.approval(approval["id"])["decisions"][0]
    assert (decided["user"], decided["channel"]) == ("alice@example.com", "slack")
    eventually(lambda: "status 200" in json.dumps(slack.replies(card)))
    trail = json.dumps(slack.replies(card))
    assert "alice@example.com" in trail and "Every gate is met" in trail
    gateway.verify_receipt(approval["id"])
    assert slack.ephemerals == []


def test_a_denial_asks_for_the_reason_in_a_window(in_slack, slack, own_upstream, path):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    assert slack.send(gateway, slack.click(card, "deny", "bob")).status_code == 200
    answer = slack.send(gateway, slack.submission("bob", "Not on a <!channel> Friday `now`"))
    assert (answer.status_code, answer.content) == (200, b"")
    refused = ask.answer()
    assert refused.status == 403 and refused.code == "approval-denied"
    slack.until_title(card, "Denied")
    decision = gateway.approval(approval["id"])["decisions"][0]
    assert (decision["decision"], decision["reason"]) == ("deny", "Not on a <!channel> Friday `now`")
    eventually(lambda: "Friday" in json.dumps(slack.replies(card)))
    assert "<!channel>" not in json.dumps([slack.messages(threads=True), slack.ephemerals])
    assert own_upstream.count(f"/held/{path}") == 0


def test_two_approvals_are_needed_where_policy_says_so(in_slack, slack, path):
    gateway = in_slack()
    ask = gateway.ask("POST", f"/api/two-dbas/{path}")
    approval = gateway.pending(f"/two-dbas/{path}")
    card = slack.card(approval["id"])
    slack.send(gateway, slack.click(card, "approve", "alice"))
    eventually(lambda: "1 approval is missing" in json.dumps(card["blocks"]))
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert "already" in slack.told("alice").lower()
    assert gateway.approval(approval["id"])["status"] == "pending"
    slack.send(gateway, slack.click(card, "approve", "bob"))
    assert ask.answer().status == 200


def test_a_direct_message_asks_one_person(in_slack, slack, path):
    gateway = in_slack(routing=[{"groups": ["dba"], "notify": [{"channel": "slack", "to": "U0ALICE"}]}])
    ask, _, card = held(gateway, slack, path, room="D0ALICE")
    slack.send(gateway, slack.click(card, "approve", "alice", room="D0ALICE"))
    assert ask.answer().status == 200
    slack.until_title(card, "done")
    assert slack.messages() == []


def test_the_command_lists_what_waits_for_me(in_slack, slack, path):
    gateway = in_slack()
    assert "Nothing waits" in slack.send(gateway, slack.command("alice"), "commands").text
    held(gateway, slack, path)
    for name, waits in [("alice", True), ("carol", False), ("olga", False)]:
        answer = slack.send(gateway, slack.command(name), "commands").json()
        assert answer["response_type"] == "ephemeral"
        slack.check(answer)
        assert (f"/held/{path}" in json.dumps(answer["blocks"])) is waits, name


def test_reminders_and_escalations_are_told_below_the_card(in_slack, slack, path):
    routing = [
        {
            "groups": ["*"],
            "notify": [{"channel": "slack", "to": ROOM}],
            "escalate": [{"after": "1s", "notify": [{"channel": "slack", "to": "C0BOSS"}]}],
            "remind": "2s",
        }
    ]
    gateway = in_slack(policies=POLICIES + SOON, routing=routing)
    ask = gateway.ask("POST", f"/api/soon/{path}")
    approval = gateway.pending(f"/soon/{path}")
    card = slack.card(approval["id"])
    boss = slack.card(approval["id"], "C0BOSS")
    eventually(lambda: "Nobody has answered yet" in json.dumps(slack.replies(boss, "C0BOSS")))
    reminder = eventually(lambda: [r for r in slack.replies(card) if "Still waiting" in json.dumps(r["blocks"])])
    assert len(reminder) == 1 and reminder[0]["reply_broadcast"] is True
    slack.send(gateway, slack.click(boss, "approve", "bob", room="C0BOSS"))
    assert ask.answer().status == 200
    for each in (card, boss):
        slack.until_title(each, "done")


def test_an_escalation_to_a_group_asks_where_that_group_is_asked(in_slack, slack, path):
    routing = [
        {
            "groups": ["dba"],
            "notify": [{"channel": "slack", "to": ROOM}],
            "escalate": [{"after": "1s", "groups": ["security"]}],
        },
        {"groups": ["security"], "notify": [{"channel": "slack", "to": "C0BOSS"}]},
    ]
    gateway = in_slack(policies=POLICIES + SOON, routing=routing)
    ask = gateway.ask("POST", f"/api/soon/{path}")
    approval = gateway.pending(f"/soon/{path}")
    boss = slack.card(approval["id"], "C0BOSS")
    eventually(lambda: "Nobody has answered yet" in json.dumps(slack.replies(boss, "C0BOSS")))
    assert slack.card(approval["id"])
    slack.send(gateway, slack.click(boss, "approve", "bob", room="C0BOSS"))
    assert ask.answer().status == 200


def test_a_flood_becomes_one_card_on_which_each_is_decided(in_slack, slack, own_upstream, path):
    routing = [
        {
            "groups": ["*"],
            "notify": [{"channel": "slack", "to": ROOM}],
            "digest": {"after": 1, "every": "5s"},
        }
    ]
    gateway = in_slack(routing=routing)
    # All within one of the windows in which questions are gathered.
    eventually(lambda: time.time() % 5 < 0.5)
    asks = [gateway.ask("POST", f"/api/held/{path}/{number}") for number in range(30)]
    batch = eventually(lambda: [m for m in slack.messages() if "approvals wanted" in slack.title(m)], 15)[-1]
    handles = [e["value"] for b in batch["blocks"] for e in b.get("elements", []) if "value" in e]
    # As many as Slack takes in one message can be decided on it; the others are named.
    assert len(handles) >= 2 * 8 and len(handles) % 2 == 0 and "of 29 approvals" in slack.title(batch)
    digests = {each["action_digest"][:12] for each in gateway.approvals(status="pending")}
    named = sum(digest in json.dumps(batch["blocks"]) for digest in digests)
    assert named == 29 or f"{29 - named} more are in the list of approvals." in json.dumps(batch["blocks"])
    slack.send(gateway, slack.click(batch, "approve", "alice"))
    identifier = handles[0].split(" ")[0]
    gateway.until(identifier, "succeeded")
    eventually(lambda: "Approved, and done" in json.dumps(batch["blocks"]))
    # Nothing moves below a finger.
    left = [e["value"] for b in batch["blocks"] for e in b.get("elements", []) if "value" in e]
    assert left == handles[2:]
    running = [each for each in gateway.approvals(status="pending")]
    assert len(running) == len(asks) - 1
    assert len(own_upstream.requests) == 1
    # The others are decided on the page that the card leads to, each by itself.
    link = re.search(r"<([^|>]*/approvals/batch\?batch=bat_[^|>]*)\|", json.dumps(batch["blocks"]))[1]
    with closing(sign_in(gateway, "bob")) as browser:
        page = browser.get(link).text
        alone = json.dumps(next(m for m in slack.messages() if m is not batch)["blocks"])
        told = [each for each in running if each["action_digest"][:12] not in alone]
        assert set(boxes(page)) == {box(each) for each in told} and len(told) == 28
        done = browser.post("/approvals/batch/decide", data=form(page, list(boxes(page)), "deny"))
        assert "28 decisions count." in done.text
    eventually(lambda: "all settled" in slack.title(batch), 20)


# What is said


@pytest.mark.parametrize("socket", [False, True])
def test_words_below_a_card_are_kept_with_the_approval(in_slack, slack, path, socket):
    gateway = in_slack(socket=socket)
    _, approval, card = held(gateway, slack, path)

    def say(event):
        if socket:
            slack.envelope("events_api", event)
        else:
            assert slack.send(gateway, event, "events").status_code == 200

    def kept():
        return [(c["author"], c["text"]) for c in gateway.approval(approval["id"]).get("comments") or []]

    event = slack.reply_event(card, "carol", "Why &lt;now&gt; &amp; not &lt;!channel&gt; later? &amp;lt;")
    # Slack tells again what it thinks was lost.
    for _ in range(2):
        say(event)
    eventually(lambda: len(kept()) == 1)
    assert kept()[0][1] == "Why <now> & not <!channel> later? &lt;"
    eventually(lambda: "Why" in json.dumps(card["blocks"]))
    assert "<!channel>" not in json.dumps(slack.messages(threads=True))
    # Below other messages, by others, or by machines nothing is kept.
    with slack.lock:
        other = slack.chat_postMessage({"channel": ROOM, "text": "x", "blocks": card["blocks"]})["message"]
        foreign = dict(card, ts=slack.stamp(), app_id="A0OTHER")
        slack.rooms[ROOM]["messages"].append(foreign)
    for each in [
        slack.reply_event(other, "alice", "not about it"),
        slack.reply_event(foreign, "alice", "another app's"),
        slack.reply_event(card, "alice", "a robot", bot_id="B1"),
        slack.reply_event(card, "alice", "an edit", subtype="message_changed"),
        slack.reply_event(card, "alice", "another's thread", parent_user_id="U0BOB"),
    ]:
        say(each)
    slack.people["alice"]["is_restricted"] = True
    say(slack.reply_event(card, "alice", "a guest"))
    assert "stay in Slack" in slack.told("alice")
    say(slack.reply_event(card, "bob", "x" * 1001))
    assert "stay in Slack" in slack.told("bob")
    assert len(kept()) == 1 and gateway.approval(approval["id"])["status"] == "pending"


def test_words_from_elsewhere_are_shown_below_the_card_once(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    said = gateway.user("carol").post(f"/v1/approvals/{approval['id']}/comments", json={"text": "From <@U0BOB> the page"})
    assert said.status_code in (200, 201), said.text
    eventually(lambda: "the page" in json.dumps(slack.replies(card)))
    slack.send(gateway, slack.reply_event(card, "bob", "From the thread"), "events")
    slack.send(gateway, slack.click(card, "approve", "alice"))
    eventually(lambda: "Every gate is met" in json.dumps(slack.replies(card)))
    trail = json.dumps([reply["blocks"] for reply in slack.replies(card)])
    assert trail.count("the page") == 1 and trail.count("From the thread") == 0 and "<@" not in trail


# Slack's own code as the judge


def test_bolt_accepts_what_these_tests_sign_and_refuses_what_they_forge(slack):
    verification = RequestVerification(SECRET)
    body = slack.form({"type": "block_actions"})

    def judge(headers):
        request = BoltRequest(body=body, headers={k.lower(): [v] for k, v in headers.items()})
        passed = verification.process(req=request, resp=BoltResponse(status=404), next=lambda: BoltResponse(status=200))
        return passed.status

    good = slack.signed(body)
    assert judge(good) == 200
    assert judge(good | {"X-Slack-Signature": "v0=" + "0" * 64}) == 401
    assert judge(slack.signed(body, 1)) == 401


def test_the_sdks_own_clients_take_this_workspace_for_slack(slack):
    client = WebClient(token=TOKEN, base_url=slack.url + "/")
    assert client.auth_test()["team_id"] == TEAM
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": True}}
    assert client.chat_postMessage(channel=ROOM, text="x", blocks=[section])["ok"]
    heard = []
    socket = SocketModeClient(app_token=APP_TOKEN, web_client=client)
    socket.socket_mode_request_listeners.append(
        lambda the_client, request: (
            heard.append(request.type),
            the_client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id)),
        )
    )
    socket.connect()
    slack.envelope("slash_commands", slack.command("alice"))
    assert heard == ["slash_commands"]
    socket.close()


# Socket Mode


def test_everything_works_over_a_socket_without_an_inbound_address(in_slack, slack, own_upstream, path):
    gateway = in_slack(socket=True)
    ask, approval, card = held(gateway, slack, path)
    acknowledged = slack.envelope("interactive", slack.click(card, "approve", "alice"))
    assert acknowledged.payload is None
    assert ask.answer().status == 200
    slack.until_title(card, "Approved, and done")
    second, _, card = held(gateway, slack, path + "/2")
    slack.envelope("interactive", slack.click(card, "deny", "bob"))
    slack.envelope("interactive", slack.submission("bob", "no"), accepts=True)
    assert second.answer().code == "approval-denied"
    listed = slack.envelope("slash_commands", slack.command("alice"), accepts=True)
    assert "Nothing waits" in json.dumps(listed.payload)
    assert gateway.approval(approval["id"])["decisions"][0]["channel"] == "slack"
    # Nothing comes in over HTTP then.
    assert slack.send(gateway, slack.command("alice"), "commands").status_code == 404


def test_an_envelope_that_comes_twice_counts_once_and_is_acknowledged_twice(in_slack, slack, path):
    gateway = in_slack(socket=True)
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "approve", "carol")
    for _ in range(2):
        slack.envelope("interactive", click, identifier="the-same", pieces=3)
    slack.told("carol")
    assert len(slack.acknowledgements["the-same"]) == 2 and len(slack.ephemerals) == 1
    assert gateway.approval(approval["id"])["status"] == "pending"


@pytest.mark.parametrize("ending", ["disconnect", "warning", "close", "abort"])
def test_a_socket_that_ends_is_opened_again(in_slack, slack, path, ending):
    gateway = in_slack(socket=True)
    first = slack.connected()
    _, approval, card = held(gateway, slack, path)
    if ending == "close":
        slack.on_socket(first.close())
    elif ending == "abort":
        slack.loop.call_soon_threadsafe(first.transport.abort)
    else:
        reason = {"disconnect": "refresh_requested", "warning": "warning"}[ending]
        slack.on_socket(first.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {}})))
    eventually(lambda: any(each is not first for each in slack.sockets), 15, "another socket")
    slack.envelope("interactive", slack.click(card, "approve", "alice"))
    gateway.until(approval["id"], "succeeded", "redeemed", "approved")


def test_a_ping_is_answered_and_rubbish_is_passed_over(in_slack, slack, path):
    gateway = in_slack(socket=True)
    connection = slack.connected()

    async def ping():
        await (await connection.ping(b"is anybody there"))
        for text in ["rubbish", "[]", "{}", '{"type":"surprise"}', '{"type":"events_api","envelope_id":"e"}']:
            await connection.send(text)
        await connection.send(b"\x00\x01")
        await connection.send("x" * 100_000)

    slack.on_socket(ping())
    _, approval, card = held(gateway, slack, path)
    slack.envelope("interactive", slack.click(card, "approve", "alice"))
    gateway.until(approval["id"], "succeeded", "redeemed", "approved")
    assert "e" in slack.acknowledgements


# What an operator runs


def test_the_manifest_names_what_the_gateway_answers(install, slack):
    def change(configuration):
        with_slack(slack)(configuration)
        configuration["public_url"] = "https://approvals.example.com"

    gateway = install(change=change)
    manifest = json.loads(gateway.cli("channels", "slack", "manifest").stdout)
    settings = manifest["settings"]
    assert settings["interactivity"]["request_url"] == "https://approvals.example.com/channels/slack/interactions"
    assert settings["event_subscriptions"]["request_url"] == "https://approvals.example.com/channels/slack/events"
    command = manifest["features"]["slash_commands"][0]
    assert (command["command"], command["url"].rsplit("/", 1)[1]) == ("/countersign", "commands")
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert {"chat:write", "users:read", "users:read.email", "commands"} <= set(scopes)
    # Whatever kind of conversation a route names, replies in it are heard.
    for kind, event in [("channels", "channels"), ("groups", "groups"), ("im", "im"), ("mpim", "mpim")]:
        assert f"{kind}:history" in scopes
        assert f"message.{event}" in settings["event_subscriptions"]["bot_events"]
    sockets = json.loads(gateway.cli("channels", "slack", "manifest", "--socket").stdout)
    assert sockets["settings"]["socket_mode_enabled"] is True and "https://approvals" not in json.dumps(sockets)
    assert gateway.cli("channels", "slack", "manifest", "--name", "a b", succeed=False).returncode == 2


@pytest.mark.parametrize(
    "change, said",
    [
        ({"token": "xoxb-in-the-file"}, "must be a reference"),
        ({"token": "env:SLACK_APP_TOKEN"}, "begin with xoxb-"),
        ({"signing_secret": "env:SLACK_TOKEN"}, "is a token"),
        ({"app": "Countersign"}, "is not an id like A0123456789"),
        ({"api_url": "http://slack.example.com/api"}, "without TLS"),
        ({"apitoken": "x"}, "unknown key"),
        ({"routing": [{"groups": ["*"], "notify": [{"channel": "slack", "to": "#general"}]}]}, "is not the id of"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(install, slack, change, said):
    gateway = install(change=with_slack(slack, **change))
    gateway.environment.update(ENVIRONMENT)
    code, words = gateway.refuse_to_start()
    assert code == 2 and said in words
    assert "xoxb-the" not in words and SECRET not in words


def test_slack_asks_whether_somebody_is_there(in_slack, slack):
    gateway = in_slack()
    answer = slack.send(gateway, {"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"}, "events")
    assert answer.json() == {"challenge": "3eZbrw1aB"}
    assert slack.send(gateway, {"ssl_check": "1", "token": "t"}, "commands").status_code == 200
    # Nobody else is told.
    forged = slack.send(gateway, {"type": "url_verification", "challenge": "x"}, "events", headers={})
    assert forged.status_code == 401 and "x" != forged.json().get("challenge")


def test_a_gateway_without_the_channel_answers_nobody(gateway, slack):
    assert slack.send(gateway, {"type": "block_actions"}).status_code == 404


def test_nothing_of_the_secrets_is_logged(in_slack, slack, path):
    gateway = in_slack()
    held(gateway, slack, path)
    for secret in (TOKEN, SECRET, APP_TOKEN):
        assert secret not in gateway.log_text()
