"""Witnesses: two gateways' worth of trouble that one machine alone could not find out."""

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from harness.gateway import Gateway, free_port
from harness.waiting import eventually
from harness.witness import BadWitness, CosignatureKey, Witness, flip, metric


@pytest.fixture
def hire(tmp_path):
    """Makes witnesses for one test; killed at its end."""
    made = []

    def make(name, *options, **more):
        witness = Witness(tmp_path / name.replace("/", "-"), name, *options, **more)
        made.append(witness)
        return witness

    yield make
    for witness in made:
        witness.kill()


@pytest.fixture
def watched(install, hire):
    """A running gateway that two running witnesses must both cosign."""
    witnesses = [hire("w1.example.com/one"), hire("w2.example.com/two")]

    def change(configuration):
        configuration["log"]["witnesses"] = [witness.entry for witness in witnesses]

    # Neither witness runs yet, and neither knows the log: that must not keep the gateway from starting.
    gateway = install(change=change).start()
    key = gateway.cli("log", "key").stdout.strip()
    for witness in witnesses:
        witness.start(key)
    cosigned(gateway)
    return gateway, witnesses


def act(gateway, path="/orders"):
    answer = gateway.agent().get(f"/api{path}")
    assert answer.status_code == 200, answer.text


def metrics(gateway):
    return gateway.anyone().get("/metrics").text


def cosigned(gateway, timeout=30):
    """Waits until the quorum has cosigned all that is in the log; answers how much that is."""
    size = gateway.log_size()
    eventually(
        lambda: (metric(metrics(gateway), "countersign_cosigned_entries") or 0) >= size,
        timeout,
        f"a cosigned checkpoint of {size} entries",
    )
    return size


def lag(gateway, witness):
    return metric(metrics(gateway), "countersign_witness_lag_entries", witness=witness.name)


def receipt(gateway, path):
    """The receipt of an approved action, cosigned: its bytes."""
    ask = gateway.ask("POST", f"/api/held/{path}", body=b"x")
    approval = gateway.pending(f"/held/{path}")
    gateway.approve(approval)
    assert ask.answer().status == 200
    gateway.until(approval["id"], "succeeded")
    cosigned(gateway)
    return gateway.receipt(approval["id"])


def test_receipts_carry_the_cosignatures_of_both(watched, path, tmp_path):
    gateway, witnesses = watched
    began = int(time.time()) - 120
    data = receipt(gateway, path)
    gateway.verifier().receipt(data)
    for item in json.loads(data)["entries"]:
        note = item["proof"].split("\n\n", 1)[1]
        for witness in witnesses:
            assert began <= CosignatureKey(witness.key).time(note) <= time.time() + 1
    (tmp_path / "r.json").write_bytes(data)
    key = gateway.cli("log", "key").stdout.strip()
    keys = [option for witness in witnesses for option in ("--witness", witness.key)]

    def verify(*options):
        arguments = ("verify", str(tmp_path / "r.json"), "--key", key, *options)
        return gateway.cli(*arguments, configured=False, succeed=False)

    assert verify(*keys, "--quorum", "2").returncode == 0
    stranger = Witness(tmp_path / "stranger", "stranger.example.com").key
    assert verify(*keys[:2], "--witness", stranger, "--quorum", "1").returncode == 0
    assert verify(*keys[:2], "--witness", stranger, "--quorum", "2").returncode == 4


def test_a_witness_that_is_down_delays_cosignatures_and_nothing_else(watched, path):
    gateway, (first, second) = watched
    assert lag(gateway, second) == 0
    second.kill()
    before = metric(metrics(gateway), "countersign_cosigned_entries")
    began = time.monotonic()
    for number in range(20):
        act(gateway, f"/orders/{path}-{number}")
    assert time.monotonic() - began < 15
    eventually(lambda: lag(gateway, second) >= 20 and lag(gateway, first) == 0, 30, "the lag")
    text = metrics(gateway)
    assert metric(text, "countersign_cosigned_entries") == before
    assert metric(text, "countersign_witness_last_success_timestamp_seconds", witness=second.name) > 0
    assert gateway.anyone().get("/readyz").status_code == 200
    # Receipts still come, without the quorum.
    act(gateway)
    second.start()
    # Nobody asks it before its pause is over, which grew while it was down.
    cosigned(gateway, 90)
    assert lag(gateway, second) == 0


def test_a_second_gateway_with_the_same_key_and_other_entries_is_stopped(watched, scratch, own_upstream, path):
    gateway, witnesses = watched
    act(gateway)
    cosigned(gateway)
    assert gateway.stop() == 0
    twin = Gateway(scratch / f"twin-{path}", own_upstream.port)
    shutil.copytree(gateway.data, twin.data)
    twin.configuration["log"] = gateway.configuration["log"]
    twin.write_configuration()
    gateway.start()
    # What each of the two shows is sound by itself.
    act(gateway, f"/orders/{path}-a")
    cosigned(gateway)
    try:
        code, said = twin.refuse_to_start()
        assert code == 1
        assert witnesses[0].name in said or witnesses[1].name in said
        # It started while nobody could tell it, and is found out later.
        for witness in witnesses:
            witness.kill()
        twin.start()
        for number in range(6):
            act(twin, f"/orders/{path}-b{number}")
        for witness in witnesses:
            witness.start()
        eventually(lambda: twin.anyone().get("/readyz").status_code == 503, 90, "the end of the second history")
        answer = twin.agent().get("/api/orders")
        assert answer.status_code == 503 and answer.json()["code"] == "ledger-unavailable"
        assert "restored from an older backup" in twin.log_text()
        told = "".join(witness.log_text() for witness in witnesses)
        assert "of another history" in told or "two histories" in told
        # The first history goes on.
        act(gateway, f"/orders/{path}-c")
        cosigned(gateway, 90)
    finally:
        twin.kill()


def test_a_data_folder_that_was_restored_whole_does_not_start(watched, path):
    gateway, witnesses = watched
    assert gateway.stop() == 0
    backup = gateway.folder / "backup"
    shutil.copytree(gateway.data, backup)
    gateway.start()
    act(gateway, f"/orders/{path}")
    size = cosigned(gateway)
    assert gateway.stop() == 0
    shutil.move(gateway.data, gateway.folder / "newest")
    shutil.copytree(backup, gateway.data)
    code, said = gateway.refuse_to_start()
    assert code == 1
    assert any(witness.name in said for witness in witnesses)
    assert "log.origin" in said and str(size) in said
    # One of them is enough to know it, and the newest folder still fits.
    witnesses[0].kill()
    assert gateway.refuse_to_start()[0] == 1
    witnesses[0].start()
    shutil.rmtree(gateway.data)
    shutil.move(gateway.folder / "newest", gateway.data)
    gateway.start()
    act(gateway)
    cosigned(gateway)


def test_a_witness_killed_again_and_again_never_forgets(watched, path):
    gateway, (first, second) = watched
    sizes = []
    for number in range(6):
        act(gateway, f"/orders/{path}-{number}")
        eventually(lambda: first.metric("countersign_witness_cosigned_entries", log="e2e.example.com/log"), 20)
        first.kill()
        first.start()
        sizes.append(first.metric("countersign_witness_cosigned_entries", log="e2e.example.com/log"))
    assert sizes == sorted(sizes)
    cosigned(gateway, 90)
    assert not any("forgotten" in text for text in (gateway.log_text(), first.log_text()))


def test_a_redirect_is_not_followed(install, hire, path):
    bad, good = BadWitness(), hire("good.example.com")
    key = hire("bad.example.com").key
    elsewhere = BadWitness()

    def change(configuration):
        configuration["log"]["witnesses"] = [{"key": key, "url": bad.url}, good.entry]
        configuration["log"]["quorum"] = 1

    try:
        bad.answer = (500, {}, b"")
        gateway = install(change=change).start()
        good.start(gateway.cli("log", "key").stdout.strip())
        bad.answer = (302, {"Location": elsewhere.url + "/add-checkpoint"}, b"")
        asked = bad.asked
        act(gateway, f"/orders/{path}")
        # One witness is enough here.
        cosigned(gateway)
        eventually(lambda: bad.asked > asked, 30, "a request to the bad witness")
        assert elsewhere.asked == 0
        assert gateway.anyone().get("/readyz").status_code == 200
        assert lag_of(gateway, "bad.example.com") > 0
    finally:
        bad.stop()
        elsewhere.stop()


def lag_of(gateway, name):
    return metric(metrics(gateway), "countersign_witness_lag_entries", witness=name)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"\xe2\x80\x94 bad.example.com AAAA\n"),
        (200, {}, b"x" * 10_000_000),
        (409, {"Content-Type": "text/x.tlog.size"}, b"99999"),
        (204, {}, b""),
        None,
    ],
    ids=["garbage", "huge", "no-newline", "empty", "silent"],
)
def test_a_gateway_starts_and_works_beside_a_bad_witness(install, hire, path, answer):
    bad = BadWitness()
    bad.answer = answer
    key = hire("bad.example.com").key

    def change(configuration):
        configuration["log"]["witnesses"] = [{"key": key, "url": bad.url}]

    try:
        gateway = install(change=change).start()
        act(gateway, f"/orders/{path}")
        eventually(lambda: bad.asked >= 2, 30, "two requests, at the start and after")
        assert gateway.anyone().get("/readyz").status_code == 200
        assert lag_of(gateway, "bad.example.com") >= 1
        bad.hold.set()
        assert gateway.stop() == 0
    finally:
        bad.stop()


def test_the_dashboard_shows_how_far_each_witness_is(watched):
    gateway, (first, second) = watched
    page = gateway.user("alice").get("/log").text
    assert first.name in page and second.name in page


def test_a_witness_answers_as_the_specification_says(watched, path):
    gateway, (witness, _) = watched
    assert witness.get("/key").text.strip() == witness.key
    assert witness.get("/").status_code == 404
    assert witness.get("/add-checkpoint").status_code == 405
    assert witness.post(b"", path="/metrics").status_code == 405
    assert witness.post(b"x" * 70_000).status_code == 413
    for garbage in (b"", b"old 0\n", b"old -1\n\n", b"\xff" * 100, b"old 0\n\nx\n1\nAAAA\n\n"):
        assert witness.post(garbage).status_code == 400
    size = cosigned(gateway)
    note = gateway.anyone().get("/log/checkpoint").text
    assert witness.post(f"old 0\n\n{note}").headers["content-type"] == "text/x.tlog.size"
    conflict = witness.post(f"old 0\n\n{note}")
    assert conflict.status_code == 409 and int(conflict.text) >= size and conflict.text.endswith("\n")
    again = witness.post(f"old {int(conflict.text)}\n\n{note}")
    if int(conflict.text) == int(note.splitlines()[1]):
        assert again.status_code == 200
        assert CosignatureKey(witness.key).time(note + again.text) is not None
    assert witness.post(f"old 0\n\n{note.replace('e2e.example.com/log', 'other.example.com/log', 1)}").status_code == 404
    text, signature = note.rsplit("\n\n", 1)
    lines = text.splitlines()
    lines[1] = str(int(lines[1]) + 1)
    forged = "\n".join(lines) + "\n\n" + signature
    assert witness.post(f"old 0\n\n{forged}").status_code == 403
    assert witness.metric("countersign_witness_requests_total", status="403") == 1


def slow_request(witness, source="127.0.0.1"):
    """A connection whose request's body never ends."""
    connection = socket.create_connection(("127.0.0.1", witness.port), timeout=20, source_address=(source, 0))
    connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\nold 0\n")
    return connection


def test_slow_strangers_keep_nobody_from_being_cosigned(watched):
    gateway, (witness, _) = watched
    cosigned(gateway)
    note = gateway.anyone().get("/log/checkpoint").text
    strangers = [slow_request(witness, f"127.0.0.{2 + number // 32}") for number in range(96)]
    try:
        size = int(witness.post(f"old 0\n\n{note}").text)
        answer = witness.post(f"old {size}\n\n{note}")
        assert answer.status_code == (200 if size == int(note.splitlines()[1]) else 409)
        act(gateway)
        cosigned(gateway)
    finally:
        for stranger in strangers:
            stranger.close()


def test_one_address_has_so_many_connections_and_the_others_have_theirs(watched):
    _, (witness, _) = watched
    strangers = [slow_request(witness, "127.0.0.9") for _ in range(100)]
    try:
        # An answer to somebody who came later: those before are counted.
        assert witness.get("/healthz").status_code == 200
        with slow_request(witness, "127.0.0.9") as one_more:
            with suppress(ConnectionError):
                assert one_more.recv(100) == b""
        assert witness.get("/healthz").status_code == 200
    finally:
        for stranger in strangers:
            stranger.close()


def test_a_witness_guards_its_state(watched):
    _, (witness, _) = watched
    other = ["--listen", f"127.0.0.1:{free_port()}", "--log", witness.logkeys[0]]
    assert "another process" in witness.refusal(*other)
    assert witness.stop() == 0
    assert "for life" in witness.refusal(*other, "--name", "somebody.else")
    for name in ("witness.key", "witness.db"):
        assert os.stat(witness.data / name).st_mode & 0o777 == 0o600
    state = witness.data / "witness.db"
    shutil.move(state, witness.data / "away")
    assert "forgets" in witness.refusal(*other)
    assert not state.exists()
    shutil.copy(witness.data / "away", state)
    flip(state, -20)
    assert "damaged" in witness.refusal(*other)
    shutil.copy(witness.data / "away", state)
    witness.start()


def test_a_witness_serves_tls_and_a_gateway_verifies_it(install, hire, tmp_path):
    def certificate(name):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", "/CN=witness"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return str(tmp_path / f"{name}.pem"), str(tmp_path / f"{name}.key")

    pem, key = certificate("right")
    wrong, _ = certificate("wrong")
    witness = hire("tls.example.com", "--tls-certificate", pem, "--tls-key", key, scheme="https")

    def change(configuration):
        configuration["log"]["witnesses"] = [witness.entry | {"ca": wrong}]

    gateway = install(change=change).start()
    witness.start(gateway.cli("log", "key").stdout.strip())
    act(gateway)
    eventually(lambda: "look at its certificate" in gateway.log_text(), 20, "the refused certificate")
    assert metric(metrics(gateway), "countersign_cosigned_entries") in (None, 0)
    assert gateway.stop() == 0
    gateway.configuration["log"]["witnesses"][0]["ca"] = pem
    gateway.write_configuration()
    gateway.start()
    cosigned(gateway)


@pytest.mark.parametrize(
    "log, key",
    [
        ({"witnesses": [{"url": "https://w"}]}, "lacks the key key"),
        ({"witnesses": [{"key": "KEY"}]}, "lacks the key url"),
        ({"witnesses": [{"key": "LOG", "url": "https://w"}]}, "is not a witness's verifier key"),
        ({"witnesses": [{"key": "KEY", "url": "http://w.example.com"}]}, "must be https"),
        ({"witnesses": [{"key": "KEY", "url": "https://w"}] * 2}, "has a witness twice"),
        ({"witnesses": [{"key": "KEY", "url": "https://w"}], "quorum": 2}, "log.quorum"),
        ({"quorum": 1}, "log.quorum"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(install, hire, log, key):
    text = json.dumps(log).replace("KEY", hire("w.example.com").key)
    text = text.replace("LOG", "e2e.example.com/log+00000000+AQ==")
    gateway = install(change=lambda configuration: configuration["log"].update(json.loads(text)))
    code, said = gateway.refuse_to_start()
    assert code == 2 and key in said
