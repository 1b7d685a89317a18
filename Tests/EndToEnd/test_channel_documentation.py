"""What the channels' pages print as configuration is one."""

import json
import re
import secrets
import textwrap

import pytest
import yaml

from harness.gateway import ROOT
from harness.hook_receiver import SECRET

PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs").glob("channels*.md"))}
BLOCKS = [
    pytest.param(textwrap.dedent(block), id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, block in enumerate(re.findall(r"^( *)```yaml\n(.*?)^\1```", page, re.M | re.S))
    for block in block[1:]
]
# Stand-ins for the secrets that the pages refer to, as each must look.
ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-" + "1" * 40,
    "SLACK_APP_TOKEN": "xapp-" + "1" * 40,
    "SLACK_SIGNING_SECRET": secrets.token_hex(16),
    "TEAMS_SECRET": secrets.token_hex(16),
    "WORKFLOWS_URL": "https://flows.example.com/hook",
    "MAIL_PASSWORD": secrets.token_hex(16),
    "HOOK_SECRET": SECRET,
}
# The channels that a page's route may name, where its block has none itself.
CHANNELS = [
    {"name": "slack", "kind": "slack", "app": "A0123456789", "token": "env:SLACK_BOT_TOKEN", "app_token": "env:SLACK_APP_TOKEN"},
    {"name": "teams", "kind": "teams", "app_id": "11111111-2222-4333-8444-555555555555", "app_secret": "env:TEAMS_SECRET",
     "tenant": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"},
    {"name": "mail", "kind": "email", "server": "smtp.example.com", "from": "countersign@example.com"},
]


def test_every_page_of_a_channel_prints_configuration():
    printed = {block.id.rpartition("-")[0] for block in BLOCKS}
    assert printed == set(PAGES) and len(BLOCKS) >= 13


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_page_prints_is_read_as_it_is(install, block):
    gateway = install()
    gateway.environment |= ENVIRONMENT
    (gateway.folder / "servicenow.secret").write_text(secrets.token_hex(32) + "\n")
    # An id is cut short in print.
    block = block.replace("19:…@", "19:abc@")
    rest = {"channels": CHANNELS, **gateway.configuration}
    rest = {key: value for key, value in rest.items() if key not in yaml.safe_load(block)}
    gateway.file.write_text(block + yaml.safe_dump(rest))
    checks = {item["check"]: item for item in json.loads(gateway.cli("doctor", "--json", succeed=False).stdout)["checks"]}
    assert checks["configuration"]["ok"], checks["configuration"]["message"]
