"""A client by GnuTLS itself, over a socket whose every second call has to be made again.

The way (see raw.py) is how it sends: `again` says what was interrupted once more; `null`
goes on with it without saying it (all but the head); `corked` gives it in pieces to a
corked session.
"""

import ctypes
import errno
import os
import socket
from ctypes import CFUNCTYPE, byref, c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_void_p

from gnutls_calls import TRY_AGAIN, function, receive, send, until_done, well
from raw import Call

PREMATURE_END = -110
PIECE = 3000

MOVE = CFUNCTYPE(c_ssize_t, c_void_p, c_void_p, c_size_t)
cork = function("record_cork", c_void_p, result=None)
uncork = function("record_uncork", c_void_p, c_uint)
set_errno = function("transport_set_errno", c_void_p, c_int, result=None)


class Session:
    def __init__(self, address, authority):
        self.socket = socket.create_connection(address)
        self.session, credentials = c_void_p(), c_void_p()
        well(function("certificate_allocate_credentials", c_void_p)(byref(credentials)))
        trust = function("certificate_set_x509_trust_file", c_void_p, c_char_p, c_int)
        well(trust(credentials, authority.encode(), 1))
        well(function("init", c_void_p, c_uint)(byref(self.session), 2))
        well(function("set_default_priority", c_void_p)(self.session))
        well(function("credentials_set", c_void_p, c_int, c_void_p)(self.session, 1, credentials))
        # What follows the name is none of it.
        name = function("server_name_set", c_void_p, c_int, c_char_p, c_size_t)
        well(name(self.session, 1, b"localhost/and more", 9))
        verify = function("session_set_verify_cert", c_void_p, c_char_p, c_uint, result=None)
        verify(self.session, b"localhost", 0)
        descriptor = self.socket.fileno()
        self.push = self.moving(lambda at, size: os.write(descriptor, ctypes.string_at(at, size)))
        self.pull = self.moving(lambda at, size: self.into(at, os.read(descriptor, size)))
        for way, moving in (("push", self.push), ("pull", self.pull)):
            function(f"transport_set_{way}_function", c_void_p, MOVE, result=None)(self.session, moving)
        well(until_done(lambda: function("handshake", c_void_p)(self.session)))

    @staticmethod
    def into(at, data):
        ctypes.memmove(at, data, len(data))
        return len(data)

    def moving(self, move):
        """Moves at every second call."""
        calls = 0

        def moved(_, at, size):
            nonlocal calls
            calls += 1
            if calls % 2:
                set_errno(self.session, errno.EAGAIN)
                return -1
            return move(at, size)

        return MOVE(moved)

    def send(self, data, said_again=True):
        """How much of it was interrupted, and not said again."""
        unsaid = 0
        while data:
            sent = send(self.session, data, len(data))
            if sent in TRY_AGAIN and not said_again:
                sent = until_done(lambda: send(self.session, None, 0))
                unsaid += sent
            if sent not in TRY_AGAIN:
                data = data[well(sent) :]
        return unsaid

    def send_corked(self, data):
        cork(self.session)
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            assert send(self.session, piece, len(piece)) == len(piece)
        well(until_done(lambda: uncork(self.session, 0)))

    def receive(self):
        room, got = ctypes.create_string_buffer(1000), b""
        while (size := until_done(lambda: receive(self.session, room, len(room)))) > 0:
            got += room[:size]
        assert size in (0, PREMATURE_END), size
        return got

    def close(self):
        function("deinit", c_void_p, result=None)(self.session)
        self.socket.close()


def main():
    call = Call(["again", "null", "corked"], pad=50000)
    session = Session(call.address, call.authority)
    unsaid = 0
    if call.way == "corked":
        session.send_corked(call.head + call.body)
    else:
        session.send(call.head)
        unsaid = session.send(call.body, call.way == "again")
    call.answered(session.receive(), unsaid)
    session.close()


main()
