"""The judges of Tests/Interop, tried on logs made without the product: they accept what holds and refuse any flipped bit."""

import base64
import json
import random

import pytest
from judges import Refused, attestation, canonical, golang, merkle, openssl
from judges.making import Key, MadeLog
from judges.source import Source, tile_path, tiles_of

# A cold compiler on a busy machine.
pytestmark = pytest.mark.timeout(300)

SIZES = [1, 2, 255, 256, 257, 600]


def flip(path, bit):
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(data))


def judge_in_python(folder, key, older=()):
    """All judges but Go."""
    source = Source(folder)
    note = source.read("checkpoint")
    openssl.verify(note, key.vkey)
    entries = source.entries(source.checkpoint()[1])
    canonical.verify(entries)
    merkle.verify(merkle.grow(entries), note, older)


@pytest.mark.parametrize("size", SIZES)
def test_a_log_that_holds_is_accepted_by_every_judge(go, tmp_path, size):
    log = MadeLog(size)
    folder = log.publish(tmp_path / "log")
    older = sorted({1, size // 2 or 1, max(1, size - 1), size})
    for number in older:
        (tmp_path / f"{number}.note").write_bytes(log.checkpoint(number))
    notes = [tmp_path / f"{number}.note" for number in older]
    said = go.log(folder, log.key.vkey, old=notes, cosigners=[log.witness.vkey])
    assert said == f"{size} entries included, {len(notes)} older checkpoints contained"
    judge_in_python(folder, log.key, [note.read_bytes() for note in notes])


def test_a_log_with_a_third_level_of_tiles_is_accepted(go, tmp_path):
    log = MadeLog(65_537)
    folder = log.publish(tmp_path)
    assert (folder / tile_path(2, 0, 1)).exists() and (folder / tile_path(0, 256, 1)).exists()
    assert go.log(folder, log.key.vkey).startswith("65537 entries included")


def test_tile_paths_are_those_of_the_specification():
    assert tile_path(0, 1234067, 1) == "tile/0/x001/x234/067.p/1"
    assert tile_path("entries", 0) == "tile/entries/000"
    assert list(tiles_of(257)) == [(0, 0, 256), (0, 1, 1), (1, 0, 1)]


@pytest.mark.parametrize("what", ["full tile", "partial tile", "upper tile", "full bundle", "partial bundle"])
def test_a_flipped_bit_in_a_tile_or_bundle_is_refused(go, tmp_path, what):
    log, chance = MadeLog(600), random.Random(what)
    folder = log.publish(tmp_path)
    name = {
        "full tile": tile_path(0, 1),
        "partial tile": tile_path(0, 2, 88),
        "upper tile": tile_path(1, 0, 2),
        "full bundle": tile_path("entries", 1),
        "partial bundle": tile_path("entries", 2, 88),
    }[what]
    whole = (folder / name).read_bytes()
    for _ in range(8):
        flip(folder / name, chance.randrange(8 * len(whole)))
        with pytest.raises(Refused):
            go.log(folder, log.key.vkey)
        if "bundle" in what:
            with pytest.raises((Refused, ValueError)):
                judge_in_python(folder, log.key)
        (folder / name).write_bytes(whole)
    go.log(folder, log.key.vkey)


def test_a_flipped_bit_in_a_checkpoint_is_refused(go, tmp_path):
    log, chance = MadeLog(300), random.Random(1)
    path = tmp_path / "checkpoint"
    note = log.checkpoint()
    path.write_bytes(note)
    go.note(path, log.key.vkey, [log.witness.vkey])
    openssl.verify(note, log.key.vkey)
    # Up to the witness's line, which openssl does not judge.
    signed = note.index(b"\xe2\x80\x94 witness") - 1
    for _ in range(40):
        bit = chance.randrange(8 * signed)
        flip(path, bit)
        with pytest.raises(Refused):
            go.note(path, log.key.vkey, [log.witness.vkey])
        with pytest.raises((Refused, ValueError)):
            openssl.verify(path.read_bytes(), log.key.vkey)
        path.write_bytes(note)


def test_a_flipped_bit_in_a_cosignature_and_a_missing_one_are_refused(go, tmp_path):
    log, chance = MadeLog(300), random.Random(2)
    path = tmp_path / "checkpoint"
    note = log.checkpoint()
    begin = note.index(b"\xe2\x80\x94 witness")
    for _ in range(25):
        path.write_bytes(note)
        flip(path, 8 * begin + chance.randrange(8 * (len(note) - begin)))
        with pytest.raises(Refused):
            go.note(path, log.key.vkey, [log.witness.vkey])
    path.write_bytes(note[:begin])
    go.note(path, log.key.vkey)
    with pytest.raises(Refused, match="not signed by witness"):
        go.note(path, log.key.vkey, [log.witness.vkey])
    path.write_bytes(note)
    with pytest.raises(Refused):
        go.note(path, log.key.vkey, [Key("witness.example.com", 3, kind=4).vkey])


def test_a_flipped_bit_in_a_receipts_proof_or_entry_is_refused(go, tmp_path):
    log, chance = MadeLog(300), random.Random(3)
    path = tmp_path / "receipt.json"
    receipt = log.receipt(3, 299)
    path.write_text(json.dumps(receipt))
    assert go.receipt(path, log.key.vkey, [log.witness.vkey]) == "2 entries proven"
    tree = merkle.grow(log.entries)
    for item in receipt["entries"]:
        merkle.verify_proof(tree, item["proof"])
    for member in ("entry", "proof"):
        text = receipt["entries"][0][member].encode()
        for _ in range(30):
            bad = bytearray(text)
            bit = chance.randrange(8 * len(bad))
            bad[bit // 8] ^= 1 << bit % 8
            changed = json.loads(json.dumps(receipt))
            changed["entries"][0][member] = bad.decode("utf-8", "replace")
            path.write_text(json.dumps(changed))
            with pytest.raises(Refused):
                go.receipt(path, log.key.vkey, [log.witness.vkey])


def test_a_log_whose_newest_entries_were_cut_is_refused_by_whoever_kept_a_checkpoint(go, tmp_path):
    log = MadeLog(300)
    (tmp_path / "kept").write_bytes(log.checkpoint())
    cut = MadeLog(290)
    folder = cut.publish(tmp_path / "log")
    go.log(folder, log.key.vkey)
    with pytest.raises(Refused, match="the log was cut"):
        go.log(folder, log.key.vkey, old=[tmp_path / "kept"])
    with pytest.raises(Refused, match="it was cut"):
        judge_in_python(folder, log.key, [log.checkpoint()])


def test_a_log_that_was_rewritten_and_signed_anew_is_refused_by_whoever_kept_a_checkpoint(go, tmp_path):
    log, other = MadeLog(300), MadeLog(300)
    other.entries[7] = other.entries[8]
    other.leaves[7] = other.leaves[8]
    folder = other.publish(tmp_path / "log")
    go.log(folder, log.key.vkey)
    (tmp_path / "kept").write_bytes(log.checkpoint(200))
    with pytest.raises(Refused, match="does not contain it"):
        go.log(folder, log.key.vkey, old=[tmp_path / "kept"])
    with pytest.raises(Refused):
        merkle.verify(merkle.grow(other.entries), other.checkpoint(), [log.checkpoint(200)])


def test_entries_that_are_not_canonical_or_not_in_order_are_refused():
    canonical.verify([b'{"sequence":0}', b'{"sequence":1}'])
    for entries in ([b'{"sequence": 0}'], [b'{"sequence":1}'], [b'{"b":1,"a":2,"sequence":0}'], [b'{"sequence":0.0}']):
        with pytest.raises(Refused):
            canonical.verify(entries)


def test_a_changed_attestation_is_refused():
    key = Key("attestation", 4)
    statement = json.dumps({"_type": attestation.STATEMENT_TYPE, "subject": []}).encode()

    def envelope(payload=statement, kind=attestation.PAYLOAD_TYPE, signer=key):
        pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        signature = base64.b64encode(signer.private.sign(pae)).decode()
        signatures = [{"keyid": "one", "sig": signature}]
        return {"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": signatures}

    public = base64.urlsafe_b64encode(key.private.public_key().public_bytes_raw()).rstrip(b"=").decode()
    jwks = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": public}]}
    assert attestation.verify(envelope(), jwks)["subject"] == []
    changed = envelope()
    changed["payload"] = base64.b64encode(statement + b" ").decode()
    for bad in (changed, envelope(signer=Key("x", 5)), envelope(kind="text/plain"), {**envelope(), "payloadType": "a"}):
        with pytest.raises(Refused):
            attestation.verify(bad, jwks)
