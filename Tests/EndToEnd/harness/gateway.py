"""The real binary, started on ports of its own in a folder of its own."""

import copy
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import yaml

from .transparency import Verifier
from .waiting import NeverCame, eventually
from .wire import Ask, RawConnection, request_bytes

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("COUNTERSIGN_BINARY") or ROOT / ".build" / "debug" / "countersign")
# A debug build of a busy machine is slow to start.
PATIENCE = 30

POLICIES = """
@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);
@id("never-this") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/forbidden/*" };
@id("no-danger-in-bodies") forbid (principal is Agent, action, resource)
  when { context has body && context.body has danger && context.body.danger == true };
@id("deletes-need-a-dba") @approvers("dba") @expires("30m") @grant("10m") @advice("Deletes. Look twice.")
forbid (principal is Agent, action in Action::"delete", resource in Environment::"prod");
@id("exports-need-a-dba") @approvers("dba")
forbid (principal is Agent, action in Action::"export", resource in Environment::"prod");
@id("two-dbas") @approvers("dba") @quorum("2") forbid (principal is Agent, action in Action::"write", resource)
  when { context has path && context.path like "/two-dbas/*" };
@id("dba-and-security") @approvers("dba,security") forbid (principal is Agent, action in Action::"write", resource)
  when { context has path && context.path like "/both-groups/*" };
@id("held") @approvers("dba") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/held/*" };
@id("held-briefly") @approvers("dba") @expires("1500ms") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/brief/*" };
@id("short-grant") @approvers("dba") @grant("1s") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/short-grant/*" };
"""

AGENTS = [
    {"id": "bot", "owner": "olga@example.com", "groups": ["agents"], "key": "env:KEY_BOT"},
    {"id": "other-bot", "owner": "olga@example.com", "groups": ["agents"], "key": "env:KEY_OTHER_BOT"},
    {"id": "stranger", "owner": "olga@example.com", "groups": [], "key": "env:KEY_STRANGER"},
]
USERS = [
    {"id": "alice@example.com", "groups": ["dba"]},
    {"id": "bob@example.com", "groups": ["dba"]},
    {"id": "carol@example.com", "groups": ["security"]},
    {"id": "dave@example.com", "groups": ["dba", "security"]},
    {"id": "olga@example.com", "groups": ["dba"]},
    {"id": "erin@example.com", "groups": []},
]
UPSTREAM_CREDENTIAL = "Bearer upstream-secret-of-the-connection"


def free_port():
    """A port below those that outgoing connections get, so that nobody takes it between two starts."""
    while True:
        port = random.randint(12000, 31000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Gateway:
    """One installation: its folder, its keys, and, while it runs, its process."""

    def __init__(self, folder, upstream_port, change=None, policies=POLICIES, scheme="http"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.control = free_port()
        self.port = free_port()
        self.process = None
        # What the process is started by: strace, for instance.
        self.wrapper = []
        self.clients = {}
        self.tokens = {}
        self.logs = self.folder / "server.log"
        self.logs.touch()
        agents = [agent["id"] for agent in AGENTS]
        self.keys = {name: "cs_" + secrets.token_urlsafe(32) for name in agents}
        self.environment = {f"KEY_{name.upper().replace('-', '_')}": key for name, key in self.keys.items()}
        self.environment["UPSTREAM_TOKEN"] = UPSTREAM_CREDENTIAL
        upstream = f"{scheme}://127.0.0.1:{upstream_port}"
        self.configuration = {
            "data": "./data",
            "policies": "./policies",
            "listen": {"control": f"127.0.0.1:{self.control}", "gateway": f"127.0.0.1:{self.port}"},
            "public_url": f"http://127.0.0.1:{self.control}",
            "log": {"origin": "e2e.example.com/log"},
            "hold": {"http": "20s", "expires": "1h"},
            "limits": {"pending_per_agent": 5000},
            "connections": [
                {
                    "name": "api",
                    "kind": "http",
                    "upstream": upstream,
                    "labels": {"env": "prod", "data": "pii"},
                    "credential": {"header": "Authorization", "value": "env:UPSTREAM_TOKEN"},
                    "routes": [{"match": "POST /v1/exports", "operation": "exportOrders", "effect": "export"}],
                    "timeouts": {"connect": "3s", "idle": "30s"},
                },
                {
                    "name": "impatient",
                    "kind": "http",
                    "upstream": upstream,
                    "labels": {"env": "prod"},
                    "timeouts": {"connect": "1s", "idle": "1s"},
                },
            ],
            "agents": copy.deepcopy(AGENTS),
            "users": copy.deepcopy(USERS),
        }
        if change:
            change(self.configuration)
        self.write_configuration()
        if policies is not None:
            self.write_policy("main.cedar", policies)

    # Files

    @property
    def file(self):
        return self.folder / "countersign.yaml"

    @property
    def data(self):
        return self.folder / self.configuration["data"]

    def write_configuration(self):
        """Writes the configuration as it is now, in one step."""
        self.replace(self.file, yaml.safe_dump(self.configuration, sort_keys=False))

    def write_policy(self, name, text):
        """Writes a policy file, in one step."""
        self.replace(self.folder / "policies" / name, text)

    @staticmethod
    def replace(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name("." + path.name + ".draft")
        draft.write_text(text)
        os.replace(draft, path)

    # Process

    def spawn(self):
        """Starts the process and waits for nothing."""
        with open(self.logs, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(BINARY), "serve", "--config", str(self.file)],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def start(self):
        """Starts the process and waits until it is ready."""
        self.spawn()
        eventually(self.is_ready, PATIENCE, "the gateway's readiness")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
        try:
            return httpx.get(f"http://127.0.0.1:{self.control}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def refuse_to_start(self):
        """Starts it where it must not start; answers exit code and what it said."""
        before = len(self.log_text())
        self.spawn()
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.kill()
        return code, self.log_text()[before:]

    def kill(self):
        """kill -9."""
        if self.process and self.process.poll() is None:
            # A tracer ends with what it traces, but not the other way round.
            traced = psutil.Process(self.process.pid).children(recursive=True) if self.wrapper else []
            for process in traced or [self.process]:
                process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        self.close_clients()

    def terminate(self):
        """SIGTERM, without waiting."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """SIGTERM, and the exit code."""
        if self.process and self.process.poll() is None:
            self.close_clients()
            self.terminate()
            try:
                return self.process.wait(35)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode if self.process else None

    def hang_up(self):
        """SIGHUP: reload."""
        self.process.send_signal(signal.SIGHUP)

    def log_text(self):
        return self.logs.read_text(errors="replace")

    def resident(self):
        """Resident memory in bytes."""
        return psutil.Process(self.process.pid).memory_info().rss

    def close_clients(self):
        for client in self.clients.values():
            client.close()
        self.clients.clear()

    # Command line

    def cli(self, *arguments, succeed=True, timeout=30, configured=True, environment=None):
        """Runs a command of the real binary, in the gateway's environment if none is given."""
        command = [str(BINARY), *arguments] + (["--config", str(self.file)] if configured else [])
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **(self.environment if environment is None else environment)},
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if succeed:
            assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def token(self, user):
        """A bearer token of a user, from the command line; a new one before the last one ends, as some tests take an hour."""
        token, made = self.tokens.get(user, (None, 0))
        if not token or time.monotonic() - made > 3000:
            token = self.cli("user", "token", user, "--ttl", "1h").stdout.strip()
            self.tokens[user] = token, time.monotonic()
        return token

    def sign_in_link(self, user):
        """A one-time sign-in link, from the command line."""
        lines = self.cli("user", "link", user).stdout.split()
        return next(word for word in lines if word.startswith("http"))

    def verifier(self):
        """The log's key, from the command line, as our own verifier has it."""
        return Verifier(self.cli("log", "key").stdout.strip())

    # Clients

    def client(self, name, port, credential):
        if name not in self.clients:
            headers = {"Authorization": f"Bearer {credential}"} if credential else {}
            self.clients[name] = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=40)
        elif credential:
            self.clients[name].headers["Authorization"] = f"Bearer {credential}"
        return self.clients[name]

    def agent(self, name="bot"):
        """A client of the gateway's port with an agent's key."""
        return self.client("agent " + name, self.port, self.keys[name])

    def agent_api(self, name="bot"):
        """A client of the API with an agent's key."""
        return self.client("agent api " + name, self.control, self.keys[name])

    def user(self, name="alice"):
        """A client of the API with a user's token; `alice` is short for alice@example.com."""
        return self.client("user " + name, self.control, self.token(f"{name}@example.com"))

    def anyone(self):
        """A client of the control port without a credential."""
        return self.client("anyone", self.control, None)

    def connect(self, **options):
        """A raw connection to the gateway's port."""
        return RawConnection(self.port, **options)

    def headers(self, agent="bot", *more):
        return [("Authorization", f"Bearer {self.keys[agent]}"), *more]

    def ask(self, method, target, *headers, agent="bot", body=None, timeout=60):
        """Sends a request in a thread of its own."""
        return Ask(self.port, method, target, self.headers(agent, *headers), body, timeout)

    def exchange(self, method, target, *headers, agent="bot", body=None):
        """Sends a request on a connection of its own and reads the answer."""
        with self.connect() as connection:
            connection.send(request_bytes(method, target, self.headers(agent, *headers), body))
            return connection.answer(method)

    # Approvals and entries

    def approvals(self, **parameters):
        answer = self.user("alice").get("/v1/approvals", params={"limit": 200, **parameters})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def approval(self, identifier):
        answer = self.user("alice").get(f"/v1/approvals/{identifier}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def of(self, path, status=None):
        """The approvals of a path (as the upstream sees it), newest first."""
        found = [item for item in self.approvals() if item["action"]["context"].get("path") == path]
        return [item for item in found if status is None or item["status"] == status]

    def pending(self, path, timeout=10):
        """Waits for the pending approval of a path."""
        return eventually(lambda: self.of(path, "pending"), timeout, f"a pending approval of {path}")[0]

    def until(self, identifier, *statuses, timeout=10):
        """Waits until an approval has one of the statuses."""

        def reached():
            approval = self.approval(identifier)
            assert approval["status"] in statuses, approval["status"]
            return approval

        return eventually(reached, timeout, f"{identifier} in {statuses}")

    def decide(self, approval, decision="approve", user="bob", reason="looked at it"):
        """Decides through the API; answers the response."""
        ballot = {"decision": decision, "reason": reason, "action_digest": approval["action_digest"]}
        return self.user(user).post(f"/v1/approvals/{approval['id']}/decisions", json=ballot)

    def approve(self, approval, user="bob"):
        answer = self.decide(approval, "approve", user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def entries(self, **parameters):
        """Every entry that matches, oldest first."""
        found, cursor = [], None
        while True:
            query = {"limit": 200, **parameters} | ({"cursor": cursor} if cursor else {})
            page = self.user("alice").get("/v1/entries", params=query)
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            cursor = page.json()["next_cursor"]
            if not cursor:
                return sorted(found, key=lambda entry: entry["sequence"])

    def log_size(self):
        """How many entries the log has."""
        page = self.user("alice").get("/v1/entries", params={"limit": 1}).json()["items"]
        return page[0]["sequence"] + 1 if page else 0

    def kinds(self, identifier):
        """The kinds of an approval's entries, in order."""
        return [entry["kind"] for entry in self.entries(approval=identifier)]

    def receipt(self, identifier, user="alice"):
        answer = self.user(user).get(f"/v1/approvals/{identifier}/receipt")
        assert answer.status_code == 200, answer.text
        return answer.content

    def verify_log(self):
        """Checks the whole log, and the checkpoint's signature, with our own verifier; answers the entries."""
        verifier = self.verifier()
        note = self.anyone().get("/log/checkpoint").text
        return verifier.log(note, self.entries())

    def verify_receipt(self, identifier, name=None):
        """Checks a receipt twice: by the command line and by our own verifier; answers what the latter found."""
        data = self.receipt(identifier)
        path = self.folder / (name or f"{identifier}.receipt.json")
        path.write_bytes(data)
        key = self.cli("log", "key").stdout.strip()
        done = self.cli("verify", str(path), "--key", key, configured=False, succeed=False)
        assert done.returncode == 0, f"countersign verify: {done.stdout}{done.stderr}"
        return Verifier(key).receipt(data)


class Events:
    """A server-sent event stream that is read as a browser would."""

    def __init__(self, client, last=None, path="/v1/events"):
        headers = {"Last-Event-ID": str(last)} if last is not None else {}
        self.context = client.stream("GET", path, headers=headers, timeout=httpx.Timeout(20, read=20))
        self.response = self.context.__enter__()
        assert self.response.status_code == 200
        self.lines = self.response.iter_lines()

    def close(self):
        self.context.__exit__(None, None, None)

    def listening(self):
        """Reads up to the comment with which the stream begins."""
        for line in self.lines:
            if line.startswith(":"):
                return self
        raise NeverCame("the stream ended before it began")

    def next(self):
        """The next event, as name, id and data."""
        event, deadline = {}, time.monotonic() + 20
        for line in self.lines:
            assert time.monotonic() < deadline, "no event came"
            if not line and "data" in event:
                return event["event"], int(event["id"]), json.loads(event["data"])
            if line.startswith(":") or not line:
                continue
            name, _, value = line.partition(":")
            event[name] = value.strip()
        raise NeverCame("the stream ended")

    def until(self, match):
        """The first event whose data matches."""
        while True:
            name, number, data = self.next()
            if match(data):
                return name, number, data
