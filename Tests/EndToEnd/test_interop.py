"""What the product publishes, judged by tools that no one here wrote: Tests/Interop."""

import shutil

import pytest
import rfc8785
from harness.transparency import from_b64url
from harness.waiting import eventually
from judges import Refused, attestation, canonical, merkle, openssl
from judges.source import Source

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def judged(shared_gateway):
    """A log with a held action that ran, one that was denied, and some that passed; the id of the first."""
    gateway, target = shared_gateway, "/held/interop"
    ask = gateway.ask("POST", f"/api{target}", ("Content-Type", "application/json"), body='{"Å":[1.50,null]}'.encode())
    approval = gateway.pending(target)
    gateway.decide(approval, user="olga")
    gateway.approve(approval)
    assert ask.answer().status == 200
    gateway.until(approval["id"], "succeeded")
    gateway.exchange("GET", "/api/forbidden/interop")
    for number in range(20):
        gateway.exchange("GET", f"/api/interop/{number}")
    return approval["id"]


def key_and_note(gateway):
    return gateway.anyone().get("/log/key").text.strip(), gateway.anyone().get("/log/checkpoint").content


def test_openssl_verifies_the_checkpoint(gateway, judged):
    key, note = key_and_note(gateway)
    openssl.verify(note, key)
    size = note.split(b"\n")[1]
    with pytest.raises(Refused):
        openssl.verify(note.replace(b"\n%s\n" % size, b"\n%d\n" % (int(size) + 1), 1), key)


def test_go_verifies_the_checkpoint(gateway, judged, go, tmp_path):
    key, note = key_and_note(gateway)
    (tmp_path / "checkpoint").write_bytes(note)
    assert go.note(tmp_path / "checkpoint", key).startswith("checkpoint of ")
    (tmp_path / "checkpoint").write_bytes(note.replace(b"e2e.", b"e3e."))
    with pytest.raises(Refused):
        go.note(tmp_path / "checkpoint", key)


def test_go_verifies_every_proof_of_a_receipt(gateway, judged, go, tmp_path):
    key, _ = key_and_note(gateway)
    path = tmp_path / "receipt.json"
    data = gateway.receipt(judged)
    path.write_bytes(data)
    assert go.receipt(path, key) == "6 entries proven"
    path.write_bytes(data.replace(b"olga@example.com", b"anna@example.com"))
    with pytest.raises(Refused):
        go.receipt(path, key)


def test_rfc8785_recomputes_the_digests_of_a_receipt(gateway, judged):
    data = gateway.receipt(judged)
    assert canonical.verify_receipt(data) >= 1
    for old, new in ((b'\\"method\\":\\"POST\\"', b'\\"method\\":\\"PUSH\\"'), (b"{", b"{ ")):
        assert old in data
        with pytest.raises(Refused):
            canonical.verify_receipt(data.replace(old, new, 1))


def test_pymerkle_comes_to_the_same_root_and_the_same_proofs(gateway, judged):
    _, before = key_and_note(gateway)
    gateway.exchange("GET", "/api/interop/one-more")
    receipt = canonical.parse(gateway.receipt(judged), "the receipt")
    _, note = key_and_note(gateway)
    tree = merkle.grow([rfc8785.dumps(entry) for entry in gateway.entries()])
    merkle.verify(tree, note, [before])
    for item in receipt["entries"]:
        merkle.verify_proof(tree, item["proof"])
    cut = merkle.grow([rfc8785.dumps(entry) for entry in gateway.entries()[:-20]])
    with pytest.raises(Refused):
        merkle.verify(cut, note)


def address(gateway):
    return f"http://127.0.0.1:{gateway.control}/log"


def test_go_verifies_the_whole_log_over_http(gateway, judged, go, tmp_path):
    key, before = key_and_note(gateway)
    (tmp_path / "old").write_bytes(before)
    gateway.exchange("GET", "/api/interop/and-another")
    token = gateway.token("alice@example.com")
    said = go.log(address(gateway), key, old=[tmp_path / "old"], token=token)
    assert said.endswith("entries included, 1 older checkpoints contained")
    # The hashes are for anyone, the entries are not.
    with pytest.raises(Refused, match="401"):
        go.log(address(gateway), key)


def test_the_python_judges_verify_the_bundles(gateway, judged):
    key, older = key_and_note(gateway)
    gateway.exchange("GET", "/api/interop/yet-another")
    source = Source(address(gateway), gateway.token("alice@example.com"))
    note = source.read("checkpoint")
    openssl.verify(note, key)
    entries = source.entries(source.checkpoint()[1])
    said = canonical.verify(entries)
    merkle.verify(merkle.grow(entries), note, [older])
    assert said == gateway.entries()[: len(said)]


def test_securesystemslib_verifies_the_attestation_of_a_decision(gateway, judged):
    answer = gateway.user("alice").get(f"/v1/approvals/{judged}/attestation")
    assert answer.status_code == 200, answer.text
    jwks = gateway.anyone().get("/.well-known/jwks.json").json()
    statement = attestation.verify(answer.json(), jwks)
    approval = gateway.approval(judged)
    (subject,) = statement["subject"]
    assert subject["digest"] == {"sha256": from_b64url(approval["action_digest"]).hex()}
    assert statement["predicate"]["approval"] == judged and statement["predicate"]["status"] == "succeeded"
    envelope = answer.json()
    for change in (
        {**envelope, "payload": envelope["payload"].replace("A", "B", 1)},
        {**envelope, "payloadType": "application/json"},
        {**envelope, "signatures": [{**envelope["signatures"][0], "sig": "A" * 86 + "=="}]},
        {**envelope, "signatures": []},
    ):
        with pytest.raises(Refused):
            attestation.verify(change, jwks)


def test_a_published_folder_is_a_log_by_itself_and_no_file_of_it_can_be_changed(install, go, tmp_path, path):
    folder = tmp_path / "published"
    gateway = install(change=lambda c: c["log"].update(folder=str(folder))).start()
    key = gateway.cli("log", "key").stdout.strip()
    kept = []
    for number in range(3):
        gateway.exchange("GET", f"/api/{path}/{number}")
        eventually(lambda: Source(folder).checkpoint()[1] >= gateway.log_size(), 20, "the folder")
        (tmp_path / f"{number}").write_bytes((folder / "checkpoint").read_bytes())
        kept.append(tmp_path / f"{number}")
    go.log(folder, key, old=kept)
    assert gateway.stop() == 0
    said = go.log(folder, key, old=kept)
    note = (folder / "checkpoint").read_bytes()
    openssl.verify(note, key)
    entries = Source(folder).entries(Source(folder).checkpoint()[1])
    canonical.verify(entries)
    merkle.verify(merkle.grow(entries), note, [each.read_bytes() for each in kept])
    size = len(entries)
    for name in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        copy = shutil.copytree(folder, tmp_path / "copy")
        data = bytearray((copy / name).read_bytes())
        data[len(data) // 2] ^= 1
        (copy / name).write_bytes(data)
        with pytest.raises(Refused):
            go.log(copy, key, old=kept)
        shutil.rmtree(copy)
    assert said.startswith(f"{size} entries included")
