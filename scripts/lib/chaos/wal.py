"""The write-ahead log of SQLite, cut at a random byte: what is left opens clean, and holds what it had acknowledged.

A desk writes keys into a log that no checkpoint empties, and after each acknowledged key it is written down how long the log
was. Then the log is cut, again and again, each time on a fresh copy: every key acknowledged before the cut is there, and
every key has its event. Some of the copies are served by the program itself. That the log is read by SQLite alone is why
its own library may stand for the program in the others.
"""

import random
import shutil
import sqlite3

from .desk import Desk
from .figures import Figure
from .kills import WITHOUT_EVENT, WITHOUT_KEY

# At a thousand pages SQLite writes its log into its file, unless somebody is reading the file; somebody is, from the first
# byte of the log on. What is in the file already may be cut from the log by no crash: it was on disk before.
KEYS = 400


async def write(stage, desk):
    """Creates keys, and gives their ids with the length of the log once each was acknowledged."""
    log = desk.folder / "keydesk.db-wal"
    token = await desk.sign_up("admin@halden.example")
    client = desk.client()
    secret = (await desk.create(client, token, "writer")).json()["secret"]
    told = []
    for number in range(stage.of(KEYS, 60)):
        answer = await desk.create(client, secret, f"key-{number}")
        assert answer.status == 201, answer.body
        told.append((log.stat().st_size, answer.json()["id"]))
    client.close()
    return told


def cut(files, to, length):
    """Copies the database with its log cut to `length` bytes."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    shutil.copy(files / "keydesk.db", to / "keydesk.db")
    with (files / "keydesk.db-wal").open("rb") as whole, (to / "keydesk.db-wal").open("wb") as part:
        part.write(whole.read(length))


def look(folder, acknowledged):
    """What is wrong in a folder, by the name of its figure."""
    connection = sqlite3.connect(folder / "keydesk.db")
    try:
        (whole,) = connection.execute("pragma integrity_check").fetchone()
        there = {row[0] for row in connection.execute("select id from api_keys")}
        return {
            "damaged": int(whole != "ok"),
            "lost": len(set(acknowledged) - there),
            "without": sum(connection.execute(sql).fetchone()[0] for sql in (WITHOUT_EVENT, WITHOUT_KEY)),
        }
    except sqlite3.DatabaseError:
        return {"damaged": 1, "lost": 0, "without": 0}
    finally:
        connection.close()


async def run(stage):
    desk = Desk(stage, "desk")
    desk.start()
    await desk.ready()
    reader = sqlite3.connect(desk.folder / "keydesk.db", isolation_level=None)
    assert reader.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
    reader.execute("begin")
    reader.execute("select count(*) from api_keys").fetchone()
    before = (desk.folder / "keydesk.db").read_bytes()
    told = await write(stage, desk)
    kept = stage.scratch / "kept"
    kept.mkdir()
    desk.kill()
    assert (desk.folder / "keydesk.db").read_bytes() == before, "the log was written into the file"
    for name in ("keydesk.db", "keydesk.db-wal", "secret", "product.toml"):
        shutil.copy(desk.folder / name, kept / name)
    reader.close()
    length = (kept / "keydesk.db-wal").stat().st_size
    chance = random.Random(7)
    cuts, served = stage.of(1000, 40), stage.of(20, 3)
    found = {"damaged": 0, "lost": 0, "without": 0}
    for number in range(cuts):
        # Some at the very end of a commit, where one byte decides.
        at = chance.randrange(length + 1)
        if number % 4 == 0:
            at = max(0, min(length, chance.choice(told)[0] + chance.choice((-1, 0, 1))))
        acknowledged = [key for size, key in told if size <= at]
        folder = stage.scratch / "cut"
        cut(kept, folder, at)
        wrong = look(folder, acknowledged)
        found = {name: found[name] + wrong[name] for name in found}
        if number % 200 == 199:
            stage.tell(f"{number + 1} of {cuts} cuts")
    refused = 0
    for number in range(served):
        at = chance.randrange(length + 1)
        again = Desk(stage, f"again-{number}", environment=desk.environment)
        again.environment["KEYDESK_DATA_DIR"] = str(again.folder)
        cut(kept, again.folder, at)
        for name in ("secret", "product.toml"):
            shutil.copy(kept / name, again.folder / name)
        again.start()
        await again.ready()
        verified = again.run("audit", "verify", check=False)
        refused += int(verified.returncode != 0)
        again.stop()
        wrong = look(again.folder, [key for size, key in told if size <= at])
        found = {name: found[name] + wrong[name] for name in found}
    return [
        Figure("bytes of log that were cut into", length, at_least=1),
        Figure("cuts", cuts + served, at_least=stage.of(1000, 1)),
        Figure("cuts after which the database is damaged", found["damaged"], at_most=0),
        Figure("keys acknowledged before the cut and lost", found["lost"], at_most=0),
        Figure("keys without their event, or events without their key", found["without"], at_most=0),
        Figure("of those served, audit chains that do not verify", refused, at_most=0),
    ]
