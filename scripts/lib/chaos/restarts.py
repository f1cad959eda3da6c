"""Twenty restarts behind HAProxy: nobody notices more than a wait.

One desk on SQLite, started as systemd would with `deploy/systemd/keydesk.socket`: the row holds the port, so that
whoever connects between two processes waits in its queue. HAProxy keeps its connections to the desk open, and sends no
request twice.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time

from .desk import Desk
from .figures import Figure, part
from .http import Client, Gone

A_SECOND = 500
WORKERS = 50
# Of so many requests, one makes a key: what must not be asked twice must not fail either.
ONE_WRITES = 50

CONFIGURATION = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 15s
    # No request is sent a second time once a byte of it may have arrived.
    retries 3
    retry-on conn-failure
frontend clients
    bind fd@{descriptor}
    default_backend desk
backend desk
    http-reuse always
    server desk 127.0.0.1:{desk}
"""
# systemd says with a number of its own whom the socket is for.
AS_SYSTEMD_DOES = ["sh", "-c", 'exec 3<&"$KEYDESK_CHAOS_SOCKET"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh"]


class Haproxy:
    """HAProxy in front of a port."""

    def __init__(self, stage, port):
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            self.port = listener.getsockname()[1]
            file = stage.scratch / "haproxy.cfg"
            file.write_text(CONFIGURATION.format(descriptor=listener.fileno(), desk=port))
            program = shutil.which("haproxy") or "/usr/sbin/haproxy"
            self.process = subprocess.Popen(
                [program, "-f", str(file), "-db"],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(stage.scratch / "haproxy.log").open("w"),
                start_new_session=True,
            )
        stage.started.append(self)

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Load:
    """So many requests a second, whatever becomes of them."""

    def __init__(self, port, secret):
        self.port, self.secret = port, secret
        self.took, self.failed, self.over = [], [], False

    async def worker(self, place):
        client, number = Client(self.port, 30), 0
        due = time.monotonic() + place / A_SECOND
        while not self.over:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + WORKERS / A_SECOND, time.monotonic() - 1)
            number += 1
            began = time.monotonic()
            try:
                answer = await self.ask(client, place, number)
                if answer.status not in (200, 201):
                    self.failed.append(f"{answer.status} {answer.body[:200]}")
            except (Gone, TimeoutError) as error:
                self.failed.append(repr(error))
            self.took.append(time.monotonic() - began)

    async def ask(self, client, place, number):
        if (place + number) % ONE_WRITES == 0:
            key = {"name": f"key-{place}-{number}", "type": "standard", "environment": "live", "preset": "full"}
            return await client.ask("POST", "/v1/keys", key, secret=self.secret)
        return await client.ask("GET", "/gate/authorize?scope=keys:read", secret=self.secret)


async def run(stage):
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    settings = {
        "KEYDESK_TRUSTED_PROXIES": "127.0.0.1",
        # So that HAProxy is told on every connection that it uses not to use it again.
        "KEYDESK_DRAIN_DELAY": "1",
        "KEYDESK_CHAOS_SOCKET": str(listener.fileno()),
    }
    desk = Desk(stage, "restarts", environment=settings, wrapper=AS_SYSTEMD_DOES)
    desk.handed = [listener.fileno()]
    desk.start()
    proxy = Haproxy(stage, desk.port)
    token = await desk.sign_up("admin@halden.example")
    secret = (await desk.create(desk.client(), token, "restarts")).json()["secret"]
    load = Load(proxy.port, secret)
    workers = [asyncio.ensure_future(load.worker(place)) for place in range(WORKERS)]
    began, restarts, stops = time.monotonic(), stage.of(20, 2), []
    loop = asyncio.get_running_loop()
    for _ in range(restarts):
        await asyncio.sleep(stage.of(2, 1))
        stops.append(await loop.run_in_executor(None, desk.stop))
        await loop.run_in_executor(None, desk.start)
    await asyncio.sleep(stage.of(2, 1))
    load.over = True
    await asyncio.gather(*workers)
    rate = len(load.took) / (time.monotonic() - began)
    listener.close()
    for why in load.failed[:3]:
        stage.tell(why)
    return [
        Figure(f"requests that failed, of {len(load.took):,}", len(load.failed), at_most=0),
        Figure("requests a second", round(rate), "/s", at_least=stage.of(450, 100)),
        Figure("slowest stop", round(max(stops), 2), "s", at_most=10),
        Figure("p99 of all answers", 1000 * part(load.took, 0.99), "ms"),
        Figure("slowest answer, which waited for a start", round(max(load.took), 2), "s", at_most=5),
    ]
