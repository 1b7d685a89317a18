"""HTTP/1.1 by hand: what is sent is exactly the bytes given, and what comes back is kept as it came."""

import json
import socket
import ssl
import threading
from dataclasses import dataclass, field


class WireClosed(OSError):
    """The peer closed before the message was complete."""


@dataclass
class Answer:
    """One response."""

    status: int
    reason: str
    headers: list
    body: bytes
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    pieces: list = field(default_factory=list)

    def header(self, name, default=None):
        """The first value of a field."""
        values = self.all(name)
        return values[0] if values else default

    def all(self, name):
        """Every value of a field."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem."""
        return self.json().get("code")


class Buffered:
    """Reads lines and counts of bytes from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def fill(self):
        piece = self.sock.recv(1 << 18)
        if not piece:
            raise WireClosed(f"closed with {self.buffer[:200]!r} unread")
        self.buffer += piece

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count, sink=None):
        """`count` bytes; given to `sink` piece by piece if there is one."""
        kept = []
        while count:
            if not self.buffer:
                self.fill()
            piece, self.buffer = self.buffer[:count], self.buffer[count:]
            count -= len(piece)
            (sink or kept.append)(piece)
        return b"".join(kept)

    def rest(self):
        while True:
            try:
                self.fill()
            except WireClosed:
                rest, self.buffer = self.buffer, b""
                return rest

    def fields(self):
        """Field lines up to the empty line."""
        fields = []
        while line := self.line():
            name, _, value = line.partition(b":")
            fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return fields


class RawConnection:
    """A connection on which a test writes bytes and reads responses."""

    def __init__(self, port, host="127.0.0.1", timeout=30, tls=None, server_name=None):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name)
        self.reader = Buffered(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes; wakes a thread that reads."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def send(self, data):
        """Writes bytes as they are."""
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def answer(self, method="GET", sink=None):
        """Reads one response, with the interim ones before it."""
        interim = []
        while True:
            version, status, *reason = self.reader.line().decode("latin-1").split(" ", 2)
            assert version == "HTTP/1.1", version
            headers = self.reader.fields()
            if 100 <= int(status) < 200 and int(status) != 101:
                interim.append((int(status), headers))
                continue
            break
        answer = Answer(int(status), " ".join(reason), headers, b"", interim=interim)
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        coding = answer.header("transfer-encoding")
        length = answer.header("content-length")
        assert not (coding and length), "both Transfer-Encoding and Content-Length came back"
        if coding:
            assert coding.lower() == "chunked", coding
            while size := int(self.reader.line(), 16):
                piece = self.reader.exactly(size, sink)
                answer.pieces.append(piece)
                assert self.reader.line() == b""
            answer.trailers = self.reader.fields()
            answer.body = b"".join(answer.pieces)
        elif length is not None:
            answer.body = self.reader.exactly(int(length), sink)
        else:
            answer.body = self.reader.rest()
        return answer

    def is_closed(self):
        """Whether the peer closes, once we have said that nothing more comes, and sent nothing more."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            return not self.reader.buffer and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True
        except OSError:
            return not self.reader.buffer


def request_bytes(method, target, headers=(), body=None, host="gateway.test", version="1.1"):
    """A plain request."""
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Ask(threading.Thread):
    """One request in a thread of its own, for requests that are held."""

    def __init__(self, port, method, target, headers, body=None, timeout=60):
        super().__init__(daemon=True)
        self.method = method
        self.connection = RawConnection(port, timeout=timeout)
        self.data = request_bytes(method, target, headers, body)
        self.outcome = None
        self.error = None
        self.start()

    def run(self):
        try:
            self.connection.send(self.data)
            self.outcome = self.connection.answer(self.method)
        except (OSError, ValueError, AssertionError) as error:
            self.error = error
        finally:
            self.connection.close()

    def answer(self, timeout=20):
        """The response; fails if none comes."""
        self.join(timeout)
        if self.is_alive():
            raise AssertionError(f"no answer to {self.data[:80]!r} within {timeout} s")
        if self.error:
            raise AssertionError(f"no answer to {self.data[:80]!r}: {self.error!r}")
        return self.outcome

    @property
    def is_waiting(self):
        """Whether neither answer nor error has come."""
        return self.is_alive()

    def abandon(self):
        """Goes away without reading an answer, as a killed client does."""
        self.connection.close()
        self.join(5)
