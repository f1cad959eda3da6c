"""One key's secret, asked for by fifty at once, on one node and across two: shown to exactly one of them.

Every key is made by the page, waits sealed, and is then asked for by fifty connections that send in the same moment. One
answer is the page with the secret, all others are 410, and no two answers hold two secrets.
"""

import asyncio
import re
from urllib.parse import urlencode

from .desk import PASSWORD, Desk
from .figures import Figure
from .postgres import Postgres

AT_ONCE = 50
SECRET = re.compile(r"kd_live_[0-9A-Za-z]{49}")


def form(cookie):
    return [f"Cookie: {cookie}", "Sec-Fetch-Site: same-origin", "Content-Type: application/x-www-form-urlencoded"]


async def signed_up(desk, email):
    """The cookie of a new administrator."""
    fields = urlencode({"account": "Halden", "email": email, "password": PASSWORD}).encode()
    answer = await desk.client().ask("POST", "/sign-up", fields, headers=form("none=1"))
    assert answer.status == 303, answer.body
    return answer.cookie


async def made(client, cookie, name):
    """The id of a new key, sealed."""
    fields = urlencode({"name": name, "environment": "live", "preset": "read", "type": "standard"}).encode()
    answer = await client.ask("POST", "/settings/api-keys", fields, headers=form(cookie))
    assert answer.status == 303, answer.body
    return answer.headers["location"].split("?")[0].rsplit("/", 1)[1]


async def raced(stage, desks, cookie, keys):
    """How many keys were shown to nobody, to more than one, with more than one secret, and what else was answered."""
    clients = [desks[number % len(desks)].client(120) for number in range(AT_ONCE)]
    maker = desks[0].client(120)
    none = several = secrets_of_one = strange = shown = 0
    for number in range(keys):
        key = await made(maker, cookie, f"key-{number}")
        path = f"/settings/api-keys/{key}/reveal"
        answers = await asyncio.gather(*(client.ask("POST", path, b"", headers=form(cookie)) for client in clients))
        good = [answer for answer in answers if answer.status == 200]
        secrets = {secret for answer in answers for secret in SECRET.findall(answer.body.decode())}
        none += not good
        several += len(good) > 1
        secrets_of_one += len(secrets) > 1
        strange += sum(answer.status not in (200, 410) for answer in answers)
        shown += len(good) == 1 and len(secrets) == 1
        if number % 100 == 99:
            stage.tell(f"{number + 1} of {keys} keys")
    return shown, none, several, secrets_of_one, strange


async def figures_of(stage, desks, where):
    keys = stage.of(1000, 10)
    cookie = await signed_up(desks[0], "admin@halden.example")
    shown, none, several, secrets, strange = await raced(stage, desks, cookie, keys)
    return [
        Figure(f"keys asked for by {AT_ONCE} at once and shown once, {where}", shown, at_least=keys),
        Figure(f"shown to nobody, {where}", none, at_most=0),
        Figure(f"shown to more than one, {where}", several, at_most=0),
        Figure(f"with two secrets, {where}", secrets, at_most=0),
        Figure(f"answered with anything but 200 and 410, {where}", strange, at_most=0),
    ]


async def run(stage):
    alone = Desk(stage, "alone")
    alone.start()
    figures = await figures_of(stage, [alone], "SQLite")
    alone.stop()
    server = Postgres(stage)
    one, two = pair(stage, server)
    figures += await figures_of(stage, [one], "one node")
    one.stop()
    two.stop()
    one, two = pair(stage, server, "again-")
    return figures + await figures_of(stage, [one, two], "two nodes")


def pair(stage, server, prefix=""):
    """Two nodes of one installation."""
    database = server.database()
    one = Desk(stage, f"{prefix}one", database=database)
    one.start()
    # A cookie and a session token are one installation's, whatever node they come to.
    two = Desk(stage, f"{prefix}two", database=database, secret_of=one)
    two.start()
    return one, two
