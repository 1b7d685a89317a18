"""Webhooks: the reference library verifies each, and no answer, redirect or name leads them anywhere else."""

import base64
import json
import re
from datetime import datetime

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.gateway import POLICIES
from harness.hooks import HookReceiver, new_secret
from harness.waiting import eventually, stays

pytestmark = pytest.mark.timeout(120)

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def receiver():
    """Makes receivers for one test."""
    made = []

    def make(*arguments, **options):
        made.append(HookReceiver(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def hooked(install):
    """A running gateway with a webhook, and its secret."""

    def make(url, secrets=None, more=None, start=True, routing=None, policies=POLICIES, **channel):
        secrets = secrets or [new_secret()]

        def change(configuration):
            references = [f"env:HOOK_SECRET_{number}" for number in range(len(secrets))]
            channel.setdefault("allow", LOOPBACK)
            hook = {"name": "workflow", "kind": "webhook", "url": url, "secrets": references} | channel
            configuration["channels"] = [{k: v for k, v in hook.items() if v is not None}]
            if routing:
                configuration["routing"] = routing
            if more:
                more(configuration)

        gateway = install(change=change, policies=policies)
        gateway.secrets = secrets
        gateway.environment |= {f"HOOK_SECRET_{number}": secret for number, secret in enumerate(secrets)}
        return gateway.start() if start else gateway

    return make


def hold(gateway, path="x", agent="bot"):
    ask = gateway.ask("DELETE", f"/api/{path}", agent=agent)
    return ask, gateway.pending(f"/{path}")


def taken(receiver, type, count=1):
    return eventually(lambda: (found := receiver.taken(type)) and len(found) >= count and found, 15, f"a webhook {type}")


def failed(gateway, words):
    """Waits until the server's log has words."""
    return eventually(lambda: words in gateway.log_text(), 20, f"{words!r} in the log")


def test_the_reference_library_verifies_every_webhook_of_an_approval(receiver, hooked):
    receiver = receiver()
    gateway = hooked(receiver.url("127.0.0.1"))
    ask, approval = hold(gateway)
    gateway.approve(approval)
    assert ask.answer().status == 200
    taken(receiver, "action.completed")
    types = [call.type for call in receiver.taken()]
    assert types == ["approval.requested", "approval.settled", "action.dispatched", "action.completed"]
    for call in receiver.taken():
        body = call.verify(gateway.secrets[0])
        assert call.method == "POST" and call.path == "/hooks/in" and len(call.body) < 20_000
        assert call.fields["content-type"] == "application/json"
        assert body["data"]["id"] == approval["id"] and body["data"]["connection"] == "api"
        assert body["data"]["url"] == f"http://127.0.0.1:{gateway.control}/approvals/{approval['id']}"
        datetime.fromisoformat(body["timestamp"])
        # Thin: nothing of what the action does.
        assert not {"action", "payload", "document", "justification"} & set(body["data"])
    statuses = [call.json["data"]["status"] for call in receiver.taken()]
    assert statuses == ["pending", "approved", "redeemed", "succeeded"]
    assert len({call.id for call in receiver.taken()}) == 4


def test_a_webhook_that_is_sent_again_keeps_its_id_and_has_a_time_of_its_own(receiver, hooked):
    receiver = receiver(script=[(429, {"Retry-After": "1"})])
    gateway = hooked(receiver.url("127.0.0.1"))
    hold(gateway)
    taken(receiver, "approval.requested")
    assert [call.step if isinstance(call.step, int) else call.step[0] for call in receiver.calls] == [429, 204]
    assert len({call.id for call in receiver.calls}) == 1 and len({call.body for call in receiver.calls}) == 1
    times = [int(call.fields["webhook-timestamp"]) for call in receiver.calls]
    assert times == sorted(times) and times[0] < times[-1]
    for call in receiver.calls:
        call.verify(gateway.secrets[0])


def test_during_a_rotation_either_secret_verifies_and_no_other(receiver, hooked):
    receiver = receiver()
    old, new, other = new_secret(), new_secret(), new_secret()
    gateway = hooked(receiver.url("127.0.0.1"), [new, old])
    hold(gateway)
    call = taken(receiver, "approval.requested")[0]
    assert call.fits(old) and call.fits(new) and not call.fits(other)
    assert [part.split(",")[0] for part in call.fields["webhook-signature"].split()] == ["v1", "v1"]


def test_an_ed25519_signature_stands_beside_the_shared_secrets(receiver, hooked):
    receiver = receiver()
    key = Ed25519PrivateKey.generate()
    text = "whsk_" + base64.b64encode(key.private_bytes_raw()).decode()
    shared = new_secret()
    gateway = hooked(receiver.url("127.0.0.1"), [shared, text])
    hold(gateway)
    call = taken(receiver, "approval.requested")[0]
    assert call.fits(shared)
    signature = re.search(r"v1a,(\S+)", call.fields["webhook-signature"])[1]
    signed = f"{call.id}.{call.fields['webhook-timestamp']}.".encode() + call.body
    key.public_key().verify(base64.b64decode(signature), signed)


def test_tls_is_checked_for_the_name(receiver, hooked, authority):
    good = receiver(authority)
    gateway = hooked(good.url("localhost"), tls={"ca": str(authority.file)})
    hold(gateway)
    taken(good, "approval.requested")


@pytest.mark.parametrize("wrong", ["another name", "unknown authority"])
def test_a_certificate_that_does_not_fit_gets_nothing(receiver, hooked, authority, wrong):
    names = ["evil.example"] if wrong == "another name" else ["localhost"]
    bad = receiver(authority if wrong == "another name" else trustme.CA(), names=names)
    gateway = hooked(bad.url("localhost"), tls={"ca": str(authority.file)})
    hold(gateway)
    failed(gateway, "TLS failed")
    assert not bad.calls


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1"])
def test_loopback_in_any_spelling_is_refused_unless_it_is_allowed(receiver, hooked, authority, host):
    receiver = receiver(authority)
    gateway = hooked(receiver.url(host), allow=None, tls={"ca": str(authority.file)})
    hold(gateway)
    failed(gateway, "address-refused")
    assert not receiver.calls


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[fd00::1]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0", "[::]"])
def test_private_and_metadata_addresses_are_refused_although_loopback_is_allowed(hooked, host):
    gateway = hooked(f"https://{host}/hooks")
    hold(gateway)
    failed(gateway, "address-refused")


def test_without_tls_only_this_host_is_told(hooked):
    gateway = hooked("http://hooks.example.com/", start=False)
    code, said = gateway.refuse_to_start()
    assert code != 0 and "without TLS" in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, hooked, status):
    inner = receiver()
    outer = receiver(script=[(status, {"Location": inner.url("127.0.0.1")})])
    gateway = hooked(outer.url("127.0.0.1"))
    hold(gateway)
    failed(gateway, f"answered {status}, and redirects are not followed")
    assert len(outer.calls) == 1 and not inner.calls


def test_a_slash_at_the_end_of_an_address_is_part_of_it(receiver, hooked):
    receiver = receiver()
    gateway = hooked(receiver.url("127.0.0.1", "/in/"))
    hold(gateway)
    taken(receiver, "approval.requested")
    assert {call.path for call in receiver.calls} == {"/in/"}


def test_no_proxy_of_the_environment_is_asked(receiver, hooked):
    proxy, target = receiver(), receiver()
    gateway = hooked(target.url("127.0.0.1"), start=False)
    address = f"http://127.0.0.1:{proxy.port}"
    gateway.environment |= {name: address for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY")}
    gateway.start()
    hold(gateway)
    taken(target, "approval.requested")
    assert not proxy.calls


def test_an_endless_answer_and_a_silent_one_hold_nothing_up(receiver, hooked):
    receiver = receiver(script=["hang"], body=b"x" * (1 << 20))
    gateway = hooked(receiver.url("127.0.0.1"), timeout="500ms")
    hold(gateway, "silent")
    failed(gateway, "no answer within")
    eventually(lambda: len(receiver.taken()) >= 1, 30, "the second attempt")


def test_a_receiver_that_answers_410_is_left_alone_until_somebody_says_otherwise(receiver, hooked):
    receiver = receiver(script=[410])
    gateway = hooked(receiver.url("127.0.0.1"))
    hold(gateway, "first")
    failed(gateway, "answered 410")
    entry = eventually(lambda: gateway.entries(kind="channel.changed"), 10, "the entry")[-1]
    assert (entry["channel"], entry["state"], entry["actor"]["type"]) == ("workflow", "disabled", "System")
    assert gateway.secrets[0] not in str(entry)
    hold(gateway, "second")
    eventually(lambda: gateway.log_text().count("a notice was refused") >= 2, 10, "the second refusal")
    # It survives a restart, and a crash.
    gateway.kill()
    gateway.start()
    hold(gateway, "third")
    eventually(lambda: gateway.log_text().count("a notice was refused") >= 3, 10, "the third refusal")
    assert len(receiver.calls) == 1
    # Only who can read the data folder switches it on.
    assert gateway.user("alice").post("/v1/channels/workflow/enable").status_code == 403
    assert gateway.anyone().post("/v1/channels/workflow/enable").status_code == 401
    gateway.cli("channels", "enable", "workflow")
    assert gateway.cli("channels", "enable", "workflow", succeed=False).returncode == 6
    assert gateway.entries(kind="channel.changed")[-1]["state"] == "enabled"
    _, approval = hold(gateway, "fourth")
    call = taken(receiver, "approval.requested")[-1]
    assert call.json["data"]["id"] == approval["id"]
    gateway.verify_log()
    gateway.stop()
    gateway.cli("log", "fsck")


def test_another_setup_switches_a_channel_on(receiver, hooked):
    receiver = receiver(script=[410])
    gateway = hooked(receiver.url("127.0.0.1"))
    hold(gateway, "first")
    failed(gateway, "answered 410")
    gateway.stop()
    gateway.environment["HOOK_SECRET_0"] = new_secret()
    gateway.start()
    hold(gateway, "second")
    taken(receiver, "approval.requested")


def test_events_connections_and_groups_say_what_is_told(receiver, hooked):
    receiver = receiver()
    gateway = hooked(
        receiver.url("127.0.0.1"), events=["approval.settled"], connections=["api"], groups=["security"]
    )
    ask, approval = hold(gateway, "dba-only")
    gateway.approve(approval)
    ask.answer()
    both = gateway.ask("POST", "/api/both-groups/x", body=b"")
    approval = gateway.pending("/both-groups/x")
    gateway.approve(approval, "dave")
    gateway.approve(approval, "alice")
    assert both.answer().status == 200
    calls = taken(receiver, "approval.settled")
    stays(lambda: len(receiver.calls) == 1, 1)
    assert calls[0].json["data"]["id"] == approval["id"]


def test_each_event_of_a_life_has_its_type(receiver, hooked):
    receiver = receiver()
    gateway = hooked(receiver.url("127.0.0.1"))
    ask = gateway.ask("POST", "/api/two-dbas/x", body=b"")
    approval = gateway.pending("/two-dbas/x")
    said = gateway.agent_api().post(f"/v1/approvals/{approval['id']}/comments", json={"text": "It is urgent."})
    assert said.status_code == 200
    gateway.approve(approval, "alice")
    gateway.approve(approval, "bob")
    assert ask.answer().status == 200
    taken(receiver, "action.completed")
    assert [call.type for call in receiver.taken()] == [
        "approval.requested", "approval.commented", "approval.decided", "approval.settled", "action.dispatched",
        "action.completed",
    ]  # fmt: skip
    assert all("It is urgent." not in call.body.decode() and call.verify(gateway.secrets[0]) for call in receiver.taken())


SHORT = """
@id("short") @approvers("dba") @expires("6s") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/short/*" };
"""


def test_reminders_and_escalations_have_types_of_their_own(receiver, hooked):
    receiver = receiver()
    routing = [
        {"groups": ["dba"], "notify": [{"channel": "workflow"}], "remind": "2s",
         "escalate": [{"after": "1s", "notify": [{"channel": "workflow"}]}]}
    ]  # fmt: skip
    gateway = hooked(receiver.url("127.0.0.1"), routing=routing, policies=POLICIES + SHORT)
    gateway.ask("GET", "/api/short/x")
    approval = gateway.pending("/short/x")
    taken(receiver, "approval.settled")
    types = [call.type for call in receiver.taken()]
    assert types == ["approval.requested", "approval.escalated", "approval.reminder", "approval.settled"]
    for call in receiver.taken():
        assert call.json["data"]["id"] == approval["id"] and call.verify(gateway.secrets[0])
    assert receiver.taken()[-1].json["data"]["status"] == "expired"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"events": ["approval.setled"]}, "did you mean approval.settled"),
        ({"allow": ["10.0.0.1/8"]}, "bits behind its prefix"),
        ({"url": "ftp://example.com"}, "is not https://"),
        ({"url": "https://hooks.example.com:6379/"}, "another protocol's"),
        ({"url": "https://user@hooks.example.com/"}, "is not https://"),
        ({"url": "https://hooks.example.com/?to=x"}, "is not https://"),
        ({"redirects": True}, "is an unknown key"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said(hooked, change, words):
    gateway = hooked("https://hooks.example.com/", start=False)
    gateway.configuration["channels"][0] |= change
    gateway.write_configuration()
    code, said = gateway.refuse_to_start()
    assert code != 0 and words in said


def test_secrets_are_made_by_the_command_line(gateway):
    made = {gateway.cli("channels", "webhook", "secret", configured=False).stdout.strip() for _ in range(2)}
    assert len(made) == 2
    for secret in made:
        assert secret.startswith("whsec_") and len(base64.b64decode(secret[6:], validate=True)) == 32
    pair = json.loads(gateway.cli("channels", "webhook", "secret", "--ed25519", "--json", configured=False).stdout)
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(pair["secret"].removeprefix("whsk_"), validate=True))
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    assert pair["public_key"] == "whpk_" + public
    lines = gateway.cli("channels", "webhook", "secret", "--ed25519", configured=False).stdout.split()
    assert [line[:5] for line in lines] == ["whsk_", "whpk_"] and lines[0] != pair["secret"]
