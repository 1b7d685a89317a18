"""What docs/mcp.md prints runs as printed."""

import subprocess
import sys
import textwrap

from harness import quickstart
from harness.quickstart import DOCUMENT, as_documented, block, decide
from harness.waiting import eventually


def test_the_python_agent_lists_orders_and_deletes_one_when_it_is_approved(scratch, tmp_path):
    with quickstart.running(scratch / "mcp-documentation") as gateway:
        script = tmp_path / "agent.py"
        script.write_text(as_documented(gateway, textwrap.dedent(block(DOCUMENT, "python", "call_tool"))))
        agent = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            approval = eventually(lambda: gateway.approvals(status="pending"), 30, "a pending approval")[0]
            assert approval["action"]["context"]["tool"] == "delete_order"
            assert agent.poll() is None
            decide(gateway, approval, "approve")
            printed, _ = agent.communicate(timeout=30)
        finally:
            agent.kill()
            agent.wait(10)
        assert agent.returncode == 0, printed
        listed, deleted = printed.strip().splitlines()
        assert "1001" in listed and "1002" in listed and "is_error=False" in listed
        assert "1002" in deleted and "is_error=False" in deleted
        assert gateway.approval(approval["id"])["status"] == "succeeded"
