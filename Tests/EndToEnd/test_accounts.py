"""Accounts in chats: whose they are, by command and by configuration."""

import json

import pytest

from harness.waiting import eventually


def test_accounts_are_linked_and_unlinked_by_the_administrator_only(own_gateway):
    gateway = own_gateway
    account = "slack:T0123/U0456"
    for who, status in (("alice", 403), ("erin", 403)):
        answer = gateway.user(who).post("/v1/links", json={"account": account, "user": "alice@example.com"})
        assert answer.status_code == status
        assert gateway.user(who).delete(f"/v1/links/{account.replace('/', '%2F')}").status_code == status
    assert gateway.agent_api().get("/v1/links").status_code == 403
    said = gateway.cli("user", "link", "alice@example.com", account)
    assert "is alice@example.com from now on" in said.stdout
    made = json.loads(gateway.cli("user", "links", "--json").stdout)["items"]
    assert [(item["account"], item["user"], item["by"]) for item in made] == [
        (account, "alice@example.com", "administrator")
    ]
    assert gateway.user("erin").get("/v1/links").json()["items"] == made
    gateway.cli("user", "link", "bob@example.com", account)
    assert "bob@example.com" in gateway.cli("user", "links").stdout
    gateway.cli("user", "link", "bob@example.com", "teams:11-22/33-44", "--json")
    gateway.cli("user", "unlink", account)
    missing = gateway.cli("user", "unlink", account, succeed=False)
    assert missing.returncode == 4 and "no linked account" in missing.stderr
    unknown = gateway.cli("user", "link", "nobody@example.com", account, succeed=False)
    assert unknown.returncode == 4
    for wrong in ("slack", "slack:T1", "slack:T1/U1/U2", "mail:T1/U1", "slack:T 1/U1"):
        refused = gateway.cli("user", "link", "alice@example.com", wrong, succeed=False)
        assert refused.returncode == 2, wrong
    # Without an account it prints a sign-in link, as ever.
    assert "/sign-in?token=" in gateway.cli("user", "link", "alice@example.com", "--ttl", "5m").stdout
    assert gateway.cli("user", "link", "alice@example.com", account, "--ttl", "5m", succeed=False).returncode == 2
    changes = [
        (entry["change"], entry["identity"]["id"], entry["identity"]["user"])
        for entry in gateway.entries(kind="identity.changed")
        if entry["identity"]["type"] == "ChannelLink"
    ]
    assert changes == [
        ("added", account, "alice@example.com"),
        ("changed", account, "bob@example.com"),
        ("added", "teams:11-22/33-44", "bob@example.com"),
        ("revoked", account, "bob@example.com"),
    ]
    listed = {item["account"]: item for item in gateway.user("erin").get("/v1/links").json()["items"]}
    assert (listed[account]["user"], listed[account]["unlinked_from"]) == (None, "bob@example.com")
    assert "nobody, unlinked from bob@example.com" in gateway.cli("user", "links").stdout
    gateway.cli("log", "fsck", timeout=120)
    # The same without a server, on the ledger itself.
    assert gateway.stop() == 0
    gateway.cli("user", "link", "carol@example.com", account)
    assert "carol@example.com" in gateway.cli("user", "links").stdout


def test_declared_accounts_win_and_no_command_changes_them(install):
    gateway = install().start()
    gateway.cli("user", "link", "bob@example.com", "slack:T1/U1")
    gateway.cli("user", "link", "bob@example.com", "slack:T1/U2")
    assert gateway.stop() == 0
    gateway.configuration["users"][0]["accounts"] = ["slack:T1/U1"]
    gateway.write_configuration()
    gateway.start()
    listed = {item["account"]: item for item in gateway.user("erin").get("/v1/links").json()["items"]}
    assert listed["slack:T1/U1"]["user"] == "alice@example.com"
    assert (listed["slack:T1/U1"]["by"], listed["slack:T1/U1"]["made_at"]) == ("configuration", None)
    assert listed["slack:T1/U2"]["user"] == "bob@example.com"
    for command in (["link", "bob@example.com", "slack:T1/U1"], ["unlink", "slack:T1/U1"]):
        refused = gateway.cli("user", *command, succeed=False)
        assert refused.returncode == 5 and "declared in the configuration" in refused.stderr
    # A reload takes it back, and the command's link counts again.
    del gateway.configuration["users"][0]["accounts"]
    gateway.write_configuration()
    gateway.hang_up()

    def is_bobs():
        items = gateway.user("erin").get("/v1/links").json()["items"]
        return {item["account"]: item["user"] for item in items}["slack:T1/U1"] == "bob@example.com"

    eventually(is_bobs, what="the link that the command made")


@pytest.mark.parametrize(
    "accounts, said",
    [
        (["slack:T1"], "is not an account"),
        (["mail:T1/U1"], "is not an account"),
        (["slack:T1/U1", "slack:T1/U1"], "an account is one user's"),
    ],
)
def test_wrong_accounts_are_errors_of_the_configuration(install, accounts, said):
    gateway = install(change=lambda c: c["users"][0].update(accounts=accounts))
    code, text = gateway.refuse_to_start()
    assert code == 2 and said in text and "users[0].accounts" in text
    other = install(change=lambda c: [user.update(accounts=["slack:T1/U1"]) for user in c["users"][:2]])
    code, text = other.refuse_to_start()
    assert code == 2 and "users[1].accounts[0]" in text and "alice@example.com" in text
