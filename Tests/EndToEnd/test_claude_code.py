"""The real Claude Code in front of the gateway, set up as the documentation says; only the model is a stand-in."""

import json
import shlex

import pytest
import yaml

from harness import quickstart
from harness.claude_code import PROGRAM, ClaudeCode, Model, use
from harness.gateway import BINARY, free_port
from harness.quickstart import CLIENTS, DOCUMENT, as_documented, block, decide
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(
    not PROGRAM, reason="COUNTERSIGN_CLAUDE_CODE does not name the program (Tests/EndToEnd/README.md says how to get it)"
)


@pytest.fixture(scope="module")
def gateway(scratch):
    """The quickstart's gateway, and beside its connections the one for Claude Code's own tools of docs/mcp-clients.md."""

    def adjust(configuration):
        configuration["connections"] += yaml.safe_load(block(CLIENTS, "yaml", "kind: hook"))["connections"]

    with quickstart.running(scratch / "claude-code", adjust, block(CLIENTS, "cedar", "shells-need-somebody")) as gateway:
        yield gateway


@pytest.fixture
def claude(gateway, tmp_path):
    """Claude Code, whose model does what `turns` says."""
    made = []

    def make(*turns):
        installation = ClaudeCode(tmp_path / f"claude-{len(made)}", Model(*turns))
        installation.environment["COUNTERSIGN_KEY"] = gateway.keys["bot"]
        made.append(installation)
        return installation

    yield make
    for installation in made:
        installation.stop()


def waiting(gateway, tool):
    """Waits until a call of a tool waits for people."""

    def found():
        return [each for each in gateway.approvals(status="pending") if each["action"]["context"].get("tool") == tool]

    return eventually(found, 30, f"a pending approval of {tool}")[0]


LISTED, DELETED = "mcp__orders__list_orders", "mcp__orders__delete_order"
ORDERS = ["--allowedTools", f"{LISTED},{DELETED}"]


def test_tools_are_called_and_a_held_one_runs_when_it_is_approved(gateway, claude):
    claude = claude(use(LISTED, "toolu_1"), use(DELETED, "toolu_2", order=1002))
    command = shlex.split(as_documented(gateway, block(DOCUMENT, "sh", "claude mcp add")))
    assert command[0] == "claude"
    claude.run(*command[1:])
    running = claude.start("-p", "Delete the order.", *ORDERS)
    approval = waiting(gateway, "delete_order")
    assert approval["action"]["context"]["arguments"] == {"order": 1002}
    decide(gateway, approval, "approve")
    claude.end(running)
    text, failed = claude.model.result("toolu_1")
    assert "1002" in text and not failed
    text, failed = claude.model.result("toolu_2")
    assert "1002" in text and not failed
    assert gateway.approval(approval["id"])["status"] == "succeeded"


def test_the_model_reads_why_a_call_was_denied(gateway, claude):
    claude = claude(use(DELETED, "toolu_1", order=1003), use(LISTED, "toolu_2"))
    claude.run(*shlex.split(as_documented(gateway, block(DOCUMENT, "sh", "claude mcp add")))[1:])
    running = claude.start("-p", "Delete the order.", *ORDERS)
    decide(gateway, waiting(gateway, "delete_order"), "deny")
    claude.end(running)
    text, failed = claude.model.result("toolu_1")
    assert failed and "approver@example.com" in text and "not this one" in text, text
    assert "1003" in claude.model.result("toolu_2")[0]


def test_a_call_that_claude_code_gives_up_is_asked_for_again_and_runs_once(gateway, claude):
    """Its own time limit counts in spite of progress."""
    again = [use(DELETED, f"toolu_{number}", order=1004) for number in (1, 2)]
    claude = claude(*again)
    claude.environment["MCP_TOOL_TIMEOUT"] = "2000"
    claude.run(*shlex.split(as_documented(gateway, block(DOCUMENT, "sh", "claude mcp add")))[1:])
    running = claude.start("-p", "Delete the order.", *ORDERS)
    approval = waiting(gateway, "delete_order")
    eventually(lambda: claude.model.result("toolu_1"), 20, "the time limit of Claude Code")
    assert "timed out" in claude.model.result("toolu_1")[0]
    decide(gateway, approval, "approve")
    claude.end(running)
    # The example has no such order; that it says so once is the proof that it was asked once.
    assert "no such order" in claude.model.result("toolu_2")[0]
    assert gateway.approval(approval["id"])["status"] in ("failed", "succeeded")
    assert gateway.kinds(approval["id"]).count("action.dispatched") == 1


def project_server(gateway, claude, containing):
    """Writes .mcp.json as the documentation has it, for the quickstart's tools."""
    text = as_documented(gateway, block(CLIENTS, "json", containing)).replace("tickets", "orders-tools")
    document = json.loads(text)
    document["mcpServers"]["orders"] = server = document["mcpServers"].pop("orders-tools")
    if "command" in server:
        server["command"] = str(BINARY)
        key = claude.folder / "key"
        key.write_text(gateway.keys["bot"] + "\n")
        key.chmod(0o600)
        server["args"][server["args"].index("/home/me/.config/countersign/key")] = str(key)
        server["args"] += ["--url", f"http://127.0.0.1:{gateway.port}"]
    claude.write(".mcp.json", document)


@pytest.mark.parametrize(
    ("containing", "order"), [("Bearer ${COUNTERSIGN_KEY}", 1001), ("mcp-stdio", 1003)], ids=["http", "stdio"]
)
def test_a_projects_file_reaches_the_gateway(gateway, claude, containing, order):
    claude = claude(use(LISTED, "toolu_1"), use(DELETED, "toolu_2", order=order))
    project_server(gateway, claude, containing)
    running = claude.start("-p", "Delete the order.", *ORDERS)
    decide(gateway, waiting(gateway, "delete_order"), "approve")
    claude.end(running)
    assert str(order) in claude.model.result("toolu_1")[0]
    text, failed = claude.model.result("toolu_2")
    assert not failed, text


# Claude Code's own tools


@pytest.fixture
def hooked(gateway, claude):
    """Claude Code with the hook of the documentation."""

    def make(*turns, url=None):
        installation = claude(*turns)
        settings = json.loads(block(CLIENTS, "json", "PreToolUse").replace("/usr/local/bin/countersign", str(BINARY)))
        installation.write(".claude/settings.json", settings)
        installation.environment["COUNTERSIGN_GATEWAY"] = url or f"http://127.0.0.1:{gateway.port}"
        return installation

    return make


def bash(call, command):
    return use("Bash", call, command=command, description="Does something")


def test_what_policy_allows_runs_without_a_prompt(gateway, hooked):
    claude = hooked(use("Read", "toolu_1", file_path="PLACE"))
    notes = claude.project / "notes.txt"
    notes.write_text("read me")
    claude.model.turns[0][0]["input"]["file_path"] = str(notes)
    claude.end(claude.start("-p", "Read the notes."))
    text, failed = claude.model.result("toolu_1")
    assert "read me" in text and not failed


def test_a_command_waits_for_people_and_runs_once_they_have_approved_it(gateway, hooked):
    claude = hooked(bash("toolu_1", "echo once >> ran; echo done"))
    running = claude.start("-p", "Run it.")
    approval = waiting(gateway, "Bash")
    assert not (claude.project / "ran").exists()
    decide(gateway, approval, "approve")
    claude.end(running)
    assert claude.model.result("toolu_1") == ("done", False)
    assert (claude.project / "ran").read_text() == "once\n"
    assert gateway.until(approval["id"], "succeeded")


def test_the_outcome_of_a_command_that_failed_is_recorded(gateway, hooked):
    claude = hooked(bash("toolu_1", "echo no; exit 3"))
    running = claude.start("-p", "Run it.")
    approval = waiting(gateway, "Bash")
    decide(gateway, approval, "approve")
    claude.end(running)
    assert claude.model.result("toolu_1")[1]
    assert gateway.until(approval["id"], "failed")


def test_a_denied_command_does_not_run_and_the_model_reads_why(gateway, hooked):
    claude = hooked(bash("toolu_1", "echo once >> ran; echo denied"))
    running = claude.start("-p", "Run it.", "--allowedTools", "Bash")
    decide(gateway, waiting(gateway, "Bash"), "deny")
    claude.end(running)
    text, failed = claude.model.result("toolu_1")
    assert failed and "not this one" in text and "approver@example.com" in text, text
    assert not (claude.project / "ran").exists()


def test_nothing_runs_when_the_gateway_is_down(hooked):
    """Not even what Claude Code's own permissions allow."""
    claude = hooked(bash("toolu_1", "echo once >> ran"), url=f"http://127.0.0.1:{free_port()}")
    claude.run("-p", "Run it.", "--allowedTools", "Bash")
    text, failed = claude.model.result("toolu_1")
    assert failed and "Countersign" in text, text
    assert not (claude.project / "ran").exists()


def test_nothing_runs_when_the_hook_has_no_key(hooked):
    claude = hooked(bash("toolu_1", "echo once >> ran"))
    del claude.environment["COUNTERSIGN_KEY"]
    claude.run("-p", "Run it.", "--allowedTools", "Bash")
    assert claude.model.result("toolu_1")[1]
    assert not (claude.project / "ran").exists()


def test_a_hook_that_cannot_be_started_stops_nothing(claude):
    """What the documentation warns of: it is Claude Code that decides then."""
    claude = claude(bash("toolu_1", "echo once >> ran"))
    settings = json.loads(block(CLIENTS, "json", "PreToolUse").replace("/usr/local/bin/", "/nowhere/"))
    claude.write(".claude/settings.json", settings)
    claude.run("-p", "Run it.", "--allowedTools", "Bash")
    assert (claude.project / "ran").exists()


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_the_permission_prompt_tool_answers_what_people_said(gateway, claude, decision):
    claude = claude(bash("toolu_1", f"echo once >> ran; echo {decision}d"))
    server = {"type": "http", "url": f"http://127.0.0.1:{gateway.port}/countersign/"}
    server["headers"] = {"Authorization": "Bearer ${COUNTERSIGN_KEY}"}
    claude.write(".mcp.json", {"mcpServers": {"countersign": server}})
    command = shlex.split(block(CLIENTS, "sh", "--permission-prompt-tool"))
    running = claude.start(*command[1:])
    decide(gateway, waiting(gateway, "Bash"), decision)
    claude.end(running)
    text, failed = claude.model.result("toolu_1")
    if decision == "approve":
        assert (text, failed) == ("approved", False)
        assert (claude.project / "ran").read_text() == "once\n"
    else:
        assert failed and "not this one" in text, text
        assert not (claude.project / "ran").exists()
