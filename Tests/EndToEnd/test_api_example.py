"""The Python example of docs/api-hook.md: short, with nothing but `requests`, and run exactly as it is printed."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "api-hook" / "delete_order.py"
GUIDE = ROOT / "docs" / "api-hook.md"
POLICIES = """
permit (principal in Group::"agents", action, resource);
@id("never") forbid (principal, action, resource) when { context has path && context.path == "/v1/orders/13" };
@id("deletes") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource)
  when { !(context has path && context.path == "/v1/orders/1") };
"""


def printed():
    """The example as the guide prints it."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if "import requests" in block or "uuid, requests" in block)


def quickstart(configuration):
    """The quickstart's connection."""
    connection = configuration["connections"][0]
    connection["name"] = "orders-api"
    connection["routes"] = [{"match": "DELETE /v1/orders/{id}", "operation": "deleteOrder"}]


@pytest.fixture
def desk(install, own_upstream):
    """A gateway with the quickstart's connection."""
    return install(change=quickstart, policies=POLICIES).start()


def run(gateway, upstream, tmp_path, number, port=None):
    """Starts the printed example."""
    script = tmp_path / "delete_order.py"
    script.write_text(printed())
    environment = {
        **os.environ,
        "COUNTERSIGN_GATEWAY": f"http://127.0.0.1:{gateway.port}",
        "ORDERS_API": f"http://127.0.0.1:{port or upstream.port}",
        "COUNTERSIGN_KEY": gateway.keys["bot"],
        "ORDERS_API_TOKEN": "of-the-agent",
    }
    return subprocess.Popen(
        [sys.executable, str(script), str(number)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_guide_prints_the_example_and_it_is_short(desk):
    text = printed()
    assert text == EXAMPLE.read_text() and len(text.splitlines()) < 40
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported - set(sys.stdlib_module_names) == {"requests"}


def test_it_waits_for_people_does_it_once_and_says_so(desk, own_upstream, tmp_path):
    process = run(desk, own_upstream, tmp_path, 1002)
    approval = desk.pending("/v1/orders/1002", 20)
    assert own_upstream.count("/v1/orders/1002") == 0
    desk.approve(approval)
    said, wrong = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "Done.\n"), wrong
    assert own_upstream.count("/v1/orders/1002") == 1
    assert desk.approval(approval["id"])["outcome"] == {"result": "succeeded", "status": 200, "detail": None}
    desk.verify_receipt(approval["id"])


def test_it_does_it_for_the_one_person_whom_its_agent_acts_for(install, own_upstream, tmp_path):
    def change(configuration):
        quickstart(configuration)
        agent = next(agent for agent in configuration["agents"] if agent["id"] == "bot")
        agent["on_behalf_of"] = ["alice@example.com"]

    desk = install(change=change, policies=POLICIES).start()
    process = run(desk, own_upstream, tmp_path, 1002)
    approval = desk.approve(desk.pending("/v1/orders/1002", 20))
    assert approval["action"]["subject"]["properties"] == {"on_behalf_of": "alice@example.com"}
    said, wrong = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "Done.\n"), wrong
    assert own_upstream.count("/v1/orders/1002") == 1


def test_the_documents_that_the_guide_prints_are_the_quickstarts(desk):
    blocks = re.findall(r"^```json\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    action, evaluation = (json.loads(block) for block in blocks)
    action["subject"]["id"] = evaluation["subject"]["id"] = "bot"
    held = desk.agent_api().post("/v1/actions", json=action)
    assert held.status_code == 202, held.text
    answer = desk.agent_api().post("/access/v1/evaluation", json=evaluation).json()
    reasons = [reason["code"] for reason in answer["context"]["reasons"]]
    assert (answer["decision"], reasons) == (False, ["approval-required"])
    # The short form is the same action.
    digests = [entry["action"]["digest"] for entry in desk.entries() if entry.get("action")]
    assert digests[-2:] == [held.json()["approval"]["action_digest"]] * 2


def test_it_does_what_policy_allows_and_not_what_it_denies(desk, own_upstream, tmp_path):
    process = run(desk, own_upstream, tmp_path, 1)
    assert process.communicate(timeout=30)[0] == "Done.\n" and own_upstream.count("/v1/orders/1") == 1
    process = run(desk, own_upstream, tmp_path, 13)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1 and said.startswith("Not done.") and own_upstream.count("/v1/orders/13") == 0


def test_a_denial_ends_it_without_anything_done(desk, own_upstream, tmp_path):
    process = run(desk, own_upstream, tmp_path, 1003)
    desk.decide(desk.pending("/v1/orders/1003", 20), "deny")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1 and said == "Not done. The approval is denied.\n"
    assert own_upstream.count("/v1/orders/1003") == 0


def test_what_breaks_in_the_middle_is_unknown(desk, own_upstream, tmp_path):
    process = run(desk, own_upstream, tmp_path, 1004, port=1)
    approval = desk.approve(desk.pending("/v1/orders/1004", 20))
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert eventually(lambda: desk.approval(approval["id"])["outcome"])["result"] == "unknown"
