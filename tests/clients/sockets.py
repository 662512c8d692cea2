"""Clients of WebSocket."""

import json
import ssl

from asks import arguments, headers
from collected import Collected


async def with_websockets(o, compression="deflate"):
    """OpenAI's responses, each asked for by a message of one connection."""
    from websockets.asyncio.client import connect

    address = o.base.replace("http", "ws", 1) + "/v1/responses"
    secure = {"ssl": ssl.create_default_context()} if address.startswith("wss") else {}
    async with connect(address, additional_headers=headers(o), compression=compression, **secure) as socket:
        for call in o.turns():
            collected, status = Collected(o), 200
            given = {name: value for name, value in arguments(o, call).items() if name != "stream"}
            await socket.send(json.dumps({"type": "response.create", **given}))
            async for message in socket:
                event = json.loads(message)
                collected.event(event)
                if event["type"] == "error":
                    status = event["status"]
                if event["type"] in ("response.completed", "error"):
                    break
            collected.told(call, status)


async def without_deflate(o):
    await with_websockets(o, compression=None)
