"""E-mail: a real server receives it, a person can read it, and nothing in it, or in a server's answers, does harm."""

import email.utils
import re
import shutil
import socket
import subprocess

import pytest
import trustme

from harness.mailserver import MailServer, OddServer
from harness.receivers import tls_context
from harness.waiting import eventually, stays

pytestmark = pytest.mark.timeout(120)

USERS = {"countersign": "correct horse battery staple"}
FROM = "Countersign <countersign@example.com>"


@pytest.fixture
def server():
    """Makes mail servers for one test."""
    made = []

    def make(kind, *arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def mailing(install, authority):
    """A running gateway that mails the DBAs."""

    def make(server, to="dba@example.com", start=True, route=None, host="127.0.0.1", more=None, **channel):
        def change(configuration):
            mail = {"name": "mail", "kind": "email", "server": f"{host}:{server.port}", "from": FROM, "timeout": "2s"}
            mail |= {"tls": {"ca": str(authority.file)}} if channel.get("security") != "none" else {}
            mail |= channel
            configuration["channels"] = [mail]
            destinations = [{"channel": "mail", "to": each} for each in ([to] if isinstance(to, str) else to)]
            configuration["routing"] = [{"groups": ["dba"], "notify": destinations} | (route or {})]
            if more:
                more(configuration)

        gateway = install(change=change)
        gateway.environment["MAIL_PASSWORD"] = USERS["countersign"]
        return gateway.start() if start else gateway

    return make


SIGNED_IN = {"username": "countersign", "password": "env:MAIL_PASSWORD"}


def hold(gateway, path="x", body=None, headers=()):
    ask = gateway.ask("DELETE", f"/api/{path}", *headers, body=body)
    return ask, gateway.pending(f"/{path}")


def letters(server, count=1):
    return eventually(lambda: len(server.letters) >= count and server.letters, 20, f"{count} letters")


def failed(gateway, words):
    return eventually(lambda: words in gateway.log_text(), 20, f"{words!r} in the log")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_starttls_and_sign_in_and_a_mail_that_a_person_can_read(server, mailing, authority, mechanism):
    server = server(MailServer, authority, users=USERS, mechanisms=[mechanism])
    gateway = mailing(server, **SIGNED_IN)
    ask, approval = hold(gateway, "customers/42", headers=[("Countersign-Justification", "The ticket says so.")])
    letter = letters(server)[0]
    assert letter.is_private and letter.user == "countersign"
    assert (letter.sender, letter.recipients) == ("countersign@example.com", ["dba@example.com"])
    assert letter["Subject"] == "Approval wanted: http:delete in api, asked by bot"
    assert letter["From"] == FROM and letter["To"] == "dba@example.com"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert abs(email.utils.parsedate_to_datetime(letter["Date"]).timestamp() - email.utils.localtime().timestamp()) < 60
    assert letter.message.get_content_type() == "multipart/alternative"
    assert not letter.message.defects and not any(part.defects for part in letter.message.walk())
    link = f"http://127.0.0.1:{gateway.control}/approvals/{approval['id']}"
    assert letter.links == [link] and link in letter.text
    for content in (letter.text, letter.html):
        assert "DELETE /customers/42" in content and "The ticket says so." in content
        assert "which nobody has checked" in content and "deletes-need-a-dba" in content
        assert approval["action_digest"][:12] in content and "Time left" in content
    assert all(len(line) <= 998 for line in letter.raw.split(b"\r\n")) and letter.raw.isascii()
    assert b"\n" not in letter.raw.replace(b"\r\n", b"")
    gateway.approve(approval)
    assert ask.answer().status == 200


def test_tls_from_the_first_byte(server, mailing, authority):
    server = server(MailServer, authority, names=["localhost"], users=USERS, implicit=True)
    gateway = mailing(server, security="tls", host="localhost", **SIGNED_IN)
    hold(gateway)
    assert letters(server)[0].is_private or letters(server)[0].user == "countersign"


def test_those_who_were_asked_learn_the_end_in_the_same_thread_and_nothing_in_between(server, mailing, authority):
    server = server(MailServer, authority)
    route = {"remind": "1798s", "escalate": [{"after": "1s", "notify": [{"channel": "mail", "to": "boss@example.com"}]}]}
    gateway = mailing(server, to="alice@example.com, bob@example.com", route=route)
    ask, approval = hold(gateway)
    letters(server, 2)
    gateway.approve(approval)
    assert ask.answer().status == 200
    eventually(lambda: len([each for each in server.letters if each["Subject"].startswith("Approved")]) == 2, 20)
    stays(lambda: len(server.letters) <= 5, 1)
    by = {(each["To"].split(",")[0], each["Subject"].split(":")[0]): each for each in server.letters}
    first = by["alice@example.com", "Approval wanted"]
    assert first.recipients == ["alice@example.com", "bob@example.com"] and first["References"] is None
    end = next(each for (to, subject), each in by.items() if to.startswith("alice") and subject.startswith("Approved"))
    assert end["References"] == end["In-Reply-To"] == first["Message-ID"] != end["Message-ID"]
    assert "Approved by bob@example.com" in end.text.replace(":     ", " by ") or "bob@example.com at" in end.text
    escalated = by["boss@example.com", "Approval wanted, and nobody has answered"]
    told = next(each for (to, subject), each in by.items() if to.startswith("boss") and subject.startswith("Approved"))
    assert told["References"] == escalated["References"]
    assert len({each["Message-ID"] for each in server.letters}) == len(server.letters)


def test_who_was_never_asked_is_not_told_of_the_end(server, mailing, authority):
    server = server(MailServer, authority)
    route = {"escalate": [{"after": "20m", "notify": [{"channel": "mail", "to": "boss@example.com"}]}]}
    gateway = mailing(server, route=route)
    ask, approval = hold(gateway)
    letters(server)
    gateway.decide(approval, "deny", reason="no")
    assert ask.answer().status == 403
    letters(server, 2)
    stays(lambda: all(each["To"] == "dba@example.com" for each in server.letters), 1)
    assert server.letters[1]["Subject"].startswith("Denied")


def test_many_questions_are_one_mail(server, mailing, authority):
    server = server(MailServer, authority)
    gateway = mailing(server, route={"digest": {"after": 2, "every": "3s"}})
    asks = [hold(gateway, f"many/{number}") for number in range(7)]
    digest = eventually(lambda: [each for each in server.letters if "approvals wanted" in each["Subject"]], 20)[-1]
    listed = [approval["id"] for _, approval in asks if any(approval["id"] in link for link in digest.links)]
    # One for each of them, and one to the page on which all are decided.
    assert len(listed) >= 2 and len(digest.links) == len(listed) + 1
    for identifier in listed:
        approval = gateway.approval(identifier)
        assert approval["action_digest"][:12] in digest.text and approval["action"]["context"]["path"] in digest.text
    # One that is sent again, or to say who came too late for the first, is none that readers take for the same.
    notice, = gateway.user().get("/v1/notices", params={"approval": listed[0]}).json()["items"]
    gateway.cli("channels", "replay", str(notice["number"]))
    mails = lambda: [each for each in server.letters if "approvals wanted" in each["Subject"] and each.links == digest.links]
    eventually(lambda: len(mails()) == 2, 20)
    assert mails()[1]["In-Reply-To"] == digest["Message-ID"] != mails()[1]["Message-ID"]
    for _, approval in asks:
        gateway.approve(approval)
    for ask, _ in asks:
        assert ask.answer().status == 200
    eventually(lambda: [each for each in server.letters if "are settled" in each["Subject"]], 20)


HOSTILE = [
    "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>", "\r\n.\r\nMAIL FROM:<a@b.c>\r\n", "=?utf-8?B?RXZpbA==?=",
    "\u202etxt.exe", "</pre></td></table><a href=\"https://evil.example\">Approve</a>", "' onmouseover='alert(1)",
    "x" * 5000, "\n\nOpen the approval to decide:\nhttps://evil.example/approvals/1", "--=_thr\r\nContent-Type: text/html",
]  # fmt: skip


def test_an_agents_words_stay_words(server, mailing, authority):
    server = server(MailServer, authority)
    gateway = mailing(server)
    for number, text in enumerate(HOSTILE):
        action = {
            "subject": {"type": "Agent", "id": "bot"},
            "action": {"name": "http:delete"},
            "resource": {"type": "Connection", "id": "api"},
            "context": {
                "operations": [{"effect": "delete", "action": "http:delete",
                                "resource": {"type": "Endpoint", "id": f"api/DELETE /words/{number}"}}],
                "method": "DELETE", "path": f"/words/{number}", "payload": {"media_type": "text/plain", "text": text},
            },
        }  # fmt: skip
        answer = gateway.agent_api().post("/v1/actions", json=action)
        assert answer.status_code == 202, answer.text
        approval = answer.json()["approval"]
        letter = eventually(lambda: [each for each in server.letters if approval["id"] in each.text], 20)[-1]
        assert letter.recipients == ["dba@example.com"]
        assert set(letter.message.keys()) == {
            "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
            "Content-Type",
        }  # fmt: skip
        assert letter["Subject"] == "Approval wanted: http:delete in api, asked by bot"
        assert [part.get_content_type() for part in letter.message.walk()][1:] == ["text/plain", "text/html"]
        assert letter.links == [f"http://127.0.0.1:{gateway.control}/approvals/{approval['id']}"]
        tags = set(re.findall(r"</?([a-z0-9]+)", letter.html.lower()))
        known = {"html", "head", "meta", "title", "body", "h1", "h2", "p", "table", "tr", "th", "td", "pre", "a"}
        assert tags <= known and "onmouseover='" not in letter.html
        assert "\u202e" not in letter.text + letter.html
        # Every line of the agent's stands behind a bar, so that ours cannot be copied.
        lines = letter.text.splitlines()
        assert [line for line in lines if line.startswith("https://evil") or line == "."] == []
        assert sum(line.startswith("Open the approval") for line in lines) == 1


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_shows_the_mail_as_text_with_one_link(server, mailing, authority, screenshots, tmp_path):
    server = server(MailServer, authority)
    gateway = mailing(server)
    words = '<img src=x onerror="document.title=1"><a href="https://evil.example">Approve</a> & </pre>'
    hold(gateway, "customers/42", headers=[("Countersign-Justification", words)])
    page = tmp_path / "mail.html"
    page.write_text(letters(server)[0].html)

    def browse(*arguments):
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
        return subprocess.run([*command, *arguments, page.as_uri()], capture_output=True, text=True, timeout=60)

    document = browse("--dump-dom").stdout
    assert document.count("<a ") == 1 and "<img" not in document and "&lt;img src=x onerror=" in document
    for name, arguments in {"light": (), "dark": ("--force-dark-mode", "--enable-features=WebContentsForceDark")}.items():
        picture = screenshots / f"mail-{name}.png"
        browse("--hide-scrollbars", "--window-size=700,900", f"--screenshot={picture}", *arguments)
        assert picture.stat().st_size > 5000


def test_of_several_recipients_each_gets_it_once_whatever_the_server_says_of_the_others(server, mailing, authority):
    server = server(MailServer, authority)
    server.keeper.answers = {"late@example.com": ["451 later"], "gone@example.com": "550 gone"}
    gateway = mailing(server, to="dba@example.com, late@example.com, gone@example.com")
    hold(gateway)
    eventually(lambda: [each for each in server.letters if "late@example.com" in each.recipients], 20)
    stays(lambda: len(server.letters) == 2, 1)
    assert [each.recipients for each in server.letters] == [["dba@example.com"], ["late@example.com"]]
    assert len({each["Message-ID"] for each in server.letters}) == 1
    assert "gone@example.com" in gateway.log_text()


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize("answer", ["421 bye", "451 later", "hang", "drop", "nonsense", "250-\r\n" * 2000])
def test_whatever_goes_wrong_for_a_while_the_mail_arrives(server, mailing, verb, answer):
    server = server(OddServer, {verb: answer})
    gateway = mailing(server, security="none", timeout="500ms")
    _, approval = hold(gateway)
    content = eventually(lambda: server.letters, 25, "the letter")[-1]
    assert approval["id"].encode() in content.replace(b"=\r\n", b"")
    assert server.connections >= 2


def test_a_mail_whose_fate_a_crash_hides_is_sent_again_under_the_same_id(server, mailing):
    server = server(OddServer, {"CONTENT": "hang"})
    gateway = mailing(server, security="none", timeout="10s")
    _, approval = hold(gateway)
    eventually(lambda: any(b"DATA\r\n" in heard for heard in server.heard), 20, "the mail on its way")
    gateway.kill()
    gateway.start()
    again = letters(server)[0]
    assert again.count(b"Message-ID: <thr_") == 1 and approval["id"].encode() in again.replace(b"=\r\n", b"")
    stays(lambda: len(server.letters) == 1, 1)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "CONTENT"])
def test_what_the_server_refuses_for_good_is_not_sent_again(server, mailing, verb):
    server = server(OddServer, {verb: "550 never"}, times=100)
    gateway = mailing(server, security="none")
    hold(gateway)
    failed(gateway, "a notice was refused")
    stays(lambda: server.connections == 1, 2)
    assert "answered 550" in gateway.log_text()
    # The server's own words are a stranger's, and stay out of ours.
    assert "never" not in gateway.log_text()


def test_where_starttls_is_stripped_nothing_is_sent(server, mailing):
    server = server(OddServer, offers=["AUTH PLAIN LOGIN"], times=100)
    gateway = mailing(server, **SIGNED_IN)
    hold(gateway)
    failed(gateway, "does not offer STARTTLS")
    for heard in server.heard:
        assert all(line.split()[0] in (b"EHLO", b"QUIT") for line in heard), heard


@pytest.mark.parametrize("answer", ["454 not now", "501 no"])
def test_where_starttls_is_refused_nothing_is_sent(server, mailing, answer):
    server = server(OddServer, {"STARTTLS": answer}, offers=["STARTTLS", "AUTH PLAIN"], times=100)
    gateway = mailing(server, **SIGNED_IN)
    hold(gateway)
    failed(gateway, f"answered {answer[:3]} to STARTTLS")
    for heard in server.heard:
        assert all(line.split()[0] in (b"EHLO", b"STARTTLS", b"QUIT") for line in heard), heard


def test_what_was_put_in_before_tls_is_never_read_as_the_servers(server, mailing, authority):
    injected = b"250-evil\r\n250 AUTH PLAIN\r\n235 welcome\r\n"
    context = tls_context(authority, "127.0.0.1")
    server = server(OddServer, offers=["STARTTLS"], context=context, after_starttls=injected, times=100)
    gateway = mailing(server, **SIGNED_IN)
    hold(gateway)
    failed(gateway, "answered STARTTLS twice")
    assert not server.letters
    assert all(b"AUTH" not in line for heard in server.heard for line in heard)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("wrong", ["another name", "unknown authority"])
def test_a_certificate_that_does_not_fit_gets_nothing(server, mailing, authority, implicit, wrong):
    vouching, name = (authority, "evil.example") if wrong == "another name" else (trustme.CA(), "127.0.0.1")
    server = server(MailServer, vouching, names=[name], users=USERS, implicit=implicit)
    gateway = mailing(server, security="tls" if implicit else "starttls", **SIGNED_IN)
    hold(gateway)
    failed(gateway, "TLS failed")
    assert not server.letters


def test_a_wrong_password_is_no_reason_to_lose_mail(server, mailing, authority):
    server = server(MailServer, authority, users=USERS)
    gateway = mailing(server, start=False, **SIGNED_IN)
    gateway.environment["MAIL_PASSWORD"] = "wrong"
    gateway.start()
    hold(gateway)
    failed(gateway, "answered 535 to AUTH")
    assert "wrong" not in gateway.log_text() and "d3Jvbmc" not in gateway.log_text()
    gateway.stop()
    gateway.environment["MAIL_PASSWORD"] = USERS["countersign"]
    gateway.start()
    letters(server)


def test_a_server_that_is_not_there_is_waited_for(mailing, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    class Absent:
        pass

    absent = Absent()
    absent.port = port
    gateway = mailing(absent, security="none")
    hold(gateway)
    failed(gateway, "cannot be reached")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"security": "none", "server": "mail.example.com"}, "without TLS"),
        ({"security": "none", **SIGNED_IN}, "signs in without TLS"),
        ({"username": "countersign"}, "belong together"),
        ({"from": "Evil\r\nBcc: x <a@example.com>"}, "is not a sender"),
        ({"from": "nobody"}, "is not a sender"),
        ({"greeting": "a b"}, "is not a host's name"),
        ({"security": "ssl"}, "is not starttls, tls or none"),
        ({"server": "127.mail.example.com", "security": "none"}, "without TLS"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said(mailing, server, change, words):
    gateway = mailing(server(OddServer), start=False)
    gateway.configuration["channels"][0] |= change
    gateway.write_configuration()
    code, said = gateway.refuse_to_start()
    assert code != 0 and words in said


@pytest.mark.parametrize("to", ["dba", "dba@example.com\r\nRCPT TO:<evil@example.com>", "<dba@example.com>", ",", "a@b@c"])
def test_a_destination_is_a_list_of_addresses(mailing, server, to):
    gateway = mailing(server(OddServer), to=to, start=False, security="none")
    code, said = gateway.refuse_to_start()
    assert code != 0 and "list of up to 32 mail addresses" in said
