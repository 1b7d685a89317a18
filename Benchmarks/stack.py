"""The processes of a benchmark: started, watched and stopped, with the processor time that they used."""

import atexit
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
AGENT_KEY = "cs_benchmark_0123456789abcdef0123456789abcdef"


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def say(text=""):
    print(text, flush=True)


class Workplace:
    """A temporary folder and the processes that live in it; everything is gone at the end."""

    def __init__(self, data=None):
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-bench-", dir=data))
        self.processes = []
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: exit(143))

    def close(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, ports, **options):
        process = Process(name, command, ports, self.folder, **options)
        self.processes.append(process)
        process.wait_until_ready()
        return process


class Process:
    """One process with its children."""

    def __init__(self, name, command, ports, folder, env=None, patience=60):
        self.name, self.ports, self.patience = name, ports, patience
        self.output = folder / f"{name}.log"
        self.popen = subprocess.Popen(
            [str(word) for word in command],
            stdout=self.output.open("wb"),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(env or {})},
        )

    @property
    def pid(self):
        return self.popen.pid

    def wait_until_ready(self):
        end = time.monotonic() + self.patience
        for port in self.ports:
            while True:
                if self.popen.poll() is not None:
                    raise SystemExit(f"bench: {self.name} ended:\n{self.output.read_text(errors='replace')[-3000:]}")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if time.monotonic() > end:
                    raise SystemExit(f"bench: {self.name} does not listen on {port} after {self.patience} s")
                time.sleep(0.05)

    def family(self):
        """This process and its descendants; nginx works in a child."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self):
        """User and system time of all threads so far."""
        ticks = 0
        for pid in self.family():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory(self):
        """VmRSS and VmHWM in MiB."""
        lines = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if ":" in line
        )
        return {key: int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")}

    def stop(self, how=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(how)
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


def nginx(place, name, port, body, media_type="application/json"):
    """An nginx of one worker that answers everything with one constant body."""
    folder = place.folder / name
    folder.mkdir()
    configuration = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration.write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; {temporary}
  keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port} backlog=4096 reuseport; server_name _;
    location / {{ default_type {media_type}; return 200 '{body}'; }}
  }}
}}
""")
    user = ["-g", f"user {os.environ.get('USER', 'root')};"] if os.getuid() == 0 else []
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    return place.start(name, [binary, "-p", folder, "-c", configuration, "-e", folder / "error.log", *user], [port])


CONFIGURATION = """\
data: ./data
policies: ./policies
listen: {{control: "127.0.0.1:{control}", gateway: "127.0.0.1:{gateway}"}}
log: {{origin: bench.local/log}}
hold: {{http: 1h, expires: 12h}}
limits: {{pending_per_agent: 1000000}}
connections:
  - name: orders-api
    kind: http
    upstream: http://127.0.0.1:{upstream}
    labels: {{env: bench, data: orders}}
    routes:
      - {{match: "GET /v1/orders", operation: listOrders}}
      - {{match: "GET /v1/orders/{{id}}", operation: getOrder}}
      - {{match: "POST /v1/orders", operation: createOrder}}
      - {{match: "DELETE /v1/orders/{{id}}", operation: deleteOrder}}
      - {{match: "POST /v1/exports", operation: exportOrders, effect: export}}
agents:
{agents}
users:
  - {{id: approver@example.com, groups: [approvers]}}
  - {{id: owner@example.com, groups: []}}
"""


class Gateway:
    """Countersign with ten policies, one connection and as many agents as asked for."""

    def __init__(self, place, binary, upstream, agents=1, name="countersign", wrapper=()):
        self.place, self.name, self.wrapper = place, name, list(wrapper)
        self.binary = str(Path(binary).resolve())
        self.control, self.gateway = free_port(), free_port()
        self.folder = place.folder / name
        (self.folder / "policies").mkdir(parents=True)
        policies = ROOT / "Benchmarks" / "policies.cedar"
        shutil.copy(policies, self.folder / "policies" / "policies.cedar")
        self.keys = {f"agent-{number}": f"{AGENT_KEY}_{number}" for number in range(agents)}
        lines = [
            f'  - {{id: {agent}, owner: owner@example.com, groups: [agents], key: "env:{variable(agent)}"}}'
            for agent in self.keys
        ]
        self.configuration = self.folder / "countersign.yaml"
        self.configuration.write_text(
            CONFIGURATION.format(
                control=self.control, gateway=self.gateway, upstream=upstream, agents="\n".join(lines)
            )
        )
        self.env = {variable(agent): key for agent, key in self.keys.items()}
        self.ledger = self.folder / "data" / "ledger.db"
        self.process = None

    def start(self):
        command = [*self.wrapper, self.binary, "serve", "--config", self.configuration]
        began = time.monotonic()
        patience = 300 if self.wrapper else 60
        self.process = self.place.start(
            self.name, command, [self.gateway, self.control], env=self.env, patience=patience
        )
        return time.monotonic() - began

    def user_token(self, user="approver@example.com"):
        """A bearer token of a user."""
        command = [self.binary, "user", "token", user, "--ttl", "2h", "--config", str(self.configuration)]
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **self.env})
        tokens = [word for word in result.stdout.split() if word.startswith("cst_")]
        if result.returncode or not tokens:
            raise SystemExit(f"bench: countersign user token failed: {result.stdout}{result.stderr}")
        return tokens[-1]

    def count(self, table, where):
        """Rows of the ledger, read beside the running gateway."""
        import sqlite3

        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


def variable(agent):
    return "BENCH_KEY_" + agent.upper().replace("-", "_")


def file_system(path):
    """Which file system a path is on."""
    best = ("", "?", "?")
    real = os.path.realpath(path)
    for line in Path("/proc/mounts").read_text().splitlines():
        device, mount, kind = line.split()[:3]
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best[0]):
            best = (mount, kind, device)
    return {"mount": best[0], "type": best[1], "device": best[2]}


def sync_times(folder, count=200):
    """Milliseconds that an append of 4 KiB with fdatasync takes here; the floor of what a durable entry waits for."""
    times = []
    path = Path(folder) / "sync-probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return {"p50": round(percentile(times, 50), 3), "p99": round(percentile(times, 99), 3)}


def percentile(values, percent):
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


def machine(folder):
    """What was measured on."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "processors": os.cpu_count(),
        "model": model,
        "memory_mib": memory,
        "kernel": platform.release(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "data_file_system": file_system(folder),
        "fdatasync_ms": sync_times(folder),
    }


def describe(facts):
    fs = facts["data_file_system"]
    say(
        f"machine: {facts['processors']} x {facts['model']}, {facts['memory_mib']} MiB, Linux {facts['kernel']}, "
        f"load average {facts['load_average'][0]} at the start"
    )
    say(
        f"data on {fs['type']} ({fs['mount']}): write and fdatasync of 4 KiB takes "
        f"{facts['fdatasync_ms']['p50']} ms (p50), {facts['fdatasync_ms']['p99']} ms (p99)"
    )


def keep(name, results):
    """Writes the results as JSON."""
    folder = ROOT / "bench-results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    path.write_text(json.dumps(results, indent=2) + "\n")
    say(f"\nkept as {path.relative_to(ROOT)}")
