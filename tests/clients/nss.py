"""A client by NSS itself.

The way (see raw.py): `layers` has a layer of its own above that of TLS, and looks at what
it receives before it reads it; `again` has a socket that does not block, with little room,
so that calls have to be made again.
"""

import ctypes
import socket
import struct
import time
from ctypes import c_char_p, c_int, c_uint32, c_void_p

from nss_calls import FOREVER, JUDGE, NONBLOCKING, PEEK, SEND_BUFFER_SIZE, SUCCESS, WOULD_BLOCK
from nss_calls import begin, error, function, judge, layer, nspr, option, read, receive, send
from nss_calls import ssl, start, there, well, write
from raw import Call

PIECE = 1000


def until_done(call):
    while (result := call()) < 0 and error() == WOULD_BLOCK:
        time.sleep(0.001)
    return well(result)


class Connection:
    def __init__(self, address, way):
        start()
        tcp = there(function(nspr, "PR_OpenTCPSocket", c_int, result=c_void_p)(socket.AF_INET))
        host = struct.pack("=H", socket.AF_INET) + struct.pack(">H", address[1]) + socket.inet_aton(socket.gethostbyname(address[0]))
        connect = function(nspr, "PR_Connect", c_void_p, c_void_p, c_uint32)
        well(connect(tcp, ctypes.create_string_buffer(host, 256), FOREVER))
        if way == "again":
            option(tcp, NONBLOCKING, 1)
            option(tcp, SEND_BUFFER_SIZE, 1)
        self.layer = layer(tcp)
        if way == "layers":
            self.put_above()
        self.judge = JUDGE(lambda *_: SUCCESS)
        judge(self.layer, self.judge)
        well(function(ssl, "SSL_SetURL", c_void_p, c_char_p)(self.layer, b"localhost"))
        begin(self.layer, False)

    def put_above(self):
        """A layer that hands everything on."""
        identity = function(nspr, "PR_GetUniqueIdentity", c_char_p)(b"above")
        methods = function(nspr, "PR_GetDefaultIOMethods", result=c_void_p)()
        stub = there(function(nspr, "PR_CreateIOLayerStub", c_int, c_void_p, result=c_void_p)(identity, methods))
        push = function(nspr, "PR_PushIOLayer", c_void_p, c_int, c_void_p)
        well(push(self.layer, -2, stub))

    def send(self, data):
        """By both functions, in turn."""
        calls = 0
        while data:
            calls += 1
            call = write if calls % 2 else lambda *what: send(*what, 0, FOREVER)
            data = data[until_done(lambda: call(self.layer, data, len(data))) :]

    def receive(self, looks):
        room, got = ctypes.create_string_buffer(PIECE), b""
        while True:
            seen = b""
            if looks:
                size = until_done(lambda: receive(self.layer, room, PIECE // 2, PEEK, FOREVER))
                seen = room[:size]
            size = until_done(lambda: read(self.layer, room, PIECE))
            if not size:
                return got
            assert room[:size].startswith(seen)
            got += room[:size]

    def close(self):
        well(function(nspr, "PR_Close", c_void_p)(self.layer))


def main():
    call = Call(["layers", "again"], pad=60000)
    connection = Connection(call.address, call.way)
    connection.send(call.head)
    connection.send(call.body)
    call.answered(connection.receive(looks=call.way == "layers"))
    connection.close()


main()
