"""An independent verifier: RFC 8785, RFC 6962, C2SP signed notes and tlog-proofs, written from their specifications."""

import base64
import hashlib
import json

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def b64url(data):
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def digest(document):
    """The digest of a document: unpadded base64url of SHA-256 of its RFC 8785 form."""
    return b64url(hashlib.sha256(rfc8785.dumps(document)).digest())


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def merkle_root(leaves):
    """RFC 6962, section 2.1, over leaf hashes, level by level."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def root_from_inclusion(index, size, leaf, proof):
    """RFC 9162, section 2.1.3.2."""
    assert index < size, "the leaf is outside the tree"
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        assert sn, "the proof is too long"
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0, "the proof is too short"
    return result


def tile_path(index):
    """The groups of three digits of a tile's number (C2SP tlog-tiles)."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(groups)


def log_of_tiles(size, get):
    """All entries and the root of a log of this size, from tiles that `get` answers by path (C2SP tlog-tiles).

    Each level's tiles must be what the level below hashes to.
    """

    def tiles(kind, count):
        for index in range((count + 255) // 256):
            width = min(256, count - 256 * index)
            yield width, get(f"tile/{kind}/{tile_path(index)}" + (f".p/{width}" if width < 256 else ""))

    entries = []
    for width, bundle in tiles("entries", size):
        for _ in range(width):
            length = int.from_bytes(bundle[:2], "big")
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        assert not bundle, "a bundle is longer than its entries"
    level, hashes = 0, [leaf_hash(entry) for entry in entries]
    root = merkle_root(hashes)
    while hashes:
        kept = b"".join(tile for _, tile in tiles(level, len(hashes)))
        assert kept == b"".join(hashes), f"the tiles of level {level} are not what is below them"
        hashes = [merkle_root(hashes[i : i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    return entries, root


class Verifier:
    """A log's verifier key: NAME+HASH+BASE64(TYPE || KEY)."""

    def __init__(self, vkey):
        self.name, short, encoded = vkey.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        assert raw[0] == 1 and len(raw) == 33, "not an Ed25519 key"
        self.hash = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        assert self.hash.hex() == short, "the short hash is not that of the key"
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def checkpoint(self, note):
        """Size and root of a signed checkpoint; fails unless this key has signed it."""
        text, signatures = note.rsplit("\n\n", 1)
        text += "\n"
        for line in signatures.splitlines():
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
            if dash == "\u2014" and name == self.name and raw[:4] == self.hash:
                self.key.verify(raw[4:], text.encode())
                break
        else:
            raise AssertionError("the checkpoint bears no signature of the log's key")
        origin, size, root = text.splitlines()[:3]
        assert origin == self.name, "the checkpoint is of another log"
        return int(size), base64.b64decode(root, validate=True)

    def entry(self, text, proof):
        """Checks that an entry's exact text is proven; answers its members."""
        header, *lines = proof.split("\n")
        assert header == "c2sp.org/tlog-proof@v1"
        assert lines[0].startswith("index ")
        index = int(lines[0].removeprefix("index "))
        end = lines.index("")
        hashes = [base64.b64decode(line, validate=True) for line in lines[1:end]]
        size, root = self.checkpoint("\n".join(lines[end + 1 :]))
        assert root_from_inclusion(index, size, leaf_hash(text.encode()), hashes) == root, "not included"
        members = json.loads(text)
        assert members["sequence"] == index
        assert rfc8785.dumps(members) == text.encode(), "the entry is not in canonical form"
        return members

    def receipt(self, data):
        """Verifies a receipt; answers its entries and the documents by sequence."""
        receipt = json.loads(data)
        assert rfc8785.dumps(receipt) == data, "the receipt is not in canonical form"
        assert receipt["format"] == "countersign-receipt@v1" and receipt["log"] == self.name
        entries = [self.entry(item["entry"], item["proof"]) for item in receipt["entries"]]
        assert [e["sequence"] for e in entries] == sorted({e["sequence"] for e in entries})
        known, documents = {entry["sequence"]: entry for entry in entries}, {}
        for document in receipt["documents"]:
            entry, text = known[document["sequence"]], document["text"].encode()
            commitment = b64url(hashlib.sha256(from_b64url(document["salt"]) + text).digest())
            assert entry["payload"] == {"bytes": len(text), "commitment": commitment}
            documents[document["sequence"]] = json.loads(text)
            assert rfc8785.dumps(documents[document["sequence"]]) == text
            assert digest(documents[document["sequence"]]) == entry["action"]["digest"]
        return entries, documents

    def log(self, note, entries):
        """Checks that entries, which are all of the log, hash to a signed checkpoint's root."""
        size, root = self.checkpoint(note)
        ordered = sorted(entries, key=lambda entry: entry["sequence"])[:size]
        assert [entry["sequence"] for entry in ordered] == list(range(size)), "entries are missing"
        leaves = [leaf_hash(rfc8785.dumps(entry)) for entry in ordered]
        assert merkle_root(leaves) == root, "the log does not hash to its signed root"
        return ordered
