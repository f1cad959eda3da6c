"""`kill -9` under writers: what was acknowledged is there, and every change has its event.

Sixteen writers create keys through the API until the desk is killed under them; it starts again with what lies on disk, and
they go on. At the end every key that was acknowledged is listed, each with its one event, and each event with its key.
"""

import asyncio
import sqlite3
import time

from .desk import Desk
from .figures import Figure
from .http import Gone
from .postgres import Postgres

WRITERS = 16
# Creations that a round waits for before the kill; they differ, so that each kill meets something else.
A_ROUND = 100

WITHOUT_EVENT = """
    select count(*) from api_keys k where 1 <> (
        select count(*) from audit_events where target_id = k.id and action = 'key.created')"""
WITHOUT_KEY = """
    select count(*) from audit_events e where e.action = 'key.created'
        and not exists (select 1 from api_keys where id = e.target_id)"""
IDS = "select id from api_keys"


async def write(desk, secret, writer, told, enough):
    """Creates keys until nobody answers."""
    client = desk.client()
    for number in range(10**9):
        try:
            answer = await desk.create(client, secret, f"key-{writer}-{len(told)}-{number}")
        except Gone:
            return
        if answer.status != 201:
            raise AssertionError(f"a creation was answered with {answer.status}: {answer.body}")
        told.append(answer.json()["id"])
        if len(told) >= enough["at"]:
            enough["event"].set()


async def kills_of(stage, desk, ask, name):
    """The figures of one database. `ask` runs a statement that only counts or lists."""
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    # A token of a session lives for ten minutes only.
    secret = (await desk.create(desk.client(), token, "writer")).json()["secret"]
    told, starts = [], []
    kills = stage.of(200, 6)
    for number in range(kills):
        enough = {"at": len(told) + stage.of(A_ROUND, 30) + number % 7, "event": asyncio.Event()}
        names = [f"{number}-{writer}" for writer in range(WRITERS)]
        writers = [asyncio.ensure_future(write(desk, secret, name, told, enough)) for name in names]
        waiting = asyncio.ensure_future(enough["event"].wait())
        await asyncio.wait([*writers, waiting], timeout=120, return_when=asyncio.FIRST_COMPLETED)
        assert enough["event"].is_set(), "the writers are not answered"
        desk.kill()
        await asyncio.gather(*writers)
        began = time.monotonic()
        desk.start()
        await desk.ready()
        starts.append(time.monotonic() - began)
        if number % 20 == 19:
            stage.tell(f"{name}: {number + 1} of {kills} kills, {len(told):,} creations acknowledged")
    desk.stop()
    there = {row[0] for row in ask(IDS)}
    verified = desk.run("audit", "verify", check=False)
    return [
        Figure(f"creations acknowledged under {kills} kills, {name}", len(told), at_least=stage.of(20_000, 1)),
        Figure(f"acknowledged and lost, {name}", len(set(told) - there), at_most=0),
        Figure(f"keys without their one event, {name}", int(ask(WITHOUT_EVENT)[0][0]), at_most=0),
        Figure(f"events without their key, {name}", int(ask(WITHOUT_KEY)[0][0]), at_most=0),
        Figure(f"audit chain does not verify, {name}", int(verified.returncode != 0), at_most=0),
        Figure(f"slowest start until ready, {name}", round(max(starts), 2), "s", at_most=2),
    ]


async def run(stage):
    sqlite = Desk(stage, "sqlite")

    def ask_sqlite(sql):
        connection = sqlite3.connect(sqlite.folder / "keydesk.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    figures = await kills_of(stage, sqlite, ask_sqlite, "SQLite")
    server = Postgres(stage)
    url = server.database()
    desk = Desk(stage, "postgres-desk", database=url)
    return figures + await kills_of(stage, desk, lambda sql: server.ask(sql, url.rsplit("/", 1)[1]), "PostgreSQL")
