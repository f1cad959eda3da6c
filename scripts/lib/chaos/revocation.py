"""A key that was deleted passes nowhere: at once on its own node, soon on the other, and closed when nobody can hear.

While other keys keep every node busy, keys that work are deleted one after the other. Each is presented without a
pause from before its deletion until it is refused; what counts is what was let through after the deletion had been
answered. Then the other node is kept from hearing: its listening connection is ended, or its cable is cut, and then the
key is deleted.
"""

import asyncio
import time
from contextlib import asynccontextmanager

from .cable import Cable
from .desk import Desk
from .figures import Figure, part
from .http import Gone
from .postgres import Postgres

BUSY = 8
LISTENERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where query like '%pg_notify%' and pid <> pg_backend_pid()"""
# Whoever is not refused by then never will be.
HOPELESS = 20


async def keys_of(desk, token, names):
    client = desk.client()
    answers = [(await desk.create(client, token, name)).json() for name in names]
    client.close()
    return [(answer["id"], answer["secret"]) for answer in answers]


async def keep_busy(desk, secret, over):
    """Asks for verdicts until it is told to stop."""
    client = desk.client()
    while not over.is_set():
        try:
            await client.ask("GET", "/gate/authorize", secret=secret)
        except (Gone, TimeoutError):
            await asyncio.sleep(0.01)


async def present(desk, secret, passed, enough):
    """Presents a key until it is refused; notes when each request that passed was sent."""
    client = desk.client()
    began = time.monotonic()
    while time.monotonic() - began < HOPELESS:
        sent = time.monotonic()
        answer = await client.ask("GET", "/gate/authorize", secret=secret)
        if answer.status != 200:
            client.close()
            return answer.status
        passed.append(sent)
        enough.set()
    raise AssertionError("a deleted key is never refused")


async def revoked(deleter, bearer, key, judge):
    """Deletes a key that `judge` knows. Gives until when after the answer it was let through, how often, and the status
    that it got then."""
    passed, enough = [], asyncio.Event()
    presenting = asyncio.ensure_future(present(judge, key[1], passed, enough))
    known = asyncio.ensure_future(enough.wait())
    await asyncio.wait([presenting, known], return_when=asyncio.FIRST_COMPLETED)
    known.cancel()
    client = deleter.client()
    answer = await client.ask("DELETE", f"/v1/keys/{key[0]}", secret=bearer)
    answered = time.monotonic()
    client.close()
    assert answer.status == 204, answer.body
    status = await presenting
    late = [sent - answered for sent in passed if sent > answered]
    return max(late, default=0.0), len(late), status


@asynccontextmanager
async def busy(desks, secret):
    over = asyncio.Event()
    load = [asyncio.ensure_future(keep_busy(desk, secret, over)) for desk in desks for _ in range(BUSY)]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*load)


async def alone(stage):
    desk = Desk(stage, "alone")
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    rounds = stage.of(300, 20)
    admin, other, *keys = await keys_of(desk, token, ["admin", "other", *(f"key-{n}" for n in range(rounds))])
    async with busy([desk], other[1]):
        late = [await revoked(desk, admin[1], key, desk) for key in keys]
    desk.stop()
    late = sum(number for _, number, _ in late)
    return [Figure(f"let through after the answer, one node, {rounds} deletions", late, at_most=0)]


async def recovered(desk, secret):
    """Seconds until a key that works passes again."""
    began = time.monotonic()
    client = desk.client()
    while (await client.ask("GET", "/gate/authorize", secret=secret)).status != 200:
        await asyncio.sleep(0.02)
    client.close()
    return time.monotonic() - began


async def across(stage):
    server = Postgres(stage)
    database = server.database()
    cable = Cable(stage, server.port)
    one = Desk(stage, "one", database=database)
    one.start()
    two = Desk(stage, "two", database=database, secret_of=one)
    two.start()
    far = Desk(stage, "far", database=database.replace(f":{server.port}/", f":{cable.port}/"), secret_of=one)
    far.start()
    token = await one.sign_up("admin@halden.example")
    rounds, cuts = stage.of(300, 20), stage.of(20, 2)
    names = [f"key-{number}" for number in range(rounds + 2 * cuts)]
    admin, other, *keys = await keys_of(one, token, ["admin", "other", *names])
    async with busy([one, two], other[1]):
        await asyncio.sleep(1)
        late = [(await revoked(one, admin[1], key, two))[0] for key in keys[:rounds]]
        deaf, cut, back = [], [], []
        for key in keys[rounds : rounds + cuts]:
            passing = asyncio.ensure_future(revoked(one, admin[1], key, two))
            await asyncio.to_thread(server.ask, LISTENERS)
            deaf.append((await passing)[0])
            await asyncio.sleep(1.5)
        for key in keys[rounds + cuts :]:
            await recovered(far, key[1])
            await asyncio.sleep(1.5)
            cable.cut()
            cut.append((await revoked(one, admin[1], key, far))[0])
            cable.mend()
            back.append(await recovered(far, other[1]))
    return [
        Figure(f"until refused on the other node, p99 of {rounds}", round(part(late, 0.99) * 1000), "ms", at_most=250),
        Figure("until refused on the other node, longest", round(max(late) * 1000), "ms", at_most=1000),
        Figure("until refused, listening connections ended, longest", round(max(deaf) * 1000), "ms", at_most=2000),
        Figure("until refused, cable cut before the deletion, longest", round(max(cut) * 1000), "ms", at_most=2000),
        Figure("until verdicts are given again, cable mended, longest", round(max(back), 2), "s", at_most=5),
    ]


async def run(stage):
    return await alone(stage) + await across(stage)
