"""Bad input and faults: a clear error that names the thing and the mend, and nothing lost."""

import os
import socket
import sqlite3

import pytest

from harness.gateway import UPSTREAM_CREDENTIAL
from harness.waiting import eventually
from harness.wire import Ask


# Starting


def test_a_mistyped_key_names_the_nearest_one(install):
    gateway = install(change=lambda c: c.__setitem__("conections", c.pop("connections")))
    code, said = gateway.refuse_to_start()
    assert code == 2 and "conections" in said and "connections" in said and "countersign.yaml:" in said


CONFIGURATIONS = {
    "no yaml": ("data: [", ["countersign.yaml"]),
    "a key twice": ("data: a\ndata: b\n", ["data"]),
    "a nested mistyped key": ("listen: {gatewya: '127.0.0.1:1'}\n", ["gatewya", "gateway"]),
    "a bad address": ("listen: {gateway: nowhere}\n", ["listen.gateway", "HOST:PORT"]),
    "a bad duration": ("hold: {http: 50}\n", ["hold.http", "50s"]),
    "a secret in the file": ("agents: [{id: a, key: cs_this-is-a-secret}]\n", ["agents[0].key", "env:NAME"]),
    "a variable that is not set": ("agents: [{id: a, key: 'env:NOT_SET_AT_ALL'}]\n", ["NOT_SET_AT_ALL"]),
    "a file that is not there": ("agents: [{id: a, key: 'file:nothing-here'}]\n", ["nothing-here"]),
    "a bad upstream": ("connections: [{name: a, kind: http, upstream: 'ftp://x'}]\n", ["upstream", "ftp://x"]),
    "an upstream that is missing": ("connections: [{name: a, kind: http}]\n", ["upstream"]),
    "an unknown kind": ("connections: [{name: a, kind: htpt, upstream: 'http://x'}]\n", ["htpt", "http"]),
    "a bad effect": (
        "connections: [{name: a, kind: http, upstream: 'http://x', routes: [{match: 'GET /a', effect: reda}]}]\n",
        ["reda", "read"],
    ),
    "two connections of one name": (
        "connections: [{name: a, kind: http, upstream: 'http://x'}, {name: a, kind: http, upstream: 'http://y'}]\n",
        ["a"],
    ),
    "a bad user": ("users: [{id: 'with space'}]\n", ["users[0].id"]),
    "not text": (b"\xff\xfe\x00", ["countersign.yaml"]),
    "one address for two": ("listen: {control: '127.0.0.1:4', gateway: '127.0.0.1:4'}\n", ["listen", "127.0.0.1:4"]),
    "no certificate there": (
        "listen: {tls: {certificate: no.pem, key: no.key}}\n", ["listen.tls.certificate", "no.pem", "countersign.yaml:1"]
    ),
    "no trust roots there": (
        "connections: [{name: a, kind: http, upstream: 'https://x', tls: {ca: no.pem}}]\n",
        ["connections[0].tls.ca", "no.pem"],
    ),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_malformed_configuration_is_refused_by_name(install, name):
    text, words = CONFIGURATIONS[name]
    gateway = install()
    gateway.file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, said = gateway.refuse_to_start()
    assert code == 2, said
    for word in words:
        assert word in said, said
    assert "cs_this-is-a-secret" not in said


def test_a_configuration_that_is_not_there_is_refused(install):
    gateway = install()
    gateway.file.unlink()
    code, said = gateway.refuse_to_start()
    assert code == 2 and "countersign.yaml" in said


POLICIES = {
    "a syntax error": ("permit (principal, action, resource);\n  forbid (principal action);", ":2:"),
    "an unknown annotation": ('@aprovers("dba")\nforbid (principal, action, resource);', ":1:"),
    "an unknown group": ('\n@approvers("dbas")\nforbid (principal, action, resource);', ":2:"),
    "a bad duration": ('@approvers("dba") @expires("soon")\nforbid (principal, action, resource);', ":1:"),
    "a bad quorum": ('@approvers("dba") @quorum("0")\nforbid (principal, action, resource);', ":1:"),
    "passkeys": ('@approvers("dba") @assurance("passkey")\nforbid (principal, action, resource);', ":1:"),
    "a gate that permits": ('@approvers("dba")\npermit (principal, action, resource);', ":"),
    "a misspelt action": ('forbid (principal, action in Action::"http:delet", resource);', ":1:"),
    "a misspelt type": ("\nforbid (principal is Agnt, action, resource);", ":2:"),
    "a misspelt type in a condition": ('forbid (principal, action, resource) when { resource in Enviroment::"p" };', ":1:"),
    "two of one id": (
        '@id("a") permit (principal, action, resource);\n@id("a") permit (principal, action, resource);',
        ":",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_malformed_policy_is_refused_with_file_line_and_column(install, name):
    text, place = POLICIES[name]
    gateway = install()
    gateway.write_policy("sub/broken.cedar", text)
    code, said = gateway.refuse_to_start()
    assert code == 2 and f"sub/broken.cedar{place}" in said, said
    checked = gateway.cli("policy", "check", succeed=False)
    assert checked.returncode == 2 and f"sub/broken.cedar{place}" in checked.stdout + checked.stderr


@pytest.mark.parametrize("key", ["control", "gateway"])
def test_a_port_in_use_is_named(install, key):
    gateway = install()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", {"control": gateway.control, "gateway": gateway.port}[key]))
        taken.listen(1)
        code, said = gateway.refuse_to_start()
    assert code == 2 and "in use" in said and f"listen.{key}" in said
    gateway.start()


def test_a_second_gateway_on_the_same_data_is_refused(install, own_upstream):
    first = install().start()
    second = install(change=lambda c: c.update(data=str(first.data)))
    code, said = second.refuse_to_start()
    assert code != 0 and "data" in said
    assert first.is_ready()


def ledger(gateway):
    return gateway.data / "ledger.db"


def test_a_newer_database_is_refused_and_not_changed(install, path):
    gateway = install().start()
    gateway.exchange("GET", f"/api/{path}")
    assert gateway.stop() == 0
    with sqlite3.connect(ledger(gateway)) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 9999")
    database.close()
    before = ledger(gateway).read_bytes()
    code, said = gateway.refuse_to_start()
    assert code != 0 and "newer" in said and str(ledger(gateway)) in said
    assert ledger(gateway).read_bytes() == before
    with sqlite3.connect(ledger(gateway)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    gateway.start()
    gateway.verify_log()


@pytest.mark.parametrize("damage", ["beginning", "middle", "another program's", "no database"])
def test_a_corrupt_database_is_refused_with_a_clear_message(install, path, damage):
    gateway = install().start()
    for number in range(30):
        gateway.exchange("GET", f"/api/{path}/{number}")
    gateway.stop()
    file = ledger(gateway)
    # Brings what is still in the write-ahead log into the file.
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    data = bytearray(file.read_bytes())
    match damage:
        case "beginning":
            data[:64] = bytes(64)
        case "middle":
            data[4096 * 2 : -4096] = os.urandom(len(data) - 4096 * 3)
        case "another program's":
            file.unlink()
            with sqlite3.connect(file) as database:
                database.execute("CREATE TABLE theirs (a)")
            database.close()
            data = bytearray(file.read_bytes())
        case "no database":
            data = bytearray(b"hello, world\n")
    file.write_bytes(data)
    code, said = gateway.refuse_to_start()
    assert code != 0 and str(file) in said or "ledger" in said, said
    assert any(word in said for word in ("damaged", "not a ledger", "another program")), said
    assert "Fatal error" not in said
    assert file.read_bytes() == bytes(data), "a refused file was changed"


def test_a_log_that_was_cut_is_noticed(install, path):
    gateway = install().start()
    for number in range(5):
        gateway.exchange("GET", f"/api/{path}/{number}")
    old = gateway.folder / "old.db"
    gateway.stop()
    old.write_bytes(ledger(gateway).read_bytes())
    gateway.start()
    for number in range(5, 10):
        gateway.exchange("GET", f"/api/{path}/{number}")
    gateway.verify_log()
    gateway.stop()
    with sqlite3.connect(ledger(gateway)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = next(name for name in tables if name in ("entry", "entries"))
        column = [row[1] for row in database.execute(f"PRAGMA table_info({table})")][0]
        database.execute(f"DELETE FROM {table} WHERE {column} = (SELECT max({column}) FROM {table})")
    database.close()
    code, said = gateway.refuse_to_start()
    assert code != 0 and ("log" in said or "ledger" in said), said


def test_the_data_folder_is_private(own_gateway):
    assert own_gateway.data.stat().st_mode & 0o077 == 0
    for file in own_gateway.data.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file


# A full disk


@pytest.mark.timeout(120)
def test_a_full_disk_stops_new_actions_and_nothing_passes_unlogged(install, own_upstream, small_disk, path):
    gateway = install(change=lambda c: c.update(data=str(small_disk / "data"))).start()
    gateway.configuration["data"] = str(small_disk / "data")
    assert gateway.exchange("POST", f"/api/{path}/before").status == 200
    gateway.exchange("DELETE", f"/api/{path}/held", ("Prefer", "wait=0"))
    approval = gateway.pending(f"/{path}/held")
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass
    numbers = iter(range(100_000))

    # Space that SQLite has already taken lasts for a while.
    def is_full():
        number = next(numbers)
        answer = gateway.exchange("POST", f"/api/{path}/fill/{number}", ("X-Pad", "x" * 4000))
        return answer.status != 200 and (answer, number)

    answer, number = eventually(is_full, 60, "a full disk", pace=0)
    assert (answer.status, answer.code) == (503, "ledger-unavailable")
    assert own_upstream.count(f"/{path}/fill/{number}") == 0
    for method, target in [("POST", "/api/" + path), ("DELETE", f"/api/{path}/new"), ("GET", f"/api/{path}/get")]:
        answer = gateway.exchange(method, target, ("X-Pad", "x" * 4000))
        assert (answer.status, answer.code) == (503, "ledger-unavailable"), (method, answer.body)
        assert b'"call"' not in answer.body
    assert own_upstream.count(f"/{path}") == 0
    decision = gateway.decide(approval)
    assert decision.status_code == 503 and decision.json()["code"] == "ledger-unavailable"
    refused = gateway.exchange("DELETE", f"/api/{path}/held", ("Prefer", "wait=0"))
    assert refused.status in (202, 503) and own_upstream.count(f"/{path}/held") == 0
    filler.unlink()
    eventually(lambda: gateway.exchange("POST", f"/api/{path}/after").status == 200, 20, "recovery")
    assert gateway.approve(approval)["status"] == "approved"
    assert gateway.exchange("DELETE", f"/api/{path}/held").status == 200
    # The signer looks again by its own clock; until then it says that it cannot.
    eventually(lambda: gateway.anyone().get("/log/checkpoint").status_code == 200, 20, "a signed checkpoint")
    entries = gateway.verify_log()
    logged = {entry["action"]["resource"] for entry in entries if entry["kind"] == "action.allowed"}
    for request in own_upstream.requests:
        if request.method == "POST":
            assert f"api/POST {request.path}" in logged, f"{request.path} passed unlogged"


# Changing while running


def versions(gateway, kind):
    member = kind.split(".")[0]
    return [entry[member] for entry in gateway.entries(kind=kind)]


def test_a_changed_policy_is_in_force_soon_and_is_an_entry(own_gateway, own_upstream, path):
    before = versions(own_gateway, "policy.changed")[-1]
    assert own_gateway.exchange("PUT", f"/api/{path}/1").status == 200
    own_gateway.write_policy(
        "more.cedar",
        '@id("no-puts") forbid (principal, action, resource) when { context has method && context.method == "PUT" };',
    )
    changes = eventually(
        lambda: len(versions(own_gateway, "policy.changed")) == 2 and versions(own_gateway, "policy.changed")
    )
    assert changes[-1]["previous"] == before["version"] != changes[-1]["version"]
    answer = own_gateway.exchange("PUT", f"/api/{path}/2")
    assert answer.status == 403 and answer.json()["reasons"][0]["policy"] == "no-puts"
    assert own_gateway.entries(kind="action.denied")[-1]["policy"]["version"] == changes[-1]["version"]


def test_a_policy_set_that_does_not_load_is_refused_and_the_old_one_stays(own_gateway, own_upstream, path):
    own_gateway.write_policy("more.cedar", "forbid (principal, action, resource)")
    eventually(lambda: "more.cedar:1:" in own_gateway.log_text(), what="the refusal in the server's log")
    assert own_gateway.exchange("PUT", f"/api/{path}").status == 200
    assert own_gateway.exchange("POST", f"/api/forbidden/{path}").status == 403
    assert len(versions(own_gateway, "policy.changed")) == 1
    own_gateway.write_policy(
        "more.cedar",
        '@id("later") forbid (principal, action, resource) when { context has method && context.method == "PUT" };',
    )
    eventually(lambda: own_gateway.exchange("PUT", f"/api/{path}").status == 403)


def test_policy_that_has_become_stricter_stops_an_approved_action(own_gateway, own_upstream, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.approve(own_gateway.pending(f"/{path}"))
    own_gateway.write_policy("more.cedar", '@id("freeze") forbid (principal, action in Action::"delete", resource);')
    eventually(lambda: len(versions(own_gateway, "policy.changed")) == 2)
    answer = own_gateway.exchange("DELETE", f"/api/{path}")
    assert answer.status in (403, 409) and own_upstream.count() == 0
    assert own_gateway.approval(approval["id"])["status"] in ("approved", "revoked")


def test_sighup_reloads_what_no_file_stamp_shows(install, own_upstream, path):
    gateway = install(change=lambda c: c["connections"][0]["credential"].update(value="file:upstream.token"))
    (gateway.folder / "upstream.token").write_text("Bearer first\n")
    gateway.start()
    gateway.exchange("GET", f"/api/{path}/1")
    (gateway.folder / "upstream.token").write_text("Bearer second\n")
    gateway.hang_up()
    eventually(
        lambda: (
            gateway.exchange("GET", f"/api/{path}/2").status == 200
            and own_upstream.to(f"/{path}/2")[-1].header("authorization") == "Bearer second"
        )
    )
    assert own_upstream.to(f"/{path}/1")[0].header("authorization") == "Bearer first"


def test_a_changed_configuration_is_in_force_soon_and_is_an_entry(own_gateway, own_upstream, path):
    before = versions(own_gateway, "configuration.changed")[-1]
    new = dict(own_gateway.configuration["connections"][0], name="api2")
    own_gateway.configuration["connections"].append(new)
    own_gateway.configuration["users"].append({"id": "zoe@example.com", "groups": ["dba"]})
    assert own_gateway.exchange("GET", f"/api2/{path}").status == 404
    own_gateway.write_configuration()
    eventually(lambda: own_gateway.exchange("GET", f"/api2/{path}").status == 200)
    changes = versions(own_gateway, "configuration.changed")
    assert len(changes) == 2 and changes[-1]["previous"] == before["version"] != changes[-1]["version"]
    own_gateway.exchange("DELETE", f"/api2/{path}", ("Prefer", "wait=0"))
    assert own_gateway.approve(own_gateway.pending(f"/{path}"), "zoe")["status"] == "approved"


def test_a_configuration_that_does_not_load_is_refused_and_the_old_one_stays(own_gateway, own_upstream, path):
    own_gateway.user("alice")
    own_gateway.configuration["nonsense"] = True
    own_gateway.write_configuration()
    eventually(lambda: "nonsense" in own_gateway.log_text())
    assert own_gateway.exchange("GET", f"/api/{path}").status == 200
    assert len(versions(own_gateway, "configuration.changed")) == 1


def test_a_user_taken_out_of_the_configuration_can_no_longer_decide(own_gateway, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.pending(f"/{path}")
    own_gateway.user("bob")
    own_gateway.configuration["users"] = [u for u in own_gateway.configuration["users"] if u["id"] != "bob@example.com"]
    own_gateway.write_configuration()
    eventually(lambda: len(versions(own_gateway, "configuration.changed")) == 2)
    assert own_gateway.decide(approval, user="bob").status_code in (401, 403)
    assert own_gateway.approval(approval["id"])["status"] == "pending"


# Ending


def test_a_graceful_shutdown_leaves_held_actions_pending(own_gateway, own_upstream, path):
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    own_gateway.close_clients()
    own_gateway.terminate()
    answer = ask.answer()
    assert (answer.status, answer.code) == (503, "shutting-down")
    assert answer.header("retry-after")
    assert own_gateway.process.wait(20) == 0
    own_gateway.start()
    assert own_gateway.approval(approval["id"])["status"] == "pending"
    own_gateway.verify_log()


def test_a_graceful_shutdown_lets_what_runs_finish(own_gateway, own_upstream, path):
    gate = own_upstream.stall(f"/{path}", b"finished")
    allowed = own_gateway.ask("GET", f"/api/{path}")
    assert gate.reached.wait(10)
    own_gateway.terminate()
    eventually(lambda: "shutting down" in own_gateway.log_text())
    assert own_gateway.process.poll() is None
    gate.open()
    assert allowed.answer().body == b"finished"
    assert own_gateway.process.wait(20) == 0


def test_a_graceful_shutdown_ends_event_streams_and_long_polls(own_gateway, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.pending(f"/{path}")
    fields = [("Authorization", f"Bearer {own_gateway.token('alice@example.com')}")]
    poll = Ask(own_gateway.control, "GET", f"/v1/approvals/{approval['id']}?wait=60", fields)
    stream = Ask(own_gateway.control, "GET", "/v1/events", fields)
    eventually(lambda: stream.connection.reader.buffer is not None and poll.is_waiting)
    own_gateway.close_clients()
    own_gateway.terminate()
    assert own_gateway.process.wait(20) == 0
    poll.join(10)
    stream.join(10)


def test_the_command_line_says_that_no_server_runs(install):
    gateway = install().start()
    gateway.stop()
    done = gateway.cli("approvals", "list", succeed=False)
    assert done.returncode == 3 and "127.0.0.1" in done.stderr


def test_agents_can_be_made_while_no_server_runs(install, path):
    gateway = install().start()
    gateway.stop()
    said = gateway.cli("agent", "add", "offline-bot", "--owner", "olga@example.com", "--group", "agents").stdout
    gateway.keys["offline-bot"] = next(word for word in said.split() if word.startswith("cs_"))
    gateway.start()
    assert gateway.exchange("GET", f"/api/{path}", agent="offline-bot").status == 200
    assert gateway.entries(kind="identity.changed")
    gateway.verify_log()


def test_doctor_finds_a_running_gateway_in_order(gateway):
    done = gateway.cli("doctor", succeed=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor_finds_a_taken_port_a_misspelt_owner_and_a_server_that_is_not_there(install):
    gateway = install(change=lambda c: c["agents"][0].update(owner="oga@example.com"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", gateway.port))
        taken.listen(1)
        done = gateway.cli("doctor", succeed=False)
    assert done.returncode == 1 and "BAD   listen.gateway" in done.stdout, done.stdout
    assert "oga@example.com is no user, but olga@example.com is" in done.stdout
    away = gateway.cli("doctor", "--url", f"http://127.0.0.1:{gateway.control}", succeed=False)
    assert away.returncode == 1 and "BAD   server" in away.stdout


def test_who_is_named_on_the_command_line_acts_and_not_whom_the_environment_knows(own_gateway, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.pending(f"/{path}")
    own_gateway.environment["COUNTERSIGN_TOKEN"] = own_gateway.token("olga@example.com")
    own_gateway.cli("approvals", "approve", approval["id"], "--as", "bob@example.com")
    (decision,) = own_gateway.approval(approval["id"])["decisions"]
    assert decision["user"] == "bob@example.com"
    both = own_gateway.cli("approvals", "show", approval["id"], "--as", "bob@example.com", "--token", "x", succeed=False)
    assert both.returncode != 0 and "not both" in both.stdout + both.stderr


def test_a_bad_action_document_is_not_a_denial(own_gateway, tmp_path):
    document = tmp_path / "action.json"
    document.write_text('{"subject":{"type":"Agent","id":"bot"},"action":{"name":"http:reed"}}')
    done = own_gateway.cli("policy", "evaluate", "--request", str(document), succeed=False)
    assert done.returncode == 2 and "action.name" in done.stderr and "ActionError" not in done.stderr


def test_what_is_held_goes_out_under_the_settings_in_force(own_gateway, own_upstream, path):
    """A rotated credential must not be used by what was held before, and nothing may be lost by it."""
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    # A change of policy alone leaves the connection as it is.
    own_gateway.write_policy("more.cedar", '@id("more") permit (principal, action, resource);')
    eventually(lambda: len(versions(own_gateway, "policy.changed")) == 2)
    own_gateway.configuration["connections"][0]["credential"]["header"] = "X-Upstream-Key"
    own_gateway.write_configuration()
    eventually(lambda: len(versions(own_gateway, "configuration.changed")) == 2)
    own_gateway.approve(approval)
    answer = ask.answer()
    assert (answer.status, answer.code) == (503, "connection-changed") and own_upstream.count() == 0
    assert answer.json()["executed"] is False and int(answer.header("retry-after")) > 0
    assert own_gateway.exchange("DELETE", f"/api/{path}").status == 200
    (request,) = own_upstream.to(f"/{path}")
    assert request.header("x-upstream-key") == UPSTREAM_CREDENTIAL and request.header("authorization") is None
    assert own_gateway.approval(approval["id"])["status"] == "succeeded"


def test_a_changed_policy_does_not_disturb_what_is_held(own_gateway, own_upstream, path):
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    own_gateway.write_policy("more.cedar", '@id("more") permit (principal, action, resource);')
    eventually(lambda: len(versions(own_gateway, "policy.changed")) == 2)
    own_gateway.approve(approval)
    assert ask.answer().status == 200 and own_upstream.count(f"/{path}") == 1
