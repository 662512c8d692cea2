"""WebSocket: a message is a call, and each event of its answer a message."""

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from dialects.framing import to_json


def serve(counted, head, call_of, gates):
    """Serves a connection whose upgrade is asked for by `head`, until it ends."""
    protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
    protocol.receive_data(head)
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))
    flush(counted, protocol)
    while data := counted.recv():
        protocol.receive_data(data)
        for frame in protocol.events_received():
            if frame.opcode is Opcode.TEXT:
                answer(counted, protocol, call_of(bytes(frame.data)), gates)
        flush(counted, protocol)


def answer(counted, protocol, call, gates):
    if call.status != 200:
        error = {"type": "error", "status": call.status, **call.dialect.error(call.plan, call.status)}
        protocol.send_text(to_json(error))
        return flush(counted, protocol)
    for index, (_, event) in enumerate(call.events(gates)):
        text = to_json(event)
        if index % 3 == 2:
            # In fragments, and something else in between.
            protocol.send_text(text[:20], fin=False)
            protocol.send_ping(b"still there?")
            protocol.send_continuation(text[20:], fin=True)
        else:
            protocol.send_text(text)
        flush(counted, protocol)


def flush(counted, protocol):
    for data in protocol.data_to_send():
        if data:
            counted.send(data)
