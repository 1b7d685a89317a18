"""A Slack of our own: its Web API, its Socket Mode and the people in it, judged by Slack's own Python libraries.

Every message and window that is sent here is read by `slack_sdk.models`, which raises where Slack would refuse, and must
say the same after it was read. What Slack sends us is signed by `slack_sdk.signature`, and envelopes are the SDK's.
"""

import asyncio
import itertools
import json
import secrets
import ssl
import threading
import time
from urllib.parse import parse_qs, urlencode

import httpx
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.asyncio.server import serve

from .waiting import eventually

TEAM, APP, BOT, BOT_ID = "T0HOME", "A0APP", "U0BOT", "B0BOT"
TOKEN, APP_TOKEN, SECRET = "xoxb-the-bots-token", "xapp-1-the-apps-token", "8f742231b10e8888abcd99yyyzzz85a5"
ROOM = "C0ROOM"
# What is held for a moment only.
SOON = """@id("soon") @approvers("dba") @expires("6s")
forbid (principal is Agent, action, resource) when { context has path && context.path like "/soon/*" };
"""
FORM_ONLY = {"conversations.history", "conversations.replies", "users.info"}


class Refusal(Exception):
    """Slack answers `ok: false`."""


def person(identifier, email, **flags):
    """An account as `users.info` tells of it."""
    return {
        "id": identifier,
        "team_id": TEAM,
        "name": email.split("@")[0],
        "deleted": False,
        "is_admin": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "is_email_confirmed": True,
        "updated": 1502138686,
        "profile": {"email": email, "team": TEAM, "real_name": email},
        **flags,
    }


PEOPLE = {
    "alice": person("U0ALICE", "alice@example.com"),
    "bob": person("U0BOB", "bob@example.com"),
    "carol": person("U0CAROL", "carol@example.com"),
    "dave": person("U0DAVE", "dave@example.com"),
    "erin": person("U0ERIN", "erin@example.com"),
    "olga": person("U0OLGA", "olga@example.com"),
}


class Slack:
    """One workspace with one app in it. `clients` count what was asked; `steps` are what goes wrong next."""

    def __init__(self, authority=None):
        self.people = {name: dict(account) for name, account in PEOPLE.items()}
        self.rooms = {ROOM: {"messages": []}, "C0BOSS": {"messages": []}}
        self.calls, self.problems, self.ephemerals, self.views = [], [], [], {}
        self.steps, self.triggers, self.tickets = {}, {}, set()
        self.sockets, self.acknowledgements, self.pongs = [], {}, []
        self.page = 100
        self.socket_opens = 0
        # Why Slack closes every socket as soon as it is open.
        self.closing = None
        # What ends the wait of calls whose step is "wait", and how many of them wait.
        self.released = threading.Event()
        self.waiting = 0
        self.clock = itertools.count(1)
        self.lock = threading.Lock()
        self.enterprise = None
        self.verifier = SignatureVerifier(SECRET)
        self.loop = asyncio.new_event_loop()
        self.tls = None
        if authority:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(self.tls)
        ready = threading.Event()
        self.thread = threading.Thread(target=self.main, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)

    # The server

    def main(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        ready.set()
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    async def listen(self):
        self.api = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self.api.sockets[0].getsockname()[1]
        self.wss = await serve(
            self.socket, "127.0.0.1", 0, ssl=self.tls, process_request=self.admit, ping_interval=None
        )
        self.socket_port = self.wss.sockets[0].getsockname()[1]

    @property
    def url(self):
        return f"https://localhost:{self.port}/api" if self.tls else f"http://127.0.0.1:{self.port}/api"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                method = lines[0].split(" ")[1].removeprefix("/api/")
                await self.answer(writer, method, fields, body)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, writer, method, fields, body):
        with self.lock:
            script = self.steps.get(method)
            step = script.pop(0) if script else None
        if step == "hang":
            await asyncio.Event().wait()
        if step == "wait":
            self.waiting += 1
            await asyncio.get_running_loop().run_in_executor(None, self.released.wait, 20)
            step = None
        if step == "drop":
            writer.transport.abort()
            raise ConnectionError
        if isinstance(step, tuple):
            status, more = step
            return await self.write(writer, status, {"ok": False, "error": "ratelimited"}, more)
        try:
            if isinstance(step, str) and step not in ("take-and-drop", "take-and-hang"):
                raise Refusal(step)
            with self.lock:
                answer = {"ok": True, **self.call(method, fields, body)}
        except Refusal as refusal:
            answer = {"ok": False, "error": str(refusal)}
        except Exception as problem:  # noqa: whatever the SDK raises is a failure of the test
            self.problems.append(f"{method}: {problem!r}: {body[:2000]!r}")
            answer = {"ok": False, "error": "invalid_blocks"}
        if step == "take-and-drop":
            writer.transport.abort()
            raise ConnectionError
        if step == "take-and-hang":
            await asyncio.Event().wait()
        await self.write(writer, 200, answer)

    @staticmethod
    async def write(writer, status, value, more=()):
        body = json.dumps(value).encode()
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json; charset=utf-8"]
        lines += [f"{name}: {text}" for name, text in dict(more).items()]
        lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    # The Web API

    def call(self, method, fields, body):
        token = fields.get("authorization", "").removeprefix("Bearer ")
        if token != (APP_TOKEN if method == "apps.connections.open" else TOKEN):
            raise Refusal("invalid_auth")
        if fields["content-type"].startswith("application/json"):
            assert method not in FORM_ONLY, f"{method} takes no JSON"
            query = json.loads(body or b"{}")
        else:
            query = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=bool(body)).items()}
        self.calls.append((time.monotonic(), method, query))
        return getattr(self, method.replace(".", "_"))(query)

    def auth_test(self, query):
        answer = {"url": "https://home.slack.com/", "team": "Home", "team_id": TEAM, "user_id": BOT, "bot_id": BOT_ID}
        return answer | ({"enterprise_id": self.enterprise} if self.enterprise else {})

    def apps_connections_open(self, query):
        self.socket_opens += 1
        ticket = secrets.token_hex(8)
        self.tickets.add(ticket)
        scheme, host = ("wss", "localhost") if self.tls else ("ws", "127.0.0.1")
        return {"url": f"{scheme}://{host}:{self.socket_port}/link/?ticket={ticket}&app_id={APP}"}

    def users_info(self, query):
        for account in self.people.values():
            if account["id"] == query["user"]:
                return {"user": account}
        raise Refusal("user_not_found")

    def room(self, identifier):
        if identifier not in self.rooms:
            raise Refusal("channel_not_found")
        room = self.rooms[identifier]
        if room.get("trouble"):
            raise Refusal(room["trouble"])
        return room

    def stamp(self):
        return f"{int(time.time())}.{next(self.clock):06}"

    def check(self, query):
        """What Slack's own models say of a message."""
        assert query["text"] and len(query["text"]) <= 40_000
        self.check_blocks(query["blocks"], 50)
        # Documented nowhere; see slackapi/bolt-js issues 2509 and 2867.
        texts = [each["text"] for block in query["blocks"] for each in [block, *block.get("elements", [])] if "text" in each]
        if sum(len(text if isinstance(text, str) else text["text"]) for text in texts) > 11_000:
            raise Refusal("msg_blocks_too_long")

    @staticmethod
    def check_blocks(blocks, limit):
        assert 0 < len(blocks) <= limit
        read = Block.parse_all(blocks)
        assert all(each is not None for each in read)
        for each, given in zip(read, blocks):
            assert each.to_dict() == given, f"{each.to_dict()} is not {given}"
            if given["type"] == "section":
                assert 0 < len(given["text"]["text"]) <= 3000
            if given["type"] == "actions":
                assert len(given["elements"]) <= 25
                assert len({element["action_id"] for element in given["elements"]}) == len(given["elements"])
        named = [block["block_id"] for block in blocks if "block_id" in block]
        assert len(set(named)) == len(named)

    def chat_postMessage(self, query):
        room = self.room(query["channel"])
        self.check(query)
        if "thread_ts" in query and not any(each["ts"] == query["thread_ts"] for each in room["messages"]):
            raise Refusal("thread_not_found")
        message = {
            "type": "message",
            "user": BOT,
            "bot_id": BOT_ID,
            "app_id": APP,
            "ts": self.stamp(),
            "text": query["text"],
            "blocks": query["blocks"],
            "history": [query["blocks"]],
        }
        for name in ("thread_ts", "metadata", "reply_broadcast"):
            if name in query:
                message[name] = query[name]
        if "metadata" in query:
            assert set(query["metadata"]) == {"event_type", "event_payload"}
            assert len(json.dumps(query["metadata"])) < 8000
        room["messages"].append(message)
        return {"channel": query["channel"], "ts": message["ts"], "message": message}

    def chat_update(self, query):
        room = self.room(query["channel"])
        self.check(query)
        for message in room["messages"]:
            if message["ts"] == query["ts"]:
                message.update(text=query["text"], blocks=query["blocks"], edited={"user": BOT, "ts": self.stamp()})
                message["history"].append(query["blocks"])
                return {"channel": query["channel"], "ts": query["ts"], "text": query["text"]}
        raise Refusal("message_not_found")

    def chat_postEphemeral(self, query):
        self.room(query["channel"])
        self.check(query)
        self.ephemerals.append(query)
        return {"message_ts": self.stamp()}

    def conversations_open(self, query):
        room = "D" + query["users"][1:]
        if not any(account["id"] == query["users"] for account in self.people.values()):
            raise Refusal("user_not_found")
        self.rooms.setdefault(room, {"messages": []})
        return {"channel": {"id": room}}

    def listed(self, messages, query):
        assert query["include_all_metadata"] == "true"
        start = int(query.get("cursor") or 0)
        limit = min(int(query["limit"]), self.page)
        page = [{key: each[key] for key in each if key != "history"} for each in messages[start : start + limit]]
        more = start + limit < len(messages)
        return {
            "messages": page,
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + limit) if more else ""},
        }

    def conversations_history(self, query):
        messages = self.room(query["channel"])["messages"]
        seen = [m for m in messages if "thread_ts" not in m or m.get("reply_broadcast")]
        return self.listed([m for m in seen[::-1] if float(m["ts"]) >= float(query["oldest"])], query)

    def conversations_replies(self, query):
        messages = self.room(query["channel"])["messages"]
        return self.listed([m for m in messages if query["ts"] in (m["ts"], m.get("thread_ts"))], query)

    def views_open(self, query):
        view = query["view"]
        assert json.loads(json.dumps(View(**view).to_dict())) == view
        self.check_blocks(view["blocks"], 100)
        opened = self.triggers.pop(query["trigger_id"], None)
        if opened is None:
            raise Refusal("invalid_trigger_id")
        if time.monotonic() - opened > 3:
            raise Refusal("expired_trigger_id")
        identifier = "V" + secrets.token_hex(5).upper()
        self.views[identifier] = view | {"id": identifier, "app_id": APP, "team_id": TEAM, "bot_id": BOT_ID}
        return {"view": self.views[identifier]}

    # What there is to see

    def messages(self, room=ROOM, threads=False):
        """The messages of a conversation that stand by themselves, or all."""
        with self.lock:
            found = self.rooms.get(room, {"messages": []})["messages"]
            return [m for m in found if threads or "thread_ts" not in m]

    def replies(self, message, room=ROOM):
        with self.lock:
            return [m for m in self.rooms[room]["messages"] if m.get("thread_ts") == message["ts"]]

    def count(self, method):
        return sum(1 for _, name, _ in self.calls if name == method)

    def card(self, text, room=ROOM, timeout=10):
        """Waits for the message that has a text in it."""
        return eventually(
            lambda: next((m for m in self.messages(room) if text in json.dumps(m["blocks"])), None),
            timeout,
            f"a card with {text!r}",
        )

    @staticmethod
    def title(message):
        return message["blocks"][0]["text"]["text"]

    @staticmethod
    def buttons(message):
        elements = [e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]
        return [e["action_id"] for e in elements]

    def until_title(self, message, title, timeout=10):
        eventually(lambda: title in self.title(message), timeout, f"the card says {title!r}")

    def told(self, name, timeout=10, after=0):
        """Waits for what one person is told, and answers the words."""
        identifier = self.people[name]["id"]

        def words():
            found = [e["blocks"][0]["text"]["text"] for e in self.ephemerals[after:] if e["user"] == identifier]
            return found[-1] if found else None

        return eventually(words, timeout, f"a word to {name}")

    # What people do

    def trigger(self):
        trigger = f"{next(self.clock)}.{secrets.token_hex(8)}"
        self.triggers[trigger] = time.monotonic()
        return trigger

    def user(self, name, **changes):
        account = self.people[name]
        return {"id": account["id"], "username": name, "name": name, "team_id": account["team_id"], **changes}

    def click(self, message, action, name, room=ROOM, **changes):
        """The payload of a click on a button of a message."""
        found = [
            (block["block_id"], element)
            for block in message["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element["action_id"] == f"countersign.{action}"
        ]
        block, element = found[0]
        payload = {
            "type": "block_actions",
            "user": self.user(name),
            "api_app_id": APP,
            "token": "verification-token",
            "container": {
                "type": "message",
                "message_ts": message["ts"],
                "channel_id": room,
                "is_ephemeral": False,
            },
            "trigger_id": self.trigger(),
            "team": {"id": TEAM, "domain": "home"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": room, "name": "room"},
            "message": {key: message[key] for key in ("type", "ts", "text", "blocks")},
            "state": {"values": {}},
            "response_url": "https://hooks.slack.com/actions/T0HOME/1/x",
            "actions": [{**element, "block_id": block, "action_ts": self.stamp()}],
        }
        return payload | changes

    def submission(self, name, reason, view=None, **changes):
        """The payload of the window that was opened last."""
        view = view or eventually(lambda: list(self.views.values()), 10, "an open window")[-1]
        block = next(block for block in view["blocks"] if block["type"] == "input")
        values = {
            block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": reason}}
        }
        payload = {
            "type": "view_submission",
            "team": {"id": TEAM, "domain": "home"},
            "user": self.user(name),
            "api_app_id": APP,
            "token": "verification-token",
            "trigger_id": self.trigger(),
            "view": view | {"state": {"values": values}, "hash": "1.x", "root_view_id": view["id"]},
            "response_urls": [],
            "is_enterprise_install": False,
            "enterprise": None,
        }
        return payload | changes

    def command(self, name, text="", **changes):
        fields = {
            "token": "verification-token",
            "team_id": TEAM,
            "team_domain": "home",
            "channel_id": ROOM,
            "channel_name": "room",
            "user_id": self.people[name]["id"],
            "user_name": name,
            "command": "/countersign",
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": "https://hooks.slack.com/commands/T0HOME/1/x",
            "trigger_id": self.trigger(),
        }
        return fields | changes

    def reply_event(self, message, name, text, room=ROOM, **changes):
        """The event of a person's reply below a message."""
        event = {
            "type": "message",
            "channel": room,
            "channel_type": "channel",
            "user": self.people[name]["id"],
            "team": self.people[name]["team_id"],
            "text": text,
            "ts": self.stamp(),
            "thread_ts": message["ts"],
            "event_ts": self.stamp(),
        }
        return {
            "token": "verification-token",
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event | changes,
            "type": "event_callback",
            "event_id": "Ev" + secrets.token_hex(5),
            "event_time": int(time.time()),
            "authorizations": [],
        }

    # Over HTTP

    def signed(self, body, timestamp=None):
        """The header fields that Slack sends with a body."""
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        return {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": self.verifier.generate_signature(timestamp=timestamp, body=body),
        }

    @staticmethod
    def form(payload):
        return urlencode({"payload": json.dumps(payload)})

    def send(self, gateway, payload, endpoint="interactions", headers=None, timestamp=None, timeout=10):
        """Sends what Slack would; answers the response, which must come within three seconds."""
        if endpoint == "interactions":
            body, kind = self.form(payload), "application/x-www-form-urlencoded"
        elif endpoint == "commands":
            body, kind = urlencode(payload), "application/x-www-form-urlencoded"
        else:
            body, kind = json.dumps(payload), "application/json"
        fields = {"Content-Type": kind, **(self.signed(body, timestamp) if headers is None else headers)}
        start = time.monotonic()
        url = f"http://127.0.0.1:{gateway.control}/channels/slack/{endpoint}"
        answer = httpx.post(url, content=body, headers=fields, timeout=timeout)
        assert time.monotonic() - start < 3, "Slack gives up after three seconds"
        return answer

    # Over the socket

    def admit(self, connection, request):
        ticket = parse_qs(request.path.partition("?")[2]).get("ticket", [""])[0]
        if ticket not in self.tickets:
            return connection.respond(403, "no such ticket\n")
        self.tickets.remove(ticket)

    async def socket(self, connection):
        hello = {"type": "hello", "num_connections": 1, "debug_info": {}, "connection_info": {"app_id": APP}}
        await connection.send(json.dumps(hello))
        if self.closing:
            await connection.send(json.dumps({"type": "disconnect", "reason": self.closing, "debug_info": {}}))
            await connection.wait_closed()
            return
        self.sockets.append(connection)
        try:
            async for text in connection:
                given = json.loads(text)
                answer = SocketModeResponse(**given)
                assert answer.to_dict() == given
                self.acknowledgements.setdefault(answer.envelope_id, []).append(answer)
        finally:
            self.sockets.remove(connection)

    def on_socket(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def connected(self, timeout=10):
        return eventually(lambda: list(self.sockets), timeout, "a socket")[-1]

    def envelope(self, kind, payload, accepts=False, identifier=None, pieces=1):
        """Sends an envelope and waits for its acknowledgement."""
        identifier = identifier or secrets.token_hex(16)
        request = SocketModeRequest(kind, identifier, payload, accepts)
        text = json.dumps(request.to_dict() | {"accepts_response_payload": accepts})
        before = len(self.acknowledgements.get(identifier, []))
        size = max(1, -(-len(text) // pieces))
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        connection = self.connected()
        self.on_socket(connection.send(parts if pieces > 1 else text))
        return eventually(
            lambda: len(got := self.acknowledgements.get(identifier, [])) > before and got, 3, "an acknowledgement"
        )[-1]


def with_slack(slack, socket=False, **more):
    """What a gateway's configuration has of a workspace; see also `secrets_of`."""

    def change(configuration):
        channel = {"name": "slack", "kind": "slack", "app": APP, "token": "env:SLACK_TOKEN", "api_url": slack.url}
        channel |= {"per_second": 50, "burst": 50}
        if socket:
            channel["app_token"] = "env:SLACK_APP_TOKEN"
        else:
            channel["signing_secret"] = "env:SLACK_SECRET"
        routing = more.pop("routing", [{"groups": ["*"], "notify": [{"channel": "slack", "to": ROOM}]}])
        configuration["channels"] = [channel | more]
        configuration["routing"] = routing

    return change


ENVIRONMENT = {"SLACK_TOKEN": TOKEN, "SLACK_SECRET": SECRET, "SLACK_APP_TOKEN": APP_TOKEN}


def held(gateway, slack, path, room=ROOM, method="POST", **options):
    """A held request, its approval and its card."""
    ask = gateway.ask(method, f"/api/held/{path}", **options)
    approval = gateway.pending(f"/held/{path}")
    return ask, approval, slack.card(approval["id"], room)


def refusals(gateway):
    """Why something was refused in a channel, in order."""
    return [entry["reasons"][0] for entry in gateway.entries(kind="channel.refused")]
