"""Clients of WebSocket: OpenAI's responses, each asked for by a message of one
connection."""

import json
import ssl

from asks import arguments, headers
from collected import Collected


def connection(o, **more):
    """How to connect."""
    address = o.base.replace("http", "ws", 1) + "/v1/responses"
    secure = {"ssl": ssl.create_default_context()} if address.startswith("wss") else {}
    return {"uri": address, "additional_headers": headers(o), **secure, **more}


def question(o, call):
    given = {name: value for name, value in arguments(o, call).items() if name != "stream"}
    return json.dumps({"type": "response.create", **given})


class Answer(Collected):
    """Of one question, message by message."""

    status = 200

    def is_over(self, message):
        event = json.loads(message)
        self.event(event)
        if event["type"] == "error":
            self.status = event["status"]
        return event["type"] in ("response.completed", "error")


async def with_websockets(o, compression="deflate"):
    from websockets.asyncio.client import connect

    async with connect(**connection(o, compression=compression)) as socket:
        for call in o.turns():
            answer = Answer(o)
            await socket.send(question(o, call))
            while not answer.is_over(await socket.recv()):
                pass
            answer.told(call, answer.status)


async def without_deflate(o):
    await with_websockets(o, compression=None)


def with_threads(o):
    """By a client that reads in a thread of its own."""
    from websockets.sync.client import connect

    with connect(**connection(o)) as socket:
        for call in o.turns():
            answer = Answer(o)
            socket.send(question(o, call))
            while not answer.is_over(socket.recv()):
                pass
            answer.told(call, answer.status)
