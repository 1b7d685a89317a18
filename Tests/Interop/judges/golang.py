"""Go's golang.org/x/mod/sumdb packages judge, through the program in logverify/."""

import os
import shutil
import subprocess
from pathlib import Path

from . import Refused

PROGRAM = Path(__file__).resolve().parent.parent / "logverify"
# Where Debian's golang-golang-x-mod-dev puts its sources.
GOPATH = Path("/usr/share/gocode")


def is_here():
    """Whether Go and x/mod are installed as Debian packages them."""
    return bool(shutil.which("go")) and (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()


class LogVerify:
    """The program, built in a folder."""

    def __init__(self, folder):
        self.binary = Path(folder) / "logverify"
        go = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOPROXY": "off"}
        # Kept between runs: without it Go compiles its own library each time.
        cache = Path(__file__).resolve().parents[3] / ".tools" / "go-cache"
        environment = {**os.environ, **go, "GOCACHE": os.environ.get("GOCACHE") or str(cache)}
        command = ["go", "build", "-o", str(self.binary), "."]
        done = subprocess.run(command, cwd=PROGRAM, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    def log(self, place, vkey, old=(), token=None, cosigners=()):
        """Checks a whole log."""
        options = [f"-old={path}" for path in old] + [f"-cosigner={key}" for key in cosigners]
        return self.run("log", *options, *([f"-token={token}"] if token else []), str(place), vkey)

    def receipt(self, path, vkey, cosigners=()):
        """Checks every proof of a receipt."""
        return self.run("receipt", *(f"-cosigner={key}" for key in cosigners), str(path), vkey)

    def note(self, path, vkey, cosigners=()):
        """Checks a checkpoint's signatures."""
        return self.run("note", *(f"-cosigner={key}" for key in cosigners), str(path), vkey)

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=120)
        if done.returncode == 1:
            raise Refused(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
