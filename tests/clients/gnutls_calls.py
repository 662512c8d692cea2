"""GnuTLS's own functions, by name and without its headers."""

import ctypes
from ctypes import c_int, c_size_t, c_ssize_t, c_void_p

AGAIN, INTERRUPTED = -28, -52
TRY_AGAIN = (AGAIN, INTERRUPTED)

library = ctypes.CDLL("libgnutls.so.30")


def function(name, *kinds, result=c_int):
    made = getattr(library, "gnutls_" + name)
    made.argtypes, made.restype = kinds, result
    return made


send = function("record_send", c_void_p, c_void_p, c_size_t, result=c_ssize_t)
receive = function("record_recv", c_void_p, c_void_p, c_size_t, result=c_ssize_t)


def well(result):
    assert result >= 0, result
    return result


def until_done(call):
    while (result := call()) in TRY_AGAIN:
        pass
    return result
