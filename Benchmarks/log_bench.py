#!/usr/bin/env python3
"""The log: durable entries a second, from an action to its receipt, and memory at millions of entries."""

import argparse
import json
import multiprocessing
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import stack
from stack import percentile, say

WRITERS = [1, 16, 256]
# DESIGN 10.
ENTRIES_PER_SECOND = 20_000
RECEIPT_MS = 250
# Flat: what the allocator keeps for itself is not the log's size. The last size may take a tenth more than the first.
FLAT, SLACK_MIB = 1.10, 8


class Bench:
    """The benchmark's binary, each run on a ledger of its own unless told otherwise."""

    def __init__(self, binary, place):
        self.binary, self.place, self.number = str(Path(binary).resolve()), place, 0

    def folder(self):
        self.number += 1
        folder = self.place.folder / f"log-{self.number}"
        folder.mkdir()
        return folder

    def run(self, folder, *arguments, wrapper=()):
        command = [*wrapper, self.binary, str(folder), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"bench: {' '.join(command)} failed:\n{result.stdout}{result.stderr}")
        return [json.loads(line) for line in result.stdout.splitlines()], result.stderr

    def once(self, *arguments):
        """One run on a new ledger, which is gone afterwards."""
        folder = self.folder()
        try:
            return self.run(folder, *arguments)[0][0]
        finally:
            shutil.rmtree(folder)

    def instructions(self, count):
        """Instructions per entry: those of a run with entries without those of a run with none."""
        totals = []
        for number in (256, 256 + count):
            folder = self.folder()
            wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", "--"]
            _, error = self.run(folder, "run", number, wrapper=wrapper)
            totals.append(int(re.search(r"Collected : (\d+)", error)[1]))
            shutil.rmtree(folder)
        return round((totals[1] - totals[0]) / count)


def median(values):
    return sorted(values)[len(values) // 2]


def measure_writers(bench, options):
    """Floor and writers take turns, so that a slow minute falls on all of them."""
    floors, rounds = [], {writers: [] for writers in WRITERS}
    for number in range(options.rounds):
        for how in ("append", "overwrite"):
            floors.append(bench.once("floor", 4096, options.seconds, how))
        for writers in WRITERS if number % 2 == 0 else reversed(WRITERS):
            rounds[writers].append(bench.once("write", writers, options.seconds))
    # As many bytes as a transaction of 256 writers has, at once.
    block = 1 << max(12, (256 * int(median([each["bytes_per_entry"] for each in rounds[256]]))).bit_length() - 1)
    floors.append(bench.once("floor", block, options.seconds, "overwrite"))
    say("\nfdatasync alone, same folder, same minutes")
    for size, overwriting in sorted({(each["bytes"], each["overwriting"]) for each in floors}):
        same = [each for each in floors if (each["bytes"], each["overwriting"]) == (size, overwriting)]
        say(f"  {size:9,} bytes {'over old ones' if overwriting else 'appended':13} "
            f"{median([each['per_second'] for each in same]):9,.0f}/s   p50 {median([e['p50'] for e in same]):7.3f} ms  "
            f"p99 {median([e['p99'] for e in same]):7.3f}")
    say("\ndurable entries (each writer waits for its entry before it makes the next)")
    rows = []
    for writers, each in rounds.items():
        rates = [one["per_second"] for one in each]
        row = {
            "writers": writers, "rates": rates, "median": median(rates), "min": min(rates), "max": max(rates),
            "p50": median([one["p50"] for one in each]), "p99": median([one["p99"] for one in each]),
            "cpu_us": median([one["cpu_us"] for one in each]), "rounds": each,
            "bytes_per_entry": median([one["bytes_per_entry"] for one in each]),
        }
        rows.append(row)
        say(f"  {writers:4} writers {row['median']:9,.0f}/s ({row['min']:,.0f}–{row['max']:,.0f})   p50 {row['p50']:7.3f} ms"
            f"  p99 {row['p99']:7.3f}   {row['cpu_us']:6.1f} µs of processor, {row['bytes_per_entry']:,} bytes an entry")
    return floors, rows


def measure_receipts(bench, options):
    say("\naction to receipt, in process: commit, signed checkpoint that covers it, proof, bytes")
    rows = []
    for rate in options.rates:
        each = [bench.once("receipt", rate, options.receipts) for _ in range(options.rounds)]
        row = {key: median([one[key] for one in each]) for key in ("p50", "p99", "max", "others_per_second")}
        rows.append({"rate": rate, **row, "rounds": each})
        say(f"  {rate:6,} entries/s by others ({row['others_per_second']:8,.0f} written)   p50 {row['p50']:7.2f} ms  "
            f"p99 {row['p99']:7.2f}  max {row['max']:7.2f}")
    return rows


class Wire:
    """One connection that asks and waits for the answer."""

    def __init__(self, port, credential):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {credential}\r\n".encode()

    def ask(self, method, target, *fields):
        """Head and body of the answer."""
        lines = b"".join(field.encode() + b"\r\n" for field in fields)
        self.sock.sendall(f"{method} {target} HTTP/1.1\r\n".encode() + self.head + lines + b"\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, body = data.split(b"\r\n\r\n", 1)
        if length := re.search(rb"content-length: *(\d+)", head, re.IGNORECASE):
            while len(body) < int(length[1]):
                body += self.more()
        return head, body

    def more(self):
        data = self.sock.recv(1 << 16)
        if not data:
            raise SystemExit("bench: the gateway hung up")
        return data


def load(port, key, rate, over, asked):
    """Asks `rate` times a second until it is over."""
    wire, began, number = Wire(port, key), time.monotonic(), 0
    while not over.is_set():
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        head, _ = wire.ask("GET", f"/orders-api/v1/orders/{number}")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"bench: {head!r}")
        number += 1
    with asked.get_lock():
        asked.value += number


def measure_http(place, binary, options):
    """Through the real gateway: a held action is asked for, and its receipt fetched at once."""
    upstream = stack.free_port()
    stack.nginx(place, "upstream", upstream, "{}")
    gateway = stack.Gateway(place, binary, upstream)
    gateway.start()
    key, token = next(iter(gateway.keys.values())), gateway.user_token()
    say("\naction to receipt, over HTTP: DELETE that is held, 202, GET of its receipt")
    rows, order = [], 0
    for rate in options.http_rates:
        over, asked, parts = multiprocessing.Event(), multiprocessing.Value("q", 0), 8 if rate else 0
        helpers = [
            multiprocessing.Process(target=load, args=(gateway.gateway, key, rate / parts, over, asked), daemon=True)
            for _ in range(parts)
        ]
        for helper in helpers:
            helper.start()
        agent, user, times, began = Wire(gateway.gateway, key), Wire(gateway.control, token), [], time.monotonic()
        for number in range(options.receipts + 20):
            order += 1
            start = time.perf_counter()
            head, body = agent.ask("DELETE", f"/orders-api/v1/orders/{order}", "Prefer: wait=0")
            approval = re.search(rb"/v1/approvals/(apr_\w+)", head + body)
            if not approval:
                raise SystemExit(f"bench: not held: {head + body!r}")
            head, body = user.ask("GET", f"/v1/approvals/{approval[1].decode()}/receipt")
            if number >= 20:
                times.append(1000 * (time.perf_counter() - start))
            if not json.loads(body)["entries"]:
                raise SystemExit(f"bench: nothing is proven: {body!r}")
        seconds = time.monotonic() - began
        over.set()
        for helper in helpers:
            helper.join(20)
        row = {"rate": rate, "others_per_second": asked.value / seconds, "max": max(times)}
        row |= {f"p{p}": percentile(times, p) for p in (50, 99)}
        rows.append(row)
        say(f"  {rate:6,} requests/s by others ({row['others_per_second']:8,.0f} answered)   p50 {row['p50']:7.2f} ms  "
            f"p99 {row['p99']:7.2f}  max {row['max']:7.2f}")
    gateway.process.stop()
    return rows


def measure_memory(bench, options):
    say("\nmemory of a process with nothing but the ledger, MiB")
    folder = bench.folder()
    sizes = options.entries
    rows, _ = bench.run(folder, "grow", *sizes)
    again, _ = bench.run(folder, "grow", sizes[-1])
    for row in [*rows, {**again[0], "when": "again: " + again[0]["when"]}]:
        row["rss_mib"] = row.pop("rss_kib") / 1024
        say(f"  {row['entries']:10,} entries: resident {row['rss_mib']:7.1f}, highest so far {row['hwm_kib'] / 1024:7.1f}"
            f"   ({row['when']})")
    rows.append({**again[0], "again": True})
    file = (folder / "ledger.db").stat().st_size / 2**30
    say(f"  the ledger's file has {file:.1f} GiB")
    shutil.rmtree(folder)
    return {"rows": rows, "file_gib": file}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="log-bench")
    parser.add_argument("--gateway", help="countersign, for receipts over HTTP")
    parser.add_argument("--data", help="the folder for the ledgers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--receipts", type=int, default=300)
    parser.add_argument("--rates", type=numbers, default=[0, 1000, 5000], help="entries a second by others, in process")
    parser.add_argument("--http-rates", type=numbers, default=[0, 500, 2000], help="requests a second by others")
    parser.add_argument("--entries", type=numbers, default=[1_000_000, 5_000_000], help="sizes at which memory is taken")
    parser.add_argument("--without-memory", dest="memory", action="store_false")
    parser.add_argument("--without-callgrind", dest="callgrind", action="store_false")
    options = parser.parse_args()
    place = stack.Workplace(options.data)
    facts = stack.machine(place.folder)
    stack.describe(facts)
    bench = Bench(options.binary, place)
    floors, writers = measure_writers(bench, options)
    results = {"machine": facts, "options": vars(options), "floor": floors, "writers": writers}
    if options.callgrind:
        results["instructions_per_entry"] = bench.instructions(4000)
        say(f"  {results['instructions_per_entry']:,} instructions an entry, making it included (callgrind)")
    results["receipts"] = measure_receipts(bench, options)
    claims = [
        (f"at least {ENTRIES_PER_SECOND:,} entries/s with 256 writers", writers[-1]["median"] >= ENTRIES_PER_SECOND),
        (f"receipts within {RECEIPT_MS} ms (p99)", all(row["p99"] <= RECEIPT_MS for row in results["receipts"])),
    ]
    if options.gateway:
        results["receipts_http"] = measure_http(place, options.gateway, options)
        claims.append((
            f"receipts over HTTP within {RECEIPT_MS} ms (p99)",
            all(row["p99"] <= RECEIPT_MS for row in results["receipts_http"]),
        ))
    if options.memory:
        results["memory"] = measure_memory(bench, options)
        rows = results["memory"]["rows"]
        first, last = rows[1]["rss_mib"], rows[-2]["rss_mib"]
        claims.append((
            f"flat memory: {last:.1f} MiB at {rows[-2]['entries']:,} entries, {first:.1f} at {rows[1]['entries']:,}",
            last <= FLAT * first + SLACK_MIB,
        ))
    say()
    for claim, holds in claims:
        say(f"{claim}: {'met' if holds else 'NOT MET'}")
    met = all(holds for _, holds in claims)
    stack.keep("log", {**results, "met": met})
    raise SystemExit(0 if met else 1)


def numbers(text):
    return [int(each) for each in text.split(",")]


if __name__ == "__main__":
    main()
