"""Instructions per request of a gateway under valgrind's callgrind: exact, and the same on a busy machine."""

import argparse
import re
import shutil
import socket
import subprocess
import time

import stack
from load import payload
from stack import say

LINE = re.compile(r"^\s*([\d,]+) \(\s*([\d.]+)%\)\s+(.*)$")
SYMBOL = re.compile(r"\$s[A-Za-z0-9_]+")


def drive(port, key, count, connections=8):
    """Sends requests over keep-alive connections, as many at once as there are connections."""
    request = (f"GET /orders-api/v1/orders/1001 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
               f"Authorization: Bearer {key}\r\n\r\n").encode()
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    done = 0
    while done < count:
        turn = socks[:min(connections, count - done)]
        for sock in turn:
            sock.sendall(request)
        for sock in turn:
            answer = b""
            while len(answer) < 1024:
                data = sock.recv(65536)
                if not data:
                    raise SystemExit(f"bench: the gateway hung up: {answer[:500]!r}")
                answer += data
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"bench: {answer[:1000].decode(errors='replace')}")
        done += len(turn)
    for sock in socks:
        sock.close()


def demangle(lines):
    """Swift's symbols in the language's own words."""
    text = "\n".join(lines)
    try:
        result = subprocess.run(["swift", "demangle", "--simplified"], input=text, capture_output=True, text=True)
    except FileNotFoundError:
        return lines
    return result.stdout.splitlines() if result.returncode == 0 else lines


def functions(path, inclusive, count):
    """The functions with the most instructions."""
    command = ["callgrind_annotate", f"--inclusive={'yes' if inclusive else 'no'}", "--auto=no",
               "--threshold=100" if not inclusive else "--threshold=99.9", str(path)]
    output = subprocess.run(command, capture_output=True, text=True).stdout
    found, total = [], 0
    for line in output.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        number = int(match[1].replace(",", ""))
        if "PROGRAM TOTALS" in line:
            total = number
            continue
        name = re.sub(r"\s*\[[^]]*\]$", "", match[3])
        found.append((number, re.sub(r"^\S*?:(?=\S)", "", name)))
    found = found[:count]
    names = demangle([name for _, name in found])
    return total, [(number, name) for (number, _), name in zip(found, names)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--top", type=int, default=40)
    options = parser.parse_args()
    place = stack.Workplace(options.data)
    port = stack.free_port()
    stack.nginx(place, "upstream", port, payload())
    output = place.folder / "callgrind.out"
    shim = place.folder / "sigsuspend.so"
    source = stack.ROOT / "Benchmarks" / "sigsuspend.c"
    compiler = shutil.which("cc") or "clang"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(shim), str(source)], check=True)
    wrapper = ["env", f"LD_PRELOAD={shim}", "valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-instr=no",
               f"--callgrind-out-file={output}", "--"]
    # Valgrind 3.19 gives up on Swift's debug information; names come from the symbol table.
    binary = place.folder / "countersign-without-debug"
    subprocess.run(["strip", "--strip-debug", "-o", str(binary), options.binary], check=True)
    gateway = stack.Gateway(place, binary, port, wrapper=wrapper)
    say("starting under valgrind")
    gateway.start()
    key = next(iter(gateway.keys.values()))
    drive(gateway.gateway, key, 200, options.connections)
    control(gateway, "-i", "on")
    drive(gateway.gateway, key, options.requests, options.connections)
    time.sleep(1)
    control(gateway, "-i", "off")
    control(gateway, "-d")
    gateway.process.stop()
    paths = sorted(place.folder.glob("callgrind.out.*")) or [output]
    path = max(paths, key=lambda each: each.stat().st_size)
    kept = stack.ROOT / "bench-results" / "callgrind.out"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(path.read_bytes())
    results = {"requests": options.requests, "connections": options.connections}
    for inclusive in (False, True):
        total, top = functions(path, inclusive, options.top)
        each = total / options.requests
        if not inclusive:
            results["instructions_per_request"] = round(each)
            say(f"\n{each:,.0f} instructions per request, the gateway's idle work of a second included")
        say(f"\n{'inclusive' if inclusive else 'self'}: instructions per request, share, function")
        for number, name in top:
            say(f"  {number / options.requests:10,.0f} {100 * number / max(1, total):5.1f}%  {name[:180]}")
        results["inclusive" if inclusive else "self"] = [
            {"instructions": round(number / options.requests), "function": name} for number, name in top
        ]
    say("\nthe whole profile: bench-results/callgrind.out (callgrind_annotate, kcachegrind)")
    stack.keep("callgrind", results)


def control(gateway, *arguments):
    """Talks to the running valgrind; its own pid is the gateway's."""
    subprocess.run(["callgrind_control", *arguments, str(gateway.process.pid)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
