"""`countersign hook claude-code`: a coding agent's own tools run when policy or people say so, and not otherwise."""

import json
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gateway import BINARY, Gateway
from harness.mcp_raw import Raw
from harness.waiting import eventually

POLICIES = """
@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);
@id("nothing-leaves") forbid (principal is Agent, action in Action::"export", resource);
@id("no-secrets") forbid (principal is Agent, action, resource)
  when { context has arguments && context.arguments has file_path && context.arguments.file_path like "*/.ssh/*" };
@id("shells-need-a-dba") @approvers("dba") 
  forbid (principal is Agent, action in Action::"execute", resource in Environment::"laptop");
@id("unknown-needs-a-dba") @approvers("dba") forbid (principal is Agent, action in Action::"unknown", resource);
"""
NUMBERS = iter(range(10**6))


@pytest.fixture(scope="module")
def gateway(scratch):
    gateway = Gateway(scratch / "hook", 1, change=with_hook, policies=POLICIES).start()
    for user in ("alice", "bob"):
        gateway.token(f"{user}@example.com")
    yield gateway
    gateway.stop()
    gateway.cli("log", "fsck")


def with_hook(configuration):
    rules = [{"match": "mcp__notes__*", "effect": "read"}]
    entry = {"name": "claude-code", "kind": "hook", "labels": {"env": "laptop"}, "tools": rules}
    configuration["connections"].append(entry)


@pytest.fixture
def hook(gateway, tmp_path):
    """Runs the hook, as Claude Code does, in a home of its own."""
    return Hook(gateway, tmp_path)


class Hook:
    def __init__(self, gateway, home):
        self.gateway, self.home, self.pool = gateway, home, ThreadPoolExecutor()
        self.session, self.subagent = f"session-{next(NUMBERS)}", None

    def run(self, event, *arguments, key=None, url=None):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "XDG_"))}
        clean |= {"HOME": str(self.home)}
        key = self.gateway.keys["bot"] if key is None else key
        if key:
            clean["COUNTERSIGN_KEY"] = key
        url = url or f"http://127.0.0.1:{self.gateway.port}"
        return subprocess.run(
            [str(BINARY), "hook", "claude-code", "--url", url, *arguments],
            input=event if isinstance(event, bytes) else json.dumps(event).encode(),
            env=clean,
            capture_output=True,
            timeout=30,
        )

    def event(self, name, tool, arguments, call):
        event = {
            "session_id": self.session,
            "transcript_path": "/home/me/.claude/transcript.jsonl",
            "cwd": "/home/me/project",
            "permission_mode": "bypassPermissions",
            "hook_event_name": name,
            "tool_name": tool,
            "tool_input": arguments,
            "tool_use_id": call,
        }
        if self.subagent:
            event |= {"agent_id": self.subagent, "agent_type": "general-purpose"}
        if name == "PostToolUse":
            event["tool_response"] = {"stdout": "done"}
        return event

    def before(self, tool, arguments, *more, call="toolu_1", **options):
        """The decision and its reason."""
        done = self.run(self.event("PreToolUse", tool, arguments, call), *more, **options)
        assert done.returncode == 0, done
        output = json.loads(done.stdout)["hookSpecificOutput"]
        assert output["hookEventName"] == "PreToolUse"
        assert output["permissionDecision"] in ("allow", "deny")
        return output["permissionDecision"], output["permissionDecisionReason"]

    def after(self, tool, arguments, name="PostToolUse", call="toolu_1", **options):
        done = self.run(self.event(name, tool, arguments, call), **options)
        assert (done.returncode, done.stdout) == (0, b""), done

    def later(self, *arguments, **options):
        return self.pool.submit(self.before, *arguments, **options)

    def held(self, arguments):
        def found():
            items = self.gateway.approvals(status="pending", connection="claude-code")
            return [item for item in items if item["action"]["context"]["arguments"] == arguments]

        return eventually(found, 10, f"a pending approval of {arguments}")[0]

    def records(self):
        folder = self.home / ".local/state/countersign/hooks"
        return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def command(request):
    return {"command": f"make {next(NUMBERS)} # {request.node.name}"}


def test_what_policy_allows_is_allowed_and_in_the_log(gateway, hook):
    arguments = {"file_path": f"/home/me/{next(NUMBERS)}"}
    decision, reason = hook.before("Read", arguments)
    assert decision == "allow" and reason.startswith("Countersign: ")
    entry = gateway.entries(kind="action.allowed", q="claude-code/Read")[-1]
    assert "mcp:read" in json.dumps(entry)
    assert hook.records() == []


def test_what_policy_forbids_is_denied_with_its_words(hook):
    decision, reason = hook.before("Read", {"file_path": "/home/me/.ssh/id_ed25519"})
    assert decision == "deny" and "no-secrets" in reason and "another way" in reason


@pytest.mark.parametrize(
    ("tool", "arguments", "decision"),
    [
        ("WebFetch", {"url": "https://example.com/manual", "prompt": "what does it say?"}, "allow"),
        ("WebFetch", {"url": "https://example.com/?q=c2VjcmV0", "prompt": "-"}, "deny"),
        ("WebFetch", {"url": "https://user:secret@example.com/", "prompt": "-"}, "deny"),
        ("WebFetch", {"url": f"https://example.com/{'a' * 300}", "prompt": "-"}, "deny"),
        ("Edit", {"file_path": "/home/me/a", "old_string": "a", "new_string": "b"}, "allow"),
        ("mcp__notes__search", {"text": "a"}, "allow"),
    ],
)
def test_effects_are_the_servers_to_say(hook, tool, arguments, decision):
    assert hook.before(tool, arguments)[0] == decision


def test_an_approved_call_runs_once_and_its_outcome_is_in_the_receipt(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    assert approval["resource"] == "claude-code/Bash"
    assert approval["action"]["context"]["cwd"] == "/home/me/project"
    gateway.approve(approval)
    decision, reason = waiting.result(15)
    assert decision == "allow" and "bob@example.com" in reason and approval["id"] in reason
    assert gateway.approval(approval["id"])["status"] == "redeemed"
    (record,) = hook.records()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    hook.after("Bash", command)
    assert gateway.approval(approval["id"])["status"] == "succeeded"
    assert hook.records() == []
    entries, _ = gateway.verify_receipt(approval["id"])
    assert entries[-1]["outcome"]["result"] == "succeeded"
    # The same again is a new request.
    decision, reason = hook.before("Bash", command, "--wait", "0s", call="toolu_2")
    assert decision == "deny" and "waiting for approval" in reason
    assert hook.held(command)["id"] != approval["id"]


def test_a_call_that_failed_is_recorded_so(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"
    hook.after("Bash", command, name="PostToolUseFailure")
    assert gateway.approval(approval["id"])["status"] == "failed"


def test_what_an_approver_denies_is_denied_with_who_and_why(gateway, hook, command):
    waiting = hook.later("Bash", command)
    gateway.decide(hook.held(command), "deny", reason="use the test database")
    decision, reason = waiting.result(15)
    assert decision == "deny"
    assert "bob@example.com denied this call: use the test database" in reason and "another way" in reason


def test_when_the_wait_is_over_asking_again_attaches(gateway, hook, command):
    decision, reason = hook.before("Bash", command, "--wait", "1s")
    assert decision == "deny" and "waiting for approval" in reason and "shells-need-a-dba" in reason
    approval = hook.held(command)
    assert f"/approvals/{approval['id']}" in reason
    gateway.approve(approval)
    assert hook.before("Bash", command, call="toolu_2")[0] == "allow"
    assert gateway.approval(approval["id"])["status"] == "redeemed"
    hook.after("Bash", command, call="toolu_2")
    assert gateway.approval(approval["id"])["status"] == "succeeded"


def test_a_run_that_was_never_reported_is_unknown_and_its_grant_is_not_used_again(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"
    # The agent is killed, and the same session asks again.
    decision, reason = hook.before("Bash", command, "--wait", "1s", call="toolu_2")
    assert decision == "deny" and "never reported" in reason
    assert gateway.approval(approval["id"])["status"] == "unknown"
    decision, reason = hook.before("Bash", command, "--wait", "0s")
    assert decision == "deny" and hook.held(command)["id"] != approval["id"]


def test_a_call_that_another_session_runs_keeps_its_outcome(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"
    first, hook.session = hook.session, "another"
    decision, reason = hook.before("Bash", command, "--wait", "1s")
    assert decision == "deny" and "under way" in reason
    assert gateway.approval(approval["id"])["status"] == "redeemed"
    hook.session = first
    hook.after("Bash", command)
    assert gateway.approval(approval["id"])["status"] == "succeeded"


def test_a_call_that_another_subagent_runs_keeps_its_outcome(gateway, hook, command):
    hook.subagent = "explorer"
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"
    for other in ("builder", None):
        hook.subagent = other
        decision, reason = hook.before("Bash", command, "--wait", "1s", call="toolu_2")
        assert decision == "deny" and "under way" in reason
    hook.subagent = "explorer"
    hook.after("Bash", command)
    assert gateway.approval(approval["id"])["status"] == "succeeded"


def test_a_call_of_another_session_that_began_long_ago_is_unknown(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"
    (record,) = hook.records()
    record.write_text(json.dumps(json.loads(record.read_text()) | {"time": "2020-01-01T00:00:00Z"}))
    hook.session = "another"
    decision, reason = hook.before("Bash", command, "--wait", "1s")
    assert decision == "deny" and "never reported" in reason
    assert gateway.approval(approval["id"])["status"] == "unknown" and hook.records() == []


def test_a_persons_question_is_in_the_reason_and_the_call_goes_on_waiting(gateway, hook, command):
    decision, reason = hook.before("Bash", command, "--wait", "1s")
    assert decision == "deny" and "says" not in reason
    approval = hook.held(command)
    url = f"/v1/approvals/{approval['id']}/comments"
    assert gateway.user("alice").post(url, json={"text": "Why \"now\"?\u202e"}).status_code == 200
    decision, reason = hook.before("Bash", command, "--wait", "1s")
    assert decision == "deny" and "waiting for approval" in reason
    assert 'alice@example.com says, and has decided nothing by it: "Why \\"now\\"?\\u{202E}"' in reason
    assert gateway.agent().post(url, json={"text": "the disk is full"}).status_code == 200
    assert "says" not in hook.before("Bash", command, "--wait", "1s")[1]
    waiting = hook.later("Bash", command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"


def test_a_gateway_that_restarts_meanwhile_is_waited_for(scratch, tmp_path, command):
    gateway = Gateway(scratch / "hook-restart", 1, change=with_hook, policies=POLICIES).start()
    try:
        hook = Hook(gateway, tmp_path)
        waiting = hook.later("Bash", command, "--wait", "20s")
        approval = hook.held(command)
        gateway.kill()
        gateway.start()
        gateway.approve(approval)
        assert waiting.result(20)[0] == "allow"
    finally:
        gateway.kill()


# The permission prompt


class Prompt:
    """Claude Code's --permission-prompt-tool, as it calls it."""

    def __init__(self, gateway, agent="bot"):
        self.raw = Raw(gateway.port, "/countersign/", gateway.keys[agent])
        self.raw.initialize()

    def later(self, tool, arguments, **more):
        return self.raw.call(
            "legacy", "request_permission", {"tool_name": tool, "input": arguments, "tool_use_id": "toolu_1", **more}
        )

    def ask(self, tool, arguments, **more):
        return self.read(self.later(tool, arguments, **more))

    @staticmethod
    def read(call):
        result = call.result()
        assert not result.get("isError")
        return json.loads(result["content"][0]["text"])


def test_the_permission_prompt_says_what_policy_says(gateway):
    arguments = {"file_path": "/home/me/ünï", "limit": 2.5}
    assert Prompt(gateway).ask("Read", arguments) == {"behavior": "allow", "updatedInput": arguments}
    answer = Prompt(gateway).ask("Read", {"file_path": "/home/me/.ssh/id_ed25519"})
    assert answer["behavior"] == "deny" and "no-secrets" in answer["message"]


def test_the_permission_prompt_waits_for_people_and_lets_it_run_once(gateway, hook, command):
    call = Prompt(gateway).later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert Prompt.read(call) == {"behavior": "allow", "updatedInput": command}
    final = gateway.approval(approval["id"])
    assert final["status"] == "unknown" and "reports nothing" in final["outcome"]["detail"]
    call = Prompt(gateway).later("Bash", command)
    again = hook.held(command)
    assert again["id"] != approval["id"]
    gateway.decide(again, "deny", reason="enough")
    answer = Prompt.read(call)
    assert answer["behavior"] == "deny" and "bob@example.com denied this call: enough" in answer["message"]


def test_the_permission_prompt_denies_what_it_cannot_ask(gateway):
    assert Prompt(gateway).ask("Read", {}, connection="api")["behavior"] == "deny"
    assert Prompt(gateway).ask("", {})["behavior"] == "deny"
    assert Prompt(gateway).ask("Read", "text")["behavior"] == "deny"
    assert Prompt(gateway, "stranger").ask("Read", {})["behavior"] == "deny"


# It fails closed


def test_no_gateway_no_key_and_no_connection_are_denials(hook, command):
    decision, reason = hook.before("Read", command, url="http://127.0.0.1:1")
    assert decision == "deny" and "cannot reach" in reason
    assert hook.before("Read", command, key="cs_of-nobody-at-all")[0] == "deny"
    decision, reason = hook.before("Read", command, key="")
    assert decision == "deny" and "COUNTERSIGN_KEY" in reason
    decision, reason = hook.before("Read", command, "--connection", "nothing")
    assert decision == "deny" and "nothing" in reason
    decision, reason = hook.before("Read", command, "--connection", "api")
    assert decision == "deny" and "hook" in reason


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{",
        b"[]",
        b'{"hook_event_name": "PreToolUse"}',
        b'{"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_input": "rm"}',
        b'{"hook_event_name": "PreToolUse", "hook_event_name": "Stop", "session_id": "s", "tool_name": "Bash"}',
    ],
)
def test_an_event_that_cannot_be_read_blocks(hook, event):
    done = hook.run(event)
    assert (done.returncode, done.stdout) == (2, b"") and b"error:" in done.stderr


@pytest.mark.parametrize("more", [["--wait", "soon"], ["--wait", "2h"], ["--no-such-option"], ["--connection", "a/b"]])
def test_a_command_line_that_is_wrong_blocks(hook, more):
    done = hook.run(hook.event("PreToolUse", "Read", {}, "toolu_1"), *more)
    assert done.returncode == 2 or json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_a_grant_is_not_used_where_its_id_cannot_be_kept(gateway, hook, command):
    (hook.home / ".local").write_text("not a folder")
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    gateway.approve(approval)
    assert waiting.result(15)[0] == "deny"
    assert gateway.approval(approval["id"])["status"] == "approved"


def test_an_event_that_is_no_call_of_a_tool_says_nothing(hook):
    done = hook.run({"hook_event_name": "SessionStart", "session_id": "s"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_outcome_of_a_call_that_needed_no_approval_says_nothing(hook):
    hook.after("Read", {"file_path": "/home/me/a"})


# An agent cannot say what its call amounts to


def document(name, tool="Bash"):
    resource = {"type": "Tool", "id": f"claude-code/{tool}"}
    operation = {"action": name, "effect": name.partition(":")[2], "resource": resource}
    return {
        "subject": {"type": "Agent", "id": "bot"},
        "action": {"name": name},
        "resource": {"type": "Connection", "id": "claude-code"},
        "context": {"operations": [operation], "tool": tool, "arguments": {"command": "rm -rf /"}},
    }


@pytest.mark.parametrize("name", ["mcp:read", "http:read"])
def test_an_action_document_is_refused_there(gateway, name):
    answer = gateway.agent().post("/v1/actions", json=document(name))
    assert answer.status_code == 400 and "/v1/tool-calls" in answer.json()["detail"]


@pytest.mark.parametrize("extra", [{"effect": "read"}, {"operations": []}, {"agent": "other-bot"}])
def test_a_call_has_no_other_members(gateway, extra):
    call = {"connection": "claude-code", "tool": "Bash", "arguments": {"command": "rm"}} | extra
    assert gateway.agent().post("/v1/tool-calls", json=call).status_code == 400


def test_another_agents_approval_is_not_attached_to(gateway, hook, command):
    waiting = hook.later("Bash", command)
    approval = hook.held(command)
    call = {"connection": "claude-code", "tool": "Bash", "arguments": command, "cwd": "/home/me/project"}
    answer = gateway.agent("other-bot").post("/v1/tool-calls", json=call)
    assert answer.status_code == 202 and answer.json()["approval"]["id"] != approval["id"]
    gateway.approve(approval)
    assert waiting.result(15)[0] == "allow"


@pytest.mark.parametrize("key", ["upstream", "credential", "routes", "command"])
def test_a_connection_of_this_kind_has_nothing_behind_it(scratch, key):
    def change(configuration):
        with_hook(configuration)
        configuration["connections"][-1][key] = "http://127.0.0.1:1"

    gateway = Gateway(scratch / f"hook-{key}", 1, change=change, policies=POLICIES)
    code, text = gateway.refuse_to_start()
    assert code == 2 and key in text


def test_nothing_is_forwarded_there(gateway):
    answer = gateway.agent().get("/claude-code/anything")
    assert answer.status_code == 404 and answer.json()["code"] == "unknown-connection"
