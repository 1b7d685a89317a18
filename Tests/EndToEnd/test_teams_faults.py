"""Microsoft Teams when something fails: nothing is lost, nobody is let in who is not known, and a restart forgets nothing."""

import json
import sqlite3

import pytest

from harness.gateway import POLICIES
from harness.slack import SOON
from harness.teams import ROOM, Teams, buttons, words
from harness.waiting import eventually, stays


@pytest.fixture
def teams():
    teams = Teams()
    yield teams
    teams.stop()
    assert teams.problems == []


@pytest.fixture
def gateway(install, teams):
    """A gateway whose configuration names the connector, so that the bot need not be added first."""
    return teams.configure(install(), service_url=teams.service_url)


def hold(gateway, path):
    return gateway.ask("GET", f"/api/held/{path}")


def notices(gateway):
    """The states of the notices, from the ledger itself."""
    with sqlite3.connect(f"file:{gateway.data / 'ledger.db'}?mode=ro", uri=True) as ledger:
        return [state for (state,) in ledger.execute("SELECT state FROM notice ORDER BY number")]


@pytest.mark.parametrize(
    "part, answer",
    [("activities", (429, {"Retry-After": "1"})), ("activities", 412), ("activities", 503), ("activities", 500), ("activities", 404),
     ("login", 500), ("login", 400), ("pagedmembers", 500)],
)
def test_a_notice_waits_until_teams_takes_it(gateway, teams, path, part, answer):
    gateway.start()
    seen = len(teams.calls)
    with teams.failing(part, answer):
        ask = hold(gateway, path)
        if part == "pagedmembers":
            # Without a list of members, the card is the same for all.
            assert "refresh" not in teams.card(f"/held/{path}").card
        else:
            eventually(lambda: any(part in call[1] for call in teams.calls[seen:]), 10, f"an attempt at {part}")
            assert teams.cards() == []
    message = teams.card(f"/held/{path}", timeout=15)
    teams.press(gateway, message, "approve", "alice")
    assert ask.answer().status == 200
    eventually(lambda: "done" in message.text, 10, "the card's correction")
    assert len(teams.cards()) == 1


def test_a_connector_that_does_not_answer(gateway, teams, path):
    gateway.start()
    with teams.failing("activities", "hang"):
        ask = hold(gateway, path)
        eventually(lambda: teams.count("/connector"), 10, "an attempt")
        # Nobody waits for Teams: the API decides meanwhile.
        gateway.approve(gateway.pending(f"/held/{path}"))
        assert ask.answer().status == 200
    assert teams.cards() == []


def test_a_token_that_is_not_taken_any_more_is_renewed(gateway, teams, path):
    gateway.start()
    first = hold(gateway, path + "-1")
    message = teams.card(f"/held/{path}-1")
    assert len(teams.tokens) == 1
    teams.tokens.clear()
    teams.press(gateway, message, "approve", "alice")
    second = hold(gateway, path + "-2")
    message = teams.card(f"/held/{path}-2", timeout=15)
    assert len(teams.tokens) == 1
    for each in gateway.of(f"/held/{path}-1", "pending"):
        gateway.approve(each)
    teams.press(gateway, message, "approve", "alice")
    assert first.answer().status == 200 and second.answer().status == 200


def test_a_login_that_gives_no_token_is_not_asked_by_everybody_in_turn(gateway, teams, path):
    gateway.start()
    ask = hold(gateway, path)
    message = teams.card(f"/held/{path}")
    teams.tokens.clear()
    before = teams.count("/login")
    with teams.failing("login", 500):
        for _ in range(10):
            answer = teams.press(gateway, message, "approve", "alice")
            assert "Teams does not say who this account is" in words(answer.value)
        assert 1 <= teams.count("/login") - before <= 4

    def approved():
        teams.press(gateway, message, "approve", "alice")
        return gateway.of(f"/held/{path}")[0]["decisions"]

    eventually(approved, 15, "a decision", pace=0.5)
    assert ask.answer().status == 200


def test_without_keys_nobody_is_let_in(gateway, teams, path):
    with teams.failing("keys", 500):
        gateway.start()
        ask = hold(gateway, path)
        message = teams.card(f"/held/{path}")
        answer = teams.send(gateway, teams.execute(message, "approve"))
        assert (answer.status_code, answer.json()["code"]) == (503, "channel-unavailable")
    with teams.failing("metadata", 404):
        assert teams.send(gateway, teams.execute(message, "approve")).status_code == 503
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []

    def pressed():
        return teams.send(gateway, teams.execute(message, "approve")).status_code == 200

    eventually(pressed, 15, "keys", pace=0.5)
    assert ask.answer().status == 200


def test_nobody_decides_whom_teams_does_not_name(gateway, teams, path):
    gateway.start()
    ask = hold(gateway, path)
    message = teams.card(f"/held/{path}")
    for fault in (500, 403, "hang"):
        with teams.failing("/members/", fault):
            answer = teams.press(gateway, message, "approve", "alice")
            assert "Teams does not say who this account is" in words(answer.value)
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []
    assert "channel-unavailable" in {code for each in gateway.entries(kind="channel.refused") for code in each["reasons"]}
    teams.press(gateway, message, "approve", "alice")
    assert ask.answer().status == 200


def test_a_restart_forgets_nothing(install, teams, path):
    gateway = teams.configure(install())
    gateway.start()
    ask = hold(gateway, path)
    eventually(lambda: "no connector of the conversation is known" in gateway.log_text(), 10, "the notice's wait")
    assert teams.cards() == []
    gateway.kill()
    assert teams.install(gateway.start()).status_code == 200
    message = teams.card(f"/held/{path}", timeout=20)
    eventually(lambda: [text for text in teams.texts() if ROOM in text], 10, "the bot's first words")
    # Until it is on disk that Teams has the card, a crash may leave a second one.
    eventually(lambda: notices(gateway) == ["delivered"], 10, "the notice's end")
    gateway.kill()
    gateway.start()
    answer = teams.press(gateway, message, "approve", "alice")
    assert "Approved by alice@example.com" in words(answer.value)
    eventually(lambda: buttons(message.card) == ["Open"], 10, "the card's correction")
    assert hold(gateway, path).answer().status == 200
    second = hold(gateway, path + "-2")
    message = teams.card(f"/held/{path}-2")
    teams.press(gateway, message, "deny", "bob", reason="no")
    assert second.answer().status == 403
    assert len(teams.cards()) == 2
    ask.join(1)


def test_a_bot_that_was_removed_knows_the_conversation_no_more(install, teams, path):
    gateway = teams.configure(install())
    gateway.start()
    teams.install(gateway)
    removed = teams.activity("installationUpdate", action="remove")
    assert teams.send(gateway, removed).status_code == 200
    hold(gateway, path)
    eventually(lambda: "no connector of the conversation is known" in gateway.log_text(), 10, "the notice's wait")


def test_without_matching_by_mail_only_links_count(install, teams, path):
    gateway = teams.configure(install(), service_url=teams.service_url, match_email=False)
    gateway.start()
    hold(gateway, path)
    message = teams.card(f"/held/{path}")
    assert "Not done" in words(teams.press(gateway, message, "approve", "alice").value)
    assert gateway.of(f"/held/{path}")[0]["decisions"] == []


def test_a_flow_only_tells(install, teams, path):
    gateway = install()
    gateway.environment["FLOW"] = f"{teams.url}/flow?sp=triggers&sig=the-flow%27s-secret"
    gateway.configuration["channels"] = [{"name": "feed", "kind": "workflows", "url": "env:FLOW"}]
    gateway.configuration["routing"] = [{"groups": ["dba"], "notify": [{"channel": "feed"}]}]
    gateway.write_configuration()
    gateway.start()
    with teams.failing("flow", (429, {"Retry-After": "1"})):
        ask = hold(gateway, path)
        eventually(lambda: teams.count("/flow"), 10, "an attempt")
    eventually(lambda: len(teams.posts) == 1, 15, "the message")
    card = teams.posts[0]["attachments"][0]["content"]
    approval = gateway.pending(f"/held/{path}")
    assert buttons(card) == ["Open"] and card["actions"][0]["url"].endswith(approval["id"])
    assert "Approval wanted" in words(card)
    gateway.approve(approval)
    assert ask.answer().status == 200
    eventually(lambda: len(teams.posts) == 2, 15, "the end")
    assert teams.posts[1]["summary"].startswith("Approved")
    assert "the-flow" not in gateway.log_text() and "sig=" not in gateway.log_text()


def test_a_flow_is_told_of_a_flood_once_and_once_of_its_end(install, teams, path):
    gateway = install()
    gateway.environment["FLOW"] = f"{teams.url}/flow?sp=triggers&sig=the-flow%27s-secret"
    gateway.configuration["channels"] = [{"name": "feed", "kind": "workflows", "url": "env:FLOW"}]
    digest = {"after": 1, "every": "2s"}
    gateway.configuration["routing"] = [{"groups": ["dba"], "notify": [{"channel": "feed"}], "digest": digest}]
    gateway.write_configuration()
    gateway.start()
    for number in range(6):
        assert gateway.exchange("POST", f"/api/held/{path}/{number}", ("Prefer", "wait=0"), body=b"").status == 202
    approvals = gateway.approvals(status="pending")
    told = lambda: sum(each["id"] in json.dumps(post) for post in teams.posts for each in approvals)
    eventually(lambda: told() == 6, 15, "the digest")
    posts = len(teams.posts)
    assert posts <= 3
    for each in approvals:
        gateway.decide(each, "deny")
    eventually(lambda: len(teams.posts) == 2 * posts, 15, "the end")
    stays(lambda: len(teams.posts) == 2 * posts, 1)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"app_id": "x"}, "channels[0].app_id"),
        ({"tenant": None}, "lacks the key tenant"),
        ({"app_secret": "plain"}, "must be a reference"),
        ({"service_url": "http://smba.example.com/"}, "channels[0].service_url"),
        ({"login_tenant": "a/../b"}, "channels[0].login_tenant"),
        ({"appid": "x"}, "did you mean app_id?"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_named(install, teams, change, words):
    gateway = teams.configure(install())
    channel = gateway.configuration["channels"][0]
    channel.update(change)
    for key in [key for key, value in channel.items() if value is None]:
        del channel[key]
    gateway.write_configuration()
    code, said = gateway.refuse_to_start()
    assert code == 2 and words in said


def test_an_attempt_in_doubt_leaves_cards_that_both_show_the_truth(gateway, teams, path):
    """Teams has no way to ask whether a message arrived: both cards work, and both know how it ended."""
    gateway.start()
    teams.loses = True
    ask = hold(gateway, path)
    eventually(lambda: len(teams.cards()) == 2, 15, "the second card")
    first, second = teams.cards()
    answer = teams.press(gateway, first, "approve", "alice")
    assert buttons(answer.value) == ["Open"]
    assert ask.answer().status == 200
    eventually(lambda: buttons(second.card) == ["Open"], 10, "the card's correction")
    # Whoever looks at the other one is shown what happened.
    data = {**first.data("approve"), "verb": "countersign.refresh"}
    assert "Approved by alice@example.com" in words(teams.press(gateway, first, "refresh", "bob", data=data).value)


def test_a_message_that_is_under_way_when_the_gateway_stops_is_not_sent_again(gateway, teams, path):
    gateway.start()
    with teams.failing("activities", "wait"):
        hold(gateway, path)
        eventually(lambda: any("activities" in call[1] for call in teams.calls), 10, "an attempt")
        gateway.close_clients()
        gateway.terminate()
        eventually(lambda: not gateway.is_ready(), 10, "the beginning of the stop")
        stays(lambda: gateway.process.poll() is None, 1)
        teams.released.set()
        assert gateway.process.wait(20) == 0
    assert notices(gateway) == ["delivered"]
    gateway.start()
    message = teams.card(f"/held/{path}")
    teams.press(gateway, message, "approve", "alice")
    eventually(lambda: "Approved" in message.text, 10, "the card's correction")
    assert len(teams.cards()) == 1


def test_who_is_asked_again_is_asked_anew_where_the_card_was_removed(install, teams, path):
    gateway = teams.configure(install(policies=POLICIES + SOON.replace("6s", "13s")), service_url=teams.service_url)
    gateway.configuration["routing"][0]["remind"] = "6s"
    gateway.write_configuration()
    gateway.start()
    ask = gateway.ask("GET", f"/api/soon/{path}")
    first = teams.card(f"/soon/{path}")
    teams.messages.remove(first)
    message = teams.card(f"/soon/{path}", timeout=15)
    assert message.id != first.id
    teams.press(gateway, message, "approve", "alice")
    assert ask.answer().status == 200
    eventually(lambda: "done" in message.text, 10, "the card's correction")


def test_a_flood_is_one_message(install, teams, path):
    gateway = teams.configure(install(), service_url=teams.service_url)
    gateway.configuration["routing"][0]["digest"] = {"after": 2, "every": "4s"}
    gateway.write_configuration()
    gateway.start()
    asks = [hold(gateway, f"{path}-{number}") for number in range(6)]
    for number in range(6):
        gateway.pending(f"/held/{path}-{number}")
    told = eventually(lambda: len(notices(gateway)) == 6 and "waiting" not in notices(gateway), 15, "all are told")
    assert told and len(teams.cards()) < 6
    digests = [message for message in teams.cards() if "approvals wanted" in message.activity["summary"]]
    lines = sum(message.text.count("Digest ") for message in teams.cards())
    assert digests and lines == 6
    for message in digests:
        # One page lists all of them, and decides on each.
        assert buttons(message.card) == ["Open all of them"] and "refresh" not in message.card
        page = message.card["actions"][0]["url"]
        assert page.startswith(gateway.configuration["public_url"] + "/approvals/batch?batch=bat_")
    for number in range(6):
        gateway.decide(gateway.of(f"/held/{path}-{number}")[0], "deny")
    eventually(lambda: all("all settled" in message.text for message in digests), 15, "the digest's correction")
    for ask in asks:
        assert ask.answer().status == 403
