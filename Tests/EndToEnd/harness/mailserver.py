"""Mail servers: aiosmtpd, a real one, and one that misbehaves as told at each verb."""

import email
import email.policy
import re
import socket
import ssl
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from .receivers import tls_context


class Keeper:
    """Keeps what comes in, and answers as told: `answers` maps a recipient to what RCPT is answered."""

    def __init__(self):
        self.letters, self.answers, self.after = [], {}, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answers.get(address)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.after:
            return self.after.pop(0)
        self.letters.append(Letter(session, envelope))
        return "250 OK"


class Letter:
    """A mail as it arrived."""

    def __init__(self, session, envelope):
        self.sender, self.recipients = envelope.mail_from, list(envelope.rcpt_tos)
        self.raw = envelope.content
        self.is_private = session.ssl is not None
        self.user = session.auth_data
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)

    def __getitem__(self, name):
        return self.message[name]

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()

    @property
    def links(self):
        return re.findall(r'href="([^"]+)"', self.html)


class MailServer:
    """aiosmtpd with STARTTLS, or TLS from the first byte, and AUTH."""

    def __init__(self, authority=None, names=("127.0.0.1", "localhost"), users=None, implicit=False, mechanisms=None):
        self.keeper = Keeper()
        context = tls_context(authority, *names) if authority else None

        def authenticate(server, session, envelope, mechanism, data):
            if isinstance(data, LoginPassword) and (users or {}).get(data.login.decode()) == data.password.decode():
                return AuthResult(success=True, auth_data=data.login.decode())
            return AuthResult(success=False, handled=False)

        options = {"hostname": "127.0.0.1", "port": 0}
        if users:
            options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": not implicit}
            options["auth_exclude_mechanism"] = {"PLAIN", "LOGIN"} - set(mechanisms or ("PLAIN", "LOGIN"))
        if implicit:
            options["ssl_context"] = context
        elif context:
            options |= {"tls_context": context, "require_starttls": True}
        self.controller = Listening(self.keeper, **options)
        self.controller.start()
        self.port = self.controller.server.sockets[0].getsockname()[1]

    @property
    def letters(self):
        return list(self.keeper.letters)

    def stop(self):
        self.controller.stop()


class Listening(Controller):
    """A controller that takes whatever port there is."""

    def _trigger_server(self):
        # It looks whether it answers; with port 0 it would ask the wrong one.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class OddServer:
    """Follows a script: for each verb (GREETING, EHLO, …) what is answered, `hang`, or `drop`; else as a server should.

    `drop` closes the connection. The script counts for the first `times` connections; those after it go well.
    """

    GOOD = {"GREETING": "220 odd", "EHLO": "250 odd", "MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 go on",
            "CONTENT": "250 OK", "QUIT": "221 bye", "RSET": "250 OK", "AUTH": "235 OK"}

    def __init__(self, script=None, times=1, offers=(), context=None, after_starttls=b""):
        self.script, self.times, self.offers = script or {}, times, offers
        self.context, self.after_starttls = context, after_starttls
        self.connections, self.heard, self.letters, self.stopping = 0, [], [], threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            script = self.script if self.connections <= self.times else {}
            threading.Thread(target=self.serve, args=(connection, script), daemon=True).start()

    def serve(self, connection, script):
        try:
            with connection:
                self.talk(connection, script)
        except OSError:
            pass

    def talk(self, connection, script):
        """One session."""
        lines, heard = connection.makefile("rb"), []
        self.heard.append(heard)

        def say(verb):
            answer = script.get(verb, self.GOOD.get(verb, "250 OK"))
            if answer == "hang":
                self.stopping.wait(60)
                return False
            if answer == "drop":
                return False
            if verb == "EHLO" and verb not in script:
                words = ["odd", *self.offers]
                answer = "\r\n".join(f"250{'-' if n < len(words) - 1 else ' '}{w}" for n, w in enumerate(words))
            connection.sendall((answer + "\r\n").encode())
            return True

        if not say("GREETING"):
            return
        while line := lines.readline():
            words = line.decode(errors="replace").split()
            verb = words[0].upper() if words else ""
            heard.append(line)
            if verb == "STARTTLS" and self.context and "STARTTLS" not in script:
                connection.sendall(b"220 go on\r\n" + self.after_starttls)
                connection = self.context.wrap_socket(connection, server_side=True)
                lines = connection.makefile("rb")
                continue
            if not say(verb):
                return
            if verb == "DATA" and script.get("DATA", "354").startswith("354"):
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    part = lines.readline()
                    if not part:
                        return
                    content += part
                if not say("CONTENT"):
                    return
                if "CONTENT" not in script:
                    self.letters.append(content)
            if verb == "QUIT":
                return

    def stop(self):
        self.stopping.set()
        self.listener.close()


def contexts(authority, *names):
    """A server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
