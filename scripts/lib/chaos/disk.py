"""A full disk under writers: changes are refused in words, nothing acknowledged is lost, and room brings everything back.

The data lies on a small file system of its own (tmpfs), which a file of nothing fills to the last byte while four writers
create keys and the gate is asked about a key that works and one that was deleted. Then that file goes.
"""

import asyncio
import os
import sqlite3
import subprocess
import time

from .desk import Desk
from .figures import Figure
from .kills import IDS, WITHOUT_EVENT, WITHOUT_KEY

SIZE = 48 << 20
WRITERS = 4


class Disk:
    """A small file system, mounted where only we look."""

    def __init__(self, stage):
        self.folder = stage.scratch / "disk"
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "keydesk", self.folder], check=True)
        # Before every desk in the list, so that it ends after them.
        stage.started.insert(0, self)

    def fill(self):
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for block in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        ballast.write(b"\0" * block)
                except OSError:
                    continue

    def make_room(self):
        (self.folder / "ballast").unlink()

    def end(self):
        subprocess.run(["umount", "--lazy", self.folder], check=False)


class Watch:
    """What the writers and the gate were told, from the moment on that it is set to."""

    def __init__(self):
        self.told, self.refused, self.odd, self.wordless, self.last_good = [], 0, [], 0, 0.0
        self.wrong, self.gate_failures, self.slowest = 0, 0, 0.0
        self.stop = False


async def write(desk, secret, name, watch):
    client = desk.client()
    number = 0
    while not watch.stop:
        number += 1
        began = time.monotonic()
        answer = await desk.create(client, secret, f"key-{name}-{number}")
        watch.slowest = max(watch.slowest, time.monotonic() - began)
        if answer.status == 201:
            watch.told.append(answer.json()["id"])
            watch.last_good = time.monotonic()
        elif answer.status == 503:
            watch.refused += 1
            error = answer.json()["error"]
            watch.wordless += int(not error["message"] or "retry-after" not in answer.headers)
            await asyncio.sleep(0.02)
        else:
            watch.odd.append((answer.status, answer.body[:200]))
            await asyncio.sleep(0.02)


async def judge(desk, good, deleted, watch):
    client = desk.client()
    while not watch.stop:
        answers = [await client.ask("GET", "/gate/authorize", secret=secret) for secret in (good, deleted)]
        watch.gate_failures += int(answers[0].status not in (200, 503))
        watch.wrong += int(answers[1].status == 200)
        await asyncio.sleep(0.005)


async def run(stage):
    if os.geteuid() != 0:
        stage.tell("a small file system can be mounted by root only; this row was left out")
        return [Figure("left out: nobody but root may mount a file system", 1)]
    disk = Disk(stage)
    desk = Desk(stage, "desk", environment={"KEYDESK_DATA_DIR": str(disk.folder)})
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    client = desk.client()
    secret = (await desk.create(client, token, "writer")).json()["secret"]
    gone = (await desk.create(client, token, "gone")).json()
    assert (await client.ask("DELETE", f"/v1/keys/{gone['id']}", secret=token)).status == 204
    watch = Watch()
    tasks = [asyncio.ensure_future(write(desk, secret, name, watch)) for name in range(WRITERS)]
    tasks.append(asyncio.ensure_future(judge(desk, secret, gone["secret"], watch)))
    rounds, recoveries = stage.of(10, 2), []
    for _ in range(rounds):
        await asyncio.sleep(stage.of(2, 0.5))
        disk.fill()
        refused = watch.refused + len(watch.odd)
        for _ in range(3000):
            if watch.refused + len(watch.odd) > refused + 20:
                break
            for task in tasks:
                # One that broke says so now.
                if task.done():
                    task.result()
            # What the log has room for is still taken.
            await asyncio.sleep(0.01)
            disk.fill()
        await asyncio.sleep(stage.of(3, 0.5))
        room = time.monotonic()
        disk.make_room()
        while watch.last_good < room:
            assert time.monotonic() - room < 60, "nothing is taken any more"
            await asyncio.sleep(0.005)
        recoveries.append(watch.last_good - room)
    watch.stop = True
    await asyncio.gather(*tasks)
    alive = desk.process.poll() is None
    desk.stop()
    verified = desk.run("audit", "verify", check=False)
    connection = sqlite3.connect(disk.folder / "keydesk.db")
    there = {row[0] for row in connection.execute(IDS)}
    (whole,) = connection.execute("pragma integrity_check").fetchone()
    without = sum(connection.execute(sql).fetchone()[0] for sql in (WITHOUT_EVENT, WITHOUT_KEY))
    connection.close()
    for status, body in watch.odd[:3]:
        stage.tell(f"answered {status}: {body}")
    return [
        Figure(f"keys acknowledged around {rounds} full disks", len(watch.told), at_least=1),
        Figure("changes refused with 503 while it was full", watch.refused, at_least=rounds),
        Figure("refusals without words or Retry-After", watch.wordless, at_most=0),
        Figure("changes answered otherwise", len(watch.odd), at_most=0),
        Figure("acknowledged and lost", len(set(watch.told) - there), at_most=0),
        Figure("keys without their event, or events without their key", without, at_most=0),
        Figure("database damaged, or its audit chain", int(whole != "ok" or verified.returncode != 0), at_most=0),
        Figure("deleted key let through", watch.wrong, at_most=0),
        Figure("working key answered neither 200 nor 503", watch.gate_failures, at_most=0),
        Figure("longest answer", round(watch.slowest, 2), "s", at_most=10),
        Figure("slowest recovery, without a restart", round(max(recoveries), 2), "s", at_most=5),
        Figure("process ended", int(not alive), at_most=0),
    ]
