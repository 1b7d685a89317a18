"""The official SDK's example servers and FastMCP's, unmodified: what a client gets directly, it gets through the gateway.

FastMCP's are those that need nothing but FastMCP; the others want an account, a screen, a database or packages besides.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import mcp_types as types
import pytest
from mcp.client import InputRequiredRoundsExceededError
from mcp.shared.exceptions import MCPError

from harness import mcp_clients, sdists
from harness.gateway import Gateway, free_port
from harness.mcp_routes import soon
from harness.waiting import eventually
from harness.wire import RawConnection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
    # The first test of a module waits for all the examples' start.
    pytest.mark.timeout(180),
]
POLICIES = '@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);'
# Module, how it is told to speak HTTP (nothing: it only does), and where.
HTTP = {
    "everything-server": [],
    "simple-pagination": ["--transport", "streamable-http"],
    "simple-prompt": ["--transport", "streamable-http"],
    "simple-resource": ["--transport", "streamable-http"],
    "simple-streamablehttp": [],
    "simple-streamablehttp-stateless": [],
    "simple-tool": ["--transport", "streamable-http"],
}
STDIO = ["simple-prompt", "structured-output-lowlevel"]
QUICK = [
    "complex_inputs.py",
    "config_server.py",
    "custom_tool_serializer_decorator.py",
    "desktop.py",
    "echo.py",
    "elicitation.py",
    "fastmcp_config/server.py",
    "filesystem-provider/server.py",
    "mount_example.py",
    "namespace_activation/server.py",
    "persistent_state/server.py",
    "prompts_as_tools/server.py",
    "resources_as_tools/server.py",
    "search/server_bm25.py",
    "search/server_regex.py",
    "simple_echo.py",
    "skills/server.py",
    "testing_demo/server.py",
    "tool_result_echo.py",
    "versioning/versioned_components.py",
]
ERAS = ["legacy", "modern"]
# Tools whose answers cannot be compared, and why.
APART = {
    "get_weather": "its answers are random",
    "list_session_info": "each session has an id of its own",
}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


class Example:
    """One example server, by the way it is spoken to."""

    def __init__(self, folder, transport):
        self.transport, self.module = transport, "mcp_" + folder.name.replace("-", "_")
        self.folder, self.name, self.process = folder, f"{folder.name}-{transport}", None
        self.command = [sys.executable, "-m", self.module]
        self.environment = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        if transport == "http":
            self.port = free_port()
            self.command += [*HTTP[folder.name], "--port", str(self.port)]

    def spawn(self):
        if self.transport == "http":
            environment = os.environ | self.environment
            where = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
            self.process = subprocess.Popen(self.command, env=environment, **where)

    def listens(self):
        assert self.process.poll() is None, f"{self.command} ended with {self.process.returncode}"
        RawConnection(self.port).close()
        return True

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)

    def entry(self, era):
        """The gateway's connection, which speaks with the server as the client does with the gateway."""
        common = {"name": f"{self.name}-{era}", "kind": "mcp", "tools": [{"match": "*", "effect": "read"}]}
        common |= {"protocol": "legacy" if era == "legacy" else "auto", "reviewers": ["dba"]}
        if self.transport == "http":
            return common | {"upstream": f"http://127.0.0.1:{self.port}/mcp"}
        return common | {"command": self.command, "environment": {"PYTHONPATH": f"env:{self.secret}"}}

    @property
    def secret(self):
        return "PATH_OF_" + self.name.upper().replace("-", "_")


@pytest.fixture(scope="module")
def examples():
    place = sdists.fetch("mcp") / "examples" / "servers"
    assert place.exists(), f"the source distribution of mcp {sdists.version('mcp')} has no examples/servers"
    found = [Example(place / name, "http") for name in HTTP] + [Example(place / name, "stdio") for name in STDIO]
    for each in found:
        each.spawn()
    yield {each.name: each for each in found}
    for each in found:
        each.stop()


@pytest.fixture(scope="module")
def gateway(scratch, examples):
    def adjust(configuration):
        configuration["connections"] = [each.entry(era) for each in examples.values() for era in ERAS]

    gateway = Gateway(scratch / "sdk-examples", 1, change=adjust, policies=POLICIES)
    gateway.environment |= {each.secret: each.environment["PYTHONPATH"] for each in examples.values()}
    yield gateway.start()
    gateway.stop()


def made_up(schema, name="", known=None):
    """Arguments that a schema takes."""
    known = known or schema.get("$defs", {})
    if "$ref" in schema:
        return made_up(known[schema["$ref"].rsplit("/", 1)[1]], name, known)
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        return {each: made_up(members[each], each, known) for each in schema.get("required", []) if each in members}
    if "url" in name:
        # Nothing listens there.
        return "http://127.0.0.1:9/"
    return {"integer": 1, "number": 1, "boolean": True, "array": []}.get(kind, "some text")


def plain(value):
    """An answer as JSON, without what the gateway says about itself."""
    value = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    value.pop("_meta", None)
    for tool in [value, *value.get("tools", [])]:
        tool.pop("execution", None)
    return value


async def attempt(call):
    """An answer, or the error."""
    try:
        return plain(await call)
    except MCPError as error:
        return {"error": error.error.code}
    except InputRequiredRoundsExceededError:
        return {"error": "it never had enough answers"}


async def everything(connect):
    """All that a client can ask of a server, and what it hears meanwhile."""
    said, heard = {}, Counter()

    async def sample(context, params):
        return types.CreateMessageResult(role="assistant", model="m", content=types.TextContent(type="text", text="a"))

    async def elicit(context, params):
        return types.ElicitResult(action="accept", content=made_up(params.requested_schema))

    async def log(params):
        heard[str(params.data)] += 1

    async def progress(value, total, message):
        heard[f"progress {value} of {total}"] += 1

    async with connect(sample=sample, elicit=elicit, log=log) as client:
        has = client.capabilities
        if has.tools:
            for tool in await client.list_tools():
                said["tool", tool.name] = plain(tool)
                if tool.name not in APART:
                    call = client.call(tool.name, made_up(tool.input_schema), progress=progress, timeout=20)
                    said["call", tool.name] = await attempt(call)
        if has.resources:
            for resource in await client.list_resources():
                said["resource", str(resource.uri)] = plain(resource)
                said["read", str(resource.uri)] = await attempt(client.read(str(resource.uri)))
            try:
                for template in await client.list_templates():
                    said["template", template.uri_template] = plain(template)
            except MCPError as error:
                said["templates"] = error.error.code
        if has.prompts:
            for prompt in await client.list_prompts():
                said["prompt", prompt.name] = plain(prompt)
                arguments = {each.name: "some text" for each in prompt.arguments or []}
                said["get", prompt.name] = await attempt(client.prompt(prompt.name, arguments))
        said["instructions"] = client.instructions
    return said, heard


ALL = [f"{name}-http" for name in HTTP] + [f"{name}-stdio" for name in STDIO]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ALL)
async def test_a_client_gets_the_same_through_the_gateway(examples, gateway, name, era):
    example = examples[name]

    def directly(**callbacks):
        if example.transport == "stdio":
            return mcp_clients.stdio(example.command, example.environment, era=era, **callbacks)
        return mcp_clients.http(f"http://127.0.0.1:{example.port}/mcp", None, era=era, **callbacks)

    def through(**callbacks):
        url = f"http://127.0.0.1:{gateway.port}/{name}-{era}/"
        return mcp_clients.http(url, gateway.keys["bot"], era=era, **callbacks)

    if example.transport == "http":
        await soon(example.listens, 90, f"{name} to listen")
    expected, heard_directly = await everything(directly)
    found, heard = await everything(through)
    assert len(expected) > 1
    assert found == expected
    assert heard == heard_directly


@pytest.fixture(scope="module")
def quick_examples():
    """FastMCP's, by name: the port of each, in a process of all of them."""
    place = sdists.fetch("fastmcp") / "examples"
    ports = {name: free_port() for name in QUICK}
    peer = Path(__file__).resolve().parent / "peers" / "quick_examples.py"
    command = [sys.executable, str(peer), *(f"{place / name}:{port}" for name, port in ports.items())]
    where = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=place, **where)

    def listens(port):
        assert process.poll() is None, f"{command} ended with {process.returncode}"
        RawConnection(port).close()
        return True

    for name, port in ports.items():
        eventually(lambda port=port: listens(port), 90, f"{name} to listen")
    yield ports
    process.kill()
    process.wait(10)


@pytest.fixture(scope="module")
def quick_gateway(scratch, quick_examples):
    def adjust(configuration):
        common = {"kind": "mcp", "tools": [{"match": "*", "effect": "read"}], "reviewers": ["dba"]}
        configuration["connections"] = [
            common
            | {"name": slug(name, era), "upstream": f"http://127.0.0.1:{port}/mcp"}
            | {"protocol": "legacy" if era == "legacy" else "auto"}
            for name, port in quick_examples.items()
            for era in ERAS
        ]

    gateway = Gateway(scratch / "quick-examples", 1, change=adjust, policies=POLICIES)
    yield gateway.start()
    gateway.stop()


def slug(name, era):
    """The connection to one of FastMCP's examples."""
    return name.removesuffix(".py").replace("/", "-").replace("_", "-") + "-" + era


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", QUICK)
async def test_fastmcps_client_gets_the_same_of_its_examples(quick_examples, quick_gateway, name, era):
    def directly(**callbacks):
        url = f"http://127.0.0.1:{quick_examples[name]}/mcp"
        return mcp_clients.http(url, None, client="fastmcp", era=era, **callbacks)

    def through(**callbacks):
        url = f"http://127.0.0.1:{quick_gateway.port}/{slug(name, era)}/"
        return mcp_clients.http(url, quick_gateway.keys["bot"], client="fastmcp", era=era, **callbacks)

    expected, heard_directly = await everything(directly)
    found, heard = await everything(through)
    assert len(expected) > 1
    assert found == expected
    assert heard == heard_directly
