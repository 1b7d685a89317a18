"""Slack is slow, down, or full, or the gateway dies: every card arrives once, and shows what is true in the end."""

import json
import time

import pytest
import trustme

from harness.gateway import POLICIES
from harness.slack import BOT, ENVIRONMENT, ROOM, SOON, Slack, held, with_slack
from harness.waiting import eventually, stays


def noise(slack, count):
    """Other messages in the conversation, also of our app."""
    with slack.lock:
        for number in range(count):
            message = {"type": "message", "user": "U0BOB", "ts": slack.stamp(), "text": "x", "blocks": []}
            if number % 2:
                payload = {"subject": "apr_other", "notice": "ntc_other", "told": 0}
                message |= {"user": BOT, "app_id": "A0APP" if number % 4 == 1 else "A0OTHER"}
                message["metadata"] = {"event_type": "countersign_approval", "event_payload": payload}
            slack.rooms[ROOM]["messages"].append(message)


def cards(slack):
    return [m for m in slack.messages() if m.get("blocks")]


def finish(gateway, slack, ask, card):
    """The card is the one that there is, and can be decided on."""
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert ask.answer().status == 200
    slack.until_title(card, "Approved, and done", 20)


@pytest.mark.parametrize(
    "steps",
    [
        [(429, {"Retry-After": "1"})],
        ["ratelimited"],
        [(503, {}), (500, {})],
        ["drop", "internal_error"],
        ["a_code_that_is_new"],
    ],
)
def test_a_card_arrives_once_slack_takes_it(in_slack, slack, path, steps):
    slack.steps["chat.postMessage"] = list(steps)
    gateway = in_slack()
    start = time.monotonic()
    ask, _, card = held(gateway, slack, path)
    if steps[0] == (429, {"Retry-After": "1"}):
        assert time.monotonic() - start >= 1
    finish(gateway, slack, ask, card)
    assert len(cards(slack)) == 1


@pytest.mark.parametrize("page", [100, 7])
def test_a_card_whose_answer_was_lost_is_found_again(in_slack, slack, path, page):
    slack.page = page
    gateway = in_slack()
    noise(slack, 20)
    slack.steps["chat.postMessage"] = ["take-and-drop"]
    ask, _, card = held(gateway, slack, path)
    noise(slack, 20)
    eventually(lambda: slack.count("conversations.history") > 0, 15)
    finish(gateway, slack, ask, card)
    assert len(cards(slack)) == 1


def test_a_card_whose_answer_was_lost_is_corrected_though_its_question_is_over(in_slack, slack, path):
    slack.steps["chat.postMessage"] = ["take-and-drop"]
    slack.steps["conversations.history"] = [(503, {}), (503, {}), (503, {})]
    gateway = in_slack()
    ask = gateway.ask("POST", f"/api/held/{path}")
    approval = gateway.pending(f"/held/{path}")
    card = slack.card(approval["id"])
    gateway.decide(approval, "deny")
    assert ask.answer().status == 403
    slack.until_title(card, "Denied", 30)
    assert slack.buttons(card) == ["countersign.open"] and len(cards(slack)) == 1


def test_a_card_is_not_shown_twice_when_the_gateway_is_killed_before_it_knows(in_slack, slack, path):
    slack.steps["chat.postMessage"] = ["take-and-hang"]
    gateway = in_slack()
    ask = gateway.ask("POST", f"/api/held/{path}")
    approval = gateway.pending(f"/held/{path}")
    card = slack.card(approval["id"])
    gateway.kill()
    gateway.start()
    again = gateway.ask("POST", f"/api/held/{path}")
    eventually(lambda: slack.count("chat.update") > 0, 15, "the card is found")
    finish(gateway, slack, again, card)
    assert len(cards(slack)) == 1 and ask


def test_a_time_out_is_not_the_end_of_it(in_slack, slack, path):
    slack.steps["chat.postMessage"] = ["hang"]
    gateway = in_slack()
    ask = gateway.ask("POST", f"/api/held/{path}")
    approval = gateway.pending(f"/held/{path}")
    card = slack.card(approval["id"], timeout=20)
    finish(gateway, slack, ask, card)
    assert len(cards(slack)) == 1


def test_an_outage_in_mid_update_ends_with_the_truth(in_slack, slack, path):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    slack.steps["chat.update"] = [(503, {}), "take-and-drop", (502, {})]
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert ask.answer().status == 200
    slack.until_title(card, "Approved, and done", 20)
    eventually(lambda: "status 200" in json.dumps(slack.replies(card)), 20)
    assert len(cards(slack)) == 1
    assert gateway.approval(approval["id"])["status"] == "succeeded"


def test_words_below_a_card_are_kept_once_slack_can_say_what_they_are_about(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.steps["conversations.replies"] = [(429, {"Retry-After": "1"}), (503, {})]
    slack.send(gateway, slack.reply_event(card, "carol", "Why now?"), "events")
    words = eventually(lambda: gateway.approval(approval["id"]).get("comments"), 20)
    assert [each["text"] for each in words] == ["Why now?"] and slack.ephemerals == []


def test_words_that_slack_cannot_say_the_place_of_are_not_lost_in_silence(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.steps["conversations.replies"] = [(503, {})] * 3
    slack.send(gateway, slack.reply_event(card, "carol", "Why now?"), "events")
    assert "stay in Slack" in slack.told("carol", timeout=20)
    assert not gateway.approval(approval["id"]).get("comments")


@pytest.mark.parametrize(
    "code", ["restricted_action_non_threadable_channel", "restricted_action_thread_locked", "thread_not_found"]
)
def test_a_card_whose_thread_takes_no_replies_is_told_all_the_same(in_slack, slack, path, code):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    slack.steps["chat.postMessage"] = [code] * 100
    finish(gateway, slack, ask, card)

    def notices():
        items = gateway.user("alice").get("/v1/notices", params={"approval": approval["id"]}).json()["items"]
        assert {each["state"] for each in items} <= {"delivered", "dropped"}, items
        return items

    assert eventually(notices) and slack.replies(card) == []
    assert gateway.user("alice").get("/v1/channels").json()["items"][0]["state"] == "ok"


def test_a_thread_is_told_each_thing_once(in_slack, slack, path):
    gateway = in_slack()
    ask = gateway.ask("POST", f"/api/two-dbas/{path}")
    approval = gateway.pending(f"/two-dbas/{path}")
    card = slack.card(approval["id"])
    slack.steps["chat.postMessage"] = ["take-and-drop"]
    slack.send(gateway, slack.click(card, "approve", "alice"))
    eventually(lambda: slack.count("conversations.replies") > 0, 15)
    slack.send(gateway, slack.click(card, "approve", "bob"))
    assert ask.answer().status == 200
    eventually(lambda: "status 200" in json.dumps(slack.replies(card)), 20)
    trail = [json.dumps(reply["blocks"]) for reply in slack.replies(card)]
    for words in ("alice@example.com", "bob@example.com", "Every gate is met", "status 200"):
        assert sum(words in each for each in trail) == 1, (words, trail)


def test_a_reminder_whose_answer_was_lost_is_told_once_and_is_not_taken_for_the_card(in_slack, slack, path):
    routing = [{"groups": ["*"], "notify": [{"channel": "slack", "to": ROOM}], "remind": "3s"}]
    soon = SOON.replace("6s", "8s")
    slack.steps["chat.postMessage"] = [None, "take-and-drop"]
    gateway = in_slack(policies=POLICIES + soon, routing=routing)
    ask = gateway.ask("POST", f"/api/soon/{path}")
    approval = gateway.pending(f"/soon/{path}")
    card = slack.card(approval["id"])
    eventually(lambda: slack.count("conversations.replies") > 0, 20)
    finish(gateway, slack, ask, card)
    assert [json.dumps(reply).count("Still waiting") > 0 for reply in slack.replies(card)].count(True) == 1
    assert len(cards(slack)) == 1


def test_a_token_that_was_revoked_stops_everything_until_it_works_again(in_slack, slack, path):
    gateway = in_slack()
    slack.steps["chat.postMessage"] = ["token_revoked"]
    ask = gateway.ask("POST", f"/api/held/{path}")
    approval = gateway.pending(f"/held/{path}")
    eventually(lambda: "take its new token" in gateway.log_text())
    card = slack.card(approval["id"], timeout=20)
    finish(gateway, slack, ask, card)


@pytest.mark.parametrize("trouble", ["not_in_channel", "is_archived", "channel_not_found"])
def test_a_room_that_takes_nothing_does_not_hold_up_the_others(in_slack, slack, path, trouble):
    routing = [{"groups": ["*"], "notify": [{"channel": "slack", "to": ROOM}, {"channel": "slack", "to": "C0BOSS"}]}]
    slack.rooms["C0BOSS"]["trouble"] = trouble
    gateway = in_slack(routing=routing)
    ask, _, card = held(gateway, slack, path)
    eventually(lambda: trouble in gateway.log_text())
    finish(gateway, slack, ask, card)
    assert len([1 for _, method, query in slack.calls if query.get("channel") == "C0BOSS"]) == 1


def test_a_card_that_somebody_removed_is_not_put_there_again(in_slack, slack, path):
    gateway = in_slack()
    ask, approval, card = held(gateway, slack, path)
    with slack.lock:
        slack.rooms[ROOM]["messages"].clear()
    gateway.approve(approval)
    assert ask.answer().status == 200
    eventually(lambda: slack.count("chat.update") > 0)
    stays(lambda: not slack.messages(), 0.5)
    assert card


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_a_card_that_cannot_be_corrected_still_has_its_thread(in_slack, slack, path, code):
    gateway = in_slack()
    ask, _, card = held(gateway, slack, path)
    slack.steps["chat.update"] = [code] * 10
    slack.send(gateway, slack.click(card, "approve", "alice"))
    assert ask.answer().status == 200
    eventually(lambda: "status 200" in json.dumps(slack.replies(card)))
    assert len(cards(slack)) == 1


def test_many_cards_go_at_the_pace_of_the_room(in_slack, slack, path):
    gateway = in_slack(per_second=4, burst=2)
    for number in range(8):
        gateway.ask("POST", f"/api/held/{path}/{number}")
    eventually(lambda: len(cards(slack)) == 8, 20)
    times = [moment for moment, method, _ in slack.calls if method == "chat.postMessage"]
    assert times[-1] - times[0] >= (8 - 2) / 4 - 0.3


def test_a_window_that_slack_does_not_open_is_said_so(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    click = slack.click(card, "deny", "alice")
    slack.triggers.clear()
    slack.send(gateway, click)
    assert "Press Deny again" in slack.told("alice")
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_a_slow_answer_about_a_person_is_waited_for_behind_the_acknowledgement(in_slack, slack, path):
    gateway = in_slack()
    ask, _, card = held(gateway, slack, path)
    slack.send(gateway, slack.click(card, "deny", "alice"))
    submission = slack.submission("alice", "no")
    slack.steps["users.info"] = ["hang"]
    # Slack has its answer within three seconds; that it did not count comes later, directly.
    assert slack.send(gateway, submission).content == b""
    eventually(lambda: "cannot be asked" in json.dumps(slack.messages("D0ALICE")), 20)
    assert ask.is_waiting


def test_a_socket_comes_about_once_slack_lets_it(in_slack, slack, path):
    slack.steps["apps.connections.open"] = [(503, {}), "internal_error"]
    slack.steps["auth.test"] = [(503, {})]
    gateway = in_slack(socket=True)
    ask, _, card = held(gateway, slack, path)
    slack.connected(20)
    slack.envelope("interactive", slack.click(card, "approve", "alice"))
    assert ask.answer().status == 200


def test_a_socket_that_slack_does_not_want_is_not_opened_over_and_over(in_slack, slack, path):
    slack.closing = "too_many_websockets"
    gateway = in_slack(socket=True)
    eventually(lambda: "too_many_websockets" in gateway.log_text(), 10, "a warning")
    stays(lambda: slack.socket_opens <= 4, 5)
    slack.closing = None
    ask, _, card = held(gateway, slack, path)
    slack.connected(20)
    slack.envelope("interactive", slack.click(card, "approve", "alice"))
    assert ask.answer().status == 200


def test_a_click_that_was_acknowledged_counts_although_the_gateway_stops(in_slack, slack, path):
    gateway = in_slack()
    _, approval, card = held(gateway, slack, path)
    slack.steps["users.info"] = ["wait"]
    assert slack.send(gateway, slack.click(card, "approve", "alice")).status_code == 200
    eventually(lambda: slack.waiting, 10, "the question who it is")
    gateway.close_clients()
    gateway.terminate()
    # Nobody new comes in; what was begun keeps the process up.
    eventually(lambda: not gateway.is_ready(), 10, "the beginning of the stop")
    stays(lambda: gateway.process.poll() is None, 1)
    slack.released.set()
    assert gateway.process.wait(20) == 0
    gateway.start()
    decisions = gateway.approval(approval["id"])["decisions"]
    assert [each["user"] for each in decisions] == ["alice@example.com"]


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_verified_for_calls_and_for_the_socket(install, path, trusted):
    authority = trustme.CA()
    slack = Slack(authority)
    try:
        gateway = install(change=with_slack(slack, socket=True, **({"ca": "./ca.pem"} if trusted else {})))
        authority.cert_pem.write_to_path(str(gateway.folder / "ca.pem"))
        gateway.environment.update(ENVIRONMENT)
        gateway.start()
        if trusted:
            ask, _, card = held(gateway, slack, path)
            slack.envelope("interactive", slack.click(card, "approve", "alice"))
            assert ask.answer().status == 200
        else:
            gateway.ask("POST", f"/api/held/{path}")
            eventually(lambda: "cannot be reached" in gateway.log_text())
            stays(lambda: not slack.calls and not slack.sockets, 1)
    finally:
        slack.stop()
    assert slack.problems == []
