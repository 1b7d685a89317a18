"""A server made with FastMCP, of both eras: Streamable HTTP, the old HTTP+SSE, and stdio."""

import os

os.environ.setdefault("FASTMCP_SHOW_SERVER_BANNER", "false")
os.environ.setdefault("FASTMCP_LOG_LEVEL", "WARNING")
os.environ.setdefault("FASTMCP_CHECK_FOR_UPDATES", "off")

import anyio
import mcp_types as types
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_http_headers
from fastmcp.utilities.types import Image
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

import deeds
from deeds import Control

control = Control()
server = FastMCP("quick-peer", instructions="A server for tests.", version="1.0")


class Sum(BaseModel):
    """The structured result of `add`."""

    sum: int
    odd: bool


class Favourite(BaseModel):
    """What `elicit` asks for."""

    colour: str


@server.tool(output_schema=None)
def echo(text: str) -> str:
    """Says it again."""
    return text


@server.tool
def add(a: int, b: int) -> Sum:
    """Adds, with a structured result."""
    return Sum(sum=a + b, odd=bool((a + b) % 2))


@server.tool(output_schema=None)
async def slow(label: str, steps: int, delay: float, ctx: Context) -> str:
    """Takes its time and reports progress."""
    return await deeds.slow(control, label, steps, delay, ctx.report_progress)


@server.tool(output_schema=None)
def big(mebibytes: float) -> str:
    """A large text."""
    return "0123456789abcdef" * int(mebibytes * 65536)


@server.tool(output_schema=None)
def size(text: str) -> str:
    """How long a text is; for large arguments."""
    return str(len(text))


@server.tool
def image() -> Image:
    """A picture."""
    return Image(data=deeds.PIXEL, format="png")


@server.tool(output_schema=None)
def odd_text() -> str:
    """Text that is easily broken."""
    return deeds.ODD_TEXT


@server.tool(output_schema=None)
def fails(reason: str) -> str:
    """A tool error."""
    raise ToolError(reason)


@server.tool(output_schema=None)
def raises(reason: str) -> str:
    """A protocol error."""
    raise MCPError(code=12345, message=reason, data={"reason": reason})


@server.tool(output_schema=None)
def read_hidden(number: int) -> str:
    """A tool that policy of the tests never lets anybody call."""
    control.note("read_hidden", number)
    return str(number)


@server.tool(output_schema=None)
def counter(label: str) -> str:
    """Counts a call."""
    control.note("counter", label)
    return label


@server.tool(output_schema=None)
async def delete_record(record: str) -> str:
    """Deletes a record."""
    return await deeds.delete_record(control, record)


@server.tool(output_schema=None)
async def delete_briefly(record: str) -> str:
    """Deletes a record; tests give little time to approve it."""
    return await deeds.delete_record(control, record)


def is_modern(ctx):
    return ctx.request_context.protocol_version == deeds.MODERN_VERSION


@server.tool(output_schema=None)
async def elicit(ctx: Context) -> str:
    """Asks the user for a colour, in the way of the era."""
    if not is_modern(ctx):
        answer = await ctx.elicit("Which colour?", Favourite)
        return f"colour {answer.data.colour}"
    answers = ctx.input_responses
    if answers and "colour" in answers:
        return f"colour {answers['colour'].content['colour']}"
    params = types.ElicitRequestFormParams(
        mode="form", message="Which colour?", requested_schema=Favourite.model_json_schema()
    )
    return types.InputRequiredResult(
        input_requests={"colour": types.ElicitRequest(method="elicitation/create", params=params)},
        request_state="asked",
    )


@server.tool(output_schema=None)
async def logs(count: int, ctx: Context) -> str:
    """Logs messages on the way."""
    for number in range(count):
        await ctx.warning(f"message {number}", logger_name="peer")
    return f"{count} messages"


@server.tool
def headers() -> dict[str, str]:
    """The HTTP fields that the call came with."""
    return get_http_headers(include_all=True)


@server.tool(output_schema=None)
def environment() -> str:
    """The names in the server's environment."""
    deeds.complain("environment was looked at")
    return " ".join(sorted(os.environ))


@server.resource("text://hello", mime_type="text/plain")
def hello() -> str:
    """A text."""
    return deeds.ODD_TEXT


@server.resource("blob://bytes", mime_type="application/octet-stream")
def blob() -> bytes:
    """All bytes."""
    return deeds.BLOB


@server.resource("file://{name}/content")
def content(name: str) -> str:
    """A template."""
    return f"content of {name}"


@server.prompt
def greet(name: str, style: str = "plain") -> str:
    """Greets."""
    return f"Greet {name} in a {style} style."


@server.completion
async def complete(ref, argument, context):
    return [value for value in deeds.COLOURS if value.startswith(argument.value)]


async def nothing():
    await anyio.sleep_forever()


def main():
    options = deeds.arguments()
    if options.transport == "stdio":
        deeds.complain("quick peer on stdio")
        return server.run("stdio", show_banner=False)
    if options.transport == "sse":
        return deeds.serve(server.http_app(path="/sse", transport="sse"), options, nothing)
    app = server.http_app(
        path="/mcp",
        stateless_http=options.transport == "stateless",
        json_response=options.transport == "json",
        host_origin_protection=False,
    )
    deeds.serve(app, options, nothing)


if __name__ == "__main__":
    main()
