"""Held actions: memory, time from a decision to the upstream's first byte, and what kill -9 loses (nothing)."""

import argparse
import json
import re
import resource
import select
import signal
import socket
import time

import stack
from stack import percentile, say

ORDER = re.compile(rb"/v1/orders/(\d+)")
CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"deleted\":true}"
# Held connections come from several loopback addresses, so that no address runs out of ports.
PER_SOURCE = 10_000


class Loop:
    """One thread, one epoll, one clock: agents, upstream and approver, so that all times are comparable."""

    def __init__(self):
        self.poll = select.epoll()
        self.handlers = {}

    def watch(self, sock, handler, events=select.EPOLLIN):
        self.handlers[sock.fileno()] = handler
        self.poll.register(sock.fileno(), events)

    def forget(self, sock):
        self.handlers.pop(sock.fileno(), None)
        self.poll.unregister(sock.fileno())
        sock.close()

    def turn(self, timeout=0.05):
        for number, _ in self.poll.poll(timeout):
            handler = self.handlers.get(number)
            if handler:
                handler()

    def until(self, is_done, what, patience=60):
        end = time.monotonic() + patience
        while not is_done():
            if time.monotonic() > end:
                raise SystemExit(f"bench: waited {patience} s for {what}")
            self.turn()


class Upstream:
    """Answers every request, and remembers when its first byte came."""

    def __init__(self, loop):
        self.loop, self.arrivals, self.count = loop, {}, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        loop.watch(self.listener, self.accept)

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.watch(sock, lambda: self.read(sock))

    def read(self, sock):
        now = time.perf_counter_ns()
        try:
            data = sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return self.loop.forget(sock)
        order = ORDER.search(data)
        # Everything that the gateway sends here fits into one segment, head and all.
        if order and data.startswith(b"DELETE "):
            self.arrivals.setdefault(int(order[1]), now)
            self.count += 1
            sock.sendall(ANSWER)


class Agents:
    """Many agents' connections, each with one request that is held."""

    def __init__(self, loop, gateway):
        self.loop, self.gateway = loop, gateway
        self.keys = list(gateway.keys.values())
        self.socks, self.answers = {}, {}

    def ask(self, order):
        sock = socket.socket()
        source = f"127.0.0.{2 + len(self.socks) // PER_SOURCE}"
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: choose the port at connect
        sock.bind((source, 0))
        sock.connect(("127.0.0.1", self.gateway.gateway))
        sock.setblocking(False)
        key = self.keys[order % len(self.keys)]
        sock.sendall(
            b"DELETE /orders-api/v1/orders/%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: bench\r\n"
            b"Accept: */*\r\nAuthorization: Bearer %s\r\n\r\n" % (order, self.gateway.gateway, key.encode())
        )
        self.socks[order] = sock
        self.loop.watch(sock, lambda: self.read(order, sock))

    def read(self, order, sock):
        try:
            data = sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.answers.setdefault(order, b"closed")
            return self.loop.forget(sock)
        self.answers[order] = self.answers.get(order, b"") + data

    def hang_up(self, order):
        sock = self.socks.pop(order)
        if sock.fileno() >= 0:
            self.loop.forget(sock)

    def hold(self, orders, patience=600):
        """Asks for all of them and returns when the ledger has them as pending."""
        before = self.pending()
        orders = list(orders)
        end = time.monotonic() + patience
        for start in range(0, len(orders), 250):
            wave = orders[start:start + 250]
            for order in wave:
                self.ask(order)
            expected = before + start + len(wave)
            while self.pending() < expected:
                self.loop.turn(0.01)
                answered = [order for order in wave if order in self.answers]
                if answered:
                    raise SystemExit(f"bench: not held: {self.answers[answered[0]][:1000].decode(errors='replace')}")
                if time.monotonic() > end:
                    raise SystemExit(f"bench: only {self.pending():,} of {expected:,} held after {patience} s")

    def pending(self):
        return self.gateway.count("approval", "status = 'pending'")


class Approver:
    """A user of the API on one connection."""

    def __init__(self, loop, gateway):
        self.loop, self.token, self.port = loop, gateway.user_token(), gateway.control
        self.sock = socket.create_connection(("127.0.0.1", self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buffer = b""
        loop.watch(self.sock, self.read)

    def read(self):
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionError:
            data = b""
        self.buffer += data
        # The gateway is going down, or the next send fails.
        if not data:
            self.loop.forget(self.sock)

    def send(self, method, path, body=b""):
        self.buffer = b""
        began = time.perf_counter_ns()
        self.sock.sendall(
            b"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s"
            % (method.encode(), path.encode(), self.port, self.token.encode(), len(body), body)
        )
        return began

    def answered(self):
        head, _, body = self.buffer.partition(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head)
        return bool(length) and len(body) >= int(length[1])

    def answer(self):
        self.loop.until(self.answered, "the API's answer")
        head, _, body = self.buffer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"bench: the API refuses: {self.buffer[:1500].decode(errors='replace')}")
        return json.loads(body)

    def pending(self):
        """Every pending approval: order number to id and digest."""
        found, cursor = {}, ""
        while True:
            self.send("GET", f"/v1/approvals?status=pending&limit=200{cursor}")
            page = self.answer()
            for item in page["items"]:
                order = int(ORDER.search(json.dumps(item["action"]).encode())[1])
                found[order] = (item["id"], item["action_digest"])
            if not page.get("next_cursor"):
                return found
            cursor = "&cursor=" + page["next_cursor"]


def approve(loop, upstream, agents, approver, order, approval):
    """Milliseconds from sending the decision to: the upstream's first byte, the API's answer, the agent's answer."""
    identifier, digest = approval
    body = json.dumps({"decision": "approve", "reason": "benchmark", "action_digest": digest}).encode()
    began = approver.send("POST", f"/v1/approvals/{identifier}/decisions", body)
    times = {}

    def is_done():
        now = time.perf_counter_ns()
        if approver.answered():
            times.setdefault("decided", now)
        if b"deleted" in agents.answers.get(order, b""):
            times.setdefault("answered", now)
        return len(times) == 2 and order in upstream.arrivals

    loop.until(is_done, f"the approved action {order}: {approver.buffer[:300]!r} {agents.answers.get(order, b'')[:300]!r}")
    approver.answer()
    agents.hang_up(order)
    times["first_byte"] = upstream.arrivals[order]
    return {name: (moment - began) / 1e6 for name, moment in times.items()}


def summary(samples):
    names = {"first_byte": "decision to upstream's first byte", "decided": "decision to the API's answer",
             "answered": "decision to the agent's answer"}
    result = {"samples": len(samples)}
    for key, name in names.items():
        values = [each[key] for each in samples]
        result[key] = {f"p{p}": round(percentile(values, p), 2) for p in (50, 90, 99)} | {"max": round(max(values), 2)}
        figures = result[key]
        say(f"  {name:36} p50 {figures['p50']:7.2f} ms  p90 {figures['p90']:7.2f}  p99 {figures['p99']:7.2f}  "
            f"max {figures['max']:7.2f}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data", help="the folder for the ledger")
    parser.add_argument("--held", type=int, default=20_000)
    parser.add_argument("--approvals", type=int, default=400)
    options = parser.parse_args()
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed < options.held + 500:
        raise SystemExit(f"bench: {options.held:,} held requests need that many descriptors and some; this shell allows "
                         f"{allowed:,}. Try a shell with more (ulimit -n), or --held {allowed - 500}")

    place = stack.Workplace(options.data)
    facts = stack.machine(place.folder)
    stack.describe(facts)
    loop = Loop()
    upstream = Upstream(loop)

    say(f"\nfew held: {options.approvals} approvals, 10 held at a time")
    few_gateway = stack.Gateway(place, options.binary, upstream.port, agents=4, name="few")
    few_gateway.start()
    samples = few(loop, upstream, few_gateway, options.approvals)
    few_result = summary(samples)
    few_gateway.process.stop()

    gateway = stack.Gateway(place, options.binary, upstream.port, agents=4)
    gateway.start()
    agents = Agents(loop, gateway)
    memory, began, done = [], time.monotonic(), 0
    time.sleep(2)
    say("\nmemory of the gateway, MiB")
    for target in (0, options.held // 4, options.held // 2, options.held):
        agents.hold(range(100_000 + done, 100_000 + target))
        done = target
        settle = time.monotonic() + 2
        while time.monotonic() < settle:
            loop.turn()
        memory.append({"held": target, **{k: round(v, 1) for k, v in gateway.process.memory().items()}})
        say(f"  {target:7,} held: resident {memory[-1]['VmRSS']:8.1f}, highest so far {memory[-1]['VmHWM']:8.1f}")
    seconds = time.monotonic() - began
    say(f"  ({done:,} held in {seconds:.0f} s, waits for the clock included)")

    approver = Approver(loop, gateway)
    pending = approver.pending()
    assert len(pending) == options.held, f"{len(pending)} pending by the API"
    say(f"\n{options.held:,} held: {options.approvals} approvals")
    step = max(1, options.held // max(1, options.approvals))
    chosen = sorted(pending)[::step][:options.approvals]
    count = upstream.count
    samples = [approve(loop, upstream, agents, approver, order, pending[order]) for order in chosen]
    many_result = summary(samples)
    assert upstream.count - count == len(chosen), "something ran that nobody approved, or ran twice"
    after = {k: round(v, 1) for k, v in gateway.process.memory().items()}
    say(f"  memory after them: resident {after['VmRSS']}, highest {after['VmHWM']} MiB")

    say("\nkill -9, and start again")
    gateway.process.stop(signal.SIGKILL)
    expected = {order: pending[order] for order in pending if order not in set(chosen)}
    ready = gateway.start()
    found = Approver(loop, gateway).pending()
    kept = found == expected
    say(f"  ready after {ready:.1f} s; pending {len(found):,}, expected {len(expected):,}: "
        + ("each one is there" if kept else "LOST OR CHANGED"))
    fresh = {k: round(v, 1) for k, v in gateway.process.memory().items()}

    stack.keep("hold", {
        "machine": facts, "options": vars(options), "few_held": few_result, "memory": memory,
        "held_in_seconds": round(seconds, 1), "many_held": many_result, "memory_after_approvals": after,
        "kill": {"ready_seconds": round(ready, 2), "pending": len(found), "expected": len(expected), "kept": kept,
                 "memory_after_restart": fresh},
    })
    if not kept:
        raise SystemExit(1)


def few(loop, upstream, gateway, count):
    agents, approver = Agents(loop, gateway), Approver(loop, gateway)
    samples, order = [], 0
    # The first ten are the warm-up.
    while len(samples) < count + 10:
        wave = range(order, order + 10)
        order += 10
        agents.hold(wave)
        pending = approver.pending()
        samples += [approve(loop, upstream, agents, approver, each, pending[each]) for each in wave]
    return samples[10:]


if __name__ == "__main__":
    main()
