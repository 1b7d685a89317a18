"""Exports of the log: every entry arrives, in order and at least once, whatever fails on the way."""

import json
import os
import re
import stat
import subprocess
import threading

import httpx
import pytest
import trustme

from harness.gateway import BINARY, POLICIES
from harness.ocsf import Checker
from harness.receivers import HTTPSReceiver, SyslogReceiver, sequence, without_repeats
from harness.transparency import leaf_hash, merkle_root
from harness.waiting import eventually
from harness.wire import RawConnection, request_bytes

pytestmark = pytest.mark.timeout(180)

KINDS = {
    "action.allowed", "action.denied", "approval.requested", "approval.decided", "approval.commented",
    "approval.settled", "action.dispatched", "action.completed", "policy.changed", "configuration.changed",
    "identity.changed", "session.started", "session.ended",
}  # fmt: skip


@pytest.fixture
def receiver():
    """Makes receivers for one test."""
    made = []

    def make(kind, *arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def exporting(install, *exports, **options):
    """A gateway, not started, with these exports."""

    def change(configuration):
        configuration["exports"] = list(exports)

    return install(change=change, **options)


def https(receiver, authority, **more):
    return {"name": "siem", "to": receiver.url, "tls": {"ca": str(authority.file)}, "timeout": "1s", **more}


def metric(gateway, name, export="siem"):
    text = gateway.anyone().get("/metrics").text
    return int(re.search(rf'^countersign_export_{name}{{export="{export}"}} (\d+)$', text, re.MULTILINE)[1])


def drained(gateway, export="siem", timeout=60):
    """Waits until nothing is left to deliver."""
    eventually(lambda: metric(gateway, "lag_entries", export) == 0, timeout, "the end of the lag")


def ask(gateway, count, path):
    for number in range(count):
        assert gateway.agent().get(f"/api/{path}/{number}").status_code == 200


def leaves(gateway):
    """Every entry's exact text, from the command line, checked against the signed checkpoint."""
    lines = gateway.cli("log", "export", "--format", "ndjson").stdout.splitlines()
    size, root = gateway.verifier().checkpoint(gateway.anyone().get("/log/checkpoint").text)
    assert merkle_root([leaf_hash(line.encode()) for line in lines[:size]]) == root
    assert [sequence(line) for line in lines] == list(range(len(lines)))
    return lines


# HTTPS


@pytest.mark.timeout(240)
def test_https_gets_every_leaf_whatever_fails(install, receiver, authority, path):
    failures = ["hang", 500, "reset", (429, {"Retry-After": "1"}), "take-and-reset", 503, "take-and-reset", "reset"]
    # With a success in between, or the waits would double.
    siem = receiver(HTTPSReceiver, authority, [step for failure in failures for step in (failure, 200)])
    gateway = exporting(install, https(siem, authority, batch=3)).start()
    ask(gateway, 40, path)
    drained(gateway, timeout=200)
    assert not siem.script, "the receiver's whole script was played"
    assert without_repeats(siem.lines) == leaves(gateway)
    assert len(siem.lines) > len(without_repeats(siem.lines)), "what it had, and the sender did not know, came again"
    assert metric(gateway, "failures_total") >= 8 and metric(gateway, "lag_seconds") == 0


def test_https_requests_carry_the_secret_and_say_what_they_hold(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority)
    gateway = exporting(install, https(siem, authority, headers={"Authorization": "env:SIEM_TOKEN"}))
    gateway.environment["SIEM_TOKEN"] = "Bearer only-for-the-siem"
    gateway.start()
    ask(gateway, 3, path)
    drained(gateway)
    for headers, body in siem.requests:
        assert headers["Authorization"] == "Bearer only-for-the-siem"
        assert headers["Countersign-Export"] == "siem" and headers["Countersign-Log"] == "e2e.example.com/log"
        assert headers["Idempotency-Key"].endswith("/siem/" + headers["Countersign-Export-Range"])
    assert "only-for-the-siem" not in gateway.log_text()


def test_a_slash_at_the_end_of_an_address_is_part_of_it(install, receiver, authority, path):
    receiver = receiver(HTTPSReceiver, authority, path="/ingest/")
    gateway = exporting(install, https(receiver, authority)).start()
    ask(gateway, 3, path)
    drained(gateway)
    assert len(receiver.lines) == gateway.log_size()


def test_a_batch_that_is_too_large_is_halved(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority, largest=3)
    gateway = exporting(install, https(siem, authority, batch=100))
    gateway.configuration["exports"][0]["to"] = siem.url.replace("localhost", "127.0.0.1")
    gateway.write_configuration()
    gateway.start()
    ask(gateway, 20, path)
    drained(gateway)
    assert without_repeats(siem.lines) == leaves(gateway)


def test_an_array_of_ocsf_events_when_asked_for(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority)
    gateway = exporting(install, https(siem, authority, format="ocsf", framing="array")).start()
    ask(gateway, 5, path)
    drained(gateway)
    checker = Checker("1.6.0")
    for line in siem.lines:
        assert checker.check(json.loads(line)) == []
    assert [sequence(line) for line in siem.lines] == list(range(gateway.log_size()))


@pytest.mark.parametrize("status", [403, 301])
def test_a_receiver_that_refuses_is_asked_again_loudly_and_nothing_is_skipped(install, receiver, authority, path, status):
    siem = receiver(HTTPSReceiver, authority, [status])
    gateway = exporting(install, https(siem, authority)).start()
    eventually(lambda: f"answered {status}" in gateway.log_text(), 30, "a word about it")
    ask(gateway, 2, path)
    drained(gateway)
    assert without_repeats(siem.lines) == leaves(gateway)


def test_a_certificate_that_nobody_vouches_for_gets_nothing(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, trustme.CA())
    gateway = exporting(install, https(siem, authority)).start()
    ask(gateway, 2, path)
    eventually(lambda: metric(gateway, "failures_total") >= 2, 30, "failures")
    assert siem.lines == [] and metric(gateway, "lag_entries") == gateway.log_size()
    assert "certificate" in gateway.log_text()


def test_a_receiver_that_hangs_delays_no_action_and_no_end(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority, ["hang"] * 100)
    gateway = exporting(install, https(siem, authority, timeout="60s")).start()
    eventually(lambda: siem.requests, 30, "a request that hangs")
    ask(gateway, 20, path)
    assert metric(gateway, "lag_entries") >= 20
    assert gateway.stop() == 0


def test_an_export_goes_on_where_it_was_after_kill_and_stop(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority)
    gateway = exporting(install, https(siem, authority)).start()
    ask(gateway, 5, path)
    drained(gateway)
    count = len(siem.lines)
    gateway.kill()
    gateway.start()
    ask(gateway, 5, path + "-again")
    gateway.stop()
    gateway.start()
    drained(gateway)
    assert without_repeats(siem.lines) == leaves(gateway)
    assert len(siem.lines) - len(without_repeats(siem.lines)) <= count, "only the last batch may come again"


def test_from_now_on_and_only_some_kinds(install, receiver, authority, path):
    siem = receiver(HTTPSReceiver, authority)
    gateway = install().start()
    ask(gateway, 5, path)
    gateway.stop()
    gateway.configuration["exports"] = [
        https(siem, authority, **{"from": "now", "kinds": ["action.denied"]}),
    ]
    gateway.write_configuration()
    gateway.start()
    ask(gateway, 3, path + "-after")
    assert gateway.agent().get(f"/api/forbidden/{path}").status_code == 403
    drained(gateway)
    assert [json.loads(line)["kind"] for line in siem.lines] == ["action.denied"]


# Files


def test_a_file_has_every_leaf_after_kills_under_load(install, path):
    gateway = exporting(install, {"name": "siem", "to": "file:export/log.ndjson", "batch": 20})
    folder = gateway.folder / "export"
    folder.mkdir()
    gateway.start()
    stop, answered = threading.Event(), []

    def load(worker):
        number = 0
        while not stop.is_set():
            number += 1
            try:
                with RawConnection(gateway.port, timeout=10) as connection:
                    connection.send(request_bytes("GET", f"/api/{path}/{worker}/{number}", gateway.headers("bot")))
                    answered.append(connection.answer().status)
            except (OSError, ValueError):
                continue

    workers = [threading.Thread(target=load, args=(number,), daemon=True) for number in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(4):
        want = len(answered) + 50
        eventually(lambda: len(answered) >= want, 60, "some load")
        gateway.kill()
        gateway.start()
    stop.set()
    for worker in workers:
        worker.join(20)
    drained(gateway)
    file = folder / "log.ndjson"
    text = file.read_text()
    assert text.endswith("\n")
    assert without_repeats(text.splitlines()) == leaves(gateway)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_is_begun_anew(install, path):
    gateway = exporting(install, {"name": "siem", "to": "file:log.ndjson"}).start()
    file = gateway.folder / "log.ndjson"
    ask(gateway, 3, path)
    drained(gateway)
    os.rename(file, gateway.folder / "log.1.ndjson")
    ask(gateway, 3, path + "-after")
    drained(gateway)
    both = (gateway.folder / "log.1.ndjson").read_text() + file.read_text()
    assert both.splitlines() == leaves(gateway)


def test_half_a_line_that_a_crash_left_is_cut(install, path):
    gateway = exporting(install, {"name": "siem", "to": "file:log.ndjson"}).start()
    ask(gateway, 3, path)
    drained(gateway)
    gateway.stop()
    file = gateway.folder / "log.ndjson"
    with open(file, "a") as handle:
        handle.write('{"half":"a li')
    gateway.start()
    ask(gateway, 3, path + "-after")
    drained(gateway)
    assert without_repeats(file.read_text().splitlines()) == leaves(gateway)


def test_standard_output_has_lines_and_nothing_else(install, path):
    gateway = exporting(install, {"name": "siem", "to": "stdout:"})
    with open(gateway.logs, "ab") as log:
        gateway.process = subprocess.Popen(
            [str(BINARY), "serve", "--config", str(gateway.file)], cwd=gateway.folder,
            env={**os.environ, **gateway.environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(gateway.process.stdout), daemon=True)
    reader.start()
    eventually(gateway.is_ready, 60, "the gateway's readiness")
    ask(gateway, 10, path)
    drained(gateway)
    expected = leaves(gateway)
    assert gateway.stop() == 0
    reader.join(10)
    assert [line.decode().rstrip("\n") for line in lines][: len(expected)] == expected
    assert "Countersign" in gateway.log_text() and "is ready" in gateway.log_text()


# Syslog


def syslog(receiver, authority, **more):
    to = f"syslog+tls://localhost:{receiver.port}"
    return {"name": "siem", "to": to, "tls": {"ca": str(authority.file)}, "timeout": "5s", **more}


@pytest.mark.parametrize("form", ["ndjson", "ocsf"])
def test_syslog_messages_are_what_the_standards_say(install, receiver, authority, path, form):
    server = receiver(SyslogReceiver, authority)
    gateway = exporting(install, syslog(server, authority, format=form)).start()
    ask(gateway, 5, path)
    assert gateway.agent().get(f"/api/forbidden/{path}").status_code == 403
    drained(gateway)
    eventually(lambda: len(server.messages) >= gateway.log_size(), 20, "every message")
    assert server.problems == []
    for number, message in enumerate(server.messages):
        members = json.loads(message["text"])
        kind = members["kind"] if form == "ndjson" else members["metadata"]["event_code"]
        assert message["id"] == kind and message["app"] == "countersign" and message["host"] == "e2e.example.com"
        assert message["parameters"] == {
            "kind": kind, "origin": "e2e.example.com/log", "sequence": str(number),
        }  # fmt: skip
        assert int(message["pri"]) // 8 == 13
        assert (int(message["pri"]) % 8 == 4) == (kind == "action.denied")
    if form == "ndjson":
        assert server.lines == leaves(gateway)


def test_syslog_connections_that_break_lose_nothing(install, receiver, authority, path):
    server = receiver(SyslogReceiver, authority, cuts=[1, 3, 2, 5])
    gateway = exporting(install, syslog(server, authority, batch=8)).start()
    ask(gateway, 40, path)
    drained(gateway)
    eventually(lambda: len(without_repeats(server.lines)) == gateway.log_size(), 20, "every message")
    assert server.problems == [] and server.connections >= 5
    assert sorted(without_repeats(server.lines), key=sequence) == leaves(gateway)


# OCSF


def live(gateway, path):
    """Everything that can happen, so that the log has every kind of entry and every end of an approval."""
    agent, api = gateway.agent(), gateway.agent_api()
    for method in ("GET", "PUT", "PATCH", "OPTIONS"):
        agent.request(method, f"/api/{path}?query=%F0%9F%98%80")
    assert agent.post("/api/v1/exports", headers={"Prefer": "wait=0"}).status_code == 202
    assert agent.get(f"/api/forbidden/{path}").status_code == 403
    assert httpx.get(f"http://127.0.0.1:{gateway.port}/api/{path}").status_code == 401
    assert agent.get("/no-such-connection/").status_code == 404
    stranger = gateway.agent("stranger").get(f"/api/{path}")
    assert stranger.status_code == 403

    def hold(target):
        answer = agent.delete(target, headers={"Prefer": "wait=0"})
        assert answer.status_code == 202, answer.text
        return gateway.pending(target.removeprefix("/api"))

    approved = hold(f"/api/{path}/approved")
    assert gateway.decide(approved, user="olga").status_code == 403
    gateway.approve(approved)
    assert agent.delete(f"/api/{path}/approved").status_code == 200
    gateway.until(approved["id"], "succeeded")
    gateway.decide(hold(f"/api/{path}/denied"), "deny")
    withdrawn = hold(f"/api/{path}/withdrawn")
    assert api.post(f"/v1/approvals/{withdrawn['id']}/comments", json={"text": "never mind"}).status_code == 200
    assert api.post(f"/v1/approvals/{withdrawn['id']}/withdraw").status_code == 200
    revoked = gateway.approve(hold(f"/api/{path}/revoked"))
    assert gateway.user().post(f"/v1/approvals/{revoked['id']}/revoke").status_code == 200
    brief = hold(f"/api/brief/{path}")
    short = gateway.approve(hold(f"/api/short-grant/{path}"))
    gateway.until(brief["id"], "expired")
    gateway.until(short["id"], "lapsed")
    gateway.cli("agent", "add", "made-bot", "--owner", "olga@example.com", "--group", "agents")
    gateway.cli("user", "add", "frank@example.com", "--group", "dba")
    gateway.cli("key", "add", "--agent", "made-bot")
    keys = json.loads(gateway.cli("key", "list", "--json").stdout)["items"]
    gateway.cli("key", "revoke", next(key["id"] for key in keys if key["agent"] == "made-bot"))
    gateway.cli("agent", "revoke", "made-bot")
    gateway.write_policy("main.cedar", POLICIES + "\n// another version\n")
    gateway.configuration["limits"]["pending_per_agent"] = 4999
    gateway.write_configuration()
    gateway.hang_up()
    eventually(lambda: gateway.entries(kind="configuration.changed")[-1]["sequence"] > 5, what="the reload")


def sign_in_and_out(gateway):
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.control}", follow_redirects=True) as client:
        page = client.get(gateway.sign_in_link("bob@example.com")).text
        page = client.post("/sign-in", data={"token": re.search(r'name="token" value="([^"]+)"', page)[1]}).text
        assert client.post("/sign-out", data={"csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1]}).status_code == 200


def test_every_kind_of_entry_is_a_valid_ocsf_event(install, path):
    gateway = exporting(install, {"name": "siem", "to": "file:events.ndjson", "format": "ocsf"}).start()
    live(gateway, path)
    sign_in_and_out(gateway)
    drained(gateway)
    lines = (gateway.folder / "events.ndjson").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    checker = Checker("1.6.0")
    for event in events:
        assert checker.check(event) == [], json.dumps(event, indent=1)
    assert {event["metadata"]["event_code"] for event in events} == KINDS
    assert {event["class_uid"] for event in events} == {3002, 3003, 3004, 6003}
    dispositions = {event.get("disposition") for event in events}
    assert {"Allowed", "Blocked", "Approved", "Delayed", "Rejected", "Unauthorized", "Access Revoked"} <= dispositions
    # An event leads back to its leaf, and the command line writes the same events.
    assert [event["raw_data"] for event in events] == leaves(gateway)[: len(events)]
    assert gateway.cli("log", "export", "--format", "ocsf").stdout.splitlines()[: len(lines)] == lines


def test_the_checker_finds_what_is_wrong(install, path):
    """A checker that cannot fail proves nothing."""
    gateway = install().start()
    ask(gateway, 1, path)
    line = gateway.cli("log", "export", "--format", "ocsf", "--kind", "action.allowed").stdout.splitlines()[0]
    checker = Checker("1.6.0")
    assert checker.check(json.loads(line)) == []

    def spoil(change):
        event = json.loads(line)
        change(event)
        return checker.check(event)

    spoilers = [
        lambda event: event.pop("actor"), lambda event: event["api"].pop("operation"),
        lambda event: event.update(tea=1), lambda event: event["actor"]["user"].update(tea=1),
        lambda event: event.update(severity_id=7), lambda event: event.update(severity="Fatal"),
        lambda event: event.update(type_uid=1), lambda event: event.update(time="now"),
        lambda event: event["metadata"].update(profiles=[]), lambda event: event["metadata"].pop("product"),
        lambda event: event.update(disposition_id=2), lambda event: event.update(resources={}),
        lambda event: event["raw_data_hash"].update(value="zz"), lambda event: event.update(src_endpoint={}),
        lambda event: event["metadata"].update(version="1.0.0"), lambda event: event.pop("disposition"),
        lambda event: event.update(is_alert="no"), lambda event: event.update(activity_id=5),
    ]  # fmt: skip
    for number, spoiler in enumerate(spoilers):
        assert spoil(spoiler), f"spoiler {number} was not found"


# Command line and configuration


def test_the_command_line_filters_and_writes_whole_files(install, path):
    gateway = install().start()
    ask(gateway, 3, path)
    agent = gateway.agent()
    assert agent.get(f"/api/forbidden/{path}").status_code == 403
    file = gateway.folder / "out.ndjson"
    gateway.cli("log", "export", "--format", "ndjson", "--kind", "action.denied,policy.changed", "--output", str(file))
    assert [json.loads(line)["kind"] for line in file.read_text().splitlines()] == ["policy.changed", "action.denied"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = gateway.cli("log", "export", "--format", "ndjson", "--output", str(file), succeed=False)
    assert again.returncode != 0 and "is there already" in again.stderr
    wrong = gateway.cli("log", "export", "--format", "ndjson", "--kind", "action.alowed", succeed=False)
    assert wrong.returncode != 0 and "is not a kind" in wrong.stderr
    # The form that `policy diff` takes is still the default.
    first = json.loads(gateway.cli("log", "export").stdout.splitlines()[0])
    assert set(first) == {"entry", "document"}


@pytest.mark.parametrize(
    "export, said",
    [
        ({"to": "stdout:"}, "lacks the key name"),
        ({"name": "a", "to": "http://siem.example.com/"}, "without TLS"),
        ({"name": "a", "to": "ftp://siem.example.com/"}, "is not https://"),
        ({"name": "a", "to": "stdout:", "formt": "ocsf"}, "did you mean format?"),
        ({"name": "a", "to": "stdout:", "format": "cef"}, "is not ndjson or ocsf"),
        ({"name": "a", "to": "stdout:", "kinds": ["action.denid"]}, "did you mean action.denied?"),
        ({"name": "a", "to": "stdout:", "headers": {"X-Key": "env:HOME"}}, "has no meaning"),
        ({"name": "a", "to": "https://x.example", "headers": {"Authorization": "Bearer in-the-file"}}, "a reference"),
        ({"name": "a", "to": "https://x.example", "headers": {"Host": "env:HOME"}}, "set by the export itself"),
        ({"name": "a", "to": "https://x.example", "tls": {"ca": "nowhere.pem"}}, "nowhere.pem"),
        ({"name": "a", "to": "stdout:", "batch": 0}, "is not a whole number"),
    ],
)
def test_a_wrong_export_refuses_the_start_and_says_why(install, export, said):
    code, log = exporting(install, export).refuse_to_start()
    assert code != 0 and said in log


def test_names_and_files_are_not_shared(install):
    twins = [{"name": "a", "to": "file:one"}, {"name": "a", "to": "file:two"}]
    assert "two exports of the name" in exporting(install, *twins).refuse_to_start()[1]
    rivals = [{"name": "a", "to": "file:one"}, {"name": "b", "to": "file:./one"}]
    assert "cannot both write" in exporting(install, *rivals).refuse_to_start()[1]


def test_changed_exports_take_effect_at_the_next_start_and_the_log_says_so(install):
    gateway = exporting(install, {"name": "siem", "to": "file:one"}).start()
    gateway.configuration["exports"][0]["to"] = "file:two"
    gateway.write_configuration()
    gateway.hang_up()
    eventually(lambda: "takes effect at the next start key=exports" in gateway.log_text(), what="the warning")
