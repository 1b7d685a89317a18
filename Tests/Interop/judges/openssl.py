"""The openssl command line judges a checkpoint's Ed25519 signature."""

import base64
import subprocess
import tempfile
from pathlib import Path

from . import Refused

# RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this and the key's 32 bytes.
PREFIX = bytes.fromhex("302a300506032b6570032100")


def verify(note, vkey):
    """Checks that the key has signed the note."""
    name, short, encoded = vkey.strip().split("+", 2)
    text, signatures = note.rsplit(b"\n\n", 1)
    opening = f"\u2014 {name} ".encode()
    found = [base64.b64decode(line[len(opening) :]) for line in signatures.split(b"\n") if line.startswith(opening)]
    ours = [raw[4:] for raw in found if raw[:4].hex() == short]
    if not ours:
        raise Refused("the checkpoint bears no signature of the key")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "key.der").write_bytes(PREFIX + base64.b64decode(encoded)[1:])
        (folder / "text").write_bytes(text + b"\n")
        (folder / "signature").write_bytes(ours[0])
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
        command += ["-in", "text", "-sigfile", "signature"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)
    if done.returncode != 0 or "Signature Verified Successfully" not in done.stdout:
        raise Refused(f"openssl: {done.stdout}{done.stderr}")
