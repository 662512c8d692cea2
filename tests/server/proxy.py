#!/usr/bin/env python3
"""A proxy that takes TLS away: each connection is passed on over plain TCP.

    proxy.py CERTIFICATE KEY BACKEND_PORT

Prints the port of 127.0.0.1 on which it listens, and ends with its input.
"""

import asyncio
import ssl
import sys


async def pump(source, sink):
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass  # One of the two has left.
    sink.close()


async def main():
    certificate, key, backend = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader, writer):
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", int(backend))
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
