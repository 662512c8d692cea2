"""MCP's own SDK on standard input and output, client and server.

    stdio.py server
    stdio.py client [--wait] --marker ID --calls N --server COMMAND...

The client starts the server, lists its tools, and calls one as often as told, and one
that fails. It prints what it got, a JSON object a call. With --wait it makes a call first,
says so, and goes on when a line comes.
"""

import argparse
import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server.mcpserver import MCPServer


def serve():
    server = MCPServer("llmtop-test")

    @server.tool()
    def echo(text: str) -> str:
        """Says it again, and which process did."""
        print("not for the client", flush=True)
        return f"{os.getpid()} {text}"

    @server.tool()
    def fail(text: str) -> str:
        """Never works."""
        raise ValueError(text)

    server.run()


async def ask(options):
    command, *arguments = options.server
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:

        async def call(tool, text):
            result = await session.call_tool(tool, {"text": text})
            said = "\n".join(block.text for block in result.content)
            return json.dumps({"text": text, "said": said})

        await session.initialize()
        if options.wait:
            await call("echo", "before")
            print("ready", flush=True)
            sys.stdin.readline()
        tools = await session.list_tools()
        assert {tool.name for tool in tools.tools} == {"echo", "fail"}
        for number in range(options.calls):
            text = f"marker={options.marker}-{number} naïve 日本語 🦀 " + "x" * 100_000 * (number % 2)
            print(await call("echo", text))
        print(await call("fail", f"marker={options.marker}-fail"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--marker")
    parser.add_argument("--calls", type=int)
    parser.add_argument("--server", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.role == "server":
        serve()
    else:
        asyncio.run(ask(options))


main()
