"""Ten thousand gateways' connections, kept open: held at once, all of them answered, within the memory promised.

They come from a trusted proxy's address, so that no address of its own is counted; a test of the suite shows the cap.
"""

import asyncio
import socket

from .desk import Desk
from .figures import Figure

HEAD = b"GET /gate/authorize?scope=keys:read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "


class Held:
    """One connection without the buffers of a stream: ten thousand of those would be ours to hold."""

    def __init__(self, port):
        self.address = ("127.0.0.1", port)
        self.socket = socket.socket()
        self.socket.setblocking(False)

    async def connect(self):
        await asyncio.get_running_loop().sock_connect(self.socket, self.address)

    async def asks(self, secret):
        """Whether a verdict comes, and it is yes."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self.socket, HEAD + secret.encode() + b"\r\n\r\n")
            answer = b""
            while b"\r\n\r\n" not in answer:
                part = await loop.sock_recv(self.socket, 4096)
                if not part:
                    return False
                answer += part
            return answer.startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False


async def of_all(held, work, at_once=200):
    """Does something on every connection, so many at once, and gives how often it was done."""
    gate = asyncio.Semaphore(at_once)

    async def one(connection):
        async with gate:
            return await asyncio.wait_for(work(connection), 30)

    return sum(bool(done) for done in await asyncio.gather(*(one(connection) for connection in held)))


async def run(stage):
    desk = Desk(stage, "crowd", environment={"KEYDESK_TRUSTED_PROXIES": "127.0.0.1"})
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    secret = (await desk.create(desk.client(), token, "crowd")).json()["secret"]
    alone = desk.memory()
    held = [Held(desk.port) for _ in range(stage.of(10_000, 1_500))]
    await of_all(held, lambda connection: connection.connect())
    first = await of_all(held, lambda connection: connection.asks(secret))
    again = await of_all(held, lambda connection: connection.asks(secret))
    crowded = desk.memory()
    descriptors = desk.descriptors()
    for connection in held:
        connection.socket.close()
    return [
        Figure("connections answered", first, at_least=len(held)),
        Figure("answered again over the same", again, at_least=len(held)),
        Figure("descriptors held", descriptors, at_least=len(held)),
        Figure("memory before (PSS)", alone, "MiB"),
        Figure("memory with all of them (PSS)", crowded, "MiB", at_most=300),
        Figure("memory of one connection", (crowded - alone) * 1024 / len(held), "KiB"),
    ]
