"""What people change policy with: init, check, test, evaluate, diff. Each test runs the real binary."""

import json
import os
import subprocess

import pytest

from harness import document
from harness.gateway import BINARY

PACKS = [
    "read-freely-write-with-approval",
    "production-change-control",
    "privilege-and-secrets",
    "data-export",
    "break-glass",
]

POLICY = """
@id("agents") permit (principal in Group::"agents", action, resource);
@id("deletes") @approvers("dba")
forbid (principal is Agent, action in Action::"delete", resource in Environment::"prod");
@id("never") forbid (principal is Agent, action, resource) when { context has path && context.path like "/never/*" };
"""

WORLD = """
connections:
  - {name: api, labels: {env: prod}}
agents:
  - {id: bot, owner: olga@example.com, groups: [agents], on_behalf_of: [henry@example.com]}
users:
  - {id: alice@example.com, groups: [dba]}
  - {id: olga@example.com, groups: [dba]}
  - {id: henry@example.com, groups: [dba]}
"""


class Desk:
    """A folder in which somebody works on policies."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *arguments, expect=0, stdin=""):
        done = subprocess.run(
            [str(BINARY), "policy", *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == expect, f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def json(self, *arguments, expect=0, stdin=""):
        return json.loads(self.run(*arguments, "--json", expect=expect, stdin=stdin).stdout)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


# Test


def test_cases_that_pass_are_counted(desk):
    desk.write("policies/main.cedar", POLICY)
    desk.write(
        "policies/main.test.yaml",
        WORLD
        + """
cases:
  - name: reading passes
    request: {agent: bot, connection: api, method: GET, path: /x}
    expect: allow
  - name: deleting is held
    request: {agent: bot, connection: api, method: DELETE, path: /x}
    expect: {decision: gated, gates: [deletes], may_approve: [alice@example.com], may_not_approve: [olga@example.com]}
  - name: this is never allowed
    request: {agent: bot, connection: api, method: GET, path: /never/x}
    expect: {decision: deny, reasons: [forbidden], policies: [never]}
""",
    )
    assert desk.run("test").stdout == "3 passed, 0 failed\n"


def test_a_case_that_fails_is_told_in_one_line_with_its_place(desk):
    desk.write("policies/main.cedar", POLICY)
    desk.write(
        "policies/main.test.yaml",
        WORLD
        + """
cases:
  - name: reading is held
    request: {agent: bot, connection: api, method: GET, path: /x}
    expect: {decision: gated, gates: [deletes]}
""",
    )
    lines = desk.run("test", expect=1).stdout.splitlines()
    assert lines[0] == (
        "policies/main.test.yaml:12: reading is held: expected gated by deletes; got allow, permitted by agents"
    )
    assert lines[-1] == "0 passed, 1 failed"
    report = desk.json("test", expect=1)
    assert (report["passed"], report["failed"]) == (0, 1)
    assert report["cases"][0]["line"] == 12 and report["cases"][0]["got"]["decision"] == "allow"


def test_policies_that_no_case_reaches_are_named(desk):
    desk.write("policies/main.cedar", POLICY)
    desk.write(
        "policies/main.test.yaml",
        WORLD
        + """
cases:
  - {name: reading passes, request: {agent: bot, connection: api, method: GET, path: /x}, expect: allow}
""",
    )
    said = desk.run("test").stdout
    assert "policies/main.cedar:3:1: no case reaches the policy deletes" in said
    assert {item["policy"] for item in desk.json("test")["unexercised"]} == {"deletes", "never"}


EXPECTATIONS = {
    "another decision": ("expect: deny", "expected deny; got gated by deletes"),
    "another gate": ("expect: {decision: gated, gates: [other]}", "expected gated by other; got gated by deletes"),
    "a gate that is not there": ("expect: {decision: gated, gates: []}", "expected gated by nothing"),
    "somebody who may not approve": (
        "expect: {decision: gated, may_approve: [olga@example.com]}",
        "expected that olga@example.com may approve; got self-approval",
    ),
    "somebody who may": (
        "expect: {decision: gated, may_not_approve: [alice@example.com]}",
        "expected that alice@example.com may not approve; got that they may",
    ),
    "the human behind the agent": (
        "expect: {decision: gated, may_approve: [henry@example.com]}",
        "expected that henry@example.com may approve; got self-approval",
    ),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_every_expectation_can_fail(desk, name):
    expect, said = EXPECTATIONS[name]
    desk.write("policies/main.cedar", POLICY)
    case = f"  - name: deleting\n    request: {{agent: bot, connection: api, method: DELETE, path: /x}}\n    {expect}\n"
    desk.write("policies/main.test.yaml", WORLD + "cases:\n" + case)
    assert said in desk.run("test", expect=1).stdout


MISTAKES = {
    "an unknown key": ("requst: {}", "requst: is an unknown key; did you mean request?"),
    "an unknown key of a request": ("request: {agnet: bot}", "agnet: is an unknown key; did you mean agent?"),
    "an unknown agent": (
        "request: {agent: bott, connection: api, method: GET}",
        '"bott" is not a declared agent; did you mean bot?',
    ),
    "an unknown connection": (
        "request: {agent: bot, connection: apo, method: GET}",
        '"apo" is not a declared connection; did you mean api?',
    ),
    "an unknown decision": ("expect: allowed", '"allowed" is not a decision'),
    "an unknown effect": (
        "request: {agent: bot, connection: api, effect: reed}",
        '"reed" is not an effect; did you mean read?',
    ),
    "a path that the gateway refuses": (
        "request: {agent: bot, connection: api, method: GET, path: /a/../b}",
        "the gateway refuses",
    ),
    "a time that is none": (
        "request: {agent: bot, connection: api, method: GET, time: noon}",
        '"noon" is not a time',
    ),
    "an address that is none": (
        "request: {agent: bot, connection: api, method: GET, source_address: here}",
        '"here" is not an IP address',
    ),
    "a request that says nothing": ("request: {agent: bot, connection: api}", "needs a method, an effect"),
    "gates of a denial": ("expect: {decision: deny, gates: [a]}", "needs the decision gated"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_file_of_cases_is_told_with_its_line(desk, name):
    line, said = MISTAKES[name]
    desk.write("policies/main.cedar", POLICY)
    keys = {
        "name": "name: a case",
        "request": "request: {agent: bot, connection: api, method: GET}",
        "expect": "expect: allow",
    }
    keys.pop(line.split(":")[0], None)
    text = WORLD + "cases:\n  - " + "\n    ".join([line, *keys.values()]) + "\n"
    desk.write("policies/main.test.yaml", text)
    error = desk.run("test", expect=2).stderr
    assert said in error and "policies/main.test.yaml:11:" in error


def test_agents_connections_and_users_come_from_the_configuration_unless_the_file_has_its_own(desk):
    desk.write("policies/main.cedar", POLICY)
    desk.write(
        "countersign.yaml",
        """
connections:
  - name: api
    kind: http
    upstream: https://api.example.com
    credential: {value: "env:NOT_SET_WHERE_POLICY_IS_TESTED"}
    labels: {env: prod}
    routes: [{match: "POST /v1/clear", operation: clear, effect: delete}]
agents:
  - {id: bot, owner: olga@example.com, groups: [agents], key: "file:not-there-either"}
users:
  - {id: alice@example.com, groups: [dba]}
""",
    )
    cases = """
cases:
  - name: a route says that this deletes
    request: {agent: bot, connection: api, method: POST, path: /v1/clear}
    expect: {decision: gated, gates: [deletes]}
"""
    desk.write("policies/main.test.yaml", cases)
    assert desk.run("test").stdout.endswith("1 passed, 0 failed\n")
    desk.write("policies/main.test.yaml", "connections: [{name: other}]\n" + cases)
    assert "declared are: other" in desk.run("test", expect=2).stderr


def test_plain_cedar_requests_and_actions_of_other_protocols_can_be_tested(desk):
    desk.write("policies/main.cedar", POLICY)
    desk.write(
        "policies/main.test.yaml",
        """
groups: [dba]
connections:
  - {name: db, kind: postgres, labels: {env: prod}}
agents:
  - {id: bot, groups: [agents]}
cases:
  - name: two statements, one of which deletes
    request:
      agent: bot
      connection: db
      operations:
        - {effect: read, resource: 'Table::"db/public.orders"'}
        - {effect: delete, resource: 'Table::"db/public.orders"'}
      context: {statement: "WITH d AS (DELETE …) SELECT …"}
    expect: {decision: gated, gates: [deletes]}
  - name: one statement
    request: {agent: bot, connection: db, effect: read, resource: 'Table::"db/public.orders"'}
    expect: allow
  - name: plain Cedar
    request: {principal: 'Agent::"bot"', action: 'Action::"http:read"', resource: 'Endpoint::"db/x"'}
    expect: allow
  - name: plain Cedar with a context
    request:
      principal: Agent::"bot"
      action: Action::"http:read"
      resource: Endpoint::"db/x"
      context: {path: /never/x}
    expect: {decision: deny, policies: [never]}
  - name: an agent and a connection described here
    request:
      agent: {id: other, groups: [agents]}
      connection: {name: elsewhere, labels: {env: test}}
      method: DELETE
      path: /x
    expect: allow
""",
    )
    assert desk.run("test").stdout.endswith("5 passed, 0 failed\n")


def test_other_policies_can_be_tried_with_the_same_cases(desk):
    desk.write("policies/main.cedar", POLICY)
    case = "{name: x, request: {agent: bot, connection: api, method: GET, path: /x}, expect: allow}"
    desk.write("policies/main.test.yaml", WORLD + f"cases: [{case}]\n")
    desk.write("draft/main.cedar", POLICY.replace("/never/*", "/*"))
    desk.run("test")
    assert "got deny: forbidden by never" in desk.run("test", "--policies", "draft", expect=1).stdout
    desk.run("test", "policies/main.test.yaml")


def test_no_cases_are_an_error_and_so_are_policies_that_do_not_load(desk):
    desk.write("policies/main.cedar", POLICY)
    assert "there are no cases" in desk.run("test", expect=2).stderr
    case = "{name: x, request: {agent: bot, connection: api, method: GET}, expect: allow}"
    desk.write("policies/main.test.yaml", WORLD + f"cases: [{case}]\n")
    desk.write("policies/broken.cedar", "permit (principal, action);")
    assert "policies/broken.cedar:1:" in desk.run("test", expect=2).stderr


# Packs


def test_packs_are_listed(desk):
    assert [pack["name"] for pack in desk.json("init")["packs"]] == PACKS
    assert "break-glass" in desk.run("init").stdout


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_passes_its_own_cases_and_every_policy_of_it_is_reached(desk, pack):
    desk.run("init", pack)
    report = desk.json("test")
    assert report["failed"] == 0 and report["passed"] >= 8, report
    assert report["unexercised"] == []


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_valid_once_its_groups_have_members(desk, pack):
    groups = desk.json("init", pack)["groups"]
    members = "\n".join(f"  - {{id: {name}{n}@example.com, groups: [{name}]}}" for name in groups for n in (1, 2))
    assert "names the unknown group" in desk.run("check", expect=2).stderr
    desk.write("countersign.yaml", "users:\n" + members + "\n")
    checked = desk.json("check")
    assert checked["valid"] and checked["gates"] >= 2
    # There is no production yet, which packs about production name.
    assert {warning["code"] for warning in checked["warnings"]} <= {"unknown-name"}
    production = "connections: [{name: api, kind: http, upstream: 'https://api.example.com', labels: {env: prod}}]\n"
    desk.write("countersign.yaml", "users:\n" + members + "\n" + production)
    assert desk.json("check")["warnings"] == []


def test_all_packs_stand_beside_each_other(desk):
    groups = set()
    for pack in PACKS:
        groups.update(desk.json("init", pack)["groups"])
    members = "\n".join(f"  - {{id: {name}{n}@example.com, groups: [{name}]}}" for name in groups for n in (1, 2))
    desk.write("countersign.yaml", "users:\n" + members + "\n")
    assert desk.json("check")["valid"]
    assert desk.json("test")["failed"] == 0


EMERGENCY = """
policies: [production-change-control.cedar, break-glass.cedar]
connections:
  - {name: shop, labels: {env: prod}}
agents:
  - {id: rescuer, owner: olga@example.com, groups: [responders], on_behalf_of: [oscar@example.com, erin@example.com]}
users:
  - {id: oscar@example.com, groups: [on-call]}
  - {id: ivan@example.com, groups: [incident-commanders, change-approvers]}
  - {id: erin@example.com}
groups: [agents, security]
defaults:
  agent: rescuer
  connection: shop
  method: PUT
  path: /prices/7
  on_behalf_of: oscar@example.com
  source_address: 203.0.113.9
  justification: "INC-9: wrong prices"
  time: 2026-12-24T03:00:00Z
cases:
  - name: in the freeze, at night and from elsewhere, one person lifts the gates of both packs
    request: {}
    expect:
      decision: gated
      gates: [break-glass-is-approved, change-control-changes-are-approved]
      may_approve: [ivan@example.com]
      may_not_approve: [oscar@example.com]
  - name: what destroys is held by everything that holds it in either
    request: {method: DELETE}
    expect:
      decision: gated
      gates:
        - break-glass-is-approved
        - break-glass-what-destroys-needs-security
        - change-control-changes-are-approved
        - change-control-what-destroys-needs-two
  - name: reading passes, for an incident
    request: {method: GET}
    expect: {decision: allow, policies: [break-glass-for-an-incident]}
  - name: a ticket is no incident
    request: {justification: "CHG-4711: new prices"}
    expect: {decision: deny, policies: [change-control-responders-in-an-incident-only]}
  - name: nobody else is on call
    request: {on_behalf_of: erin@example.com}
    expect: {decision: deny, policies: [change-control-responders-in-an-incident-only]}
"""


def test_break_glass_works_beside_change_control_and_in_an_incident_only(desk):
    desk.run("init", "production-change-control")
    desk.run("init", "break-glass")
    desk.write("policies/both.test.yaml", EMERGENCY)
    report = desk.json("test", "policies/both.test.yaml")
    assert report["failed"] == 0 and report["passed"] == 5, [case["differences"] for case in report["cases"]]


def test_the_list_of_what_looks_like_an_export_is_the_same_in_both_rules(desk):
    desk.run("init", "data-export")
    text = (desk.folder / "policies/data-export.cedar").read_text()
    lists = [block for block in text.split("when {") if 'like "*/export"' in block]
    assert len(lists) == 2 and lists[0].split("};")[0] == lists[1].split("};")[0]


def test_a_pack_overwrites_nothing(desk):
    kept = desk.write("policies/data-export.test.yaml", "# mine\n")
    assert "is there already" in desk.run("init", "data-export", expect=6).stderr
    assert kept.read_text() == "# mine\n"
    assert not (desk.folder / "policies/data-export.cedar").exists()
    desk.run("init", "data-export", "--into", "elsewhere/new")
    assert (desk.folder / "elsewhere/new/data-export.cedar").exists()


def test_a_misspelt_pack_names_the_nearest(desk):
    assert "did you mean break-glass?" in desk.run("init", "brake-glass", expect=4).stderr


# Check


def test_warnings_are_told_with_their_place_and_fail_under_strict_only(desk):
    desk.write("main.cedar", POLICY + '@id("again") permit (principal in Group::"agents", action, resource);')
    said = desk.run("check", "main.cedar", "--group", "dba").stdout
    assert "main.cedar:6:1: warning: the policy again says what agents says already, at main.cedar:2:1" in said
    assert "valid: 4 policies, 1 of them gates" in said
    desk.run("check", "main.cedar", "--group", "dba", "--strict", expect=1)
    warning = desk.json("check", "main.cedar", "--group", "dba", "--strict", expect=1)["warnings"][0]
    assert (warning["code"], warning["policy"], warning["line"]) == ("duplicate", "again", 6)


def test_a_gate_that_too_few_declared_users_could_lift_is_warned_of(desk):
    desk.write("policies/main.cedar", POLICY.replace('@approvers("dba")', '@approvers("dba") @quorum("4")'))
    desk.write("countersign.yaml", CONFIGURATION)
    assert [warning["code"] for warning in desk.json("check")["warnings"]] == ["too-few-approvers"]
    desk.write("policies/main.cedar", POLICY.replace('@approvers("dba")', '@approvers("dba") @quorum("3")'))
    assert desk.json("check")["warnings"] == []


# Evaluate


def test_an_action_document_is_evaluated_at_a_time_and_from_an_address(desk):
    desk.write("countersign.yaml", CONFIGURATION)
    desk.write(
        "policies/main.cedar",
        POLICY
        + """
@id("early") forbid (principal is Agent, action, resource) when { context.time.toTime() < duration("8h") };
@id("inside") forbid (principal is Agent, action, resource)
unless { context.source_address.isInRange(ip("10.0.0.0/8")) };
""",
    )
    desk.write("action.json", json.dumps(next(documents())))
    asked = ["evaluate", "--request", "action.json", "--source-address", "10.0.0.1", "--time"]
    desk.run(*asked, "2026-07-01T12:00:00Z")
    assert "early" in desk.run(*asked, "2026-07-01T07:00:00Z", expect=1).stdout
    asked[4] = "11.0.0.1"
    assert desk.json(*asked, "2026-07-01T12:00:00Z", expect=1)["policies"] == ["inside"]


# Evaluate, in batches


def line(identifier, **members):
    request = {
        "id": identifier,
        "policies": 'permit (principal, action, resource); @id("gate") @approvers("dba") forbid (principal, action, '
        'resource) when { context.amount > 100 };',
        "principal": {"type": "Agent", "id": "bot"},
        "action": {"type": "Action", "id": "pay"},
        "resource": {"type": "Account", "id": "1"},
        "context": {"amount": 1},
    }
    request.update(members)
    return json.dumps({key: value for key, value in request.items() if value is not None})


def test_a_batch_is_answered_line_by_line_in_order(desk):
    lines = [line(1), line("two", context={"amount": 101}), line(None, context={}), "no JSON", "", line(5)]
    done = desk.run("evaluate", "--batch", "-", stdin="\n".join(lines))
    answers = [json.loads(text) for text in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [1, "two", None, None, 5]
    assert [answer["decision"] for answer in answers] == ["allow", "deny", "allow", "deny", "allow"]
    assert answers[0]["reasons"] == ["policy0"]
    assert answers[1]["reasons"] == ["gate"] and answers[1]["gates"] == ["gate"]
    assert answers[2]["errors"] and answers[2]["gates"] == []
    assert answers[3]["errors"]


def test_files_of_a_batch_are_seen_from_the_current_folder(desk):
    desk.write("a/policies.cedar", 'permit (principal in Group::"g", action, resource);')
    desk.write("a/entities.json", '[{"uid": {"type": "Agent", "id": "bot"}, "attrs": {}, "parents": '
               '[{"type": "Group", "id": "g"}]}]')
    named = line(1, policies=None, policies_file="a/policies.cedar", entities_file="a/entities.json")
    lost = line(2, policies=None, policies_file="b/policies.cedar")
    batch = desk.write("a/batch.ndjson", named + "\n" + lost + "\n")
    done = desk.run("evaluate", "--batch", str(batch))
    answers = [json.loads(text) for text in done.stdout.splitlines()]
    assert answers[0]["decision"] == "allow"
    assert answers[1]["decision"] == "deny" and "b/policies.cedar" in answers[1]["errors"][0]


def test_a_batch_answers_a_line_before_the_next_one_is_there(desk):
    command = [str(BINARY), "policy", "evaluate", "--batch", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for number in range(3):
            process.stdin.write(line(number) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_batch_that_is_not_there_is_an_error_and_stands_alone(desk):
    assert "cannot read nothing.ndjson" in desk.run("evaluate", "--batch", "nothing.ndjson", expect=2).stderr
    assert "stands alone" in desk.run("evaluate", "--batch", "-", "--principal", 'Agent::"a"', expect=2).stderr


def test_a_batch_with_a_schema_is_validated(desk):
    schema = "entity Agent, Account; action pay appliesTo { principal: Agent, resource: Account, context: {amount: Long} };"
    good = json.loads(desk.run("evaluate", "--batch", "-", stdin=line(1, schema=schema)).stdout)
    assert good["decision"] == "allow" and good["validation"] == {"passed": True, "errors": []}
    wrong = line(1, schema=schema, policies="permit (principal, action, resource) when { context.amuont > 1 };")
    bad = json.loads(desk.run("evaluate", "--batch", "-", stdin=wrong).stdout)
    assert not bad["validation"]["passed"] and "amuont" in bad["validation"]["errors"][0]


# Diff


def test_without_actions_a_diff_tells_which_policies_differ(desk):
    desk.write("old/main.cedar", POLICY)
    desk.write("new/main.cedar", "// A comment and spaces are no change.\n" + POLICY.replace(" permit (", "\npermit ("))
    assert "The policies are the same." in desk.run("diff", "old", "new", "--group", "dba").stdout
    changed = POLICY.replace('@id("never") forbid', '@id("other") forbid').replace(', resource in Environment::"prod"', ", resource")
    desk.write("new/main.cedar", changed)
    found = desk.json("diff", "old", "new", "--group", "dba", expect=1)["policies"]
    assert [item["policy"] for item in found["added"]] == ["other"]
    assert [item["policy"] for item in found["removed"]] == ["never"]
    assert [item["policy"] for item in found["changed"]] == ["deletes"]
    said = desk.run("diff", "old", "new", "--group", "dba", expect=1).stdout
    assert '    - forbid (principal is Agent, action in Action::"delete", resource in Environment::"prod");' in said
    assert '    + forbid (principal is Agent, action in Action::"delete", resource);' in said


def documents():
    """Action documents as agents submit them."""
    for number, (effect, path) in enumerate([("read", "/x"), ("delete", "/x"), ("write", "/never/x")]):
        yield {
            "subject": {"type": "Agent", "id": "bot"},
            "action": {"name": f"http:{effect}"},
            "resource": {"type": "Connection", "id": "api"},
            "context": {
                "method": "ANY",
                "path": path,
                "operations": [
                    {
                        "effect": effect,
                        "action": f"http:{effect}",
                        "resource": {"type": "Endpoint", "id": f"api/ANY {path}"},
                    }
                ],
            },
        }


CONFIGURATION = WORLD.replace("labels:", "kind: http, upstream: 'https://api.example.com', labels:")


def test_a_diff_over_action_documents_groups_what_is_decided_otherwise(desk):
    desk.write("countersign.yaml", CONFIGURATION)
    desk.write("old/main.cedar", POLICY)
    desk.write("new/main.cedar", POLICY.replace('@id("never") forbid', '@id("never") @approvers("dba") forbid').replace(
        '@approvers("dba")\nforbid', "forbid"))
    desk.write("actions.ndjson", "".join(json.dumps(document) + "\n" for document in documents()))
    report = desk.json("diff", "old", "new", "--against", "actions.ndjson", expect=1)
    assert (report["judged"], report["changed"]) == (3, 2)
    kinds = [(change["old"]["decision"], change["new"]["decision"], change["count"]) for change in report["changes"]]
    assert kinds == [("deny", "gated", 1), ("gated", "deny", 1)]
    assert report["changes"][1]["old"]["policies"] == ["deletes"]
    said = desk.run("diff", "old", "new", "--against", "actions.ndjson", expect=1).stdout
    assert "deny → gated: 1" in said and "gated → deny: 1" in said
    assert said.endswith("3 actions judged, 2 decided otherwise\n")
    same = desk.run("diff", "old", "old", "--against", "actions.ndjson").stdout
    assert "3 actions judged, 0 decided otherwise" in same


def test_a_gate_that_asks_for_more_is_a_change_and_one_that_is_renamed_is_none(desk):
    desk.write("countersign.yaml", CONFIGURATION)
    desk.write("old/main.cedar", POLICY)
    desk.write("actions.ndjson", "".join(json.dumps(document) + "\n" for document in documents()))
    desk.write("new/main.cedar", POLICY.replace('@approvers("dba")', '@approvers("dba") @quorum("2")'))
    report = desk.json("diff", "old", "new", "--against", "actions.ndjson", expect=1)
    assert [(c["old"]["decision"], c["new"]["decision"]) for c in report["changes"]] == [("gated", "gated")]
    assert "2 of dba" in report["changes"][0]["new"]["text"]
    desk.write("new/main.cedar", POLICY.replace('@id("deletes")', '@id("removals")'))
    assert desk.json("diff", "old", "new", "--against", "actions.ndjson")["changed"] == 0


def test_an_old_set_that_would_not_load_any_more_is_judged_as_it_was(desk):
    desk.write("countersign.yaml", CONFIGURATION)
    gone = '@id("gone") @approvers("nobody-now") forbid (principal is Robot, action, resource);'
    desk.write("old/main.cedar", POLICY + gone)
    desk.write("new/main.cedar", POLICY)
    desk.write("actions.ndjson", "".join(json.dumps(document) + "\n" for document in documents()))
    report = desk.json("diff", "old", "new", "--against", "actions.ndjson")
    assert report["changed"] == 0 and [item["policy"] for item in report["policies"]["removed"]] == ["gone"]
    assert "Robot" in desk.run("diff", "new", "old", "--against", "actions.ndjson", "--group", "nobody-now", expect=2).stderr


def test_what_cannot_be_judged_again_is_counted_with_the_reason(desk):
    desk.write("countersign.yaml", CONFIGURATION)
    desk.write("old/main.cedar", POLICY)
    read, *_ = documents()
    stranger = {**read, "subject": {"type": "Agent", "id": "stranger"}}
    bare = {"kind": "action.allowed", "sequence": 1, "payload": {"bytes": 1, "commitment": "x"}}
    other = {"kind": "policy.changed", "sequence": 2}
    refused = {"kind": "action.denied", "sequence": 3, "reasons": ["invalid-credential"]}
    text = "\n".join(json.dumps(each) for each in [read, stranger, bare, other, refused])
    desk.write("actions.ndjson", text)
    report = desk.json("diff", "old", "old", "--against", "actions.ndjson")
    assert report["judged"] == 1
    reasons = sorted(item["reason"] for item in report["not_judged"])
    assert len(reasons) == 3 and "the agent stranger is not known here" in reasons[0]
    assert "document is not there" in reasons[1] and "before it became an action" in reasons[2]
    desk.write("actions.ndjson", json.dumps(bare))
    assert "nothing in actions.ndjson could be judged" in desk.run(
        "diff", "old", "old", "--against", "actions.ndjson", expect=2
    ).stderr
    desk.write("actions.ndjson", '{"id": 7}')
    assert "actions.ndjson:1: is neither" in desk.run("diff", "old", "old", "--against", "actions.ndjson", expect=2).stderr


def test_recorded_actions_are_judged_again_from_the_ledger_of_a_running_gateway(own_gateway, path):
    gateway = own_gateway
    assert gateway.agent().get(f"/api/{path}").status_code == 200
    assert gateway.agent().get(f"/api/forbidden/{path}").status_code == 403
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    folder = gateway.folder
    draft = (folder / "policies/main.cedar").read_text().replace('@approvers("dba") @expires("30m")', '@approvers("dba,security")')
    (folder / "drafts").mkdir()
    (folder / "drafts/main.cedar").write_text(draft + '\n@id("no-reads") forbid (principal, action in Action::"read", resource);')
    arguments = ["policy", "diff", "policies", "drafts", "--json", "--against"]
    report = json.loads(gateway.cli(*arguments, "data", succeed=False).stdout)
    kinds = [(change["old"]["decision"], change["new"]["decision"], change["count"]) for change in report["changes"]]
    assert kinds == [("gated", "gated", 1), ("allow", "deny", 1)]
    assert report["judged"] == 3 and report["not_judged"] == []
    entry = report["changes"][1]["examples"][0]["entry"]
    assert [item["sequence"] for item in gateway.entries(kind="action.allowed")] == [entry]

    # The same from an export, elsewhere.
    export = folder / "export.ndjson"
    export.write_text(gateway.cli("log", "export").stdout)
    again = json.loads(gateway.cli(*arguments, "export.ndjson", succeed=False).stdout)
    assert again["changes"] == report["changes"]
    only = gateway.cli(*arguments, "export.ndjson", "--agent", "other-bot", succeed=False)
    assert only.returncode == 2 and "nothing in export.ndjson could be judged" in only.stderr

    gateway.approve(approval)
    assert ask.answer().status == 200

    # And where no gateway runs: of what an approval was redeemed for, the request is what is judged.
    gateway.stop()
    stopped = json.loads(gateway.cli(*arguments, "data", succeed=False).stdout)
    assert stopped["changes"] == report["changes"]


# The guide

BASE, CONFIGURATION_OF_THE_GUIDE, EXAMPLES = document.read()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.heading)
def test_every_example_of_the_guide_is_as_the_guide_says(desk, example):
    desk.write("countersign.yaml", CONFIGURATION_OF_THE_GUIDE)
    desk.write("policies/base.cedar", BASE)
    desk.write("policies/example.cedar", example.policy)
    if example.links:
        desk.write("policies/example.cedar.json", example.links)
    if example.text:
        checked = desk.run("check", "--strict", expect=1 if example.text.startswith("warning") else 2)
        assert example.text in checked.stdout + checked.stderr
        return
    desk.write("policies/example.test.yaml", example.cases)
    report = desk.json("test")
    assert report["failed"] == 0, [case["differences"] for case in report["cases"]]
    assert {item["policy"] for item in report["unexercised"]} <= {"agents"}
    # Groups of the guide have members enough; nothing in it is redundant.
    assert desk.json("check", "--strict")["warnings"] == []


def test_the_guide_has_examples_of_everything():
    headings = {example.heading for example in EXAMPLES}
    assert len(EXAMPLES) >= 18 and {"Two people", "Passkeys", "Time", "Bodies", "Break-glass", "Check", "Templates"} <= headings


def test_the_file_of_cases_in_the_guide_is_one(desk):
    text = document.GUIDE.read_text()
    cases = text[text.index("# policies/orders.test.yaml"):]
    desk.write("policies/orders.test.yaml", cases[: cases.index("```")])
    desk.write(
        "policies/orders.cedar",
        BASE + '@id("exports") @approvers("dba") forbid (principal is Agent, action in Action::"export", resource);',
    )
    assert desk.run("test").stdout == "2 passed, 0 failed\n"


def test_the_action_document_in_the_guide_is_one(desk):
    text = document.GUIDE.read_text()
    start = text.index('{\n  "subject"')
    desk.write("action.json", text[start : text.index("```", start)])
    desk.write("countersign.yaml", CONFIGURATION_OF_THE_GUIDE)
    desk.write("policies/base.cedar", BASE)
    desk.write("policies/example.cedar", EXAMPLES[0].policy)
    evaluated = desk.json("evaluate", "--request", "action.json", expect=7)
    assert evaluated["policies"] == ["prod-deletes"]


def test_the_guide_names_every_pack():
    text = document.GUIDE.read_text()
    assert all(f"| `{pack}` |" in text for pack in PACKS)


def test_a_folder_that_cannot_be_looked_at_refuses_the_set(desk):
    desk.write("policies/a.cedar", '@id("p") permit (principal, action, resource);')
    hidden = desk.write("policies/gates/no.cedar", '@id("no") forbid (principal is Agent, action, resource);').parent
    assert desk.json("check")["policies"] == 2
    hidden.chmod(0)
    # The superuser may look at everything, so it tries as somebody else.
    desk.folder.chmod(0o755)
    (desk.folder / "policies").chmod(0o755)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    try:
        for command in ("check", "evaluate"):
            asked = [*prefix, str(BINARY), "policy", command, "policies"]
            if command == "evaluate":
                asked += ["--principal", 'Agent::"b"', "--action", 'Action::"http:delete"', "--resource", 'Connection::"a"']
            answer = subprocess.run(asked, cwd=desk.folder, capture_output=True, text=True, check=False)
            assert answer.returncode not in (0, 1), answer.stdout
            assert "cannot list the policy folder policies/gates" in answer.stderr
    finally:
        hidden.chmod(0o755)


def test_a_policy_file_in_capitals_or_too_deep_refuses_the_set(desk):
    desk.write("policies/a.cedar", '@id("p") permit (principal, action, resource);')
    loud = desk.write("policies/no.Cedar", "forbid (principal, action, resource);")
    assert "write its ending in lower case" in desk.run("check", expect=2).stderr
    loud.unlink()
    deep = desk.write("policies/" + "d/" * 17 + "no.cedar", "forbid (principal, action, resource);")
    assert "folders deep" in desk.run("check", expect=2).stderr
    deep.unlink()


def test_a_link_that_leads_nowhere_refuses_the_set(desk):
    desk.write("policies/a.cedar", '@id("p") permit (principal, action, resource);')
    (desk.folder / "policies" / "gates").symlink_to("not-mounted")
    assert "cannot look at policies/gates" in desk.run("check", expect=2).stderr


def test_links_that_lead_back_are_followed_once(desk):
    desk.write("policies/a.cedar", '@id("p") permit (principal, action, resource);')
    for name in ("l1", "l2", "l3", "l4"):
        (desk.folder / "policies" / name).symlink_to(".")
    assert desk.json("check")["policies"] == 1


def test_who_may_approve_is_not_claimed_of_a_plain_request(desk):
    desk.write("policies/a.cedar", '@id("p") permit (principal, action, resource);\n@id("g") @approvers("dba")\n'
               "forbid (principal is Agent, action, resource);")
    desk.write("policies/a.test.yaml", """
users: [{id: e@example.com}]
groups: [dba]
cases:
  - name: plain
    request: {principal: 'Agent::"b"', action: 'Action::"http:delete"', resource: 'Connection::"a"'}
    expect: {decision: gated, gates: [g], may_approve: [e@example.com]}
""")
    assert "who may approve is asked about an agent's action only" in desk.run("test", expect=1).stdout


def test_diff_tells_who_may_approve_now(desk):
    desk.write("countersign.yaml", WORLD_OF_DIFF)
    gate = '@id("p") permit (principal, action, resource);\n@id("g") @approvers("dba")\n' \
           "forbid (principal is Agent, action, resource);\n"
    narrow = '@id("na") forbid (principal in Group::"contractors", action == Action::"approve", resource);\n'
    desk.write("old/a.cedar", gate + narrow)
    desk.write("new/a.cedar", gate)
    document = {
        "subject": {"type": "Agent", "id": "bot"}, "action": {"name": "http:delete"},
        "resource": {"type": "Connection", "id": "orders"},
        "context": {"operations": [{"effect": "delete", "action": "http:delete",
                                    "resource": {"type": "Endpoint", "id": "orders/DELETE /x"}}],
                    "method": "DELETE", "path": "/x", "headers": {}},
    }
    desk.write("records.ndjson", json.dumps(document) + "\n")
    loosened = desk.run("diff", "old", "new", "--against", "records.ndjson", expect=1).stdout
    assert "which carol@example.com may now approve" in loosened, loosened
    tightened = desk.run("diff", "new", "old", "--against", "records.ndjson", expect=1).stdout
    assert "which carol@example.com may no longer approve" in tightened, tightened


WORLD_OF_DIFF = """
connections: [{name: orders, kind: http, upstream: 'https://api.example.com', labels: {env: prod}}]
agents: [{id: bot, owner: olga@example.com, groups: [agents], key: 'env:BOT'}]
users:
  - {id: alice@example.com, groups: [dba]}
  - {id: carol@example.com, groups: [dba, contractors]}
  - {id: olga@example.com}
"""


def test_no_case_reaches_is_said_of_each_link(desk):
    desk.write("policies/t.cedar", '@id("t") permit (principal == ?principal, action, resource);')
    links = [{"templateId": "t", "newId": name, "values": {"?principal": {"__entity": {"type": "Agent", "id": name}}}}
             for name in ("l1", "l2")]
    desk.write("policies/t.cedar.json", json.dumps({"staticPolicies": {}, "templates": {}, "templateLinks": links}))
    desk.write("policies/t.test.yaml", """
cases:
  - name: one
    request: {principal: 'Agent::"l1"', action: 'Action::"http:read"', resource: 'Connection::"a"'}
    expect: allow
""")
    assert "no case reaches the policy l2" in desk.run("test").stdout


def test_what_policies_and_requests_say_cannot_write_to_the_terminal(desk):
    desk.write("policies/a.cedar", '@id("x\\u{1b}[31mRED\\nline2") permit (principal, action, resource);')
    told = desk.run("evaluate", "--principal", 'Agent::"b"', "--action", 'Action::"http:read"',
                    "--resource", 'Connection::"a"').stdout
    assert "\x1b" not in told and "permitted by x\\u{1b}[31mRED\\u{a}line2" in told
