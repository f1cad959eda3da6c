"""The database frozen, and stopped, under load: nothing hangs, nothing wrong passes, nothing acknowledged is lost.

One desk judges a key that it knows, keys that it does not, and one that was deleted; it shows a page, and creates keys.
Then the database is away for a minute. A known key passes for two seconds; then every verdict is 503 with Retry-After,
and everything comes back by itself.
"""

import asyncio
import time

from .desk import Desk
from .figures import Figure
from .http import Gone
from .postgres import Postgres

# Seconds after which somebody who waits for an answer would call it a hang.
HANG_OF_GATE, HANG_OF_PAGE = 5, 25


class Watch:
    """What one kind of request was answered: when it was sent, how long that took, and how it went."""

    def __init__(self):
        self.answers = []

    def longest(self):
        return max(took for _, took, _, _ in self.answers)

    def last(self, status, before):
        """When the last such request was sent that was answered before a moment."""
        begins = (sent for sent, took, code, _ in self.answers if code == status and sent + took < before)
        return max(begins, default=0.0)

    def first(self, status, after):
        """When the first such answer came after a moment."""
        ends = (sent + took for sent, took, code, _ in self.answers if code == status)
        return min((end for end in ends if end >= after), default=float("inf"))

    def of(self, status):
        return [answer for answer in self.answers if answer[2] == status]

    def beside(self, *statuses):
        return sum(code not in statuses for _, _, code, _ in self.answers)


async def ask(watch, client, *request, **more):
    """Asks once; a hang counts as status 0, a connection that broke as 1."""
    sent = time.monotonic()
    try:
        answer = await client.ask(*request, **more)
        status, headers = answer.status, answer.headers
    except TimeoutError:
        status, headers = 0, {}
    except Gone:
        status, headers = 1, {}
    watch.answers.append((sent, time.monotonic() - sent, status, headers))
    return answer if status > 1 else None


async def judge(desk, watch, secrets):
    client = desk.client(60)
    while not desk.over.is_set():
        await ask(watch, client, "GET", "/gate/authorize", secret=secrets())
        # As many as a gateway of some size asks; Python itself is not what is tried.
        await asyncio.sleep(0.002)


async def look(desk, watch):
    client = desk.client(60)
    while not desk.over.is_set():
        await ask(watch, client, "GET", "/v1/keys?limit=5", secret=desk.admin)
        await ask(watch, client, "GET", "/report-leaked-key")
        await asyncio.sleep(0.02)


async def write(desk, watch, told, name):
    client = desk.client(60)
    number = 0
    while not desk.over.is_set():
        number += 1
        body = {"name": f"{name}-{number}", "type": "standard", "environment": "live", "preset": "read"}
        answer = await ask(watch, client, "POST", "/v1/keys", body, secret=desk.admin)
        if answer is not None and answer.status == 201:
            told.append(answer.json()["id"])
        await asyncio.sleep(0.005)


async def outage(stage, server, desk, name, begin, end):
    """One outage of the database under load; `begin` and `end` make it and end it."""
    fresh = [(await desk.create(desk.client(), desk.admin, f"fresh-{name}-{n}")).json()["secret"] for n in range(200)]
    known, unknown, dead, pages, writes, told = Watch(), Watch(), Watch(), Watch(), Watch(), []
    turn = iter(fresh * 1000)
    load = [
        *(judge(desk, known, lambda: desk.known) for _ in range(4)),
        judge(desk, unknown, lambda: next(turn)),
        judge(desk, dead, lambda: desk.dead),
        *(look(desk, pages) for _ in range(2)),
        *(write(desk, writes, told, f"{name}-{n}") for n in range(4)),
    ]
    desk.over = asyncio.Event()
    load = [asyncio.ensure_future(one) for one in load]
    await asyncio.sleep(3)
    began = time.monotonic()
    await asyncio.to_thread(begin)
    away = time.monotonic()
    stage.tell(f"the database is {name}")
    await asyncio.sleep(stage.of(60, 8))
    starts = time.monotonic()
    await asyncio.to_thread(end)
    back = time.monotonic()
    await asyncio.sleep(8)
    desk.over.set()
    await asyncio.gather(*load)
    database = desk.environment["KEYDESK_DATABASE_URL"].rsplit("/", 1)[1]
    there = {row[0] for row in server.ask("select id from api_keys", database)}
    silent = [a for watch in (known, unknown, dead) for a in watch.of(503) if "retry-after" not in a[3]]
    judged = (known, unknown, dead)
    strange = known.beside(200, 503) + unknown.beside(200, 503) + dead.beside(401, 503)
    passed = known.last(200, starts) - began
    slowest = [max(watch.longest() for watch in some) for some in (judged, (pages, writes))]
    recovery = max(known.first(200, back), writes.first(201, back), pages.first(200, back)) - back
    return [
        Figure(f"a deleted key let through, {name}", len(dead.of(200)), at_most=0),
        Figure(f"verdicts that were neither right nor 503, {name}", strange, at_most=0),
        Figure(f"503 without Retry-After, {name}", len(silent), at_most=0),
        Figure(f"verdicts of 503, {name}", len(known.of(503)), at_least=1),
        Figure(f"a known key passed last after, {name}", round(passed, 2), "s", at_most=round(2 + away - began, 2)),
        Figure(f"longest verdict, {name}", round(slowest[0], 2), "s", at_most=HANG_OF_GATE),
        Figure(f"longest page or change, {name}", round(slowest[1], 2), "s", at_most=HANG_OF_PAGE),
        Figure(f"creations acknowledged, {name}", len(told), at_least=1),
        Figure(f"acknowledged and lost, {name}", len(set(told) - there), at_most=0),
        Figure(f"verdicts, changes and pages again after, {name}", round(recovery, 2), "s", at_most=5),
    ]


async def of_database(stage, server):
    desk = Desk(stage, "desk", database=server.database())
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    client = desk.client()
    keys = [(await desk.create(client, token, name)).json() for name in ("admin", "known", "dead")]
    desk.admin, desk.known, desk.dead = (key["secret"] for key in keys)
    assert (await client.ask("GET", "/gate/authorize", secret=desk.dead)).status == 200
    assert (await client.ask("DELETE", f"/v1/keys/{keys[2]['id']}", secret=token)).status == 204
    pid = desk.pid
    figures = await outage(stage, server, desk, "frozen", server.freeze, server.thaw)
    figures += await outage(stage, server, desk, "stopped", lambda: server.stop("immediate"), server.start)
    verified = desk.run("audit", "verify", check=False)
    figures.append(Figure("audit chain does not verify", int(verified.returncode != 0), at_most=0))
    figures.append(Figure("restarts of the desk", int(desk.pid != pid or desk.process.poll() is not None), at_most=0))
    desk.stop()
    return figures


async def run(stage):
    return await of_database(stage, Postgres(stage))
