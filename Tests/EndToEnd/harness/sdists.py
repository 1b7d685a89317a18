"""The SDKs' source distributions, whose example servers and tests are traffic: fetched by pip, pinned by their hashes.

`python Tests/EndToEnd/harness/sdists.py` fetches what is missing, into .tools/sdists; `script/test` does that first.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".tools" / "sdists"
REQUIREMENTS = ROOT / "Tests" / "EndToEnd" / "requirements.txt"
# Of the versions that requirements.txt pins; raising a version there wants its hash here.
HASHES = {
    "fastmcp": "af7426a77689627b282fa1dc876dc65a200c2e81636e7dd81ad761640ce8070c",
    "mcp": "8b147a50441cf059dc88c684e0aeed3687f0aa0f39c6cde7b90330effd2b34d8",
}
# What is unpacked.
PARTS = ("tests", "examples")


class Unavailable(RuntimeError):
    """A distribution cannot be had, or is not the one that is pinned."""


def version(name):
    """The version that requirements.txt pins."""
    return re.search(rf"^{name}==(\S+)$", REQUIREMENTS.read_text(), re.M).group(1)


def folder(name):
    """Where a distribution is, or will be, unpacked."""
    return FOLDER / f"{name}-{version(name)}"


def fetch(name):
    """Unpacks a distribution, which is downloaded if it is not there; answers its folder."""
    place = folder(name)
    stamp = place / ".sha256"
    if stamp.exists() and stamp.read_text() == HASHES[name]:
        return place
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as draft:
        archive = download(name, Path(draft))
        with tarfile.open(archive) as packed:
            wanted = [each for each in packed if (each.name.split("/") + [""])[1] in PARTS]
            packed.extractall(draft, members=wanted, filter="data")
        unpacked = Path(draft) / place.name
        (unpacked / ".sha256").write_text(HASHES[name])
        shutil.rmtree(place, ignore_errors=True)
        unpacked.rename(place)
    return place


def download(name, into):
    """Has pip download the archive, and checks it once more."""
    pin = into / "requirements.txt"
    pin.write_text(f"{name}=={version(name)} --hash=sha256:{HASHES[name]}\n")
    words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", name, "--require-hashes"]
    command = [sys.executable, "-m", "pip", *words, "--requirement", str(pin), "--dest", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    if done.returncode != 0:
        raise Unavailable(
            f"pip cannot download the source distribution of {name} {version(name)}, whose tests and examples are traffic "
            f"for the acceptance tests. It wants a package index, as the other requirements do:\n{done.stderr}"
        )
    archive = into / f"{name}-{version(name)}.tar.gz"
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != HASHES[name]:
        raise Unavailable(f"{archive.name} has the SHA-256 {found}; harness/sdists.py pins {HASHES[name]}")
    return archive


if __name__ == "__main__":
    try:
        for each in HASHES:
            fetch(each)
    except Unavailable as unavailable:
        sys.exit(f"sdists: {unavailable}")
