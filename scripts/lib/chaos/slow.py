"""slowhttptest's header, body and read attacks, and 4 000 silent connections: a normal client notices none of it.

Silence comes from forty addresses, a hundred connections each, so that no cap by address helps.
"""

import asyncio
import shutil
import socket
import time

from .desk import Desk
from .figures import Figure, part
from .http import Gone

ATTACKS = {
    # Headers that never end, forms that never end, and answers that are never read.
    "slow headers": ["-H", "-i", "2", "-x", "24"],
    "slow bodies": ["-B", "-i", "2", "-s", "8192", "-f", "application/json"],
    "slow reading": ["-X", "-w", "1", "-y", "8", "-n", "5", "-z", "1", "-k", "10"],
}
PATHS = {"slow headers": "/sign-in", "slow bodies": "/api/auth/login", "slow reading": "/openapi.json"}


async def normal(desk, secret, until):
    """A gateway on one connection, and people on new ones; gives the seconds of each answer and the errors."""
    took, errors = [], []
    gateway = desk.client(5)
    while not until.is_set():
        asks = [(gateway, "/gate/authorize?scope=keys:read", secret), (desk.client(5), "/sign-in", None)]
        for client, path, own in asks:
            began = time.monotonic()
            try:
                answer = await client.ask("GET", path, secret=own)
                if answer.status != 200:
                    errors.append(f"{path}: {answer.status}")
            except (Gone, TimeoutError) as error:
                errors.append(f"{path}: {error!r}")
            took.append(time.monotonic() - began)
            if client is not gateway:
                client.close()
        await asyncio.sleep(0.01)
    return took, errors


async def attack(stage, desk, name, seconds):
    program = await asyncio.create_subprocess_exec(
        shutil.which("slowhttptest"), *ATTACKS[name], "-c", str(stage.of(1_000, 200)), "-r", "500", "-l", str(seconds),
        "-p", "5", "-v", "0", "-u", f"http://127.0.0.1:{desk.port}{PATHS[name]}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=desk.folder,
    )  # fmt: skip
    try:
        status = await asyncio.wait_for(program.wait(), seconds + 60)
        assert status == 0, f"slowhttptest ended with {status}"
    finally:
        if program.returncode is None:
            program.kill()


async def silent(desk, number, seconds):
    """So many at once, each of which comes again when it is hung up on; gives the most that were held."""
    loop, ends, held, most = asyncio.get_running_loop(), time.monotonic() + seconds, 0, 0

    async def one(place):
        nonlocal held, most
        while time.monotonic() < ends:
            with socket.socket() as quiet:
                quiet.setblocking(False)
                quiet.bind((f"127.0.1.{1 + place % 40}", 0))
                await loop.sock_connect(quiet, ("127.0.0.1", desk.port))
                held += 1
                most = max(most, held)
                try:
                    await asyncio.wait_for(loop.sock_recv(quiet, 1), max(0.1, ends - time.monotonic()))
                except (OSError, TimeoutError):
                    pass
                held -= 1

    await asyncio.gather(*(one(place) for place in range(number)))
    return most


async def meanwhile(stage, desk, secret, name, attacking):
    """The figures of a normal client while something else goes on."""
    over = asyncio.Event()
    client = asyncio.ensure_future(normal(desk, secret, over))
    try:
        await attacking
    finally:
        over.set()
    took, errors = await client
    for why in errors[:5]:
        stage.tell(why)
    return [
        Figure(f"a normal client's p99, {name} ({len(took)} answers)", 1000 * part(took, 0.99), "ms", at_most=250),
        Figure(f"a normal client's errors, {name}", len(errors), at_most=0),
    ]


async def run(stage):
    # The attacks of one address: the normal client has the same, which the cap must not hit.
    desk = Desk(stage, "slow", environment={"KEYDESK_MAX_CONNECTIONS_PER_ADDRESS": "5000"})
    desk.start()
    token = await desk.sign_up("admin@halden.example")
    secret = (await desk.create(desk.client(), token, "slow")).json()["secret"]
    seconds, figures = stage.of(40, 4), []
    for name in ATTACKS:
        figures += await meanwhile(stage, desk, secret, name, attack(stage, desk, name, seconds))
        stage.tell(name)
    silence, number = {}, stage.of(4_000, 400)

    async def quietly():
        silence["most"] = await silent(desk, number, seconds)

    figures += await meanwhile(stage, desk, secret, f"{number} silent connections", quietly())
    return figures + [Figure("silent connections held at once", silence["most"], at_least=number)]
