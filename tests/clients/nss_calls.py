"""NSS's and NSPR's own functions, by name and without their headers."""

import base64
import ctypes
from ctypes import CFUNCTYPE, Structure, byref, c_char_p, c_int, c_uint, c_uint32, c_void_p

nspr, nss, smime, ssl = (ctypes.CDLL(f"lib{name}.so") for name in ("nspr4", "nss3", "smime3", "ssl3"))
SUCCESS, WOULD_BLOCK = 0, -5998
FOREVER = 0xFFFFFFFF
PEEK = 2
# Socket options of NSPR.
NONBLOCKING, SEND_BUFFER_SIZE = 0, 5
# Whose certificate it is: not the matter here.
JUDGE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int)


def function(library, name, *kinds, result=c_int):
    made = getattr(library, name)
    made.argtypes, made.restype = kinds, result
    return made


send = function(nspr, "PR_Send", c_void_p, c_void_p, c_int, c_int, c_uint32)
write = function(nspr, "PR_Write", c_void_p, c_void_p, c_int)
receive = function(nspr, "PR_Recv", c_void_p, c_void_p, c_int, c_int, c_uint32)
read = function(nspr, "PR_Read", c_void_p, c_void_p, c_int)
error = function(nspr, "PR_GetError")


def well(result):
    assert result >= 0, error()
    return result


def there(pointer):
    assert pointer, error()
    return pointer


def option(layer, which, value):
    """Sets an option of NSPR, whose union is no larger than this."""
    data = ctypes.create_string_buffer(512)
    ctypes.c_int.from_buffer(data, 0).value = which
    ctypes.c_size_t.from_buffer(data, 8).value = value
    well(function(nspr, "PR_SetSocketOption", c_void_p, c_void_p)(layer, data))


def start():
    """Without a database, and with whatever ciphers there are."""
    well(function(nss, "NSS_NoDB_Init", c_char_p)(None))
    well(function(ssl, "NSS_SetDomesticPolicy")())


def layer(tcp):
    """TLS above a socket."""
    return there(function(ssl, "SSL_ImportFD", c_void_p, c_void_p, result=c_void_p)(None, tcp))


def judge(layer, judgement):
    """Sets what says whether a certificate will do."""
    well(function(ssl, "SSL_AuthCertificateHook", c_void_p, JUDGE, c_void_p)(layer, judgement, None))


def begin(layer, server):
    """A handshake is to come."""
    well(function(ssl, "SSL_ResetHandshake", c_void_p, c_int)(layer, server))


class Item(Structure):
    _fields_ = [("kind", c_int), ("data", c_char_p), ("length", c_uint)]


def unpacked(pem):
    """What a file of one PEM block holds."""
    with open(pem) as file:
        return base64.b64decode(file.read().split("-----")[2])


def certificate(pem):
    data = unpacked(pem)
    decode = function(smime, "CERT_DecodeCertFromPackage", c_char_p, c_int, result=c_void_p)
    return there(decode(data, len(data)))


def key(pem):
    """A key that signs, not to be kept."""
    SIGNS = 0x80
    data, made = unpacked(pem), c_void_p()
    slot = there(function(nss, "PK11_GetInternalKeySlot", result=c_void_p)())
    kinds = (c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_int, c_uint, c_void_p, c_void_p)
    take = function(nss, "PK11_ImportDERPrivateKeyInfoAndReturnKey", *kinds)
    well(take(slot, byref(Item(0, data, len(data))), None, None, 0, 0, SIGNS, byref(made), None))
    return made


def serve(layer, certificate, key):
    """It is a server's, with these."""
    well(function(ssl, "SSL_ConfigServerSessionIDCache", c_int, c_uint, c_uint, c_char_p)(0, 0, 0, None))
    configure = function(ssl, "SSL_ConfigServerCert", c_void_p, c_void_p, c_void_p, c_void_p, c_uint)
    well(configure(layer, certificate, key, None, 0))
