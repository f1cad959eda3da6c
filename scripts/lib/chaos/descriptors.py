"""File descriptors exhausted: no spin, those who are in are still answered, and all is well when they are back.

First with a small limit from the start, which the desk fits its seats to; then with one that is taken away while it
runs, so that accept itself fails (EMFILE).
"""

import asyncio
import resource
import time

from .desk import Desk
from .figures import Figure
from .http import Gone


async def flood(desk, number):
    """Connects so often, says nothing, and holds what it gets."""

    async def one():
        try:
            return (await asyncio.wait_for(asyncio.open_connection("127.0.0.1", desk.port), 1))[1]
        except (OSError, TimeoutError):
            # The queue of the port is full, too.
            return None

    return [writer for writer in await asyncio.gather(*(one() for _ in range(number))) if writer]


async def answered(client):
    try:
        return (await client.ask("GET", "/healthz")).status == 200
    except (Gone, TimeoutError):
        return False


async def exhausted(stage, desk, kept, name):
    """What happens while nobody else can come in, and after that."""
    seconds = stage.of(20, 3)
    # Silence is cut after ten seconds, so it is renewed until the time is over.
    before, began, answers, asked = desk.processor(), time.monotonic(), 0, 0
    flooders = []
    while (now := time.monotonic() - began) < seconds:
        if now >= len(flooders) * 5:
            flooders.append(await flood(desk, 400))
        answers += await answered(kept)
        asked += 1
        await asyncio.sleep(0.1)
    spent = (desk.processor() - before) / (time.monotonic() - began)
    for writer in (writer for flooder in flooders for writer in flooder):
        writer.close()
    began = time.monotonic()
    while not await answered(desk.client(1)):
        assert time.monotonic() - began < 30, "nobody comes in any more"
        await asyncio.sleep(0.01)
    return [
        Figure(f"a processor's time meanwhile, {name}", 100 * spent, "%", at_most=20),
        Figure(f"answers missed by who was in, {name}", asked - answers, at_most=0),
        Figure(f"back after, {name}", round(time.monotonic() - began, 2), "s", at_most=5),
    ]


async def run(stage):
    small = Desk(stage, "small", wrapper=["prlimit", "--nofile=160:160"])
    small.start()
    kept = small.client(5)
    assert await answered(kept)
    figures = await exhausted(stage, small, kept, "a small limit")
    robbed = Desk(stage, "robbed")
    robbed.start()
    kept = robbed.client(5)
    assert await answered(kept)
    open_now = robbed.descriptors()
    resource.prlimit(robbed.pid, resource.RLIMIT_NOFILE, (open_now + 20, open_now + 20))
    figures += await exhausted(stage, robbed, kept, "a limit taken away")
    lines = robbed.said().count("no room for another connection")
    return figures + [Figure("log lines about it", lines, at_least=1, at_most=3)]
