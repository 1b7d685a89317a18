"""From a hold to the delivered card, and how fast a long queue drains after an outage."""

import argparse
import collections
import json
import re
import select
import socket
import threading
import time
from urllib.parse import parse_qs

import stack
from stack import percentile, say

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
APPROVAL = re.compile(r"apr_[0-9a-z]{26}")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Receiver:
    """Answers a channel's requests at once, on a thread of its own, and remembers when each approval was told of."""

    def __init__(self, kind):
        self.kind, self.told, self.repeats, self.count = kind, {}, 0, 0
        self.seen = collections.Counter()
        self.status = 200
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.poll = select.epoll()
        self.poll.register(self.listener.fileno(), select.EPOLLIN)
        self.socks, self.buffers = {}, {}
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            for number, _ in self.poll.poll(1):
                if number == self.listener.fileno():
                    sock, _ = self.listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setblocking(False)
                    self.socks[sock.fileno()], self.buffers[sock.fileno()] = sock, b""
                    self.poll.register(sock.fileno(), select.EPOLLIN)
                else:
                    self.read(number)

    def read(self, number):
        sock = self.socks[number]
        now = time.perf_counter_ns()
        try:
            data = sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            self.poll.unregister(number)
            self.socks.pop(number).close()
            self.buffers.pop(number)
            return
        self.buffers[number] += data
        while True:
            head, mark, rest = self.buffers[number].partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            length = int(length[1]) if length else 0
            if not mark or len(rest) < length:
                return
            self.buffers[number] = rest[length:]
            body = self.answer(head, rest[:length], now)
            try:
                sock.sendall(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (self.status, len(body), body)
                )
            except OSError:
                return

    def answer(self, head, body, now):
        if self.status != 200:
            return b""
        self.count += 1
        if self.kind == "webhook":
            identifier = json.loads(body)["data"]["id"]
            key = re.search(rb"webhook-id: *(\S+)", head, re.IGNORECASE)[1]
        else:
            text = body.decode()
            if b"urlencoded" in head.lower():
                text = json.dumps(parse_qs(text))
            found = APPROVAL.search(text)
            if not found:
                return json.dumps({"ok": True}).encode()
            identifier = found[0]
            key = identifier.encode() + head.split(b" ", 2)[1]
        self.seen[key] += 1
        self.told.setdefault(identifier, now)
        return json.dumps({"ok": True, "channel": "C0BENCH00", "ts": f"{now // 1000 / 1e6:.6f}"}).encode()


def asked(gateway, count, rate):
    """Asks at a steady rate, on its own connection and without waiting; approval to the time of asking."""
    key = next(iter(gateway.keys.values()))
    sock = socket.create_connection(("127.0.0.1", gateway.gateway))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times, buffer, late = {}, b"", 0
    began = time.perf_counter_ns()
    for number in range(count):
        due = began + number * 1_000_000_000 // rate if rate else 0
        while time.perf_counter_ns() < due:
            time.sleep(0.0005)
        sent = time.perf_counter_ns()
        sock.sendall(
            b"DELETE /orders-api/v1/orders/%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
            b"Prefer: respond-async, wait=0\r\n\r\n" % (time.time_ns(), gateway.gateway, key.encode())
        )
        while True:
            head, mark, rest = buffer.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            if mark and length and len(rest) >= int(length[1]):
                break
            data = sock.recv(65536)
            if not data:
                raise SystemExit("bench: the gateway hung up")
            buffer += data
        buffer = rest[int(length[1]):]
        if b" 202 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"bench: not held: {head[:500]!r}")
        times[APPROVAL.search(head.decode())[0]] = sent
        late = max(late, sent - due) if rate else 0
    sock.close()
    return times, late / 1e6


def wait(receiver, wanted, patience):
    end = time.monotonic() + patience
    while not wanted():
        if time.monotonic() > end:
            raise SystemExit(f"bench: after {patience} s only {len(receiver.told):,} were told of")
        time.sleep(0.01)


def figures(values):
    return {f"p{p}": round(percentile(values, p), 2) for p in (50, 90, 99)} | {"max": round(max(values), 2)}


CHANNELS = {
    "webhook": """
channels:
  - {{name: channel, kind: webhook, url: "http://127.0.0.1:{port}/hook", secrets: ["env:HOOK_SECRET"],
     allow: ["127.0.0.1/32"]}}
""",
    "slack": """
channels:
  - {{name: channel, kind: slack, token: "env:SLACK_TOKEN", signing_secret: "env:SLACK_SECRET", team: T0BENCH00,
     app: A0BENCH00, api_url: "http://127.0.0.1:{port}/api/", per_second: {allowed}, burst: {burst}}}
routing:
  - {{groups: ["*"], notify: [{{channel: channel, to: C0BENCH00}}]}}
""",
}


def configure(gateway, kind, receiver, allowed):
    with gateway.configuration.open("a") as file:
        file.write(CHANNELS[kind].format(port=receiver.port, allowed=allowed, burst=allowed // 4))
    gateway.env |= {"HOOK_SECRET": SECRET, "SLACK_TOKEN": "xoxb-bench", "SLACK_SECRET": "0123456789abcdef" * 2}


def measure(place, options, kind):
    say(f"\n{kind}: {options.holds:,} holds, {options.rate} a second")
    receiver = Receiver(kind)
    gateway = stack.Gateway(place, options.binary, stack.free_port(), agents=1, name=kind)
    configure(gateway, kind, receiver, options.allowed)
    gateway.start()
    asked(gateway, 50, options.rate)
    wait(receiver, lambda: len(receiver.told) >= 50, 30)
    times, late = asked(gateway, options.holds, options.rate)
    wait(receiver, lambda: all(each in receiver.told for each in times), 60)
    values = [(receiver.told[each] - sent) / 1e6 for each, sent in times.items()]
    result = figures(values)
    say(f"  asked to told of, ms: p50 {result['p50']}  p90 {result['p90']}  p99 {result['p99']}  max {result['max']}"
        f"   (the asker was {late:.1f} ms late at most)")

    say(f"{kind}: {options.queued:,} queued while it is down, then it is back")
    receiver.status = 503
    queue, _ = asked(gateway, options.queued, None)
    told = receiver.count
    receiver.status = 200
    began = time.monotonic()
    wait(receiver, lambda: any(each in receiver.told for each in queue), 400)
    back = time.monotonic()
    wait(receiver, lambda: all(each in receiver.told for each in queue), 900)
    seconds = time.monotonic() - back
    time.sleep(1)
    repeats = sum(count - 1 for count in receiver.seen.values())
    busiest = most_in_a_second([receiver.told[each] for each in queue])
    say(f"  found back after {back - began:.1f} s, drained in {seconds:.1f} s ({options.queued / seconds:,.0f} a second), "
        f"{receiver.count - told:,} requests, {repeats} told twice")
    say(f"  at most {busiest:,} cards in one second" + (f" ({options.allowed} are allowed, and a quarter of it at once)" if kind == "slack" else ""))
    memory = {name: round(value, 1) for name, value in gateway.process.memory().items()}
    say(f"  memory: resident {memory['VmRSS']}, highest {memory['VmHWM']} MiB")
    gateway.process.stop()
    return {"told_ms": result, "drain_seconds": round(seconds, 2), "drain_per_second": round(options.queued / seconds),
            "repeats": repeats, "most_in_a_second": busiest, "memory": memory}


def most_in_a_second(times):
    """The most of these times, in nanoseconds, that lie within one second."""
    times, first, most = sorted(times), 0, 0
    for last, time_ in enumerate(times):
        while times[first] <= time_ - 1_000_000_000:
            first += 1
        most = max(most, last - first + 1)
    return most


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data", help="the folder for the ledger")
    parser.add_argument("--holds", type=int, default=3000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--kinds", default="webhook,slack")
    parser.add_argument("--allowed", type=int, default=400, help="cards a second that Slack's stand-in allows")
    options = parser.parse_args()
    place = stack.Workplace(options.data)
    facts = stack.machine(place.folder)
    stack.describe(facts)
    results = {kind: measure(place, options, kind) for kind in options.kinds.split(",")}
    stack.keep("channels", {"machine": facts, "options": vars(options), "results": results})
    failed = [kind for kind, each in results.items() if each["told_ms"]["p99"] > 200 or each["repeats"]]
    if failed:
        raise SystemExit(f"bench: above the bar of 200 ms, or told twice: {', '.join(failed)}")
    if "slack" in results and results["slack"]["most_in_a_second"] > options.allowed * 1.3:
        raise SystemExit("bench: more than Slack allows")


if __name__ == "__main__":
    main()
