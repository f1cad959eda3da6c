"""A mail server and an issuer that take every connection and say nothing: nobody else waits for them.

People sign up, which asks for mail, and go to the issuer, which asks it for its keys; meanwhile the gate and the pages are
asked at an even pace. Then the mail server is replaced by one that answers, and what was asked for arrives.
"""

import asyncio
import time

from .desk import Desk
from .figures import Figure, part

PEOPLE = 20


class Silent:
    """Takes connections, and keeps them."""

    async def start(self):
        self.held = []
        self.server = await asyncio.start_server(lambda _, writer: self.held.append(writer), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def end(self):
        self.server.close()
        for writer in self.held:
            writer.transport.abort()


class Post:
    """A mail server that takes every letter."""

    def __init__(self):
        self.letters = asyncio.Queue()
        self.serving = set()

    async def end(self):
        """Ends what still listens for a next letter, before the loop does and complains."""
        self.server.close()
        for one in self.serving:
            one.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    async def start(self, port):
        self.server = await asyncio.start_server(self.take, "127.0.0.1", port)

    def take(self, reader, writer):
        self.serving.add(asyncio.ensure_future(self.serve(reader, writer)))

    async def serve(self, reader, writer):
        async def say(text):
            writer.write(text + b"\r\n")
            await writer.drain()

        await say(b"220 here")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                await say(b"354 go on")
                await reader.readuntil(b"\r\n.\r\n")
                self.letters.put_nowait(time.monotonic())
            await say(b"221 bye" if verb == b"QUIT" else b"250 fine")
            if verb == b"QUIT":
                writer.close()


async def ask_evenly(desk, method, path, secret, over, took, wrong):
    """Asks a hundred times a second until it is over."""
    client = desk.client(patience=10)
    while not over.is_set():
        began = time.monotonic()
        answer = await client.ask(method, path, secret=secret)
        took.append((time.monotonic() - began) * 1000)
        wrong.extend([answer.status] if answer.status != 200 else [])
        await asyncio.sleep(max(0, 0.01 - (time.monotonic() - began)))


def from_address(address):
    """As a proxy says it."""
    return [f"X-Forwarded-For: {address}", "X-Forwarded-Proto: https"]


async def go_to_issuer(desk, address):
    """Seconds until the page that says that the issuer does not answer."""
    began = time.monotonic()
    answer = await desk.client().ask("GET", "/auth/google", headers=from_address(address))
    assert answer.status in (302, 303, 502, 503), answer.status
    return time.monotonic() - began


async def run(stage):
    mail, issuer = await Silent().start(), await Silent().start()
    (stage.scratch / "client-secret").write_text("hush\n")
    environment = {
        "KEYDESK_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
        "KEYDESK_GOOGLE_CLIENT_ID": "desk",
        "KEYDESK_GOOGLE_CLIENT_SECRET_FILE": str(stage.scratch / "client-secret"),
        "KEYDESK_GOOGLE_ISSUER": f"http://127.0.0.1:{issuer.port}",
        # Each of the people has an address of their own.
        "KEYDESK_TRUSTED_PROXIES": "127.0.0.1",
    }
    desk = Desk(stage, "desk", environment=environment)
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    secret = (await desk.create(desk.client(), token, "gate")).json()["secret"]
    over, verdicts, pages, wrong = asyncio.Event(), [], [], []
    asking = [
        asyncio.ensure_future(ask_evenly(desk, "GET", "/gate/authorize?scope=mail:send", secret, over, verdicts, wrong)),
        asyncio.ensure_future(ask_evenly(desk, "GET", "/sign-in", None, over, pages, wrong)),
    ]
    for number in range(PEOPLE):
        body = {"email": f"somebody{number}@halden.example", "password": "copper lantern orbit"}
        answer = await desk.client().ask("POST", "/api/auth/signup", body, headers=from_address(f"10.0.0.{number}"))
        assert answer.status == 201, answer.body
    waited = []
    for turn in range(stage.of(4, 1)):
        addresses = [f"10.0.{turn + 1}.{number}" for number in range(PEOPLE)]
        waited += await asyncio.gather(*(go_to_issuer(desk, address) for address in addresses))
    over.set()
    await asyncio.gather(*asking)
    mail.end()
    await mail.server.wait_closed()
    post, since = Post(), time.monotonic()
    await post.start(mail.port)
    arrived = [await asyncio.wait_for(post.letters.get(), 60) - since for _ in range(PEOPLE + 1)]
    issuer.end()
    desk.stop()
    await post.end()
    return [
        Figure("verdicts while mail and issuer hang, 99 of 100 within", part(verdicts, 0.99), "ms", at_most=250),
        Figure("pages while mail and issuer hang, 99 of 100 within", part(pages, 0.99), "ms", at_most=250),
        Figure("answers that were no 200", len(wrong), at_most=0),
        Figure("longest wait for a silent issuer", max(waited), "s", at_most=6),
        Figure("first letter after the mail server answers", arrived[0], "s", at_most=5),
        Figure(f"letters that arrived, of {PEOPLE + 1}", len(arrived), at_least=PEOPLE + 1),
        Figure("last letter after the mail server answers", arrived[-1], "s", at_most=10),
    ]
