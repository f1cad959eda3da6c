"""Half an hour of everything at once: memory and descriptors stay flat, and nothing fails.

Gateways ask about keys, programs create and delete them, people sign in and read pages. The first third is the warm-up, at five
times the pace, so that whatever is kept up to a bound is kept: the database's page caches, the gate's memory. What is held is
the growth from then to the end, and the requests that failed.
"""

import asyncio
import itertools
import time

from .desk import PASSWORD, Desk
from .figures import Figure, part

GATEWAYS = 8
PROGRAMS = 4
PEOPLE = 2
# Times the pace of the rest.
WARM_UP = 5


class Work:
    def __init__(self, desk, token, secret):
        self.desk, self.token, self.secret = desk, token, secret
        self.over = asyncio.Event()
        self.pace = WARM_UP
        self.answers, self.wrong, self.took = 0, {}, []
        self.numbers = itertools.count()

    async def ask(self, client, expected, *request, **more):
        answer = await client.ask(*request, **more)
        self.answers += 1
        if answer.status != expected:
            about = f"{request[0]} {request[1].split('?')[0]} {answer.status}"
            self.wrong[about] = self.wrong.get(about, 0) + 1
        return answer

    async def gateway(self):
        client = self.desk.client()
        while not self.over.is_set():
            began = time.monotonic()
            await self.ask(client, 200, "GET", "/gate/authorize?scope=mail:send", secret=self.secret)
            self.took.append((time.monotonic() - began) * 1000)
            await self.ask(client, 401, "GET", "/gate/authorize", secret="kd_live_" + "x" * 49)
            await asyncio.sleep(0.05 / self.pace)

    async def program(self):
        client = self.desk.client()
        while not self.over.is_set():
            made = await self.desk.create(client, self.secret, f"soak-{next(self.numbers)}")
            self.answers += 1
            if made.status != 201:
                self.wrong["create"] = self.wrong.get("create", 0) + 1
                continue
            key = made.json()
            await self.ask(client, 200, "GET", "/gate/authorize", secret=key["secret"])
            await self.ask(client, 204, "DELETE", f"/v1/keys/{key['id']}", secret=self.secret)
            await self.ask(client, 401, "GET", "/gate/authorize", secret=key["secret"])
            await asyncio.sleep(0.25 / self.pace)

    async def person(self, number):
        while not self.over.is_set():
            client = self.desk.client()
            headers = [f"X-Forwarded-For: 10.1.{number}.{next(self.numbers) % 250}", "Sec-Fetch-Site: same-origin"]
            form = f"email=admin%40halden.example&password={PASSWORD.replace(' ', '+')}".encode()
            kind = [*headers, "Content-Type: application/x-www-form-urlencoded"]
            signed = await self.ask(client, 303, "POST", "/sign-in", form, headers=kind)
            for page in ["/settings/api-keys", "/settings/usage", "/settings/audit-log", "/settings/team"]:
                await self.ask(client, 200, "GET", page, headers=[*headers, f"Cookie: {signed.cookie}"])
            await self.ask(client, 303, "POST", "/sign-out", b"", headers=[*kind, f"Cookie: {signed.cookie}"])
            client.close()
            # Not too many sign-ins of one account.
            await asyncio.sleep(40)


async def run(stage):
    # This much of the gate's memory is full after the warm-up; what grows then grows for ever.
    settings = {"KEYDESK_TRUSTED_PROXIES": "127.0.0.1", "KEYDESK_CACHE_KEYS": "1000"}
    desk = Desk(stage, "desk", environment=settings)
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    secret = (await desk.create(desk.client(), token, "soak")).json()["secret"]
    work = Work(desk, token, secret)
    workers = [asyncio.ensure_future(work.gateway()) for _ in range(GATEWAYS)]
    workers += [asyncio.ensure_future(work.program()) for _ in range(PROGRAMS)]
    workers += [asyncio.ensure_future(work.person(number)) for number in range(PEOPLE)]
    steps = 30
    memory, descriptors = [], []
    for step in range(steps):
        work.pace = WARM_UP if step < steps // 3 else 1
        await asyncio.wait(workers, timeout=stage.of(60, 0.5), return_when=asyncio.FIRST_EXCEPTION)
        for worker in workers:
            if worker.done():
                worker.result()
        memory.append(desk.memory())
        descriptors.append(desk.descriptors())
        if step % 5 == 4:
            stage.tell(f"{step + 1} of {steps}: {work.answers:,} answers, {memory[-1]:.1f} MiB, {descriptors[-1]} descriptors")
    work.over.set()
    for person in workers[GATEWAYS + PROGRAMS :]:
        person.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    if work.wrong:
        stage.tell(f"not as expected: {work.wrong}")
    third = steps // 3
    # Levels, not moments: each the middle of a third.
    level = lambda values, start: sorted(values[start : start + third])[third // 2]
    took = desk.stop()
    return [
        Figure("answers", work.answers),
        Figure("answers that were not as expected", sum(work.wrong.values()), at_most=0),
        Figure("verdicts, 99 of 100 within", part(work.took, 0.99), "ms", at_most=250),
        Figure("memory after the first third", level(memory, third), "MiB"),
        Figure("memory grew in the last third by", level(memory, 2 * third) - level(memory, third), "MiB", at_most=5),
        Figure("descriptors grew by", level(descriptors, 2 * third) - level(descriptors, third), at_most=5),
        Figure("stopped after", took, "s", at_most=10),
    ]
