"""The quickstart as the documentation of MCP has it: its example server, its policies, and what the pages print."""

import contextlib
import re
import shutil
import subprocess

import yaml

from .gateway import BINARY, ROOT, Gateway, free_port
from .waiting import eventually
from .wire import RawConnection

DOCUMENT = (ROOT / "docs" / "mcp.md").read_text()
CLIENTS = (ROOT / "docs" / "mcp-clients.md").read_text()
EXAMPLE = ROOT / "examples" / "quickstart"
APPROVER = "approver@example.com"


def block(text, language, containing):
    """The block of a page that contains something."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.M | re.S)
    found = [each for each in blocks if containing in each]
    assert len(found) == 1, f"{len(found)} blocks of {language} contain {containing!r}"
    return found[0]


def as_documented(gateway, text):
    """What the documentation prints, for this gateway and this agent."""
    text = text.replace("http://127.0.0.1:8641", f"http://127.0.0.1:{gateway.port}")
    return text.replace("cs_…", gateway.keys["bot"])


def decide(gateway, approval, decision):
    """Decides as the quickstart's approver."""
    answer = gateway.decide(approval, decision, "approver", reason="not this one")
    assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def running(folder, change=None, policies=""):
    """The quickstart's gateway on ports of its own, with more in its configuration and policies."""
    port = free_port()

    def adjust(configuration):
        example = yaml.safe_load((EXAMPLE / "countersign.yaml").read_text().replace(":8700", f":{port}"))
        configuration["connections"] = example["connections"]
        for agent in configuration["agents"]:
            agent["groups"] = ["agents", "coding-agents"]
        configuration["users"].append({"id": APPROVER, "groups": ["order-approvers", "dba"]})
        configuration["hold"] |= {"mcp": "20s"}
        if change:
            change(configuration)

    def answers():
        RawConnection(port).close()
        return True

    policies = (EXAMPLE / "policies" / "orders.cedar").read_text() + policies
    gateway = Gateway(folder, 1, change=adjust, policies=policies)
    shutil.copy(EXAMPLE / "orders-api.credential", gateway.folder)
    sample = subprocess.Popen([str(BINARY), "sample-api", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        eventually(answers, 10, "the sample API")
        yield gateway.start()
        gateway.stop()
    finally:
        gateway.kill()
        sample.kill()
        sample.wait(10)
