"""Witnesses: the real daemon in a process of its own, one that misbehaves, and a check of cosignatures of our own."""

import base64
import hashlib
import http.server
import os
import re
import signal
import subprocess
import threading

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .gateway import BINARY, PATIENCE, free_port
from .waiting import eventually


class CosignatureKey:
    """A witness's verifier key: NAME+HASH+BASE64(0x04 || KEY), as C2SP tlog-cosignature has it."""

    def __init__(self, vkey):
        self.name, short, encoded = vkey.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        assert raw[0] == 4 and len(raw) == 33, "not the key of a witness"
        self.hash = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        assert self.hash.hex() == short, "the short hash is not that of the key"
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def time(self, note):
        """When this witness cosigned a note; None if it did not; fails if its cosignature is wrong."""
        text, signatures = note.rsplit("\n\n", 1)
        for line in signatures.splitlines():
            _, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
            if name != self.name or raw[:4] != self.hash:
                continue
            time = int.from_bytes(raw[4:12], "big")
            self.key.verify(raw[12:], f"cosignature/v1\ntime {time}\n{text}\n".encode())
            return time
        return None


class Witness:
    """One installation of `countersign witness`."""

    def __init__(self, folder, name, *options, scheme="http"):
        self.folder, self.name, self.options, self.scheme = folder, name, options, scheme
        self.folder.mkdir(parents=True)
        self.data = folder / "data"
        self.port = free_port()
        self.logs = folder / "witness.log"
        self.logs.touch()
        self.process = None
        self.logkeys = []
        self.key = self.run("--print-key", "--name", name).stdout.strip()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def entry(self):
        """How a gateway's configuration names it."""
        return {"key": self.key, "url": self.url}

    def command(self, *arguments):
        return [str(BINARY), "witness", "--data", str(self.data), *arguments]

    def run(self, *arguments):
        """Runs it where it must end by itself."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done

    def refusal(self, *arguments):
        """Runs it where it must refuse; answers what it said."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def start(self, *logkeys):
        self.logkeys = list(logkeys) or self.logkeys
        arguments = ["--listen", f"127.0.0.1:{self.port}", *self.options]
        for key in self.logkeys:
            arguments += ["--log", key]
        with open(self.logs, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*arguments), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(self.is_up, PATIENCE, "the witness's health")
        return self

    def is_up(self):
        assert self.process.poll() is None, f"the witness ended:\n{self.log_text()[-3000:]}"
        try:
            return self.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def get(self, path):
        return httpx.get(self.url + path, timeout=5, verify=False)

    def post(self, body, path="/add-checkpoint"):
        return httpx.post(self.url + path, content=body, timeout=10, verify=False)

    def metric(self, name, **labels):
        return metric(self.get("/metrics").text, name, **labels)

    def log_text(self):
        return self.logs.read_text(errors="replace")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


class BadWitness:
    """Answers `add-checkpoint` as it is told: (status, fields, body), or None for no answer at all."""

    def __init__(self):
        self.answer = (200, {}, b"")
        self.asked = 0
        self.hold = threading.Event()
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                witness.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if witness.answer is None:
                    witness.hold.wait(60)
                    return
                status, fields, body = witness.answer
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def metric(text, name, **labels):
    """A sample of the Prometheus text format; None if there is none."""
    wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^{name}{re.escape('{' + wanted + '}') if labels else ''} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def flip(path, offset):
    """Changes one bit of a file."""
    with open(path, "r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        at = file.tell()
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))
