"""Allowed requests: direct, behind Envoy, behind Envoy with ext_authz and access log, behind Countersign."""

import argparse
import statistics
import sys

import envoy
import stack
from load import payload, wrk
from stack import AGENT_KEY, say

NAMES = {
    "direct": "direct to the upstream",
    "envoy": "Envoy, plain",
    "envoy_authz": "Envoy, ext_authz + access log",
    "countersign": "Countersign, policy + durable entry",
}


class Candidate:
    """One way to the upstream: where the load goes, and whose processor time is counted."""

    def __init__(self, name, port, path, process=None, helpers=()):
        self.name, self.port, self.path, self.process, self.helpers = name, port, path, process, helpers
        self.rounds = []

    def run(self, seconds, connections, key):
        everyone = ([self.process] if self.process else []) + list(self.helpers)
        before = [each.cpu_seconds() for each in everyone]
        result = wrk(self.port, self.path, seconds, connections, key)
        used = [each.cpu_seconds() - start for each, start in zip(everyone, before)]
        requests = max(1, result["requests"])
        result["rate"] = result["requests"] / (result["microseconds"] / 1e6)
        if self.process:
            result["cpu_us"] = used[0] * 1e6 / requests
            result["cpu_with_helpers_us"] = sum(used) * 1e6 / requests
        return result

    def summary(self):
        def over(key):
            values = [each[key] for each in self.rounds if key in each]
            if not values:
                return None
            return {
                "median": round(statistics.median(values), 2),
                "min": round(min(values), 2),
                "max": round(max(values), 2),
            }

        keys = ("rate", "p50", "p90", "p99", "cpu_us", "cpu_with_helpers_us")
        return {key: over(key) for key in keys} | {
            "errors": sum(sum(r[k] for k in ("connect", "read", "write", "status", "timeout")) for r in self.rounds),
            "rounds": self.rounds,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--data", help="the folder for the ledger and the access log")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--without-countersign", action="store_true")
    options = parser.parse_args()

    place = stack.Workplace(options.data)
    facts = stack.machine(place.folder)
    stack.describe(facts)
    key = f"{AGENT_KEY}_0"
    path = "/v1/orders/1001"
    upstream_port, authorizer_port = stack.free_port(), stack.free_port()
    plain_port, authorized_port = stack.free_port(), stack.free_port()
    stack.nginx(place, "upstream", upstream_port, payload())
    authorizer = stack.nginx(place, "authorizer", authorizer_port, "", "text/plain")
    plain = envoy.start(place, "envoy", plain_port, upstream_port)
    access_log = place.folder / "access.log"
    authorized = envoy.start(place, "envoy-authz", authorized_port, upstream_port, authorizer_port, access_log)
    candidates = [
        Candidate("direct", upstream_port, path),
        Candidate("envoy", plain_port, path, plain),
        Candidate("envoy_authz", authorized_port, path, authorized, [authorizer]),
    ]
    gateway = None
    if not options.without_countersign:
        gateway = stack.Gateway(place, options.binary, upstream_port)
        gateway.start()
        candidates.append(Candidate("countersign", gateway.gateway, "/orders-api" + path, gateway.process))

    answered = 0
    for candidate in candidates:
        result = candidate.run(3, options.connections, key)
        if result["status"] or not result["requests"]:
            raise SystemExit(f"bench: {candidate.name} does not answer with 2xx: {result}")
        if candidate.name == "countersign":
            answered += result["requests"]
    total = len(candidates) * options.rounds * options.seconds
    say(f"warm; {options.rounds} interleaved rounds of {options.seconds} s each, {options.connections} connections, "
        f"about {total // 60 + 1} minutes")
    for number in range(options.rounds):
        # The order turns with the rounds, so that nobody always runs behind the same neighbour.
        turned = candidates[number % len(candidates):] + candidates[:number % len(candidates)]
        for candidate in turned:
            result = candidate.run(options.seconds, options.connections, key)
            candidate.rounds.append(result)
            if candidate.name == "countersign":
                answered += result["requests"]
        if sys.stdout.isatty():
            say(f"  round {number + 1}: " + ", ".join(f"{c.name} {c.rounds[-1]['rate']:,.0f}/s" for c in candidates))

    results = {candidate.name: candidate.summary() for candidate in candidates}
    table(results)
    checks, is_sound = {}, True
    if gateway:
        ratios(results)
        checks, is_sound = check_entries(gateway, answered, (options.rounds + 1) * options.connections)
    checks["access_log_lines"] = sum(1 for _ in access_log.open("rb"))
    stack.keep("http", {"machine": facts, "options": vars(options), "results": results, "checks": checks})
    if not is_sound:
        raise SystemExit(1)


def table(results):
    say(f"\n{'':36} {'requests/s':>10} {'min':>8} {'max':>8} {'p50 ms':>7} {'p90 ms':>7} {'p99 ms':>7} "
        f"{'CPU us/req':>10} {'errors':>6}")
    for name, each in results.items():
        rate, cpu = each["rate"], each["cpu_us"]
        latency = " ".join(f"{each[p]['median'] / 1000:7.2f}" for p in ("p50", "p90", "p99"))
        used = f"{cpu['median']:10.1f}" if cpu else f"{'':>10}"
        say(f"{NAMES[name]:36} {rate['median']:10,.0f} {rate['min']:8,.0f} {rate['max']:8,.0f} {latency} {used} "
            f"{each['errors']:6}")
    both = results["envoy_authz"]["cpu_with_helpers_us"]["median"]
    say(f"Envoy's figure leaves its authorisation service out; with it: {both:.1f} us/request.")


def ratios(results):
    say()
    own = results["countersign"]
    for peer in ("envoy_authz", "envoy"):
        other = results[peer]
        pairs = [a["rate"] / b["rate"] for a, b in zip(own["rounds"], other["rounds"])]
        rate = own["rate"]["median"] / other["rate"]["median"]
        cpu = own["cpu_us"]["median"] / other["cpu_us"]["median"]
        whole = own["cpu_us"]["median"] / other["cpu_with_helpers_us"]["median"]
        p99 = own["p99"]["median"] / other["p99"]["median"]
        results[peer]["ratio"] = {
            "rate": round(rate, 3), "rate_by_round": [round(pair, 3) for pair in pairs], "p99": round(p99, 3),
            "cpu": round(cpu, 3), "cpu_with_helpers": round(whole, 3),
        }
        extra = f", {whole:.2f} with its authorisation service" if peer == "envoy_authz" else ""
        say(f"Countersign : {NAMES[peer]:30} throughput {rate:.2f}x (by round {min(pairs):.2f} to {max(pairs):.2f}), "
            f"p99 {p99:.2f}x, CPU/request {cpu:.2f}x{extra}")


def check_entries(gateway, answered, unread):
    """Each answered request has its entry. wrk hangs up on what is under way when a run ends, at most one request for
    each connection and run: those have an entry and no counted answer, so there may be that many more."""
    entries = gateway.count("entry", "kind = 'action.allowed'")
    is_sound = answered <= entries <= answered + unread
    verdict = "as it must be" if is_sound else "WRONG: durability was skipped, so the figures above do not count"
    say(f"\nentries action.allowed: {entries:,}; requests answered: {answered:,}; "
        f"up to {unread:,} may have been cut off by wrk: {verdict}")
    return {"entries": entries, "answered": answered, "cut_off_at_most": unread, "sound": is_sound}, is_sound


if __name__ == "__main__":
    main()
