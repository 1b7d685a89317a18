"""rfc8785 judges that entries and documents are in canonical form, and the digests made of them."""

import base64
import hashlib
import json

import rfc8785

from . import Refused


def parse(data, what):
    """What a text says, if it is the canonical form of that."""
    value = json.loads(data)
    if rfc8785.dumps(value) != data:
        raise Refused(f"{what} is not in canonical form")
    return value


def verify(entries):
    """Checks that the entries are canonical and numbered in order; answers what they say."""
    found = [parse(data, f"entry {number}") for number, data in enumerate(entries)]
    for number, entry in enumerate(found):
        if entry["sequence"] != number:
            raise Refused(f"entry {number} says that it is entry {entry['sequence']}")
    return found


def verify_receipt(data):
    """Checks a receipt's form, the digests of its documents, and that the entries commit to them; how many there are."""
    receipt = parse(data, "the receipt")
    entries = {}
    for item in receipt["entries"]:
        entry = parse(item["entry"].encode(), "an entry")
        entries[entry["sequence"]] = entry
    for document in receipt["documents"]:
        entry, text = entries[document["sequence"]], document["text"].encode()
        salt = base64.urlsafe_b64decode(document["salt"] + "==")
        if entry["payload"] != {"bytes": len(text), "commitment": digest(salt + text)}:
            raise Refused("an entry does not commit to its document")
        if digest(rfc8785.dumps(json.loads(text))) != entry["action"]["digest"]:
            raise Refused("an action's digest is not that of its document")
    return len(receipt["documents"])


def digest(data):
    """Unpadded base64url of SHA-256."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
