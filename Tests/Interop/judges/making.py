"""A log made without the product, in a folder of C2SP tlog-tiles: what the judges are tried on."""

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .source import WIDTH, tile_path, tiles_of


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves):
    """RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:half]), root(leaves[half:]))


def path(index, leaves):
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return path(index, leaves[:half]) + [root(leaves[half:])]
    return path(index - half, leaves[half:]) + [root(leaves[:half])]


class Key:
    """An Ed25519 key of a log (type 1) or of a witness (type 4)."""

    def __init__(self, name, seed, kind=1):
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        raw = bytes([kind]) + self.private.public_key().public_bytes_raw()
        self.hash = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{name}+{self.hash.hex()}+{base64.b64encode(raw).decode()}"

    def sign(self, text, time=1_800_000_000):
        """A signature line."""
        if self.kind == 4:
            signed = f"cosignature/v1\ntime {time}\n".encode() + text
            signature = time.to_bytes(8, "big") + self.private.sign(signed)
        else:
            signature = self.private.sign(text)
        return f"\u2014 {self.name} {base64.b64encode(self.hash + signature).decode()}\n".encode()


class MadeLog:
    """Entries, and the keys of the log and of a witness."""

    def __init__(self, count):
        self.key = Key("made.example.com/log", 1)
        self.witness = Key("witness.example.com", 2, kind=4)
        entries = [{"kind": "action.allowed", "sequence": number, "text": "é" * (number % 7)} for number in range(count)]
        self.entries = [
            json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() for entry in entries
        ]
        self.leaves = [leaf(entry) for entry in self.entries]

    def checkpoint(self, size=None):
        """A checkpoint of the first entries, signed by the log and cosigned by the witness."""
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        text = f"{self.key.name}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n".encode()
        return text + b"\n" + self.key.sign(text) + self.witness.sign(text)

    def proof(self, index, size=None):
        """A tlog-proof@v1 of an entry."""
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        hashes = [base64.b64encode(each).decode() for each in path(index, leaves)]
        head = "\n".join(["c2sp.org/tlog-proof@v1", f"index {index}", *hashes])
        return f"{head}\n\n{self.checkpoint(size).decode()}"

    def receipt(self, *numbers):
        """What of a receipt the judges read."""
        items = [{"entry": self.entries[n].decode(), "proof": self.proof(n)} for n in numbers]
        return {"documents": [], "entries": items, "format": "countersign-receipt@v1", "log": self.key.name}

    def publish(self, folder):
        """Writes the log's files."""
        folder = Path(folder)

        def write(name, data):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

        write("checkpoint", self.checkpoint())
        for level, index, width in tiles_of(len(self.entries)):
            below = WIDTH**level
            first = index * WIDTH
            roots = [root(self.leaves[(first + n) * below : (first + n + 1) * below]) for n in range(width)]
            write(tile_path(level, index, width), b"".join(roots))
            if level == 0:
                entries = self.entries[first : first + width]
                bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
                write(tile_path("entries", index, width), bundle)
        return folder
