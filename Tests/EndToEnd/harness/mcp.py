"""MCP: servers as processes (peers/), a gateway in front of them, and how a test reaches either."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .gateway import UPSTREAM_CREDENTIAL, Gateway, free_port
from .waiting import eventually

PEERS = Path(__file__).resolve().parent.parent / "peers"
SCRIPTS = {"official": PEERS / "official.py", "fastmcp": PEERS / "quick.py"}
# A Python start on a busy machine.
PATIENCE = 30

POLICIES = """
@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);
@id("never-hidden") forbid (principal is Agent, action, resource)
  when { context has tool && context.tool == "read_hidden" };
@id("no-secrets") forbid (principal is Agent, action, resource)
  when { context has arguments && context.arguments has text && context.arguments.text == "a secret" };
@id("deletes-need-a-dba") @approvers("dba") @expires("2h") @grant("10m") @advice("Deletes. Look twice.")
forbid (principal is Agent, action in Action::"delete", resource);
@id("held-briefly") @approvers("dba") @expires("1500ms") forbid (principal is Agent, action, resource)
  when { context has tool && context.tool == "delete_briefly" };
"""
EFFECTS = [{"match": "delete_*", "effect": "delete"}, {"match": "*", "effect": "read"}]


class Peer:
    """One MCP server: a process of its own over HTTP, or the command line of one on stdio."""

    def __init__(self, folder, server="official", transport="http", era="both", credential=UPSTREAM_CREDENTIAL):
        self.server, self.transport, self.era, self.credential = server, transport, era, credential
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = None if transport == "stdio" else free_port()
        self.process = None
        self.logs = self.folder / "peer.log"
        self.environment = {"MCP_CONTROL": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        if credential and transport != "stdio":
            self.environment["MCP_CREDENTIAL"] = credential

    @property
    def command(self):
        """What starts it."""
        words = [sys.executable, str(SCRIPTS[self.server]), "--transport", self.transport, "--era", self.era]
        return words + (["--port", str(self.port)] if self.port else [])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/{'sse' if self.transport == 'sse' else 'mcp'}"

    def spawn(self):
        """Starts the process and waits for nothing."""
        with open(self.logs, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def start(self):
        """Starts the process and waits until it listens."""
        return self.spawn().wait()

    def wait(self):
        eventually(self.listens, PATIENCE, f"the peer {self.command}")
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the peer ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def kill(self):
        """kill -9."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def log_text(self):
        return self.logs.read_text(errors="replace")

    # What a test says to it, and what it did

    def runs(self, *words):
        """What its tools noted, oldest first; only what begins with these words, if some are given."""
        try:
            lines = (self.folder / "runs").read_text().splitlines()
        except FileNotFoundError:
            return []
        noted = [json.loads(line) for line in lines]
        return [each for each in noted if each[: len(words)] == list(words)]

    def count(self, *words):
        """How often its tools noted exactly this."""
        return Counter(tuple(each) for each in self.runs())[words]

    def close_gate(self, name):
        """Makes `delete_record` of this record wait once it has begun."""
        (self.folder / f"closed-{name}").touch()

    def open_gate(self, name):
        (self.folder / f"closed-{name}").unlink(missing_ok=True)

    def mutate(self, what):
        """Changes the definition of the tool `counter`: `description`, `schema`, `hidden`, or nothing."""
        draft = self.folder / ".mutation"
        draft.write_text(what)
        os.replace(draft, self.folder / "mutation")

    # How a gateway is told of it

    def connection(self, name, **more):
        """Its entry in a gateway's configuration."""
        entry = {"name": name, "kind": "mcp", "labels": {"env": "prod"}, "tools": EFFECTS, "reviewers": ["dba"]}
        if self.transport == "stdio":
            names = [f"PEER_{name.upper().replace('-', '_')}_{key}" for key in self.environment]
            entry["command"] = self.command
            entry["environment"] = {key: f"env:{name}" for key, name in zip(self.environment, names)}
        else:
            entry["upstream"] = self.url
            if self.transport == "sse":
                entry["transport"] = "sse"
            if self.credential:
                entry["credential"] = {"header": "Authorization", "value": "env:UPSTREAM_TOKEN"}
        return entry | more

    def secrets(self, name):
        """What a gateway's own environment must have for that entry."""
        if self.transport != "stdio":
            return {}
        prefix = f"PEER_{name.upper().replace('-', '_')}_"
        return {prefix + key: value for key, value in self.environment.items()}


class McpGateway(Gateway):
    """A gateway whose connections are MCP servers."""

    def __init__(self, folder, peers, hold=None, policies=POLICIES, change=None, **settings):
        """`peers`: name of the connection -> peer, or (peer, settings of the connection)."""
        entries, secrets = [], {}
        for name, peer in peers.items():
            peer, more = peer if isinstance(peer, tuple) else (peer, {})
            entries.append(peer.connection(name, **more))
            secrets |= peer.secrets(name)

        def adjust(configuration):
            configuration["connections"] = entries
            configuration["hold"] |= hold or {}
            configuration |= settings
            if change:
                change(configuration)

        super().__init__(folder, 1, change=adjust, policies=policies)
        self.environment |= secrets

    def url(self, connection="tools"):
        return f"http://127.0.0.1:{self.port}/{connection}/"

    def calls(self, tool, arguments=None, status=None):
        """The approvals of a tool, newest first; of these arguments, and in this status, if they are given."""
        found = []
        for item in self.approvals():
            context = item["action"]["context"]
            if context.get("tool") != tool or (status and item["status"] != status):
                continue
            if arguments is None or context.get("arguments") == arguments:
                found.append(item)
        return found

    def pending_call(self, tool, arguments=None, timeout=10):
        """Waits for the pending approval of a call."""
        what = f"a pending approval of {tool} {arguments}"
        return eventually(lambda: self.calls(tool, arguments, "pending"), timeout, what)[0]


@dataclass(frozen=True)
class Route:
    """One way from a client to a server."""

    path: str
    client: str
    client_era: str
    server: str
    server_era: str
    transport: str

    def __str__(self):
        server = f"{self.server}-{self.server_era}-{self.transport}"
        return f"{self.path}-{self.client}-{self.client_era}-to-{server}"

    @property
    def crosses(self):
        """Whether client and server are of different eras."""
        return self.client_era != self.server_era

    @property
    def upstream(self):
        """The name of the server, as of a connection."""
        return f"{self.server}-{self.server_era}-{self.transport}"

    @property
    def can_ask_back(self):
        """Whether the server has a way to ask the client something."""
        return self.server_era == "modern" or self.transport != "stateless"
