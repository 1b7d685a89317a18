"""Somebody who keeps what the gateway said, and holds it against the log later."""

from collections import Counter

import httpx
import rfc8785

from .transparency import leaf_hash, node_hash
from .waiting import eventually


class Onlooker:
    """Asks, keeps every answered action and every checkpoint, and reads the log as it grows.

    What it has read of the log it never reads again: a checkpoint is compared with the entries as they were when they
    were first seen, so one that disagrees with an earlier one is found.
    """

    def __init__(self, gateway):
        self.gateway = gateway
        self.answered = set()
        self.statuses = Counter()
        self.notes = set()
        self.entries = []
        # Roots by size; the hashes of the perfect subtrees that make up the tree, by height.
        self.roots = [None]
        self.edge = []
        self.checked = 0

    def ask(self, path, body=b"{}"):
        """An action that policy allows; the status, or `None` where no answer came."""
        fields = [("Content-Type", "application/json")]
        try:
            answer = self.gateway.exchange("POST", f"/api{path}", *fields, body=body)
        except OSError:
            return None
        self.statuses[answer.status] += 1
        if answer.status == 200:
            self.answered.add(path)
        return answer.status

    def look(self):
        """Keeps the present checkpoint, if there is one to be had."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.gateway.control}/log/checkpoint", timeout=10)
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        self.notes.add(answer.text)
        return answer.text

    def read(self):
        """Reads what is new in the log."""
        found, cursor = [], None
        while True:
            query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = self.gateway.user("alice").get("/v1/entries", params=query)
            assert page.status_code == 200, page.text
            items = page.json()["items"]
            found += [entry for entry in items if entry["sequence"] >= len(self.entries)]
            cursor = page.json()["next_cursor"]
            if not cursor or (items and items[-1]["sequence"] <= len(self.entries)):
                break
        for entry in sorted(found, key=lambda entry: entry["sequence"]):
            assert entry["sequence"] == len(self.entries), f"entry {len(self.entries)} is missing"
            self.append(entry)

    def append(self, entry):
        self.entries.append(entry)
        hash, size = leaf_hash(rfc8785.dumps(entry)), len(self.entries)
        height = 0
        while size >> height & 1 == 0:
            hash = node_hash(self.edge[height], hash)
            height += 1
        self.edge[height:] = self.edge[height:] or [None]
        self.edge[height] = hash
        root = None
        for level in range(size.bit_length()):
            if size >> level & 1:
                root = self.edge[level] if root is None else node_hash(self.edge[level], root)
        self.roots.append(root)

    def verify(self, answered=None):
        """Checks that every answered action has its entry, and that all checkpoints ever seen are of this one log."""
        answered = set(self.answered) if answered is None else answered
        self.read()
        logged = {entry["action"]["resource"] for entry in self.entries if entry["kind"] == "action.allowed"}
        missing = {path for path in answered if f"api/POST {path}" not in logged}
        assert not missing, f"answered, and not in the log: {sorted(missing)[:5]}"
        verifier = self.gateway.verifier()
        eventually(self.look, what="a checkpoint")
        for note in list(self.notes):
            size, root = verifier.checkpoint(note)
            if size >= len(self.roots):
                # Signed since the entries were read.
                self.read()
            assert size < len(self.roots), f"a checkpoint of {size} was given out, and the log has {len(self.entries)}"
            assert size == 0 or root == self.roots[size], f"the checkpoint of {size} entries is of another log"
        self.checked += len(self.notes)
        dispatched = [entry["approval"] for entry in self.entries if entry["kind"] == "action.dispatched"]
        assert len(dispatched) == len(set(dispatched)), "a grant was used twice"
        return len(self.entries)
