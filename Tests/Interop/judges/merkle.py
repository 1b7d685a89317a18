"""pymerkle judges the tree: its root, and the proofs of inclusion and consistency."""

import base64

from pymerkle import InmemoryTree, InvalidProof, verify_consistency, verify_inclusion

from . import Refused
from .source import checkpoint


def grow(entries):
    """The tree of the entries."""
    return InmemoryTree.init_from_entries(entries, algorithm="sha256")


def verify(tree, note, older=()):
    """Checks that a checkpoint is of the tree's beginning, and that those before it are of the beginning of that."""
    _, size, root = checkpoint(note)
    if size > tree.get_size() or tree.get_root(size) != root:
        raise Refused(f"the {tree.get_size()} entries do not hash to the checkpoint of {size}")
    try:
        for index in range(1, size + 1):
            proof = tree.prove_inclusion(index, size)
            verify_inclusion(tree.get_leaf(index), root, proof, index=index, size=size)
        for old in older:
            _, before, old_root = checkpoint(old)
            if before > size:
                raise Refused(f"a checkpoint of {before} was signed, and the log has {size}: it was cut")
            if before:
                proof = tree.prove_consistency(before, size)
                verify_consistency(old_root, root, proof, prior_size=before, later_size=size)
    except InvalidProof as error:
        raise Refused(f"pymerkle: {error}") from error


def verify_proof(tree, proof):
    """Checks that a tlog-proof is the one that pymerkle makes of the same entries."""
    head, note = proof.split("\n\n", 1)
    lines = head.split("\n")
    index = int(lines[1].removeprefix("index "))
    _, size, root = checkpoint(note.encode())
    if tree.get_root(size) != root:
        raise Refused(f"the proof's checkpoint of {size} is not of this log")
    # The first of pymerkle's hashes is the leaf itself.
    if tree.prove_inclusion(index + 1, size).path[1:] != [base64.b64decode(line, validate=True) for line in lines[2:]]:
        raise Refused(f"the proof of entry {index} is not pymerkle's")
