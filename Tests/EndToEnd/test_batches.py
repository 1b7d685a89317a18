"""Many alike actions, decided on one page or in one request: each is a decision of its own, on what was shown."""

import html
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from harness.hook_receiver import SECRET, HookReceiver
from harness.waiting import eventually
from test_api import document
from test_dashboard import field, held, sign_in

JSON = ("Content-Type", "application/json")


@pytest.fixture
def gateway(own_gateway):
    """A gateway whose inbox has nothing of other tests in it."""
    return own_gateway


def alike(gateway, path, count=3):
    return [held(gateway, f"/{path}/{number}") for number in range(count)]


def decide(gateway, approvals, decision="approve", user="bob", reason="the same for each", **changes):
    items = [{"id": each["id"], "action_digest": each["action_digest"]} for each in approvals]
    body = {"decisions": items, "decision": decision, "reason": reason} | changes
    return gateway.user(user).post("/v1/approvals/decisions", json=body)


def boxes(page):
    """The checkboxes of a page: what they stand for, and whether they are ticked."""
    found = re.findall(r'<input type="checkbox" name="item" value="([^"]*)"( checked)?>', page)
    return {html.unescape(value): bool(ticked) for value, ticked in found}


def box(approval):
    return f"{approval['id']} {approval['action_digest']} {approval['preview_digest']}"


def form(page, items, decision="approve", reason="looked at each", **changes):
    name, value = re.search(r'name="(like|batch)" value="([^"]*)"', page).groups()
    return {"csrf": field(page, "csrf"), name: value, "item": items, "decision": decision, "reason": reason} | changes


def test_each_of_several_gets_a_decision_of_its_own(gateway, own_upstream, path):
    approvals = alike(gateway, path)
    answer = decide(gateway, approvals)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["counted"], said["refused"]) == (3, 0)
    assert [(item["id"], item["status"], item["code"]) for item in said["items"]] == [
        (each["id"], "approved", None) for each in approvals
    ]
    for each in approvals:
        assert gateway.kinds(each["id"]) == ["approval.requested", "approval.decided", "approval.settled"]
        decision = gateway.approval(each["id"])["decisions"][0]
        assert (decision["user"], decision["reason"]) == ("bob@example.com", "the same for each")
    # Each runs once, when its agent asks again.
    for number in range(3):
        assert gateway.exchange("DELETE", f"/api/{path}/{number}").status == 200
        assert own_upstream.count(f"/{path}/{number}") == 1
    for each in approvals:
        gateway.verify_receipt(each["id"])


def test_what_does_not_count_is_told_and_the_others_count(gateway, path):
    first, second, third = alike(gateway, path)
    gateway.decide(second, "deny", user="alice")
    own = held(gateway, f"/{path}/own", ("Countersign-On-Behalf-Of", "bob@example.com"))
    missing = {"id": "apr_" + "0" * 26, "action_digest": first["action_digest"]}
    said = decide(gateway, [first, second, own, third | {"action_digest": first["action_digest"]}, missing]).json()
    assert [(item["counted"], item["code"]) for item in said["items"]] == [
        (True, None),
        (False, "already-decided"),
        (False, "self-approval"),
        (False, "digest-mismatch"),
        (False, "not-found"),
    ]
    assert (said["counted"], said["refused"]) == (1, 4)
    assert gateway.approval(own["id"])["status"] == gateway.approval(third["id"])["status"] == "pending"
    # Each refusal has an entry, as it has by itself.
    assert [entry["reasons"] for entry in gateway.entries(approval=third["id"], kind="approval.decided")] == [
        ["digest-mismatch"]
    ]
    assert gateway.entries(approval=own["id"], kind="approval.decided")[0]["reasons"] == ["self-approval"]
    for user, code in (("erin", "not-an-approver"), ("olga", "self-approval")):
        assert [item["code"] for item in decide(gateway, [third], user=user).json()["items"]] == [code]


def test_of_two_people_at_once_one_wins_each_approval(gateway, path):
    approvals = alike(gateway, path, 10)
    people = ("alice", "bob")
    for person in people:
        gateway.user(person)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda person: decide(gateway, approvals, user=person).json(), people))
    assert sum(answer["counted"] for answer in answers) == 10
    assert sum(answer["refused"] for answer in answers) == 10
    for each in approvals:
        told = gateway.entries(approval=each["id"], kind="approval.decided")
        assert sorted(entry["accepted"] for entry in told) == [False, True]
        assert [entry["reasons"] for entry in told if not entry["accepted"]] == [["already-decided"]]
        assert len(gateway.approval(each["id"])["decisions"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"decisions": []},
        {"decisions": None},
        {"decisions": ["apr_1"]},
        {"decisions": [{"id": "apr_1", "action_digest": "x"}]},
        {"decision": "maybe"},
        {"decision": "deny", "reason": ""},
        {"reason": "x" * 2001},
        {"more": 1},
        "twice",
        "without-digest",
        "too-many",
    ],
    ids=str,
)
def test_a_malformed_request_decides_nothing(gateway, path, change):
    approvals = alike(gateway, path, 2)
    items = [{"id": each["id"], "action_digest": each["action_digest"]} for each in approvals]
    match change:
        case "twice":
            change = {"decisions": [*items, items[0]]}
        case "without-digest":
            change = {"decisions": [items[0], {"id": items[1]["id"]}]}
        case "too-many":
            change = {"decisions": items[:1] + [items[1] | {"id": f"apr_{n:026}"} for n in range(100)]}
    answer = decide(gateway, approvals, **change)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    for each in approvals:
        assert gateway.kinds(each["id"]) == ["approval.requested"]


def test_agents_and_strangers_decide_on_nothing(gateway, path):
    approvals = alike(gateway, path, 2)
    body = {
        "decisions": [{"id": each["id"], "action_digest": each["action_digest"]} for each in approvals],
        "decision": "approve",
    }
    assert gateway.agent_api().post("/v1/approvals/decisions", json=body).status_code == 403
    assert gateway.anyone().post("/v1/approvals/decisions", json=body).status_code == 401
    assert gateway.user("bob").get("/v1/approvals/decisions").status_code == 404
    assert {gateway.approval(each["id"])["status"] for each in approvals} == {"pending"}


def test_the_same_request_again_runs_once(gateway, path):
    approvals = alike(gateway, path, 2)
    body = {
        "decisions": [{"id": each["id"], "action_digest": each["action_digest"]} for each in approvals],
        "decision": "approve",
    }
    answers = [
        gateway.user("bob").post("/v1/approvals/decisions", json=body, headers={"Idempotency-Key": f"batch-{path}"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json() and answers[1].json()["counted"] == 2
    assert [gateway.kinds(each["id"]).count("approval.decided") for each in approvals] == [1, 1]


def test_the_inbox_shows_alike_actions_together(gateway, path):
    approvals = alike(gateway, path)
    # Another query, method, header field, agent or connection is another shape.
    held(gateway, f"/{path}/4?force=true")
    held(gateway, f"/{path}/deeper/5")
    held(gateway, f"/{path}/6", ("X-Force", "yes"))
    held(gateway, f"/{path}/7", ("Countersign-On-Behalf-Of", "erin@example.com"))
    answer = gateway.exchange("DELETE", f"/impatient/{path}/8", ("Prefer", "wait=0"))
    assert answer.status == 202
    answer = gateway.exchange("DELETE", f"/api/{path}/9", ("Prefer", "wait=0"), agent="other-bot")
    assert answer.status == 202
    with closing(sign_in(gateway, "bob")) as browser:
        inbox = browser.get("/").text
        assert "9 actions wait for your decision." in inbox
        assert inbox.count("Look at all and decide") == 1 and "3 alike" in inbox
        link = html.unescape(re.search(r'href="(/approvals/batch\?like=[^"]*)"', inbox)[1])
        page = browser.get(link).text
        assert boxes(page) == {box(each): False for each in approvals}
        for each in approvals:
            assert each["action_digest"] in page and f"/approvals/{each['id']}" in page


def test_payloads_differ_and_are_shown_in_full_or_said_to_be_cut(gateway, path):
    place = f"/api/held/{path}"
    bodies = [b'{"note": "<b>one</b>"}', b'{"note": "two \xe2\x80\xae"}', b'{"note": "' + b"x" * 5000 + b'"}']
    for body in bodies:
        assert gateway.exchange("POST", place, JSON, ("Prefer", "wait=0"), body=body).status == 202
    approvals = gateway.of(f"/held/{path}")
    long = max(approvals, key=lambda each: len(each["action"]["context"]["payload"]["text"]))
    with closing(sign_in(gateway, "bob")) as browser:
        link = f"/approvals/batch?like={approvals[0]['id']}"
        page = browser.get(link).text
        assert len(boxes(page)) == 3
        assert "&lt;b&gt;one&lt;/b&gt;" in page and "<b>one" not in page
        assert "\u202e" not in page and "U+202E" in page or "RIGHT-TO-LEFT OVERRIDE" in page
        assert "Not all of it is shown here." in page and "x" * 2500 not in page
        # Ticking all ticks what is shown whole, and only that.
        all_of_them = html.unescape(re.search(r'href="(/approvals/batch\?[^"]*ticked=[^"]*)"', page)[1])
        ticked = boxes(browser.get(all_of_them).text)
        assert {value for value, on in ticked.items() if not on} == {box(long)} and len(ticked) == 3
        # What came after the page was made is not ticked by its link.
        assert gateway.exchange("POST", place, JSON, ("Prefer", "wait=0"), body=b'{"note": "late"}').status == 202
        later = boxes(browser.get(all_of_them).text)
        assert sum(later.values()) == 2 and len(later) == 4
        # Nobody makes a link that ticks what another has not seen.
        with closing(sign_in(gateway, "alice")) as other:
            assert not any(boxes(other.get(all_of_them).text).values())
        until = re.search(r"ticked=(\d+)", all_of_them)[1]
        for forged in (until, until + "." + "0" * 64, "9223372036854775807", "9223372036854775807.x"):
            assert not any(boxes(browser.get(f"{link}&ticked={forged}").text).values())


def several(gateway, path, **context):
    """An action whose second operation the resource, which is the first's, does not tell of."""
    operations = [
        {"effect": "delete", "action": "http:delete", "resource": {"type": "Endpoint", "id": f"api/{what}/{path}"}}
        for what in ("orders", "customers")
    ]
    submitted = document(path, "delete", operations=operations, **context)
    answer = gateway.agent_api().post("/v1/actions", json=submitted)
    assert answer.status_code == 202, answer.text
    return gateway.approval(answer.json()["approval"]["id"])


def test_an_action_of_several_operations_shows_all_of_them_or_is_said_to_be_cut(gateway, path):
    approvals = [several(gateway, f"{path}/{number}") for number in range(3)]
    # In the order of the document, what stands before the operations leaves no room for them.
    long = several(gateway, f"{path}/3", a="x" * 3000)
    with closing(sign_in(gateway, "bob")) as browser:
        for place in ("/", f"/approvals/{long['id']}"):
            assert f"api/orders/{path}/3 and 1 more operation<" in browser.get(place).text
        page = browser.get(f"/approvals/batch?like={approvals[0]['id']}").text
        assert page.count(" and 1 more operation<") == 3
        assert all(f"api/customers/{path}/{number}" in page for number in range(3))
        assert "Not all of it is shown here." not in page
        all_of_them = html.unescape(re.search(r'href="(/approvals/batch\?[^"]*ticked=[^"]*)"', page)[1])
        assert boxes(browser.get(all_of_them).text) == {box(each): True for each in approvals}
        cut = browser.get(f"/approvals/batch?like={long['id']}").text
        assert f"api/customers/{path}" not in cut and "Not all of it is shown here." in cut


def test_the_form_decides_on_what_was_ticked_and_on_nothing_that_came_later(gateway, path):
    approvals = alike(gateway, path)
    with closing(sign_in(gateway, "bob")) as browser:
        page = browser.get(f"/approvals/batch?like={approvals[0]['id']}").text
        late = held(gateway, f"/{path}/late")
        done = browser.post("/approvals/batch/decide", data=form(page, [box(each) for each in approvals[:2]]))
        assert done.status_code == 200 and "2 decisions count." in done.text
        assert set(boxes(done.text)) == {box(approvals[2]), box(late)} and not any(boxes(done.text).values())
        assert [gateway.approval(each["id"])["status"] for each in [*approvals, late]] == [
            "approved",
            "approved",
            "pending",
            "pending",
        ]
        # The old form again: nothing new is decided, and each is told.
        again = browser.post("/approvals/batch/decide", data=form(page, [box(each) for each in approvals]))
        assert "1 decision counts. 2 do not:" in again.text and again.text.count("already-decided") == 2
        assert gateway.approval(late["id"])["status"] == "pending"


def test_a_form_that_is_not_as_the_page_made_it_is_refused(gateway, path):
    approvals = alike(gateway, path)
    first, second = approvals[:2]
    with closing(sign_in(gateway, "bob")) as browser:
        page = browser.get(f"/approvals/batch?like={first['id']}").text
        good = form(page, [box(first)])
        post = lambda **changes: browser.post("/approvals/batch/decide", data=good | changes)
        assert post(csrf="x").status_code == 403 and post(csrf="").status_code == 403
        other = f"{first['id']} {second['action_digest']} {first['preview_digest']}"
        for items in (
            [box(first), box(first)],
            [first["id"]],
            [f"{first['id']} {first['action_digest']}"],
            [box(first) + " "],
            [f"{first['id']} {first['action_digest']} x"],
        ):
            assert post(item=items).status_code == 400, items
        assert post(decision="maybe").status_code == post(reason="x" * 2001).status_code == 400
        assert post(like="apr_1").status_code == post(like="").status_code == 404
        assert "Tick the actions" in post(item=[]).text
        unsaid = post(decision="deny", reason=" ", item=[box(first)]).text
        assert "Say why you deny" in unsaid and "Nothing was decided." in unsaid
        # What was ticked is ticked still, and nothing else.
        assert [value for value, on in boxes(unsaid).items() if on] == [box(first)]
        assert {gateway.approval(each["id"])["status"] for each in approvals} == {"pending"}
        # The digest of another: recorded as such a decision is by itself.
        assert "digest-mismatch" in post(item=[other]).text
        assert gateway.approval(first["id"])["status"] == "pending"
        away = browser.post("/approvals/batch/decide", data=good, headers={"Sec-Fetch-Site": "cross-site"})
        assert away.status_code == 403
        assert "1 decision counts." in post(decision="deny", reason="no").text
        assert gateway.approval(first["id"])["status"] == "denied"


def test_who_may_not_decide_has_no_boxes(gateway, path):
    approvals = alike(gateway, path)
    with closing(sign_in(gateway, "olga")) as owner, closing(sign_in(gateway, "bob")) as browser:
        link = f"/approvals/batch?like={approvals[0]['id']}"
        page = owner.get(link).text
        assert not boxes(page) and "3 more of them are not yours to decide." in page
        stolen = form(browser.get(link).text, [box(each) for each in approvals])
        token = field(owner.get("/").text, "csrf")
        done = owner.post("/approvals/batch/decide", data=stolen | {"csrf": token})
        assert done.text.count("(self-approval)") == 3
    assert {gateway.approval(each["id"])["status"] for each in approvals} == {"pending"}


@pytest.mark.parametrize("query", ["", "?like=apr_1", "?like=apr_" + "0" * 26, "?batch=bat_x", "?batch=%3Cscript%3E"])
def test_a_page_about_nothing_is_not_found(gateway, query):
    with closing(sign_in(gateway, "bob")) as browser:
        answer = browser.get("/approvals/batch" + query)
        assert answer.status_code == 404 and "<script>" not in answer.text


def test_the_link_of_a_digest_card_leads_to_all_that_it_told_of(install, path):
    receiver = HookReceiver()

    def change(configuration):
        configuration["channels"] = [receiver.channel()]

    gateway = install(change=change)
    gateway.environment["HOOK_SECRET"] = SECRET
    gateway.start()
    approvals = [held(gateway, f"/{path}/1"), held(gateway, f"/{path}/2"), held(gateway, f"/{path}/deep/3")]
    outside = held(gateway, f"/{path}/4")
    eventually(lambda: receiver.about(outside), what="the webhooks")
    assert gateway.stop() == 0
    # A webhook gathers nothing; this is what a channel that does has in the outbox.
    batch = "bat_" + "Ab-_" * 5 + "xy"
    with closing(sqlite3.connect(gateway.data / "ledger.db")) as database, database:
        for each in approvals:
            database.execute("UPDATE notice SET batch = ?1, subject = ?1 WHERE approval = ?2", (batch, each["id"]))
    gateway.start()
    gateway.decide(approvals[1], "deny", user="alice")
    with closing(sign_in(gateway, "bob")) as browser:
        page = browser.get(f"/approvals/batch?batch={batch}").text
        assert set(boxes(page)) == {box(approvals[0]), box(approvals[2])}
        # Two shapes are two forms.
        assert page.count('action="/approvals/batch/decide"') == 2
        assert "1 of them are over" in page
        done = browser.post("/approvals/batch/decide", data=form(page, [box(approvals[0])]))
        assert "1 decision counts." in done.text and set(boxes(done.text)) == {box(approvals[2])}
        assert browser.get("/approvals/batch?batch=bat_" + "A" * 22).status_code == 200
    assert gateway.approval(outside["id"])["status"] == "pending"
    receiver.stop()
