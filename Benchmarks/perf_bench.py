"""Samples a loaded gateway with Linux perf: where its processor time goes, the kernel's part included."""

import argparse
import collections
import subprocess
import threading

import stack
from callgrind_bench import demangle
from load import payload, wrk
from stack import say



def stacks(path):
    """Every sample as a list of functions, innermost first."""
    command = ["perf", "script", "-i", str(path), "-F", "comm,tid,ip,sym"]
    output = subprocess.run(command, capture_output=True, text=True).stdout
    for block in output.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if len(lines) > 1:
            yield [line.strip().partition(" ")[2] or "?" for line in lines[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--top", type=int, default=50)
    options = parser.parse_args()
    place = stack.Workplace(options.data)
    port = stack.free_port()
    stack.nginx(place, "upstream", port, payload())
    gateway = stack.Gateway(place, options.binary, port)
    gateway.start()
    key = next(iter(gateway.keys.values()))
    wrk(gateway.gateway, "/orders-api/v1/orders/1001", 2, options.connections, key)
    path = place.folder / "perf.data"
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "--call-graph", "fp", "-p",
              str(gateway.process.pid), "-o", str(path), "--", "sleep", str(options.seconds)]
    sampler = threading.Thread(target=lambda: subprocess.run(record, capture_output=True))
    before = gateway.process.cpu_seconds()
    sampler.start()
    load = wrk(gateway.gateway, "/orders-api/v1/orders/1001", options.seconds + 1, options.connections, key)
    used = (gateway.process.cpu_seconds() - before) * 1e6 / load["requests"]
    sampler.join()
    own, whole, total = collections.Counter(), collections.Counter(), 0
    for frames in stacks(path):
        total += 1
        own[frames[0]] += 1
        whole.update(set(frames))
    say(f"{total} samples, {load['requests'] / load['microseconds'] * 1e6:,.0f} requests/s, {used:.0f} us of processor "
        f"time per request (perf's own share included)")
    results = {"samples": total, "cpu_us": round(used, 1)}
    for title, counter in (("self", own), ("inclusive", whole)):
        top = counter.most_common(options.top)
        names = demangle([name for name, _ in top])
        say(f"\n{title}: us per request, share, function")
        for name, (_, count) in zip(names, top):
            share = count / max(1, total)
            say(f"  {share * used:8.1f} {100 * share:5.1f}%  {name[:180]}")
        results[title] = [{"share": round(n / max(1, total), 4), "function": name} for name, (_, n) in zip(names, top)]
    stack.keep("perf", results)


if __name__ == "__main__":
    main()
