"""What the product publishes, judged by tools that no one here wrote: Tests/Interop."""

import pytest
import rfc8785
from judges import Refused, canonical, golang, merkle, openssl

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
