"""The outbox: what is to be told is kept with what caused it, and told in order, whatever fails on the way."""

import concurrent.futures
import threading

import httpx
import pytest

from harness.story_receiver import SECRET, StoryReceiver
from harness.waiting import eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def receiver():
    receiver = StoryReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def told(install, receiver):
    """A gateway, not started, that tells the receiver."""

    def change(configuration):
        configuration["channels"] = [receiver.channel()]

    gateway = install(change=change)
    gateway.environment["HOOK_SECRET"] = SECRET
    return gateway


def hold(gateway, path, agent="bot"):
    """Asks for something that is held, and does not wait for it; the approval's id."""
    answer = gateway.agent(agent).delete(f"/api/{path}", headers={"Prefer": "respond-async, wait=0"})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"].rsplit("/", 1)[1]


def decide(gateway, approval, decision="approve"):
    user = gateway.user()
    shown = user.get(f"/v1/approvals/{approval}").json()
    body = {"decision": decision, "reason": "a test", "action_digest": shown["action_digest"]}
    answer = user.post(f"/v1/approvals/{approval}/decisions", json=body)
    assert answer.status_code in (200, 201), answer.text


def test_a_hold_and_all_that_follows_is_told_in_order(told, receiver, path):
    told.start()
    approval = hold(told, path)
    first = receiver.eventually(1)[0]
    assert first["type"] == "approval.requested"
    assert first["data"]["id"] == approval
    assert first["data"]["status"] == "pending"
    assert first["data"]["url"] == f"{told.configuration['public_url']}/approvals/{approval}"
    decide(told, approval)
    receiver.eventually(4)
    types = [payload["type"] for payload in receiver.of(approval)]
    assert types == ["approval.requested", "approval.settled", "action.dispatched", "action.completed"]
    revisions = [payload["data"]["revision"] for payload in receiver.of(approval)]
    assert revisions == sorted(revisions)
    assert len(set(receiver.ids())) == 4


def test_what_is_allowed_or_denied_at_once_is_told_to_nobody(told, receiver, path):
    told.start()
    assert told.agent().get(f"/api/{path}").status_code == 200
    assert told.agent().get(f"/api/forbidden/{path}").status_code == 403
    approval = hold(told, path)
    receiver.eventually(1)
    assert {payload["data"]["id"] for payload in receiver.payloads} == {approval}


def test_a_receiver_that_is_down_delays_no_action_and_misses_nothing(told, receiver, path):
    receiver.down()
    told.start()
    held = [hold(told, f"{path}/{number}") for number in range(10)]
    for approval in held:
        decide(told, approval)
    for approval in held:
        user = told.user()
        eventually(lambda: user.get(f"/v1/approvals/{approval}").json()["status"] == "succeeded", 20, "the action")
    receiver.start()
    receiver.eventually(40, timeout=90)
    for approval in held:
        # A program is told of everything, as it was, in order.
        types = [payload["type"] for payload in receiver.of(approval)]
        assert types == ["approval.requested", "approval.settled", "action.dispatched", "action.completed"]
    assert len(receiver.ids()) == len(set(receiver.ids()))


def test_a_gateway_killed_between_commit_and_sending_tells_after_its_start(told, receiver, path):
    receiver.down()
    told.start()
    held = [hold(told, f"{path}/{number}") for number in range(20)]
    told.kill()
    receiver.start()
    told.start()
    receiver.eventually(20)
    assert {payload["data"]["id"] for payload in receiver.payloads} == set(held)
    assert len(receiver.ids()) == len(set(receiver.ids())) == 20


def test_a_gateway_killed_while_sending_repeats_with_the_same_id(told, receiver, path):
    receiver.answer = None
    told.start()
    approval = hold(told, path)
    eventually(lambda: len(receiver.attempts) == 1, 20, "the attempt")
    told.kill()
    receiver.answer = 204
    told.start()
    receiver.eventually(1)
    ids = {headers["webhook-id"] for headers, _ in receiver.attempts}
    assert len(ids) == 1
    assert [payload["data"]["id"] for payload in receiver.payloads] == [approval]


def test_kills_under_load_lose_no_notice_and_keep_the_order(told, receiver, path):
    told.start()
    held = []
    stop = threading.Event()

    def work(number):
        made = []
        count = 0
        while not stop.is_set():
            count += 1
            try:
                approval = hold(told, f"{path}/{number}/{count}")
                made.append(approval)
                decide(told, approval, "deny")
            except (AssertionError, httpx.HTTPError, KeyError):  # the gateway is being killed
                stop.wait(0.05)
        return made

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(work, number) for number in range(4)]
        for kill in range(1, 4):
            eventually(lambda count=kill: len(receiver.payloads) > 15 * count, 40, "some webhooks")
            told.kill()
            told.start()
        stop.set()
        for worker in workers:
            held += worker.result()
    user = told.user()
    known = {}
    cursor = None
    while True:
        page = user.get("/v1/approvals", params={"limit": 200, **({"cursor": cursor} if cursor else {})}).json()
        known |= {item["id"]: item["status"] for item in page["items"]}
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert set(held) <= set(known)

    def all_told():
        ended = {payload["data"]["id"] for payload in receiver.payloads if payload["data"]["status"] == "denied"}
        asked = {payload["data"]["id"] for payload in receiver.payloads}
        return asked == set(known) and ended == {each for each, status in known.items() if status == "denied"}

    eventually(all_told, 60, "every notice")
    for approval in known:
        seen = [payload["data"]["revision"] for payload in receiver.of(approval)]
        assert seen == sorted(seen)
    told.cli("log", "fsck", timeout=120)


def test_every_kind_of_channel_is_checked_on_a_machine_without_its_secrets(install):
    def change(configuration):
        configuration["public_url"] = "https://countersign.example.com"
        configuration["channels"] = [
            {"name": "slack", "kind": "slack", "app": "A0123456789", "token": "env:NO_1", "app_token": "env:NO_2"},
            {"name": "hook", "kind": "webhook", "url": "https://hooks.example.com/in", "secrets": ["env:NO_3"]},
            {
                "name": "teams",
                "kind": "teams",
                "app_id": "11111111-2222-4333-8444-555555555555",
                "app_secret": "env:NO_4",
                "tenant": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
            },
            {"name": "flow", "kind": "workflows", "url": "env:NO_5"},
            {
                "name": "mail",
                "kind": "email",
                "server": "smtp.example.com",
                "from": "Countersign <countersign@example.com>",
                "username": "countersign",
                "password": "env:NO_6",
            },
        ]
        configuration["routing"] = [
            {"groups": ["dba"], "notify": [{"channel": "slack", "to": "C0123456789"}, {"channel": "flow"}]},
            {"groups": ["*"], "notify": [{"channel": "mail", "to": "all@example.com"}]},
        ]

    gateway = install(change=change)
    gateway.cli("policy", "check")
    configuration = gateway.configuration
    configuration["routing"][0]["notify"][0]["channel"] = "slakc"
    gateway.write_configuration()
    refused = gateway.cli("policy", "check", succeed=False)
    assert "there is no channel slakc; did you mean slack?" in refused.stderr
