"""A host that starts a command and speaks to it in lines of JSON-RPC."""

import json
import os
import queue
import subprocess
import threading

from .gateway import BINARY
from .waiting import NeverCame

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "by-hand", "version": "1"},
}
LEGACY = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "1"}}


class Host:
    """The command, and what it has said."""

    def __init__(self, *arguments, environment=None, cwd=None):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        self.process = subprocess.Popen(
            [str(BINARY), *arguments],
            env=clean | (environment or {}),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines = queue.Queue()
        self.kept, self.errors = [], []
        self.readers = [threading.Thread(target=each, daemon=True) for each in (self.read_lines, self.read_errors)]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for reader in self.readers:
            reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def read_lines(self):
        for line in self.process.stdout:
            # Nothing but messages may be there.
            self.lines.put(json.loads(line))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode())

    @property
    def error_text(self):
        return "".join(self.errors)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def request(self, identifier, method, params=None, modern=False):
        params = dict(params or {})
        if modern:
            params["_meta"] = MODERN | params.get("_meta", {})
        self.send({"id": identifier, "method": method, "params": params})

    def notify(self, method, params=None):
        self.send({"method": method, "params": params or {}})

    def until(self, match, timeout=15):
        """The first message that matches; the others are kept."""
        for message in self.kept:
            if match(message):
                self.kept.remove(message)
                return message
        while True:
            try:
                message = self.lines.get(timeout=timeout)
            except queue.Empty:
                raise NeverCame(f"no such message; others: {str(self.kept)[:2000]}; {self.error_text}") from None
            if match(message):
                return message
            self.kept.append(message)

    def answer(self, identifier, timeout=15):
        return self.until(lambda message: message.get("id") == identifier and "method" not in message, timeout)

    def call(self, identifier, tool, arguments=None, modern=False, timeout=15):
        self.request(identifier, "tools/call", {"name": tool, "arguments": arguments or {}}, modern)
        return self.answer(identifier, timeout)

    def initialize(self):
        self.request("opening", "initialize", LEGACY)
        answer = self.answer("opening")
        self.notify("notifications/initialized")
        return answer

    def close(self, timeout=10):
        """Closes its standard input, as hosts end servers; answers the exit code."""
        self.process.stdin.close()
        return self.process.wait(timeout)
