"""One limit on two nodes: with Redis it is one; frozen or killed, each node counts alone, at once, and recovers.

A key is presented to both nodes in turn, thrice as often in a minute as it may be. While Redis is frozen, or away, no
verdict waits for it.
"""

import asyncio
import time

from .desk import Desk
from .figures import Figure
from .postgres import Postgres
from .redis import Redis

LIMIT = 200


async def burst(nodes, secret, most):
    """Presents a key to each node in turn; gives how many passed, and the longest answer."""
    clients = [node.client() for node in nodes]
    passed, longest = 0, 0.0
    for number in range(most):
        sent = time.monotonic()
        answer = await clients[number % len(clients)].ask("GET", "/gate/authorize", secret=secret)
        longest = max(longest, time.monotonic() - sent)
        passed += answer.status == 200
    for client in clients:
        client.close()
    return passed, longest


async def minute(needed=15):
    """Waits until the minute has so many seconds left: a limit begins anew with each."""
    left = 60 - time.time() % 60
    if left < needed:
        await asyncio.sleep(left + 0.2)


async def together(nodes, secrets):
    """Waits until two nodes count together: what one let through is missing on the other."""
    began = time.monotonic()
    while True:
        secret = next(secrets)
        await burst(nodes[:1], secret, 3)
        await asyncio.sleep(0.1)
        client = nodes[1].client()
        await client.ask("GET", "/gate/authorize", secret=secret)
        # Only what a node has spent of a key itself, it asks the others about.
        await asyncio.sleep(0.1)
        answer = await client.ask("GET", "/gate/authorize", secret=secret)
        client.close()
        if int(answer.headers["x-ratelimit-remaining"]) == LIMIT - 5:
            return time.monotonic() - began


def bound(name):
    """Alone, each node lets its own limit through; together, one limit and what passes until the other hears."""
    return {"at_most": LIMIT * 1.2} if name == "Redis there" else {"at_most": 2 * LIMIT}


async def run(stage):
    server = Postgres(stage)
    redis = Redis(stage)
    database = server.database()
    nodes = []
    for name in ("left", "right"):
        node = Desk(stage, name, database, nodes[0] if nodes else None, {"KEYDESK_REDIS_URL": redis.url})
        product = node.folder / "product.toml"
        product.write_text(product.read_text().replace("per_minute = 0", f"per_minute = {LIMIT}"))
        node.start()
        nodes.append(node)
    token = await nodes[0].sign_up("admin@halden.example")
    client = nodes[0].client()
    secrets = iter([(await nodes[0].create(client, token, f"key-{n}")).json()["secret"] for n in range(150)])
    await minute()
    await together(nodes, secrets)
    figures = []
    for name, begin, end in (
        ("Redis there", lambda: None, lambda: None),
        ("Redis frozen", redis.freeze, redis.thaw),
        ("Redis killed", redis.end, redis.start),
    ):
        begin()
        await minute()
        passed, longest = await burst(nodes, next(secrets), 3 * LIMIT)
        asked = f"of {3 * LIMIT} at a limit of {LIMIT} passed on two nodes"
        figures.append(Figure(f"{asked}, {name}", passed, **bound(name)))
        figures.append(Figure(f"longest verdict, {name}", round(longest * 1000), "ms", at_most=250))
        await asyncio.sleep(stage.of(60, 3) if name != "Redis there" else 0)
        end()
        await minute()
        again = round(await together(nodes, secrets), 2)
        figures.append(Figure(f"until both count together again, {name}", again, "s", at_most=5))
    return figures
