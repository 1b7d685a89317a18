"""MCP by hand, of either era: for what no SDK would send, and to see exactly what comes back."""

import base64
import itertools
import json
import re
import threading

from .wire import RawConnection, WireClosed

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
TASKS = "io.modelcontextprotocol/tasks"
APPROVAL = "dev.countersign/approval"
REFUSAL = "dev.countersign/refusal"
META = "io.modelcontextprotocol/"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
NAMED |= dict.fromkeys(["tasks/get", "tasks/update", "tasks/cancel"], "taskId")
NUMBERS = itertools.count(1)
ACCEPT = ("Accept", "application/json, text/event-stream")
JSON = ("Content-Type", "application/json")


def encoded(value):
    """A value of `Mcp-Name`, as the specification's "Value Encoding" has it."""
    plain = re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", value)
    if plain and not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    return "=?base64?" + base64.b64encode(value.encode()).decode() + "?="


class Events:
    """Server-sent events, from any split of bytes."""

    def __init__(self):
        self.rest = b""
        self.comments, self.messages, self.identifiers, self.retries = [], [], [], []

    def feed(self, data):
        self.rest = (self.rest + data).replace(b"\r\n", b"\n")
        while b"\n\n" in self.rest:
            block, self.rest = self.rest.split(b"\n\n", 1)
            self.event(block.split(b"\n"))

    def event(self, lines):
        data = []
        for line in lines:
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if not name:
                self.comments.append(value.decode())
            elif name == b"data":
                data.append(value)
            elif name == b"id":
                self.identifiers.append(value.decode())
            elif name == b"retry":
                self.retries.append(int(value))
        text = b"\n".join(data)
        if text:
            self.messages.append(json.loads(text))


class Exchange(threading.Thread):
    """One HTTP request in a thread of its own; its response is read as it comes, JSON or events."""

    def __init__(self, port, data, method="POST", timeout=90):
        super().__init__(daemon=True)
        self.method = method
        self.connection = RawConnection(port, timeout=timeout)
        self.data = data
        self.status, self.headers, self.body, self.error = None, [], b"", None
        self.events = Events()
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.start()

    def run(self):
        try:
            try:
                self.connection.send(self.data)
            except (BrokenPipeError, ConnectionResetError):
                # Refused before all of it was read; the answer may be there.
                pass
            reader = self.connection.reader
            while True:
                status = int(reader.line().decode("latin-1").split(" ", 2)[1])
                headers = reader.fields()
                if status >= 200:
                    break
            self.status, self.headers = status, headers
            self.begun.set()
            if self.is_stream:
                self.body = self.content(self.events.feed)
            else:
                self.body = self.content(None)
        except (OSError, ValueError, IndexError) as error:
            self.error = error
        finally:
            self.ended.set()
            self.begun.set()
            self.connection.close()

    def content(self, sink):
        reader = self.connection.reader
        if self.status in (202, 204, 304) and self.header("content-length") in (None, "0"):
            if not self.header("transfer-encoding"):
                return b""
        if (self.header("transfer-encoding") or "").lower() == "chunked":
            kept = []
            while size := int(reader.line(), 16):
                piece = reader.exactly(size)
                (sink or kept.append)(piece)
                assert reader.line() == b""
            reader.fields()
            return b"".join(kept)
        if (length := self.header("content-length")) is not None:
            body = reader.exactly(int(length))
        else:
            body = reader.rest()
        if sink:
            sink(body)
            return b""
        return body

    def header(self, name, default=None):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else default

    @property
    def is_stream(self):
        return (self.header("content-type") or "").lower().startswith("text/event-stream")

    @property
    def is_waiting(self):
        """Whether neither the end nor an error has come."""
        return not self.ended.is_set()

    def finish(self, timeout=20):
        """Waits for the end; fails if there was none."""
        assert self.ended.wait(timeout), f"no end of the answer to {self.data[:300]!r} within {timeout} s"
        if self.error:
            raise AssertionError(f"no answer to {self.data[:300]!r}: {self.error!r}") from self.error
        return self

    @property
    def messages(self):
        """Every JSON-RPC message so far, of events or the one body."""
        if self.is_stream:
            return list(self.events.messages)
        return [json.loads(self.body)] if self.body else []

    def reply(self, timeout=20):
        """The JSON-RPC response."""
        self.finish(timeout)
        found = [message for message in self.messages if "method" not in message]
        assert len(found) == 1, f"{self.status}: {len(found)} responses in {self.messages} {self.body[:300]!r}"
        return found[0]

    def result(self, timeout=20):
        message = self.reply(timeout)
        assert "result" in message, (self.status, message)
        return message["result"]

    def failure(self, timeout=20):
        """The JSON-RPC error."""
        message = self.reply(timeout)
        assert "error" in message, (self.status, message)
        return message["error"]

    def notifications(self, method):
        return [message["params"] for message in self.messages if message.get("method") == method]

    def abandon(self):
        """Goes away without reading on, as a killed client does."""
        self.connection.close()
        self.join(5)


class Raw:
    """A client of one endpoint that speaks what it is told to."""

    def __init__(self, port, path="/mcp", key=None):
        self.port, self.path, self.key = port, path, key
        self.session, self.version = None, None

    def authorization(self):
        if not self.key:
            return []
        return [("Authorization", self.key if self.key.startswith("Bearer ") else f"Bearer {self.key}")]

    def send(self, body, headers=(), method="POST", path=None, timeout=90):
        """Any bytes with any fields, in the order given; Host, length and credential are added."""
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        lines = [f"{method} {path or self.path} HTTP/1.1"]
        if not any(name.lower() == "host" for name, _ in headers):
            lines.append(f"Host: 127.0.0.1:{self.port}")
        lines += [f"{name}: {value}" for name, value in [*self.authorization(), *headers]]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return Exchange(self.port, head + (body or b""), method, timeout)

    # 2026-07-28

    def modern_body(self, method, params=None, identifier=None, capabilities=None, meta=None):
        envelope = {
            META + "protocolVersion": MODERN,
            META + "clientInfo": {"name": "raw", "version": "1"},
            META + "clientCapabilities": capabilities or {},
        }
        identifier = identifier if identifier is not None else next(NUMBERS)
        params = {**(params or {}), "_meta": envelope | (meta or {})}
        return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}

    def modern_headers(self, body, **changes):
        """The fields that go with a modern body; a change to None leaves one out (`mcp_name=None`)."""
        params = body.get("params", {})
        fields = {"MCP-Protocol-Version": MODERN, "Mcp-Method": body.get("method", "")}
        if key := NAMED.get(body.get("method")):
            fields["Mcp-Name"] = encoded(str(params.get(key, "")))
        for name, value in changes.items():
            known = next((field for field in fields if field.lower().replace("-", "_") == name), name.replace("_", "-"))
            fields[known] = value
        return [JSON, ACCEPT, *((name, value) for name, value in fields.items() if value is not None)]

    def modern(self, method, params=None, headers=None, timeout=90, fields=(), **options):
        """A request as 2026-07-28 wants it; `headers` changes fields, `fields` are more of them."""
        body = self.modern_body(method, params, **options)
        return self.send(body, [*self.modern_headers(body, **(headers or {})), *fields], timeout=timeout)

    def modern_call(self, tool, arguments=None, tasks=False, token=None, **options):
        """A tools/call; with the tasks extension declared, or a progress token, if asked for."""
        capabilities = {"extensions": {TASKS: {}}} if tasks else {}
        meta = {"progressToken": token} if token is not None else None
        params = {"name": tool, "arguments": arguments or {}}
        return self.modern("tools/call", params, capabilities=capabilities, meta=meta, **options)

    def task(self, method, identifier, tasks=True, **params):
        """A tasks/… request."""
        capabilities = {"extensions": {TASKS: {}}} if tasks else {}
        return self.modern(method, {"taskId": identifier, **params}, capabilities=capabilities)

    # 2025-11-25 and earlier

    def initialize(self, version=LEGACY, capabilities=None):
        """Opens a session; answers the result of `initialize`."""
        params = {
            "protocolVersion": version,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "raw", "version": "1"},
        }
        self.session, self.version = None, None
        exchange = self.send(
            {"jsonrpc": "2.0", "id": next(NUMBERS), "method": "initialize", "params": params}, [JSON, ACCEPT]
        )
        result = exchange.result()
        self.session, self.version = exchange.header("mcp-session-id"), result["protocolVersion"]
        assert self.notify("notifications/initialized").finish().status == 202
        return result

    def legacy_headers(self):
        fields = [JSON, ACCEPT]
        if self.version and self.version >= "2025-06-18":
            fields.append(("MCP-Protocol-Version", self.version))
        return fields + ([("Mcp-Session-Id", self.session)] if self.session else [])

    def legacy(self, method, params=None, identifier=None, meta=None, timeout=90, fields=()):
        """A request of the session."""
        params = {**(params or {}), **({"_meta": meta} if meta else {})}
        identifier = identifier if identifier is not None else next(NUMBERS)
        body = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}
        return self.send(body, [*self.legacy_headers(), *fields], timeout=timeout)

    def legacy_call(self, tool, arguments=None, task=None, token=None, **options):
        """A tools/call; with `params.task`, or a progress token, if asked for."""
        params = {"name": tool, "arguments": arguments or {}} | ({"task": task} if task is not None else {})
        meta = {"progressToken": token} if token is not None else None
        return self.legacy("tools/call", params, meta=meta, **options)

    def notify(self, method, params=None):
        body = {"jsonrpc": "2.0", "method": method} | ({"params": params} if params is not None else {})
        return self.send(body, self.legacy_headers())

    def answer(self, identifier, result):
        """Answers a request of the server's."""
        return self.send({"jsonrpc": "2.0", "id": identifier, "result": result}, self.legacy_headers())

    def listen(self, last=None):
        """The session's GET stream."""
        fields = [field for field in self.legacy_headers() if field[0] not in ("Content-Type", "Accept")]
        fields += [("Accept", "text/event-stream")] + ([("Last-Event-ID", last)] if last else [])
        return self.send(None, fields, method="GET")

    def end(self):
        """DELETE of the session."""
        return self.send(None, [f for f in self.legacy_headers() if f[0] != "Content-Type"], method="DELETE")

    # Both

    def call(self, era, tool, arguments=None, **options):
        if era == "modern":
            return self.modern_call(tool, arguments, **options)
        return self.legacy_call(tool, arguments, **options)


__all__ = ["APPROVAL", "LEGACY", "MODERN", "REFUSAL", "TASKS", "Events", "Exchange", "Raw", "WireClosed", "encoded"]
