"""Microsoft Teams as far as a bot sees it: the login, the tokens' keys, and the connector with its conversations.

Every activity that the gateway sends is read by the Microsoft Agents SDK's own models.
"""

import base64
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from microsoft_agents.activity import Activity, AdaptiveCardInvokeResponse

from .waiting import eventually

APPLICATION = "11111111-2222-4333-8444-555555555555"
TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
OTHER_TENANT = "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ISSUER = "https://api.botframework.com"
SECRET = "the-bot's-own secret&=+"
ROOM = "19:ops@thread.tacv2"


@dataclass
class Person:
    """Somebody as Teams and Entra know them."""

    name: str
    user_principal_name: str
    role: str = "user"
    tenant: str = TENANT
    object_id: str = field(default_factory=lambda: f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}")
    id: str = field(default_factory=lambda: "29:1" + secrets.token_urlsafe(40))

    @property
    def member(self):
        return {
            "id": self.id,
            "name": self.name,
            "objectId": self.object_id,
            "aadObjectId": self.object_id,
            "email": self.user_principal_name,
            "userPrincipalName": self.user_principal_name,
            "tenantId": self.tenant,
            "userRole": self.role,
        }


class Message:
    """A message that the bot posted; `activity` is how it looks now."""

    def __init__(self, conversation, identifier, activity):
        self.conversation, self.id, self.versions = conversation, identifier, [activity]

    @property
    def activity(self):
        return self.versions[-1]

    @property
    def card(self):
        return self.activity["attachments"][0]["content"] if self.activity.get("attachments") else None

    @property
    def text(self):
        """All words of the card."""
        return words(self.card)

    def data(self, verb):
        """What the button with that verb sends."""
        for action in self.card["actions"]:
            if action.get("verb") == f"countersign.{verb}":
                return action["data"]
        raise LookupError(f"the card has no button {verb}")


def words(card):
    """All words of a card, in order."""
    parts = []
    for block in card["body"]:
        parts.append(block.get("text") or "".join(run["text"] for run in block.get("inlines", [])))
    return "\n".join(parts)


def buttons(card):
    return [action["title"] for action in card["actions"]]


class Teams:
    """The servers, the people and the conversations."""

    def __init__(self):
        self.people = {}
        for name in ("alice", "bob", "carol", "olga", "erin"):
            self.people[name] = Person(name, f"{name}@example.com")
        self.keys = {}
        self.add_key("key-1")
        # A key of Microsoft's that signs for another platform, one that nobody published, and one of somebody else.
        self.add_key("key-webchat", endorsements=["webchat"])
        self.add_key("key-unpublished")
        self.add_key("key-foreign")
        self.published = ["key-1", "key-webchat"]
        self.algorithms = ["RS256"]
        self.messages, self.problems, self.calls = [], [], []
        self.posts = []
        self.tokens, self.faults, self.lock = [], [], threading.Lock()
        self.numbers = iter(range(1700000000000, 1800000000000))
        # Whether the next answer to a message is lost on its way.
        self.loses = False
        self.stopping = threading.Event()
        # What ends the wait of calls whose fault is "wait".
        self.released = threading.Event()
        teams = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                teams.serve(self, "GET")

            def do_POST(self):
                teams.serve(self, "POST")

            def do_PUT(self):
                teams.serve(self, "PUT")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.service_url = f"{self.url}/connector/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def configure(self, gateway, **more):
        """Adds the channel and its route to a gateway's configuration."""
        gateway.environment["TEAMS_SECRET"] = SECRET
        channel = {
            "name": "teams",
            "kind": "teams",
            "app_id": APPLICATION,
            "app_secret": "env:TEAMS_SECRET",
            "tenant": TENANT,
            "login_url": f"{self.url}/login",
            "metadata_url": f"{self.url}/metadata",
            **more,
        }
        gateway.configuration["channels"] = [channel]
        notify = [{"channel": "teams", "to": ROOM}]
        gateway.configuration["routing"] = [{"groups": ["dba"], "notify": notify}]
        gateway.write_configuration()
        return gateway

    # Keys and tokens

    def add_key(self, name, endorsements=("msteams", "webchat"), bits=2048):
        self.keys[name] = (rsa.generate_private_key(public_exponent=65537, key_size=bits), list(endorsements))

    def public_key(self, name):
        return self.keys[name][0].public_key()

    def jwks(self):
        keys = []
        for name in self.published:
            numbers = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.public_key(name)))
            key = {"kty": "RSA", "use": "sig", "kid": name, "n": numbers["n"], "e": numbers["e"]}
            keys.append({**key, "endorsements": self.keys[name][1]})
        return {"keys": keys}

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": APPLICATION,
            "exp": now + 3600,
            "nbf": now - 10,
            "serviceurl": self.service_url,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key="key-1", kid=None, **changes):
        """A token of Teams; `changes` of claims, None leaves one out."""
        return jwt.encode(self.claims(**changes), self.keys[key][0], "RS256", headers={"kid": kid or key})

    def crafted(self, header, claims=None, sign=lambda text: b""):
        """A token as nobody's library would write it."""

        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

        text = part(header) + b"." + part(claims or self.claims())
        return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()

    def public_pem(self, key="key-1"):
        return self.public_key(key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    # Activities of people

    def activity(self, kind, person="alice", conversation=ROOM, **more):
        person = self.people[person] if isinstance(person, str) else person
        return {
            "type": kind,
            "id": f"f:{secrets.token_hex(8)}",
            "timestamp": "2026-11-30T00:00:00.000Z",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": person.id, "name": person.name, "aadObjectId": person.object_id},
            "conversation": {"id": conversation, "tenantId": TENANT, "conversationType": "channel", "isGroup": True},
            "recipient": {"id": f"28:{APPLICATION}", "name": "Countersign"},
            "channelData": {"tenant": {"id": TENANT}},
            **more,
        }

    def execute(self, message, verb, person="alice", reason=None, data=None, **more):
        """A press of a button of Action.Execute, as Teams tells it."""
        data = {**(message.data(verb) if data is None else data)} | ({"reason": reason} if reason is not None else {})
        action = {"type": "Action.Execute", "verb": f"countersign.{verb}", "data": data}
        return self.activity(
            "invoke",
            person,
            name="adaptiveCard/action",
            value={"action": action, "trigger": "manual"},
            replyToId=message.id,
            **more,
        )

    def submit(self, message, verb, person="alice", reason=None, **more):
        """A press of a button of Action.Submit."""
        data = {**message.data(verb)} | ({"reason": reason} if reason is not None else {})
        return self.activity("message", person, value=data, replyToId=message.id, **more)

    def send(self, gateway, activity, token=None, headers=None, name="teams"):
        """Posts an activity to the bot, and answers what it said."""
        headers = {"Authorization": f"Bearer {token or self.token()}"} if headers is None else headers
        url = f"http://127.0.0.1:{gateway.control}/channels/{name}/messages"
        body = activity if isinstance(activity, bytes) else json.dumps(activity).encode()
        return httpx.post(url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=10)

    def press(self, gateway, message, verb, person="alice", reason=None, **more):
        """A press of a button, and the answer to it as the SDK reads it."""
        answer = self.send(gateway, self.execute(message, verb, person, reason, **more))
        assert answer.status_code == 200, answer.text
        return AdaptiveCardInvokeResponse.model_validate(answer.json())

    def install(self, gateway, conversation=ROOM, **more):
        """Adds the bot to a conversation."""
        added = [{"id": f"28:{APPLICATION}"}]
        activity = self.activity("conversationUpdate", conversation=conversation, membersAdded=added, **more)
        return self.send(gateway, activity)

    # What the bot did

    def cards(self, conversation=ROOM):
        return [message for message in list(self.messages) if message.conversation == conversation and message.card]

    def card(self, text, timeout=10, conversation=ROOM):
        """Waits for the card with a text in it."""

        def found():
            return [message for message in self.cards(conversation) if text in message.text]

        return eventually(found, timeout, f"a card with {text}")[0]

    def texts(self, conversation=ROOM):
        """The sentences that the bot said."""
        return [each.activity["text"] for each in list(self.messages) if "text" in each.activity
                and each.conversation.startswith(conversation)]

    def count(self, what):
        return len([call for call in list(self.calls) if call[1].startswith(what)])

    @contextmanager
    def failing(self, part, answer):
        """Within it, a part answers with a status, (status, headers), `wait` or `hang`: `login`, `keys`, `activities`, …"""
        fault = (part, answer)
        self.faults.append(fault)
        try:
            yield
        finally:
            self.faults.remove(fault)

    # Servers

    def serve(self, handler, method):
        url = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.calls.append((method, url.path))
        try:
            fault = next((answer for part, answer in list(self.faults) if part in url.path), None)
            if fault == "hang":
                self.stopping.wait(60)
                handler.close_connection = True
                return
            if fault == "wait":
                self.released.wait(20)
            elif fault is not None:
                status, headers = fault if isinstance(fault, tuple) else (fault, {})
                return self.respond(handler, status, {"error": {"code": "Fault"}}, headers)
            status, answer = self.answer(method, url, handler.headers, body)
            if self.loses and status == 201:
                self.loses = False
                status, answer = 502, {}
        except Exception as problem:
            self.problems.append(repr(problem))
            status, answer = 500, {"error": repr(problem)}
        self.respond(handler, status, answer)

    @staticmethod
    def respond(handler, status, answer, headers=None):
        data = json.dumps(answer).encode()
        handler.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json", "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def answer(self, method, url, headers, body):
        parts = [unquote(part) for part in url.path.split("/") if part]
        if parts[0] == "login":
            return self.login(parts, headers, body)
        if parts == ["metadata"]:
            return 200, {
                "issuer": ISSUER,
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": self.algorithms,
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        if parts[0] == "flow":
            assert url.query == "sp=triggers&sig=the-flow%27s-secret" and len(body) <= 28_000
            activity = json.loads(body)
            self.judge(activity)
            self.posts.append(activity)
            return 202, {}
        if parts == ["keys"]:
            return 200, self.jwks()
        assert parts[:3] == ["connector", "v3", "conversations"], url.path
        if headers.get("Authorization") not in [f"Bearer {token}" for token in self.tokens]:
            return 401, {"error": {"code": "Unauthorized"}}
        return self.connect(method, parts[3:], body)

    def login(self, parts, headers, body):
        assert parts == ["login", TENANT, "oauth2", "v2.0", "token"], parts
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = {name: values for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        assert form == {
            "grant_type": ["client_credentials"],
            "client_id": [APPLICATION],
            "client_secret": [SECRET],
            "scope": ["https://api.botframework.com/.default"],
        }, form
        token = secrets.token_urlsafe(60)
        self.tokens.append(token)
        return 200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}

    def connect(self, method, parts, body):
        conversation, what, *rest = parts
        if what == "pagedmembers":
            return 200, {"members": [person.member for person in self.people.values()]}
        if what == "members":
            found = [person for person in self.people.values() if person.id == rest[0]]
            return (200, found[0].member) if found else (404, {"error": {"code": "MemberNotFoundInConversation"}})
        assert what == "activities" and method in ("POST", "PUT"), parts
        assert len(body) <= 28_000, f"{len(body)} bytes"
        activity = json.loads(body)
        self.judge(activity)
        with self.lock:
            if method == "PUT":
                found = [message for message in self.messages if message.id == rest[0]]
                if not found or found[0].conversation != conversation:
                    return 404, {"error": {"code": "ActivityNotFoundInConversation"}}
                found[0].versions.append(activity)
                return 200, {"id": rest[0]}
            identifier = str(next(self.numbers))
            self.messages.append(Message(conversation, identifier, activity))
            return 201, {"id": identifier}

    @staticmethod
    def judge(activity):
        """The SDK reads it, and writes the same again."""
        model = Activity.model_validate(activity)
        assert model.type == "message"
        written = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert written == activity, (written, activity)
        for attachment in model.attachments or []:
            assert attachment.content_type == "application/vnd.microsoft.card.adaptive"
            assert attachment.content["type"] == "AdaptiveCard"
            assert len(attachment.content.get("refresh", {}).get("userIds", [])) <= 60
