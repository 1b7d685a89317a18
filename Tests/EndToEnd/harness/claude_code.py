"""The real Claude Code, and a stand-in for the model behind it: the client's side of MCP, hooks and permissions."""

import http.server
import json
import os
import subprocess
import threading
from pathlib import Path

# The program itself: proprietary, 400 MB, and nothing that a test run may download unasked.
PROGRAM = os.environ.get("COUNTERSIGN_CLAUDE_CODE")
PATIENCE = 60


def use(tool, call, **arguments):
    """A model's request to use a tool."""
    return [{"type": "tool_use", "id": call, "name": tool, "input": arguments}]


class Model:
    """The Messages API on loopback: answers what a test has written down, turn by turn, and keeps what it was sent."""

    def __init__(self, *turns):
        self.turns, self.requests = list(turns), []
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                isChat = self.path.split("?")[0] == "/v1/messages"
                answer = model.answer(request) if isChat else json.dumps({"input_tokens": 1})
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream" if request.get("stream") else "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        self.requests.append(request)
        # Claude Code also asks for titles and the like, without tools.
        blocks = self.turns.pop(0) if self.turns and request.get("tools") else [{"type": "text", "text": "That is all."}]
        stop = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "usage": usage}
        if not request.get("stream"):
            return json.dumps(message | {"content": blocks, "stop_reason": stop, "stop_sequence": None})
        empty = {"content": [], "stop_reason": None, "stop_sequence": None}
        events = [{"type": "message_start", "message": message | empty}]
        for index, block in enumerate(blocks):
            if block["type"] == "text":
                start, delta = block | {"text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                start = block | {"input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            events.append({"type": "content_block_start", "index": index, "content_block": start})
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
            events.append({"type": "content_block_stop", "index": index})
        end = {"stop_reason": stop, "stop_sequence": None}
        events += [{"type": "message_delta", "delta": end, "usage": usage}, {"type": "message_stop"}]
        return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)

    def result(self, call):
        """What the model was told of one use of a tool: the text, and whether it is an error."""
        for message in reversed([message for request in self.requests for message in request["messages"]]):
            for block in message["content"] if isinstance(message["content"], list) else []:
                if block.get("type") == "tool_result" and block["tool_use_id"] == call:
                    content = block["content"]
                    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
                    return text, block.get("is_error", False)
        raise AssertionError(f"the model was told nothing of {call}")


class ClaudeCode:
    """One installation: a home, a project folder, and a model."""

    def __init__(self, folder, model):
        self.folder, self.model, self.processes = Path(folder), model, []
        self.project = self.folder / "project"
        (self.project / ".claude").mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "CLAUDE_CONFIG_DIR": str(self.folder / "claude"),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
        }

    def write(self, path, document):
        """Writes a file of the project."""
        (self.project / path).write_text(json.dumps(document))

    def start(self, *arguments):
        """Runs a command, without waiting for it."""
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait(10)
        self.model.stop()

    def run(self, *arguments):
        """Runs a command to its end; answers what it printed."""
        return self.end(self.start(*arguments))

    @staticmethod
    def end(process):
        """Waits for a command; answers what it printed."""
        printed, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, printed
        return printed
