"""Every channel is down at once, for an hour if there is time: nothing waits for them, and afterwards all is told, once."""

import collections
import json
import os
import socket
import threading
import time

import pytest

from harness.gateway import POLICIES, free_port
from harness.mailserver import MailServer
from harness.slack import ENVIRONMENT, ROOM, with_slack
from harness.story_receiver import SECRET as HOOK_SECRET, StoryReceiver
from harness.teams import ROOM as TEAMS_ROOM, Teams
from harness.waiting import eventually, stays

# Long ones are real time: whoever wants an hour asks for it, as for the holds of half an hour.
SECONDS = int(os.environ.get("COUNTERSIGN_OUTAGE") or (3600 if os.environ.get("COUNTERSIGN_LONG_HOLDS") else 12))
PATIENT = """@id("patient") @approvers("dba") @expires("3h")
forbid (principal is Agent, action, resource) when { context has path && context.path like "/patient/*" };
"""
pytestmark = pytest.mark.timeout(SECONDS + 300)


class Line:
    """A line to a server that a test can cut: `mode` is `on`, `refused`, `silent`, or what is said before it hangs up."""

    def __init__(self, port):
        self.server, self.port = port, free_port()
        self.mode, self.listener, self.open = "refused", None, set()

    def switch(self, mode):
        self.mode = mode
        if mode == "refused":
            if self.listener:
                self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
                self.listener = None
        elif not self.listener:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        self.hang_up()

    def hang_up(self):
        for end in list(self.open):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client, self.mode), daemon=True).start()

    def serve(self, client, mode):
        self.open.add(client)
        try:
            if mode == "on":
                server = socket.create_connection(("127.0.0.1", self.server))
                self.open.add(server)
                threading.Thread(target=self.carry, args=(server, client), daemon=True).start()
                return self.carry(client, server)
            if mode != "silent":
                client.settimeout(0.2)
                try:
                    client.recv(65536)
                except TimeoutError:
                    pass
                client.sendall(mode)
                client.shutdown(socket.SHUT_WR)
                client.settimeout(5)
            while client.recv(65536):
                pass
        except OSError:
            pass
        finally:
            self.open.discard(client)
            client.close()

    def carry(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            self.open.discard(end)
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.switch("refused")


FAILURE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BUSY = b"421 try later\r\n"


@pytest.fixture
def places(slack):
    """Slack, Teams, a program and a mail server, each at the end of a line that can be cut."""
    teams, receiver, mail = Teams(), StoryReceiver(), MailServer()
    lines = {name: Line(each.port) for name, each in
             {"slack": slack, "teams": teams, "hook": receiver, "mail": mail}.items()}
    yield slack, teams, receiver, mail, lines
    for line in lines.values():
        line.stop()
    for each in (teams, receiver, mail):
        each.stop()
    assert teams.problems == []


def configured(install, places):
    slack, teams, receiver, _, lines = places
    # Whatever these servers name as their own address is the line's.
    teams.url = f"http://127.0.0.1:{lines['teams'].port}"
    teams.service_url = f"{teams.url}/connector/"

    def change(configuration):
        with_slack(slack, api_url=f"http://127.0.0.1:{lines['slack'].port}/api")(configuration)
        configuration["channels"] += [
            receiver.channel(url=f"http://127.0.0.1:{lines['hook'].port}/hook", timeout="2s"),
            {"name": "mail", "kind": "email", "server": f"127.0.0.1:{lines['mail'].port}", "security": "none",
             "from": "Countersign <countersign@example.com>", "timeout": "2s"},
        ]
        configuration["routing"] = [{"groups": ["*"], "notify": [
            {"channel": "slack", "to": ROOM}, {"channel": "teams", "to": TEAMS_ROOM},
            {"channel": "mail", "to": "dba@example.com"},
        ]}]

    gateway = install(change=change, policies=POLICIES + PATIENT)
    gateway.environment |= {**ENVIRONMENT, "HOOK_SECRET": HOOK_SECRET}
    others = gateway.configuration["channels"], gateway.configuration["routing"]
    teams.configure(gateway, service_url=teams.service_url)
    gateway.configuration["channels"] += others[0]
    gateway.configuration["routing"] = others[1]
    gateway.write_configuration()
    return gateway


def hold(gateway, path):
    answer = gateway.agent().post(f"/api/patient/{path}", headers={"Prefer": "respond-async, wait=0"}, content=b"")
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"].rsplit("/", 1)[1]


def decide(gateway, approval, decision):
    assert gateway.decide(gateway.approval(approval), decision).status_code == 200


def test_after_an_outage_of_every_channel_all_is_told_in_order_and_once(install, places, path):
    slack, teams, receiver, mail, lines = places
    gateway = configured(install, places)
    for line in lines.values():
        line.switch("on")
    gateway.start()
    shown = [hold(gateway, f"{path}/shown/{number}") for number in range(4)]
    # Until the gateway knows it, too: what Teams took and could not say is not to be found again.
    delivered = lambda: gateway.user().get("/v1/notices", params={"state": "delivered"}).json()["items"]
    eventually(lambda: len(delivered()) == 16, 30, "the first cards")
    assert len(slack.messages()) == len(teams.cards()) == len(mail.letters) == len(receiver.payloads) == 4

    began = time.monotonic()
    for line in lines.values():
        line.switch("refused")
    # Nothing waits for a channel: these are held, decided and done within seconds.
    ended, waiting = [], []
    for number in range(6):
        ended.append(hold(gateway, f"{path}/ended/{number}"))
        waiting.append(hold(gateway, f"{path}/waiting/{number}"))
    for approval in [*ended, *shown[:2]]:
        decide(gateway, approval, "approve")
        gateway.until(approval, "succeeded")
    decide(gateway, shown[2], "deny")
    assert time.monotonic() - began < 60
    for failure in ("refused", "silent", FAILURE):
        for name, line in lines.items():
            line.switch(BUSY if failure == FAILURE and name == "mail" else failure)
        # What may pass at once does, as ever.
        allowed = lambda: gateway.agent().get(f"/api/{path}").status_code == 200
        stays(allowed, SECONDS / 3, "an allowed request", pace=min(5, SECONDS / 12))
    status = json.loads(gateway.cli("channels", "status", "--json").stdout)["items"]
    assert {each["name"]: each["state"] for each in status} == dict.fromkeys(lines, "failing"), status
    for line in lines.values():
        line.switch("on")

    def told(condition, what):
        try:
            return eventually(condition, 150, what)
        except AssertionError as failure:
            open_ones = gateway.cli("channels", "notices", "--state", "waiting", "--limit", "100").stdout
            raise AssertionError(f"{failure}\n{open_ones}\n{gateway.log_text()[-6000:]}") from None

    # A minute is the longest that a channel that was down is left alone; a program's schedule is hurried then.
    events = 4 * len([*ended, *shown[:2]]) + 2 + 1 + len(waiting)
    told(lambda: len(set(receiver.ids())) == events, "the webhooks")
    assert max(collections.Counter(receiver.ids()).values()) == 1

    def story(approval):
        seen = {headers["webhook-id"]: json.loads(body) for headers, body in receiver.got}
        return [payload["type"] for payload in seen.values() if payload["data"]["id"] == approval]

    for approval in [*ended, *shown[:2]]:
        assert story(approval) == ["approval.requested", "approval.settled", "action.dispatched", "action.completed"]
    assert story(shown[2]) == ["approval.requested", "approval.settled"]
    assert all(story(each) == ["approval.requested"] for each in [shown[3], *waiting])

    # In a chat there is one card for each that was shown or still waits, and it says what is true.
    for each, cards in [
        (slack, lambda: [json.dumps(message["blocks"]) for message in slack.messages()]),
        (teams, lambda: [message.text for message in teams.cards()]),
    ]:
        told(lambda: len(cards()) == len(shown) + len(waiting), "the cards")
        for number, words in [(0, "done"), (1, "done"), (2, "Denied"), (3, "Approval wanted")]:
            told(lambda: [c for c in cards() if f"{path}/shown/{number}" in c and words in c], (each, number, words))
        for number in range(6):
            found = [card for card in cards() if f"{path}/waiting/{number}" in card]
            assert len(found) == 1 and "Approval wanted" in found[0]
    # By mail each request that waits was asked once, and each that was asked has its end told once.
    told(lambda: len([m for m in mail.letters if "/waiting/" in m.text]) == len(waiting), "the letters")
    subjects = eventually(lambda: collections.Counter(
        (number, letter["Subject"].split(":")[0]) for number in range(4)
        for letter in mail.letters if f"{path}/shown/{number}" in letter.text), 5)
    assert subjects[0, "Approval wanted"] == 1 and max(subjects.values()) == 1, subjects
    # And a person can answer at once.
    card = slack.card(waiting[0])
    slack.send(gateway, slack.click(card, "approve", "alice"))
    gateway.until(waiting[0], "succeeded")
    slack.until_title(card, "Approved, and done", 20)
    gateway.cli("log", "fsck", timeout=120)
