"""The policies, entities and requests of `script/bench cedar`: the same on every run.

A namespaced schema, five entities, five context fields of which one is an `ipaddr`, and policies of twelve kinds: scopes
with `==`, `in`, `is`, `is … in` and none, actions with `==`, `in` and `in […]`, `like`, `unless`, ranges of addresses,
permits and forbids. Whatever the number of policies, one of them decides each request.
"""

import json
import random

SCHEMA = """
namespace Shop {
    type Network = { source: __cedar::ipaddr, host: String, hour: Long, mfa: Bool, statement: String };
    entity Group in [Group];
    entity User in [Group] { department: String, clearance: Long };
    entity Environment;
    entity Connection in [Environment] { engine: String };
    entity Table in [Connection] { owner: User, sensitivity: Long, labels: Set<String> };
    action any;
    action read in [any];
    action write in [any];
    action select, count in [read] appliesTo { principal: [User], resource: [Table], context: Network };
    action insert, delete in [write] appliesTo { principal: [User], resource: [Table], context: Network };
}
"""

USER = {"__entity": {"type": "Shop::User", "id": "alice"}}


def uid(kind, name):
    return {"type": f"Shop::{kind}", "id": name}


ENTITIES = [
    {"uid": uid("User", "alice"), "attrs": {"department": "payments", "clearance": 3},
     "parents": [uid("Group", "staff")]},
    {"uid": uid("Group", "staff"), "attrs": {}, "parents": []},
    {"uid": uid("Table", "orders"), "attrs": {"owner": USER, "sensitivity": 2, "labels": ["pii", "eu"]},
     "parents": [uid("Connection", "warehouse")]},
    {"uid": uid("Connection", "warehouse"), "attrs": {"engine": "postgres"}, "parents": [uid("Environment", "prod")]},
    {"uid": uid("Environment", "prod"), "attrs": {}, "parents": []},
]
# What the schema says of actions; with these, ours needs no schema to know it.
ACTIONS = [
    {"uid": uid("Action", name), "attrs": {}, "parents": [uid("Action", parent) for parent in parents]}
    for name, parents in {"any": [], "read": ["any"], "write": ["any"], "select": ["read"], "count": ["read"],
                          "insert": ["write"], "delete": ["write"]}.items()
]


def request(action, source, hour):
    return {
        "principal": uid("User", "alice"),
        "action": uid("Action", action),
        "resource": uid("Table", "orders"),
        "context": {
            "source": {"__extn": {"fn": "ip", "arg": source}},
            "host": "build-17.eu.shop.example",
            "hour": hour,
            "mfa": True,
            "statement": "SELECT id, total FROM orders WHERE day = $1",
        },
    }


# The last comes from where the one forbid that is ever satisfied does not let anybody in.
REQUESTS = [
    request("select", "10.20.3.4", 11),
    request("count", "10.20.3.5", 14),
    request("select", "10.20.200.1", 9),
    request("select", "203.0.113.9", 11),
]

PERMIT = """@id("decides")
permit (principal in Shop::Group::"staff", action in Shop::Action::"read", resource is Shop::Table in
    Shop::Environment::"prod")
when { context.source.isInRange(ip("10.0.0.0/8")) || resource.sensitivity < 3 }
unless { context.host like "*.test.example" };
"""

FORBID = """@id("blocks")
forbid (principal, action, resource) when { context.source.isInRange(ip("203.0.113.0/24")) };
"""

# Each says nothing about the requests above: by its scope, or, as marked, by its conditions only.
OTHERS = [
    """permit (principal == Shop::User::"user-{n}", action == Shop::Action::"select", resource == Shop::Table::"t-{n}")
when {{ context.mfa }};""",
    """permit (principal in Shop::Group::"group-{n}", action in Shop::Action::"read", resource)
when {{ context.host like "*.shop.example" && context.hour < {hour} }};""",
    """permit (principal is Shop::User, action in [Shop::Action::"insert", Shop::Action::"delete"], resource)
when {{ principal.clearance > {small} && context.mfa }};""",
    # By its conditions.
    """permit (principal is Shop::User in Shop::Group::"staff", action == Shop::Action::"select", resource)
when {{ context.host like "db-{n}.*" && context.hour >= {hour} }};""",
    """forbid (principal, action in Shop::Action::"any", resource == Shop::Table::"t-{n}")
unless {{ context.mfa && context.source.isInRange(ip("10.{byte}.0.0/16")) }};""",
    """permit (principal, action in Shop::Action::"read", resource in Shop::Connection::"connection-{n}")
unless {{ context.hour < {hour} }};""",
    # By its conditions.
    """forbid (principal, action in [Shop::Action::"select", Shop::Action::"delete"], resource is Shop::Table)
when {{ context.source.isInRange(ip("172.16.{byte}.0/24")) }};""",
    """permit (principal == Shop::User::"user-{n}", action, resource in Shop::Environment::"prod")
when {{ resource.owner == principal }};""",
    """permit (principal in Shop::Group::"group-{n}", action == Shop::Action::"delete", resource is Shop::Table in
    Shop::Connection::"connection-{n}") unless {{ context.statement like "*DROP*" }};""",
    # By its conditions.
    """permit (principal, action in Shop::Action::"read", resource in Shop::Environment::"prod")
when {{ principal.department == "department-{n}" }};""",
    """forbid (principal is Shop::User in Shop::Group::"group-{n}", action, resource)
when {{ resource.labels.contains("pii") }} unless {{ context.mfa }};""",
    # By its conditions.
    """forbid (principal is Shop::User, action, resource)
when {{ resource.sensitivity > {large} || context.statement like "*FROM secret_{n} *" }} unless {{ context.mfa }};""",
]

# Nothing for an index to go by: every condition of every policy is evaluated.
UNSCOPED = """permit (principal, action, resource)
when {{ principal.department == "department-{n}" && context.host like "db-{n}.*" }};"""


# Which policies the two that decide stand among.
SCOPES = {
    "mixed": OTHERS,
    # What an index is for: policies about others.
    "apart": [text for place, text in enumerate(OTHERS) if place not in (3, 6, 9, 11)],
    "none": [UNSCOPED],
}


def policies(count, scopes="mixed"):
    """The text of a set of that many policies; the one that permits is in the middle, the one that forbids last."""
    patterns = SCOPES[scopes]
    numbers = random.Random(count)
    texts = []
    for n in range(count):
        text = patterns[n % len(patterns)].format(n=n, hour=numbers.randint(6, 20), byte=numbers.randint(0, 255),
                                                  small=numbers.randint(0, 2), large=numbers.randint(5, 9))
        texts.append(f'@id("policy-{n}")\n{text}\n')
    texts[count // 2] = PERMIT
    if count > 1:
        texts[-1] = FORBID
    return "\n".join(texts)


def write(folder, count, scopes="mixed"):
    """Writes one workload."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policies.cedar").write_text(policies(count, scopes))
    (folder / "entities.json").write_text(json.dumps(ENTITIES + ACTIONS))
    (folder / "requests.json").write_text(json.dumps(REQUESTS))
