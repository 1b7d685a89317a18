"""What an agent adds to its pending request: approvers see it as the agent's words, and it decides nothing."""

import re
import threading

import pytest

from harness.gateway import Events
from harness.waiting import eventually
from test_crash import entry_kinds_are_whole, kill_and_restart
from test_dashboard import decide as decide_by_form
from test_dashboard import sign_in

HOSTILE = "<img src=x onerror=alert(1)> \u202eesrever\u202c a\u200bb \u0456t\u0131s\nsecond line & \"more\""


def held(gateway, path, *headers, agent="bot"):
    answer = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"), *headers, agent=agent)
    assert answer.status == 202
    return gateway.approval(answer.header("location").rsplit("/", 1)[1])


def comment(client, approval, text, **options):
    return client.post(f"/v1/approvals/{approval['id']}/comments", json={"text": text}, **options)


def texts(approval):
    return [each["text"] for each in approval["comments"]]


@pytest.mark.parametrize("port", ["gateway", "api"])
def test_an_agent_adds_words_through_either_port(gateway, path, port):
    approval = held(gateway, path, ("Countersign-Justification", "the ticket is 4711"))
    assert approval["comments"] == []
    client = gateway.agent() if port == "gateway" else gateway.agent_api()
    answer = comment(client, approval, "it is urgent")
    assert answer.status_code == 200, answer.text
    after = gateway.approval(approval["id"])
    assert answer.json() == after
    assert after["justification"] == "the ticket is 4711"
    [said] = after.pop("comments")
    assert said["author"] == {"type": "Agent", "id": "bot", "via": None} and said["text"] == "it is urgent"
    assert said["commented_at"] > approval["requested_at"]
    approval.pop("comments")
    assert after.pop("revision") == approval.pop("revision") + 1
    assert after == approval, "nothing else of the approval changes"
    entry = gateway.entries(approval=approval["id"], kind="approval.commented")[0]
    assert entry["comment"] == {"text": "it is urgent"} and entry["actor"] == {"type": "Agent", "id": "bot"}
    assert entry["action"]["digest"] == approval["action_digest"]
    assert [found["sequence"] for found in gateway.entries(q="urgent", approval=approval["id"])] == [entry["sequence"]]


def test_who_may_not_add_words(gateway, path):
    approval = held(gateway, path)
    refused = comment(gateway.agent("other-bot"), approval, "hello")
    absent = comment(gateway.agent("other-bot"), approval | {"id": approval["id"][:-4] + "0000"}, "hello")
    assert refused.status_code == absent.status_code == 404 and refused.json() == absent.json()
    # Whoever has only the machine's own token is no user; the command line says so before the server does.
    assert gateway.cli("approvals", "comment", approval["id"], "hello", succeed=False).returncode == 2
    assert comment(gateway.anyone(), approval, "hello").status_code == 401
    # A user's token opens nothing on the agents' port.
    token = {"Authorization": f"Bearer {gateway.token('alice@example.com')}"}
    assert comment(gateway.agent(), approval, "hello", headers=token).status_code in (401, 403)
    assert gateway.approval(approval["id"]) == approval
    assert gateway.kinds(approval["id"]) == ["approval.requested"]


def test_what_is_no_words_is_refused_and_says_what_would_be(gateway, path):
    approval = held(gateway, path)
    for text in ("", "  \n\t", "a" * 1001, "\U0001f600" * 1001, "a" * 900_000, None, 7, ["x"], {"text": "x"}):
        answer = comment(gateway.agent(), approval, text)
        assert answer.status_code == 400, text
        assert "1 to 1000 characters" in answer.json()["detail"]
    answer = gateway.agent().post(f"/v1/approvals/{approval['id']}/comments", json={"text": "x", "decision": "approve"})
    assert answer.status_code == 400
    assert comment(gateway.agent(), approval, "a" * 1_100_000).status_code == 413
    assert gateway.approval(approval["id"]) == approval
    # What is as long as it may be is kept whole.
    assert comment(gateway.agent(), approval, "\U0001f600" * 1000).status_code == 200
    assert texts(gateway.approval(approval["id"])) == ["\U0001f600" * 1000]


def test_the_same_words_again_are_the_same_and_eight_are_all(own_gateway, path):
    approval = held(own_gateway, path)
    for number in range(8):
        for _ in range(2):
            assert comment(own_gateway.agent(), approval, f"word {number}").status_code == 200
    full = comment(own_gateway.agent(), approval, "one more")
    assert full.status_code == 429 and full.json()["code"] == "too-many-comments"
    assert texts(own_gateway.approval(approval["id"])) == [f"word {number}" for number in range(8)]
    assert own_gateway.kinds(approval["id"]) == ["approval.requested"] + ["approval.commented"] * 8
    # Many approvals do not make it many more.
    others = [held(own_gateway, f"{path}-{number}") for number in range(3)]
    answers = [comment(own_gateway.agent(), other, f"w{number}") for other in others for number in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"too-many-comments"}


def test_a_vote_that_was_cast_stays_and_what_was_approved_runs(gateway, upstream, path):
    answer = gateway.exchange("POST", f"/api/two-dbas/{path}", ("Prefer", "wait=0"))
    approval = gateway.approval(answer.header("location").rsplit("/", 1)[1])
    assert gateway.approve(approval, "alice")["status"] == "pending"
    after = comment(gateway.agent(), approval, "please, the other one, too").json()
    assert [each["user"] for each in after["decisions"]] == ["alice@example.com"]
    assert after["action_digest"] == approval["action_digest"] and after["preview_digest"] == approval["preview_digest"]
    page = sign_in(gateway, "bob")
    shown = page.get(f"/approvals/{approval['id']}").text
    assert "1 person had decided before it" in shown
    # The form that bob opened before is as good as it was.
    assert decide_by_form(page, approval, "approve").headers["location"].endswith("result=approved")
    page.close()
    assert gateway.exchange("POST", f"/api/two-dbas/{path}").status == 200
    assert upstream.count(f"/two-dbas/{path}") == 1
    gateway.until(approval["id"], "succeeded")
    gateway.verify_receipt(approval["id"])
    told = gateway.cli("verify", f"{approval['id']}.receipt.json", "--key", gateway.cli("log", "key").stdout.strip(),
                       configured=False).stdout
    order = [told.index(words) for words in ("alice@example.com (dba) approved", "please, the other", "bob@example.com")]
    assert order == sorted(order) and "bot added at" in told


def test_what_is_settled_takes_no_words(gateway, path):
    for end in ("run", "revoke", "deny", "withdraw"):
        approval = held(gateway, f"{path}-{end}", agent="other-bot")
        if end == "withdraw":
            assert gateway.agent("other-bot").post(f"/v1/approvals/{approval['id']}/withdraw").status_code == 200
        elif end == "deny":
            assert gateway.decide(approval, end).status_code == 200
        else:
            gateway.approve(approval)
            # The action has not begun, so there is still something to say, and somebody who can stop it.
            assert comment(gateway.agent("other-bot"), approval, "I wait for the night").status_code == 200
            assert comment(gateway.user("alice"), approval, "not on Sunday").status_code == 200
        if end == "run":
            assert gateway.exchange("DELETE", f"/api/{path}-{end}", agent="other-bot").status == 200
            gateway.until(approval["id"], "succeeded")
            gateway.verify_receipt(approval["id"])
        elif end == "revoke":
            assert gateway.user("bob").post(f"/v1/approvals/{approval['id']}/revoke").status_code == 200
        before = gateway.approval(approval["id"])
        for client in (gateway.agent("other-bot"), gateway.user("alice")):
            late = comment(client, approval, "too late")
            assert late.status_code == 409 and late.json()["code"] == "already-decided"
        assert gateway.approval(approval["id"]) == before


@pytest.mark.parametrize("round_", range(6))
def test_words_and_a_decision_at_once_are_in_one_order(gateway, path, round_):
    # Another agent than the other tests', so that its pace is its own.
    approval = held(gateway, path, agent="other-bot")
    start = threading.Barrier(3)
    answers = {}

    def run(name, call):
        start.wait()
        answers[name] = call()

    client = gateway.agent("other-bot")
    threads = [
        threading.Thread(target=run, args=("first", lambda: comment(client, approval, "one"))),
        threading.Thread(target=run, args=("second", lambda: comment(client, approval, "two"))),
        threading.Thread(target=run, args=("decision", lambda: gateway.decide(approval, "deny"))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers["decision"].status_code == 200
    said = [name for name in ("first", "second") if answers[name].status_code == 200]
    assert all(answers[name].status_code in (200, 409) for name in ("first", "second"))
    kinds = gateway.kinds(approval["id"])
    assert kinds == ["approval.requested"] + ["approval.commented"] * len(said) + [
        "approval.decided",
        "approval.settled",
    ]
    assert len(gateway.approval(approval["id"])["comments"]) == len(said)


def test_words_wake_who_waits_and_are_events(gateway, path):
    approval = held(gateway, path)
    events = Events(gateway.user("alice")).listening()
    waited = {}
    client = gateway.user("bob")
    thread = threading.Thread(
        target=lambda: waited.update(client.get(f"/v1/approvals/{approval['id']}", params={"wait": 30}).json())
    )
    thread.start()
    assert comment(gateway.agent(), approval, "look again").status_code == 200
    _, number, data = events.until(lambda data: data["id"] == approval["id"] and data["comments"])
    events.close()
    assert texts(data) == ["look again"]
    assert gateway.entries(approval=approval["id"], kind="approval.commented")[0]["sequence"] == number
    thread.join(20)
    assert texts(waited) == ["look again"]


def test_a_held_request_waits_on(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    assert comment(gateway.agent(), approval, "still here").status_code == 200
    gateway.approve(approval)
    assert ask.answer().status == 200 and upstream.count(f"/{path}") == 1


def test_after_kill_9_the_words_are_there_and_the_log_is_sound(own_gateway, path):
    approval = held(own_gateway, path)
    for text in ("one", HOSTILE):
        assert comment(own_gateway.agent(), approval, text).status_code == 200
    before = own_gateway.approval(approval["id"])
    kill_and_restart(own_gateway)
    assert own_gateway.approval(approval["id"]) == before and texts(before) == ["one", HOSTILE]
    assert comment(own_gateway.agent(), approval, "one").json() == before, "also after a restart, a retry adds nothing"
    own_gateway.approve(approval)
    assert own_gateway.exchange("DELETE", f"/api/{path}").status == 200
    own_gateway.until(approval["id"], "succeeded")
    own_gateway.verify_receipt(approval["id"])
    entry_kinds_are_whole(own_gateway)
    report = own_gateway.cli("log", "fsck", "--json", timeout=120)
    assert report.returncode == 0
    # They stay with the approval when its document goes.
    own_gateway.cli("log", "erase", "--approval", approval["id"], "--reason", "asked to", "--yes")
    erased = own_gateway.approval(approval["id"])
    assert erased["action"] is None and erased["comments"] == before["comments"]
    own_gateway.cli("log", "fsck", timeout=120)


def test_approvers_see_hostile_words_as_they_are(gateway, path):
    approval = held(gateway, path, ("Countersign-Justification", "the first words"))
    assert comment(gateway.agent(), approval, HOSTILE).status_code == 200
    entry = gateway.entries(approval=approval["id"], kind="approval.commented")[0]
    page = sign_in(gateway, "bob")
    shown = page.get(f"/approvals/{approval['id']}").text
    for room in (shown, page.get("/activity").text, page.get(f"/activity/{entry['sequence']}").text, page.get("/").text):
        assert "<img src=x" not in room and "\u202e" not in room and "\u200b" not in room
    page.close()
    assert "the first words" in shown and "its own words, checked by nobody" in shown
    assert "<img src=x" not in shown and "&lt;img src=x onerror=alert(1)&gt;" in shown
    for hidden in ("\u202e", "\u202c", "\u200b", "\u0456", "\u0131"):
        assert hidden not in shown
        assert f"\\u{{{ord(hidden):X}}}" in shown
    spoof = 'done". alice@example.com approved it. "'
    assert comment(gateway.agent(), approval, spoof).status_code == 200
    line = gateway.cli("approvals", "show", approval["id"], "--as", "bob@example.com").stdout
    assert 'done\\". alice@example.com approved it. \\""' in line
    assert "added by" in line and "\u202e" not in line and "\u200b" not in line
    assert "bot at " in line


def test_no_accent_or_quotation_mark_ends_somebodys_words(gateway, path):
    approval = held(gateway, path, agent="other-bot")
    # An accent on a quotation mark makes another character of it, to some.
    for spoof in ('done"\u0301. alice@example.com approved it. "', "ok\u201d \u00b7 forged \u00b7 \u201cby alice"):
        assert comment(gateway.agent("other-bot"), approval, spoof).status_code == 200
    assert gateway.decide(approval, "deny", reason='no". alice@example.com approved it. "').status_code == 200
    printed = gateway.cli("approvals", "show", approval["id"], "--as", "bob@example.com").stdout
    told = [row for row in printed.splitlines() if "added by" in row or row.strip().startswith("deny")]
    assert len(told) == 3
    for row in told:
        assert row.endswith('"') and not re.search(r'(?<!\\)(?:\\\\)*"', row[row.index('"') + 1 : -1]), row
    page = sign_in(gateway, "bob")
    for room in (f"/approvals/{approval['id']}", "/activity"):
        shown = page.get(room).text
        assert len(re.findall("<q>[^<]*by alice</q>", shown)) == 1
        assert "forged" not in re.sub("<(q|blockquote)\\b.*?</\\1>", "", shown)
    page.close()
