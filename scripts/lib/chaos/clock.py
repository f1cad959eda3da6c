"""The clock jumps by hours, forth and back (libfaketime): nobody is locked out for long, nothing expired is let through.

Only the clock on the wall jumps, as it does when somebody sets it; what measures spans goes on. At each jump a minute's
requests and the tries of a sign-in have just been used up, so that whatever counts until a moment that is hours away now
would show.
"""

import glob
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .desk import PASSWORD, Desk
from .figures import Figure

EMAIL = "admin@halden.example"
JUMPS = [3, -2, 26, -5, 0, -30, 48, 1, -1, 0]
LIMIT = 100


class Wall:
    """What the desk takes for the clock on the wall: the real one, so many hours off."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.hours = 0
        self.jump(0)

    def jump(self, hours):
        self.hours = hours
        part = self.file.with_suffix(".part")
        part.write_text(f"{hours * 3600:+d}s\n")
        part.rename(self.file)

    def now(self):
        return datetime.now(UTC) + timedelta(hours=self.hours)

    def environment(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        return {
            "LD_PRELOAD": library[0],
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


async def until(wanted, ask, within):
    """Seconds until `ask` answers with the status wanted, or twice as many as it may take."""
    began = time.monotonic()
    while time.monotonic() - began < 2 * within:
        if (await ask()).status == wanted:
            return time.monotonic() - began
    return 2.0 * within


async def run(stage):
    folder = stage.scratch / "wall"
    folder.mkdir()
    wall = Wall(folder)
    desk = Desk(stage, "desk", environment=wall.environment())
    product = desk.folder / "product.toml"
    limited = Path("products/default.toml").read_text()
    product.write_text(limited)
    assert f"per_minute = {LIMIT}" in limited
    desk.start()
    client = desk.client(120)
    first = await desk.sign_up(EMAIL)
    secret = (await desk.create(client, first, "steady")).json()["secret"]
    expiry = wall.now() + timedelta(hours=1)
    fields = {"expires_at": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}
    made = await desk.create(client, first, "brief", **fields)
    assert made.status == 201, made.body
    brief = made.json()["secret"]

    async def key(which):
        return await client.ask("GET", "/v1/key", secret=which)

    async def login(password=PASSWORD):
        return await client.ask("POST", "/api/auth/login", {"email": EMAIL, "password": password})

    tokens = [(wall.now(), first)]
    waits = {"gate": [], "sign-in": [], "ready": []}
    wrong = {"expired": 0, "session": 0, "fresh": 0, "failed": 0}
    for hours in JUMPS[: stage.of(len(JUMPS), 3)]:
        # Everything that counts is at its end.
        for _ in range(LIMIT + 5):
            last = await key(secret)
        for _ in range(stage.of(8, 2)):
            wrong["failed"] += int((await login("not the word")).status >= 500)
        assert last.status in (200, 429), last.body
        wall.jump(hours)
        stage.tell(f"the clock is {hours:+d} h off")
        waits["ready"].append(await until(200, lambda: client.ask("GET", "/readyz"), 5))
        waits["gate"].append(await until(200, lambda: key(secret), 61))
        answer = await key(brief)
        wrong["expired"] += int(wall.now() > expiry and answer.status == 200)
        for at, token in tokens:
            age = (wall.now() - at).total_seconds()
            # Ten minutes of life and half a minute of leeway, either way.
            lives = (await client.ask("GET", "/v1/inboxes", secret=token)).status == 200
            wrong["session"] += int(lives and not -60 < age < 690)
        began = time.monotonic()
        answer = await login()
        while answer.status != 200 and time.monotonic() - began < 180:
            wrong["failed"] += int(answer.status >= 500)
            answer = await login()
        waits["sign-in"].append(time.monotonic() - began)
        stage.tell(f"signed in after {waits['sign-in'][-1]:.1f} s, answered {answer.status}")
        if answer.status == 200:
            token = answer.json()["token"]
            tokens.append((wall.now(), token))
            wrong["fresh"] += int((await client.ask("GET", "/v1/inboxes", secret=token)).status != 200)
    alive = desk.process.poll() is None
    panicked = "panicked" in (desk.folder / "stderr.log").read_text()
    verified = desk.run("audit", "verify", check=False) if alive else None
    return [
        Figure("jumps of the clock, up to two days", len(waits["gate"]), at_least=1),
        Figure("panics, or a process that ended", int(panicked or not alive), at_most=0),
        Figure("longest until ready again", round(max(waits["ready"]), 2), "s", at_most=5),
        Figure("longest until a key passes that had used up its minute", round(max(waits["gate"]), 1), "s", at_most=61),
        Figure("longest until somebody can sign in whose tries were used up", round(max(waits["sign-in"]), 1), "s", at_most=60),
        Figure("expired key let through", wrong["expired"], at_most=0),
        Figure("session token let through before or after its ten minutes", wrong["session"], at_most=0),
        Figure("session token refused that was just given", wrong["fresh"], at_most=0),
        Figure("answers of 500 and above", wrong["failed"], at_most=0),
        Figure("audit chain does not verify", int(verified is None or verified.returncode != 0), at_most=0),
    ]
