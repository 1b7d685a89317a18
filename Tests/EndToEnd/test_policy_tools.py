"""Policies against the arguments of MCP tools: check, schema and test, from a file, a data folder, a running server."""

import base64
import hashlib
import itertools
import json
import subprocess

import cedarpy
import pytest

from harness import document
from harness.gateway import BINARY
from harness.mcp import POLICIES, McpGateway, Peer
from harness.mcp_raw import REFUSAL, Raw
from test_policy_commands import Desk

NUMBERS = itertools.count(1)

PERMIT = '@id("agents") permit (principal in Group::"agents", action, resource);\n'
WORLD = """
groups: [dba]
connections:
  - name: files
    kind: mcp
    labels: {env: prod}
    tools: [{match: "read_*", effect: read}, {match: "delete_*", effect: delete}]
agents:
  - {id: bot, owner: olga@example.com, groups: [agents]}
users:
  - {id: alice@example.com, groups: [dba]}
  - {id: olga@example.com, groups: [dba]}
"""
CONFIGURATION = """
policies: policies
connections:
  - name: files
    kind: mcp
    upstream: http://127.0.0.1:1/mcp
    tools: [{match: "read_*", effect: read}, {match: "delete_*", effect: delete}]
agents:
  - {id: bot, owner: olga@example.com, groups: [agents]}
users:
  - {id: alice@example.com, groups: [dba]}
  - {id: olga@example.com, groups: [dba]}
"""
DELETE = {
    "name": "delete_file",
    "description": "Deletes a file.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "recursive": {"type": "boolean", "default": False},
            "weight": {"type": "number"},
            "owner": {"$ref": "#/$defs/Owner"},
        },
        "required": ["path"],
        "$defs": {"Owner": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    },
}
READ = {
    "name": "read_file",
    "inputSchema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "recursive": {"type": "integer"}, "lines": {"type": "integer"}},
        "required": ["path", "lines"],
    },
}


def exported(*definitions, connection="files"):
    """What `countersign tools list --definitions --json` prints of accepted tools."""
    items = []
    for definition in definitions:
        text = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        accepted = {"digest": digest, "definition": text}
        items.append({"connection": connection, "tool": definition["name"], "accepted": accepted, "listed": None})
    return json.dumps({"items": items})


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.write("countersign.yaml", CONFIGURATION)
    made.write("tools.json", exported(DELETE, READ))
    return made


def policy(scope, condition):
    return PERMIT + f'@id("p") @approvers("dba")\nforbid (principal, {scope})\nwhen {{ {condition} }};\n'


DELETING = 'action == Action::"mcp:delete", resource == Tool::"files/delete_file"'


# Check


def test_a_misspelt_argument_is_told_with_its_place_and_the_name_that_was_meant(desk):
    desk.write("policies/x.cedar", policy(DELETING, 'context.arguments.pth like "/etc/*"'))
    assert "warning" not in desk.run("check").stdout
    line = desk.run("check", "--tools", "tools.json").stdout.splitlines()[0]
    assert line == (
        "policies/x.cedar:4:8: warning: for the tool files/delete_file, `context.arguments` has no attribute `pth`; "
        "did you mean `path`?"
    )
    assert f"\n{line}\n" in document.GUIDE.read_text()
    report = desk.json("check", "--strict", "--tools", "-", expect=1, stdin=exported(DELETE, READ))
    assert report["valid"] and [(each["code"], each["policy"]) for each in report["warnings"]] == [
        ("tool-arguments", "p")
    ]


@pytest.mark.parametrize(
    ("scope", "condition", "code"),
    [
        (DELETING, "context.arguments has pth", "tool-arguments"),
        (DELETING, "context.arguments.path == 5", "tool-arguments"),
        (DELETING, "context.arguments.recursive", "tool-arguments"),
        (DELETING, 'context.arguments has owner && context.arguments.owner.nme == "x"', "tool-arguments"),
        ('action == Action::"mcp:delete", resource == Tool::"files/delete_fil"', "true", "unknown-tool"),
        ('action == Action::"mcp:write", resource == Tool::"files/delete_file"', "true", "never-applies"),
        (DELETING, 'context.arguments.path like "/etc/*"', None),
        (DELETING, "context.arguments has weight && context.arguments.weight > 5", None),
        ('action == Action::"mcp:delete", resource == Tool::"others/x"', "context.arguments.pth", None),
        ('action in Action::"mcp", resource', 'context has tool && context.tool == "x" && context.arguments.y', None),
    ],
)
def test_what_does_not_fit_is_warned_of_and_nothing_else_is(desk, scope, condition, code):
    desk.write("policies/x.cedar", policy(scope, condition))
    report = desk.json("check", "--tools", "tools.json")
    assert [each["code"] for each in report["warnings"]] == ([code] if code else [])


BROKEN = {
    "no JSON": ("{", "is not JSON"),
    "nothing that was accepted": (
        json.dumps({"items": [{"connection": "files", "tool": "x", "accepted": None}]}),
        "has no accepted definition",
    ),
    "a list without definitions": (
        json.dumps({"items": [{"connection": "files", "tool": "x", "accepted": {"digest": "d"}}]}),
        "countersign tools list --definitions --json",
    ),
    "another definition than was accepted": (
        exported(DELETE).replace("Deletes a file", "Reads a file"),
        "is not that of its digest",
    ),
    "a tool twice": (exported(DELETE, DELETE), "stands there twice"),
    "something else": ("[]", "has no `items`"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_definitions_that_cannot_be_used_are_an_error(desk, case):
    text, words = BROKEN[case]
    desk.write("policies/x.cedar", PERMIT)
    desk.write("broken.json", text)
    assert words in desk.run("check", "--tools", "broken.json", expect=2).stderr
    assert "cannot read" in desk.run("check", "--tools", "none.json", expect=2).stderr
    assert "no data folder" in desk.run("check", "--tools", "policies", expect=2).stderr


# Schema


def official(desk, text, *arguments):
    """What the official engine says of a policy under a schema that we print."""
    schema = desk.run("schema", "--tools", "tools.json", *arguments).stdout
    return cedarpy.validate_policies(text, schema).validation_passed


OFFICIAL = [
    ('context.arguments.path like "/etc/*"', True),
    ("context.arguments has recursive && context.arguments.recursive", True),
    ('context.arguments has owner && context.arguments.owner.name == "x"', True),
    ("context.arguments.pth == 1", False),
    ("context.arguments.path == 5", False),
    ("context.arguments.recursive", False),
    ('context.tool == "delete_file" && context.time > datetime("2026-01-01")', True),
]


@pytest.mark.parametrize(("condition", "passes"), OFFICIAL)
def test_the_official_engine_reads_a_tools_schema_and_says_the_same(desk, condition, passes):
    text = policy(DELETING, condition)
    assert official(desk, text, "--connection", "files", "--tool", "delete_file") == passes
    desk.write("policies/x.cedar", text)
    assert (desk.json("check", "--tools", "tools.json")["warnings"] == []) == passes


def test_a_tools_schema_says_what_it_is_for_and_what_it_leaves_out(desk):
    text = desk.run("schema", "--tools", "tools.json", "--connection", "files", "--tool", "delete_file").stdout
    heading = text[: text.index("entity Group;")]
    assert 'Tool::"files/delete_file"' in heading and "for policies about calls of this tool" in heading
    assert "//   context.arguments.weight\n" in heading
    assert 'action "mcp:delete" in ["delete", "mcp"] appliesTo { principal: Agent, resource: [Tool], context: {' in text
    assert '    path: String,\n    recursive?: Bool,\n' in text
    # What is not a call of the tool is as ever.
    plain = desk.run("schema").stdout
    assert set(plain.splitlines()[8:]) - set(text.splitlines()) == {
        'action "mcp:delete" in ["delete", "mcp"] appliesTo { principal: Agent, resource: [Connection, Container, Database, '
        "Endpoint, Image, Prompt, Resource, Schema, Table, Tool], context: OtherContext };"
    }


def test_a_connections_schema_is_the_union_of_its_tools(desk):
    extra = {"name": "delete_all", "inputSchema": {"type": "object", "properties": {"recursive": {"type": "string"}}}}
    desk.write("tools.json", exported(DELETE, READ, extra))
    text = desk.run("schema", "--tools", "tools.json", "--connection", "files").stdout
    assert "//   context.arguments.recursive of mcp:delete\n" in text
    for effect, condition, passes in [
        ("read", "context.arguments.lines > 5 && context.arguments has recursive && context.arguments.recursive > 1", True),
        ("delete", "context.arguments has path", True),
        ("delete", 'context.arguments.path == "x"', False),
        ("delete", 'context.arguments has path && context.arguments.path == "x"', True),
        ("delete", "context.arguments.recursive", False),
    ]:
        scope = f'action == Action::"mcp:{effect}", resource in Connection::"files"'
        assert official(desk, policy(scope, condition), "--connection", "files") == passes, condition


def test_a_hostile_definition_makes_no_other_schema(desk):
    name = 'x"}; entity Evil;\n// \u202e'
    hostile = {
        "name": name,
        "inputSchema": {
            "type": "object",
            "properties": {
                "a\n}; permit": {"type": "string"},
                "in": {"type": "integer"},
                '"': {"type": "boolean"},
                "": {"type": "string"},
                "__cedar": {"type": "string"},
                "\u202e": {"type": "object", "properties": {"a b": {"type": "number"}}},
            },
        },
    }
    desk.write("tools.json", exported(hostile))
    for arguments in (["--tool", name], []):
        schema = desk.run("schema", "--tools", "tools.json", "--connection", "files", *arguments).stdout
        assert "\nentity Evil" not in schema and "\u202e" not in schema
        text = 'permit (principal, action == Action::"mcp:unknown", resource) when { context.arguments has "in" };'
        assert cedarpy.validate_policies(text, schema).validation_passed
        evil = 'permit (principal is Evil, action, resource);'
        assert not cedarpy.validate_policies(evil, schema).validation_passed


def test_options_that_mean_nothing_are_refused(desk):
    for arguments, words in [
        (["--connection", "files"], "go together"),
        (["--tools", "tools.json"], "go together"),
        (["--tool", "x"], "needs --connection"),
        (["--tools", "tools.json", "--connection", "none"], "no accepted definition of a tool of none"),
        (["--tools", "tools.json", "--connection", "files", "--tool", "x"], "there are delete_file, read_file"),
    ]:
        assert words in desk.run("schema", *arguments, expect=2).stderr


# Test


CASES = WORLD + """
defaults: {agent: bot, connection: files}
cases:
  - name: reading passes
    request: {tool: read_file, arguments: {path: /etc/passwd, lines: 5}}
    expect: allow
  - name: deleting there is held
    request: {tool: delete_file, arguments: {path: /etc/passwd}}
    expect: {decision: gated, gates: [p], may_approve: [alice@example.com]}
  - name: deleting elsewhere passes
    request: {tool: delete_file, arguments: {path: /tmp/x}}
    expect: allow
  - name: a call without arguments has empty ones
    request: {tool: delete_file}
    expect: {decision: deny, reasons: [policy-error]}
  - name: nobody has said what it does
    request: {tool: shred}
    expect: {decision: gated, gates: [unknown]}
  - name: what it does can be said
    request: {tool: shred, effect: read}
    expect: allow
"""
UNKNOWN = """
@id("unknown") @approvers("dba") forbid (principal, action == Action::"mcp:unknown", resource)
when { context.method == "tools/call" && context.tool == "shred" };
"""


def test_calls_of_tools_are_cases_by_tool_and_arguments(desk):
    desk.write("policies/x.cedar", policy(DELETING, 'context.arguments.path like "/etc/*"') + UNKNOWN)
    desk.write("policies/x.test.yaml", CASES)
    assert desk.run("test").stdout == "6 passed, 0 failed\n"


def test_the_configurations_connections_are_those_of_cases(desk):
    desk.write("policies/x.cedar", policy(DELETING, 'context.arguments.path like "/etc/*"'))
    case = """
cases:
  - name: deleting there is held
    request: {agent: bot, connection: files, tool: delete_file, arguments: {path: /etc/passwd}}
    expect: {decision: gated, gates: [p]}
"""
    desk.write("policies/x.test.yaml", case)
    assert desk.run("test").stdout == "1 passed, 0 failed\n"


def test_what_the_server_warns_of_raises_the_effect_in_cases_too(desk):
    scope = 'action == Action::"mcp:delete", resource in Connection::"files"'
    desk.write("policies/x.cedar", policy(scope, "context has definition"))
    desk.write("tools.json", exported(READ | {"annotations": {"destructiveHint": True}}))
    case = """
cases:
  - name: a call
    request: {agent: bot, connection: files, tool: read_file, arguments: {path: x, lines: 1}}
    expect: %s
"""
    desk.write("policies/x.test.yaml", case % "allow")
    desk.run("test")
    desk.write("policies/x.test.yaml", case % "{decision: gated, gates: [p]}")
    desk.run("test", "--tools", "tools.json")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("{tool: x, path: /y}", "cannot stand beside tool"),
        ("{tool: x, arguments: [1]}", "arguments: must have keys and values"),
        ("{tool: x, argments: {}}", "argments"),
        (f"{{tool: {'x' * 4097}}}", "the gateway refuses the call"),
        ("{tool: x, connection: web}", "no MCP server's own"),
        ("{tool: ''}", "must be text"),
        ("{method: GET, path: /x}", "give tool and arguments"),
        ('{tool: x, effect: read, resource: \'Tool::"files/x"\'}', "cannot stand beside operations and resource"),
    ],
    ids=range(8),
)
def test_a_call_that_is_no_call_is_told(desk, call, words):
    desk.write("policies/x.cedar", PERMIT)
    world = WORLD.replace("agents:\n", "  - {name: web}\nagents:\n", 1)
    cases = f"defaults: {{agent: bot, connection: files}}\ncases:\n  - {{name: a, request: {call}, expect: allow}}\n"
    desk.write("policies/x.test.yaml", world + cases)
    assert words in desk.run("test", expect=2).stderr


# A running server


LIVE = """
@id("typed") @approvers("dba") forbid (principal, action == Action::"mcp:read", resource == Tool::"tools/add")
  when { context.arguments.a > 100 };
@id("misspelt") forbid (principal, action == Action::"mcp:read", resource == Tool::"tools/slow")
  when { context.arguments.lable == "x" };
"""


@pytest.fixture(scope="module")
def live(scratch):
    """A gateway with a real server whose first list it has accepted."""
    peer = Peer(scratch / f"policy-tools-{next(NUMBERS)}-peer").start()
    gateway = McpGateway(
        scratch / f"policy-tools-{next(NUMBERS)}",
        {"tools": peer},
        {"mcp": "1s"},
        policies=POLICIES + LIVE,
    )
    gateway.start()
    gateway.token("alice@example.com")
    raw = Raw(gateway.port, "/tools/", gateway.keys["bot"])
    raw.modern("tools/list").result()
    yield gateway, raw
    gateway.stop()
    peer.kill()
    gateway.kill()


def test_definitions_come_from_the_server_its_data_folder_or_a_file(live):
    gateway, _ = live
    answer = gateway.cli("tools", "list", "--definitions", "--json").stdout
    items = json.loads(answer)["items"]
    found = {each["tool"]: each for each in items}
    assert json.loads(found["add"]["accepted"]["definition"])["inputSchema"]["properties"]["a"]["type"] == "integer"
    assert gateway.user().get("/v1/tools").json()["items"][0]["accepted"].keys() == {"at", "by", "digest"}
    (gateway.folder / "tools.json").write_text(answer)
    gateway.replace(
        gateway.folder / "drafts" / "x.cedar",
        POLICIES
        + '@id("p") forbid (principal, action == Action::"mcp:read", resource == Tool::"tools/add")\n'
        + 'when { context.arguments.a == "5" };\n'
        + '@id("q") forbid (principal, action == Action::"mcp:read", resource == Tool::"tools/ad");\n',
    )
    told = None
    for source in ("tools.json", "data"):
        said = gateway.cli("policy", "check", "drafts", "--tools", source).stdout
        lines = [line for line in said.splitlines() if "/x.cedar:" in line and "Tool" not in line]
        assert any("for the tool tools/add, both operands of `==`" in line for line in lines), said
        assert any("names the tool tools/ad, and no definition of it was accepted; did you mean add?" in line for line in lines)
        assert told in (None, said)
        told = said
    piped = subprocess.run(
        [str(BINARY), "policy", "check", "drafts", "--tools", "-", "--config", str(gateway.file)],
        cwd=gateway.folder,
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert piped.stdout == told
    schema = gateway.cli("policy", "schema", "--tools", "data", "--connection", "tools", "--tool", "add").stdout
    text = 'permit (principal, action == Action::"mcp:read", resource) when { context.arguments.a + context.arguments.b > 5 };'
    assert cedarpy.validate_policies(text, schema).validation_passed
    assert not cedarpy.validate_policies(text.replace(".a ", ".c "), schema).validation_passed
    # Doctor counts them among the warnings of the set in force, and says how to see them.
    found = json.loads(gateway.cli("policy", "check", "--tools", "data", "--json").stdout)["warnings"]
    assert [each["policy"] for each in found] == ["misspelt"]
    said = gateway.cli("doctor", succeed=False).stdout
    assert f"policy check --tools {gateway.folder / 'data'}` has 1 warnings about them" in said, said
    for arguments in (["--status", "new"], ["--limit", "3"]):
        done = gateway.cli("tools", "list", "--definitions", "--json", *arguments, succeed=False)
        assert done.returncode != 0 and "leave --status and --limit out" in done.stderr
    assert "say --json" in gateway.cli("tools", "list", "--definitions", succeed=False).stderr


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("add", {"a": 101, "b": 1}), ("add", {"a": 1, "b": 1}), ("delete_record", {"record": "r"}), ("read_hidden", {"number": 1})],
    ids=str,
)
def test_a_case_is_the_call_that_the_gateway_makes_of_it(live, tool, arguments):
    gateway, raw = live
    result = raw.modern_call(tool, arguments).result()
    decision = "allow"
    if result.get("isError"):
        decision = "deny" if REFUSAL in result["_meta"] else "gated"
    case = {"agent": "bot", "connection": "tools", "tool": tool, "arguments": arguments}
    cases = {"cases": [{"name": "a call", "request": case, "expect": decision}]}
    gateway.replace(gateway.folder / "policies" / "x.test.yaml", json.dumps(cases))
    gateway.cli("policy", "test", "--tools", "data")
    if decision != "gated":
        return
    # A permit for exactly the document that was held permits the case.
    document = gateway.pending_call(tool, arguments)["action"]
    context = document["context"]
    assert context.keys() == {"method", "tool", "arguments", "definition", "operations"}
    (operation,) = context["operations"]
    members = " && ".join(
        f"context.{name} == {json.dumps(context[name])}" for name in ("method", "tool", "arguments", "definition")
    )
    exact = (
        f'permit (principal == Agent::"bot", action == Action::"{operation["action"]}",\n'
        f'  resource == Tool::"{operation["resource"]["id"]}") when {{ {members} }};'
    )
    gateway.replace(gateway.folder / "drafts" / "exact.cedar", exact)
    cases["cases"][0]["expect"] = "allow"
    gateway.replace(gateway.folder / "policies" / "x.test.yaml", json.dumps(cases))
    gateway.cli("policy", "test", "--tools", "data", "--policies", "drafts/exact.cedar")
