"""A log's files (C2SP tlog-tiles), in a folder or behind a URL, and what can be read from them without any hashing."""

import base64
from pathlib import Path

import httpx

from . import Refused

WIDTH = 256


def tile_path(level, index, width=WIDTH):
    """The path of a tile; `level` is a number, or `entries`."""
    name = f"{index % 1000:03}"
    index //= 1000
    while index:
        name = f"x{index % 1000:03}/{name}"
        index //= 1000
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


def tiles_of(size):
    """The tiles of a log of `size` entries: level, index and width of each."""
    level = 0
    while size:
        yield from ((level, index, min(WIDTH, size - index * WIDTH)) for index in range(-(-size // WIDTH)))
        size //= WIDTH
        level += 1


class Source:
    """Reads a log; `token` is a user's, for the entries."""

    def __init__(self, place, token=None):
        self.place = str(place).rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(headers=headers, timeout=30) if self.place.startswith("http") else None

    def read(self, path):
        """A file's bytes."""
        if self.client is None:
            return (Path(self.place) / path).read_bytes()
        answer = self.client.get(f"{self.place}/{path}")
        if answer.status_code != 200:
            raise Refused(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.content

    def checkpoint(self):
        """Origin, size and root of the checkpoint; its signatures are for others to judge."""
        return checkpoint(self.read("checkpoint"))

    def entries(self, size):
        """The entries' bytes, in order."""
        found = []
        for level, index, width in tiles_of(size):
            if level == 0:
                found += bundle(self.read(tile_path("entries", index, width)), width)
        return found


def checkpoint(note):
    """Origin, size and root of a checkpoint."""
    origin, size, root = note.decode().split("\n\n")[0].split("\n")
    return origin, int(size), base64.b64decode(root, validate=True)


def bundle(data, width):
    """The entries of a bundle: each a length of two bytes and as many bytes."""
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(data) or len(found) != width:
        raise Refused(f"a bundle has {len(found)} entries of {width}, or is cut")
    return found
