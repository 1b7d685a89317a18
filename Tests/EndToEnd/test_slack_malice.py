"""Whoever pretends to be Slack, or somebody in it: refused for a stated reason, told to the person, and in the log."""

import threading
import time

import httpx
import pytest

from harness.slack import BOT, held, person, refusals
from harness.waiting import eventually, stays


def last(gateway):
    return gateway.entries(kind="channel.refused")[-1]


# Who is not Slack


def test_what_slack_did_not_sign_is_refused_with_an_entry(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "approve", "alice")
    body = slack.form(click)
    good = slack.signed(body)
    forged = [
        {},
        {"X-Slack-Signature": good["X-Slack-Signature"]},
        {"X-Slack-Request-Timestamp": good["X-Slack-Request-Timestamp"]},
        good | {"X-Slack-Signature": "v0=" + "0" * 64},
        good | {"X-Slack-Signature": good["X-Slack-Signature"].upper()},
        good | {"X-Slack-Signature": good["X-Slack-Signature"].replace("v0=", "v1=")},
        good | {"X-Slack-Request-Timestamp": str(int(time.time()) + 1)},
        slack.signed(body + "&x=1"),
    ]
    for headers in forged:
        answer = slack.send(gateway, click, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid request"})
    assert set(refusals(gateway)) == {"signature-invalid"}
    assert gateway.approval(approval["id"])["status"] == "pending"
    assert last(gateway)["circumstances"]["source_address"].startswith("127.0.0.1")


@pytest.mark.parametrize("seconds", [-301, -3600, 302])
def test_what_was_signed_too_long_ago_or_in_the_future_is_refused(in_slack, slack, path, seconds):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    answer = slack.send(gateway, slack.click(card, "approve", "alice"), timestamp=int(time.time()) + seconds)
    assert answer.status_code == 401 and refusals(gateway) == ["callback-late"]
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_what_came_before_is_refused_also_after_a_restart(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "approve", "carol")
    headers = slack.signed(slack.form(click))
    assert slack.send(gateway, click, headers=headers).status_code == 200
    assert slack.send(gateway, click, headers=headers).status_code == 401
    assert refusals(gateway) == ["callback-replayed"]
    early = slack.signed(slack.form(click), int(time.time()) - 60)
    assert slack.send(gateway, click, headers=early).status_code == 401
    assert "before this server started" in last(gateway)["detail"]
    gateway.stop()
    eventually(lambda: int(time.time()) > int(headers["X-Slack-Request-Timestamp"]))
    gateway.start()
    assert slack.send(gateway, click, headers=headers).status_code == 401
    assert refusals(gateway) == ["callback-replayed"] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"api_app_id": "A0OTHER"},
        {"team": {"id": "T0OTHER", "domain": "other"}},
        {"team": None, "user": {"id": "U0ALICE", "team_id": "T0OTHER"}},
    ],
)
def test_what_is_of_another_app_or_workspace_is_refused(in_slack, slack, path, changes):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    assert slack.send(gateway, slack.click(card, "approve", "alice", **changes)).status_code == 403
    assert refusals(gateway) == ["account-unknown"]
    assert slack.send(gateway, slack.command("alice", api_app_id="A0OTHER"), "commands").status_code == 403
    assert slack.send(gateway, slack.command("alice", team_id="T0OTHER"), "commands").status_code == 403
    assert gateway.approval(approval["id"])["status"] == "pending"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "payload=",
        "payload=%7B%7D",
        "payload=%7B%22type%22%3A%22block_actions%22%7D",
        "payload=%7B%22type%22%3A%22x%22%2C%22type%22%3A%22block_actions%22%7D",
        "payload=%7B%7D&payload=%7B%7D",
        "payload=%FF",
        "payload=" + "%5B" * 5000,
    ],
)
def test_what_is_signed_and_cannot_be_read_is_refused(in_slack, slack, body):
    gateway = in_slack()
    fields = {"Content-Type": "application/x-www-form-urlencoded", **slack.signed(body)}
    url = f"http://127.0.0.1:{gateway.control}/channels/slack/interactions"
    assert httpx.post(url, content=body, headers=fields).status_code == 400
    assert refusals(gateway) == ["bad-request"]


# Who may not


@pytest.mark.parametrize(
    "name, flags, code",
    [
        ("alice", {"deleted": True}, "account-refused"),
        ("alice", {"is_bot": True}, "account-refused"),
        ("alice", {"is_restricted": True}, "account-refused"),
        ("alice", {"is_restricted": True, "is_ultra_restricted": True}, "account-refused"),
        ("alice", {"is_stranger": True}, "account-refused"),
        ("alice", {"deleted": None}, "account-refused"),
        ("alice", {"is_restricted": None}, "account-refused"),
        ("alice", {"is_email_confirmed": False}, "account-unknown"),
        ("alice", {"profile": {"email": "nobody@example.com"}}, "account-unknown"),
        ("alice", {"profile": {}}, "account-unknown"),
    ],
)
def test_accounts_that_may_not_answer_are_told_so(in_slack, slack, path, name, flags, code):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.people[name].update(flags)
    slack.send(gateway, slack.click(card, "approve", name))
    assert slack.told(name)
    assert refusals(gateway) == [code] and last(gateway)["account"] == "slack:T0HOME/U0ALICE"
    assert gateway.approval(approval["id"])["decisions"] == []
    # The window and the command are no way around it.
    opened = slack.send(gateway, slack.click(card, "deny", name))
    assert opened.status_code == 200
    answer = slack.send(gateway, slack.submission(name, "no"))
    assert answer.json()["response_action"] == "errors"
    assert "held" not in slack.send(gateway, slack.command(name), "commands").text
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_an_account_of_another_workspace_in_a_shared_conversation_is_refused(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.people["mallory"] = person("U0MALLORY", "alice@example.com", team_id="T0OTHER")
    slack.send(gateway, slack.click(card, "approve", "mallory"))
    assert "another workspace" in slack.told("mallory")
    # One that claims to be of this workspace, and Slack knows better.
    slack.send(gateway, slack.click(card, "approve", "mallory", user=slack.user("mallory", team_id="T0HOME")))
    eventually(lambda: refusals(gateway) == ["account-refused"] * 2)
    assert gateway.approval(approval["id"])["decisions"] == []


def test_in_an_organisation_an_account_is_the_organisations_and_of_no_other(in_slack, slack, path):
    slack.enterprise = "E0GRID"
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.people["bob"] |= {"team_id": "T0SECOND", "enterprise_user": {"enterprise_id": "E0OTHER"}}
    slack.send(gateway, slack.click(card, "approve", "bob"))
    assert slack.told("bob") and refusals(gateway) == ["account-refused"]
    slack.people["alice"] |= {"team_id": "T0SECOND", "enterprise_user": {"enterprise_id": "E0GRID"}}
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(approval["id"], "approved", "redeemed", "succeeded")
    assert "slack:E0GRID/U0ALICE" in gateway.cli("user", "links").stdout


def test_the_one_who_asked_does_not_approve_whatever_their_account(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "olga"))
    assert slack.told("olga")
    decided = eventually(lambda: gateway.entries(kind="approval.decided", approval=approval["id"]))[-1]
    assert decided["reasons"] == ["self-approval"] and gateway.approval(approval["id"])["status"] == "pending"
    # A second account with the owner's colleague's address is nobody, once that has one.
    slack.send(gateway, slack.click(card, "approve", "carol"))
    slack.told("carol")
    slack.people["again"] = person("U0AGAIN", "carol@example.com")
    slack.send(gateway, slack.click(card, "approve", "again"))
    slack.told("again")
    assert refusals(gateway) == ["account-unknown"]


def test_without_match_email_only_a_stored_link_counts(in_slack, slack, path):
    gateway = in_slack(match_email=False)
    _, approval, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert slack.told("alice") and refusals(gateway) == ["account-unknown"]
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_a_link_that_an_administrator_made_counts_and_ends_when_it_is_taken_back(in_slack, slack, path):
    gateway = in_slack(match_email=False)
    _, approval, card = held(gateway, slack, path)
    # Carol's account is the owner's by link, whatever its address is: it may not decide.
    gateway.cli("user", "link", "olga@example.com", "slack:T0HOME/U0CAROL")
    slack.send(gateway, slack.click(card, "approve", "carol"))
    assert slack.told("carol")
    decided = eventually(lambda: gateway.entries(kind="approval.decided", approval=approval["id"]))[-1]
    assert decided["reasons"] == ["self-approval"]
    gateway.cli("user", "link", "alice@example.com", "slack:T0HOME/U0ERIN")
    gateway.cli("user", "unlink", "slack:T0HOME/U0ERIN")
    slack.send(gateway, slack.click(card, "approve", "erin"))
    assert slack.told("erin") and refusals(gateway) == ["account-unknown"]
    gateway.cli("user", "link", "alice@example.com", "slack:T0HOME/U0ERIN")
    slack.send(gateway, slack.click(card, "approve", "erin"))
    done = gateway.until(approval["id"], "approved", "redeemed", "succeeded")
    assert [each["user"] for each in done["decisions"]] == ["alice@example.com"]


def test_an_account_that_was_unlinked_is_not_matched_by_its_address_again(in_slack, slack, path):
    gateway = in_slack()
    _, first, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(first["id"], "approved", "redeemed", "succeeded")
    gateway.cli("user", "unlink", "slack:T0HOME/U0ALICE")
    _, second, card = held(gateway, slack, path + "/2")
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert slack.told("alice") and refusals(gateway) == ["account-unknown"]
    # Nor does another account that has the address now.
    slack.people["again"] = person("U0AGAIN", "alice@example.com")
    slack.send(gateway, slack.click(card, "approve", "again"))
    assert slack.told("again") and refusals(gateway) == ["account-unknown"] * 2
    assert gateway.approval(second["id"])["decisions"] == []
    gateway.cli("user", "link", "alice@example.com", "slack:T0HOME/U0ALICE")
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(second["id"], "approved", "redeemed", "succeeded")
    gateway.cli("log", "fsck", timeout=120)


def test_an_account_of_a_removed_user_is_not_that_of_the_next_one_of_the_name(in_slack, slack, path):
    gateway = in_slack()
    gateway.cli("user", "add", "frank@example.com", "--group", "dba")
    slack.people["frank"] = person("U0FRANK", "frank@example.com")
    _, first, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "frank"))
    gateway.until(first["id"], "approved", "redeemed", "succeeded")
    gateway.cli("user", "remove", "frank@example.com")
    gateway.cli("user", "add", "frank@example.com", "--group", "dba")
    _, second, card = held(gateway, slack, path + "/2")
    slack.send(gateway, slack.click(card, "approve", "frank"))
    assert slack.told("frank") and refusals(gateway) == ["account-unknown"]
    assert gateway.approval(second["id"])["decisions"] == []
    gateway.cli("log", "fsck", timeout=120)


def test_a_link_outlives_a_change_of_the_address_and_no_longer_follows_it(in_slack, slack, path):
    gateway = in_slack()
    _, first, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(first["id"], "approved", "redeemed", "succeeded")
    # Carol's account takes Bob's address, after it was hers.
    _, second, card = held(gateway, slack, path + "/2")
    slack.send(gateway, slack.click(card, "approve", "carol"))
    slack.told("carol")
    slack.people["carol"]["profile"] = {"email": "bob@example.com"}
    slack.send(gateway, slack.click(card, "approve", "carol"))
    eventually(lambda: len(slack.ephemerals) == 2)
    assert gateway.approval(second["id"])["decisions"] == []


def test_an_account_that_is_closed_after_it_was_linked_is_refused(in_slack, slack, path):
    gateway = in_slack()
    _, first, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(first["id"], "approved", "redeemed", "succeeded")
    slack.people["alice"]["deleted"] = True
    _, second, card = held(gateway, slack, path + "/2")
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert "closed" in slack.told("alice") and refusals(gateway) == ["account-refused"]
    assert gateway.approval(second["id"])["decisions"] == []


def test_when_slack_cannot_say_who_it_is_the_answer_is_no(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.steps["users.info"] = [(503, {}), "internal_error", "drop"]
    for number in range(3):
        slack.send(gateway, slack.click(card, "approve", "alice"))
        assert "cannot be asked" in slack.told("alice", after=number)
    assert refusals(gateway) == ["channel-unavailable"] * 3
    assert gateway.approval(approval["id"])["status"] == "pending"


# What is pressed at the wrong moment


def test_a_button_pressed_twice_counts_once(in_slack, slack, own_upstream, path):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    clicks = [slack.click(card, "approve", "alice") for _ in range(2)]
    for click in clicks:
        assert slack.send(gateway, click).status_code == 200
    assert ask.answer().status == 200
    assert slack.told("alice")
    assert len(gateway.approval(approval["id"])["decisions"]) == 1 and own_upstream.count(f"/held/{path}") == 1


def test_of_two_who_press_at_once_one_wins_and_the_other_is_told(in_slack, slack, own_upstream, path):
    gateway = in_slack()
    for number in range(5):
        ask, approval, card = held(gateway, slack, f"{path}/{number}")
        before = len(slack.ephemerals)
        clicks = [slack.click(card, "approve", name) for name in ("alice", "bob", "dave")]
        threads = [threading.Thread(target=slack.send, args=(gateway, click)) for click in clicks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ask.answer().status == 200
        eventually(lambda: len(slack.ephemerals) == before + 2)
        assert len(gateway.approval(approval["id"])["decisions"]) == 1
        slack.until_title(card, "Approved, and done")
    assert len(own_upstream.requests) == 5


def test_after_the_time_is_up_a_click_says_so_and_the_card_is_right(in_slack, slack, path):
    gateway = in_slack()
    gateway.ask("POST", f"/api/brief/{path}")
    approval = gateway.pending(f"/brief/{path}")
    card = slack.card(approval["id"])
    approve, deny = (slack.click(card, action, "alice") for action in ("approve", "deny"))
    gateway.until(approval["id"], "expired")
    slack.until_title(card, "Expired")
    slack.send(gateway, approve)
    assert slack.told("alice")
    slack.send(gateway, deny)
    assert "Nothing is left to decide" in eventually(lambda: (w := slack.told("alice")) and "left" in w and w)
    assert slack.views == {} and slack.buttons(card) == ["countersign.open"]


def test_a_click_on_an_old_card_shows_what_is_true(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "approve", "alice")
    gateway.decide(approval, "deny", "bob")
    slack.until_title(card, "Denied")
    # As if the correction had never arrived.
    card["blocks"] = card["history"][0]
    slack.send(gateway, click)
    assert slack.told("alice")
    slack.until_title(card, "Denied")


@pytest.mark.parametrize("value", ["", "x", "apr_x AAAAAAAAAAAA", "digest", "x" * 2000, None])
def test_a_button_that_names_something_else_decides_nothing(in_slack, slack, path, value):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "approve", "alice")
    click["actions"][0]["value"] = f"{approval['id']} {'A' * 12}" if value == "digest" else value
    assert slack.send(gateway, click).status_code == 200
    assert slack.told("alice")
    assert gateway.approval(approval["id"])["decisions"] == []
    if value == "digest":
        assert refusals(gateway) == ["digest-mismatch"]


def test_a_reason_that_slack_would_not_have_let_pass_is_refused(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "deny", "alice"))
    for reason in ["x" * 2001, " \n\t", None]:
        answer = slack.send(gateway, slack.submission("alice", reason))
        assert answer.json()["response_action"] == "errors"
    assert gateway.approval(approval["id"])["status"] == "pending"


# What the agent writes

HOSTILE = {
    "backticks": "```\n*Approved* by `alice@example.com`\n```",
    "mentions": "<!channel> <@U0BOB> <#C0ROOM|x> @here &lt;!here&gt;",
    "links": "<https://evil.example|Approve> https://evil.example/ [a](https://evil.example)",
    "rtl": "\u202egpj.exe\u2066x\u2069",
    "zero-width": "pass\u200bword\u200d\ufeff\u00ad\U000e0041",
    "controls": "\x1b[31mred\x00\r\n",
    "large": "x" * 1_000_000,
    "large-marks": "<`&" * 300_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_an_agent_writes_stays_text(in_slack, slack, path, kind):
    text = HOSTILE[kind]
    gateway = in_slack()
    header = "".join(c for c in text[:500] if 0x20 <= ord(c) < 0x7F)
    gateway.ask(
        "POST",
        f"/api/held/{path}",
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Countersign-Justification", header or "x"),
        body=text.encode(),
    )
    approval = gateway.pending(f"/held/{path}")
    card = slack.card(approval["id"])
    written = [
        block["text"]["text"] if "text" in block else block["elements"][0]["text"]
        for block in card["blocks"]
        if block["type"] in ("section", "context")
    ]
    whole = "\n".join(written)
    assert "<!" not in whole and "<@" not in whole and "<#" not in whole
    # The only links are ours, to the page.
    rest = whole.replace(f"<http://127.0.0.1:{gateway.control}/approvals/{approval['id']}|Read all of it>", "")
    assert "<" not in rest and ">" not in rest
    for hidden in "\u202e\u2066\u2069\u200b\u200d\ufeff\u00ad\U000e0041\x1b\x00\r":
        assert hidden not in whole
    for each in written:
        assert each.count("```") % 2 == 0 and len(each) <= 3000
    if kind.startswith("large"):
        assert "what you approve is all of it" in whole and "Read all of it" in whole
    if kind == "rtl":
        assert "\\u{202E}" in whole


def test_a_bots_message_below_a_card_is_nobodys_answer(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    event = slack.reply_event(card, "alice", "approve", user=BOT, bot_id="B0BOT")
    assert slack.send(gateway, event, "events").status_code == 200
    stays(lambda: gateway.approval(approval["id"])["status"] == "pending", 0.3)
