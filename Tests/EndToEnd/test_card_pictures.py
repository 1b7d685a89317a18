"""Pictures of what people see, for the guides: drawn by a browser from what the gateway sent, and always the present ones.

`COUNTERSIGN_PICTURES=write` makes them anew, in docs/pictures.
"""

import os
import re
import time
from pathlib import Path

import pytest

from harness import pictures
from harness.mailserver import MailServer
from harness.slack import ENVIRONMENT, ROOM, with_slack
from harness.teams import ROOM as TEAMS_ROOM, Teams
from harness.waiting import eventually
from test_browser import CHROMIUM, DRIVER, chromium  # noqa: F401: a fixture

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WHY = "OPS-4711: this customer has asked to be forgotten. Orders are archived already."
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="chromium or its driver is not installed"),
]


def named(configuration):
    """Names that a guide would have."""
    configuration["public_url"] = "https://countersign.example.com"
    configuration["agents"][0]["id"] = "nightly-cleanup"
    configuration["connections"][0]["name"] = "customers"


@pytest.fixture
def house(install, slack):
    """A gateway that asks in Slack, in Teams and by mail, and what it sent."""
    teams, mail = Teams(), MailServer()
    gateway = install(change=named)
    teams.configure(gateway, service_url=teams.service_url)
    configuration = gateway.configuration
    ours = {}
    with_slack(slack)(ours)
    mailing = {"name": "mail", "kind": "email", "server": f"127.0.0.1:{mail.port}", "security": "none"}
    configuration["channels"] += [*ours["channels"], mailing | {"from": "Countersign <countersign@example.com>"}]
    configuration["routing"] = [{"groups": ["*"], "notify": [
        {"channel": "slack", "to": ROOM}, {"channel": "teams", "to": TEAMS_ROOM},
        {"channel": "mail", "to": "dba@example.com"},
    ]}]
    gateway.environment |= ENVIRONMENT
    gateway.write_configuration()
    yield gateway.start(), slack, teams, mail
    teams.stop()
    mail.stop()


def lasting(text):
    """What is the same in every picture of a kind: no ids, digests and times."""
    text = "".join(text)
    text = re.sub(r"apr_[0-9a-z]{26}", "ID", text)
    text = re.sub(r"(Digest|digest)[\w-]{12,64}", r"\1", text)
    return re.sub(r"\d{4}-\d\d-\d\d|\d\d?:\d\d(:\d\d)?|\d+(min|s|h|seconds|minutes)", "", text)


def compare(browser, name, label, page):
    """The picture in the guides says what this one says."""
    drawn = pictures.svg(browser, page, label)
    file = FOLDER / f"{name}.svg"
    if os.environ.get("COUNTERSIGN_PICTURES") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(drawn)
    kept = file.read_text()
    assert lasting(pictures.texts(kept)) == lasting(pictures.texts(drawn)), (
        f"{file.name} shows something else than the card does: COUNTERSIGN_PICTURES=write makes it anew"
    )


def test_the_guides_show_the_cards_as_they_are(house, chromium):  # noqa: F811
    gateway, slack, teams, mail = house
    ask = gateway.ask("DELETE", "/customers/v1/customers/42", ("Countersign-Justification", WHY))
    approval = gateway.pending("/v1/customers/42")
    card = slack.card(approval["id"])
    message = teams.card("/v1/customers/42")
    letter = eventually(lambda: mail.letters, 10, "the mail")[0]
    compare(chromium, "slack-asked", "A card in Slack with Approve, Deny and Open", pictures.slack(card))
    compare(chromium, "teams-asked", "A card in Teams with a reason, Approve, Deny and Open", pictures.teams(message.card))
    compare(chromium, "mail-asked", "A mail that leads to the page", pictures.mail(letter.html))
    assert slack.send(gateway, slack.click(card, "approve", "alice")).status_code == 200
    assert ask.answer().status == 200
    slack.until_title(card, "Approved, and done")
    eventually(lambda: "done" in message.text, 10, "the card's correction")
    compare(chromium, "slack-done", "The same card afterwards: who approved, and what came of it", pictures.slack(card))
    compare(chromium, "teams-done", "The same card in Teams, corrected as well", pictures.teams(message.card))


@pytest.fixture
def flooded(install, slack):
    """A gateway that asks in Slack, of one agent's questions the first alone and those after it together."""
    routing = [{"groups": ["*"], "notify": [{"channel": "slack", "to": ROOM}], "digest": {"after": 1, "every": "6s"}}]

    def change(configuration):
        named(configuration)
        with_slack(slack, routing=routing)(configuration)

    gateway = install(change=change)
    gateway.environment |= ENVIRONMENT
    return gateway.start()


def test_the_guides_show_a_denial_and_a_digest(flooded, slack, chromium):  # noqa: F811
    asks = []
    # Windows are of the clock, and all of it must be in one.
    eventually(lambda: time.time() % 6 < 1, 10, "the beginning of a window")
    for customer in range(42, 46):
        asks.append(flooded.ask("DELETE", f"/customers/v1/customers/{customer}", ("Countersign-Justification", WHY)))
        approval = flooded.pending(f"/v1/customers/{customer}")
        if customer == 42:
            card = slack.card(approval["id"])
    together = eventually(lambda: [each for each in slack.messages() if "3 approvals" in slack.title(each)], 15)[0]
    compare(chromium, "slack-digest", "One card in Slack for three actions of one agent", pictures.slack(together))
    slack.send(flooded, slack.click(card, "deny", "alice"))
    slack.send(flooded, slack.submission("alice", "Customer 42 has an open order. Close it first."))
    assert asks[0].answer().status == 403
    slack.until_title(card, "Denied")
    compare(chromium, "slack-denied", "A card in Slack afterwards: who denied it, and why", pictures.slack(card))
