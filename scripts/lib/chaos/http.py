"""HTTP/1.1 as a gateway speaks it: many requests over one connection that stays open."""

import asyncio
import json

# What was shown or sent in plain: it may stand in no database and in no log.
plaintexts = set()
# Characters; a shorter value of a cookie or a field is no secret.
SHORTEST_SECRET = 20


class Gone(Exception):
    """The server did not answer: it was killed, or it hung up."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        # `name=value` of each cookie, in one line.
        self.cookie = ""

    def json(self):
        read = json.loads(self.body)
        if isinstance(read, dict):
            note(*(read.get(field) for field in ("secret", "token", "refresh_token")))
        return read


def note(*values):
    plaintexts.update(value for value in values if isinstance(value, str) and len(value) >= SHORTEST_SECRET)


class Client:
    """One connection to a port of this machine. Every answer comes within `patience` seconds or is an error."""

    def __init__(self, port, patience=30.0):
        self.port, self.patience = port, patience
        self.reader = self.writer = None

    async def ask(self, method, path, body=None, secret=None, headers=()):
        """Sends one request. A body that is not bytes goes as JSON."""
        try:
            return await asyncio.wait_for(self._ask(method, path, body, secret, headers), self.patience)
        except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Gone(repr(error)) from None
        except TimeoutError:
            self.close()
            raise

    async def _ask(self, method, path, body, secret, headers):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}", *headers]
        if secret is not None:
            note(secret)
            lines.append(f"Authorization: Bearer {secret}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            lines.append("Content-Type: application/json")
        if body is not None or method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(body or b'')}")
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        await self.writer.drain()
        return await self._answer()

    async def _answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        headers = {name.lower(): value for name, value in headers.items()}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        answer = Answer(status, headers, body)
        cookies = [line.split(": ", 1)[1] for line in head[1:] if line.lower().startswith("set-cookie: ")]
        cookies = [cookie.split(";")[0] for cookie in cookies]
        note(*(cookie.split("=", 1)[1] for cookie in cookies))
        answer.cookie = "; ".join(cookies)
        return answer

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
