"""A Keydesk of its own: started on a free loopback port, killed, stopped and started again with what lies on disk."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .http import Client

PASSWORD = "copper lantern orbit"
# Seconds in which it has to listen; each row holds its own figure against what it took.
START = 60


class Desk:
    """One process of Keydesk. Two desks on one database share the secret file of the first."""

    command = "serve"

    def __init__(self, stage, name, database=None, secret_of=None, environment=(), wrapper=()):
        self.stage, self.name, self.wrapper = stage, name, list(wrapper)
        # Descriptors that it is started with.
        self.handed = ()
        self.folder = stage.scratch / name
        self.folder.mkdir(exist_ok=True)
        product = Path("products/default.toml").read_text()
        (self.folder / "product.toml").write_text(product.replace("per_minute = 100", "per_minute = 0"))
        self.environment = {
            "KEYDESK_DATA_DIR": str(self.folder),
            "KEYDESK_PRODUCT": str(self.folder / "product.toml"),
            "RUST_LOG": "warn,keydesk::audit=info",
            **({"KEYDESK_DATABASE_URL": database} if database else {}),
            **({"KEYDESK_SECRET_FILE": str(secret_of.folder / "secret")} if secret_of else {}),
            **dict(environment),
        }
        self.port, self.process = 0, None

    def start(self):
        """Starts it, and gives the seconds until it answered ready. The port stays the same from the first start on."""
        began = time.monotonic()
        self.environment["KEYDESK_LISTEN"] = f"127.0.0.1:{self.port}"
        # A start that is to be counted from must not read an old line.
        log = (self.folder / "stdout.log").open("w+")
        self.process = subprocess.Popen(
            [*self.wrapper, self.stage.program, self.command],
            env={**os.environ, **self.environment},
            stdout=log,
            stderr=(self.folder / "stderr.log").open("a"),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self.handed,
        )
        self.stage.started.append(self)
        while not (said := re.search(r"listening on https?://\S+:(\d+)", (self.folder / "stdout.log").read_text())):
            if self.process.poll() is not None or time.monotonic() - began > START:
                raise RuntimeError(f"{self.name} does not start:\n{self.said()}")
            time.sleep(0.002)
        self.port = int(said[1])
        return time.monotonic() - began

    async def ready(self):
        """Waits until it says that it is ready."""
        client = Client(self.port)
        while (await client.ask("GET", "/readyz")).status != 200:
            pass
        client.close()

    def kill(self):
        """As a power cut would; nothing is flushed."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, within=20):
        """Tells it to stop, and gives the seconds that it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        self.process.wait(within)
        return time.monotonic() - began

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def said(self):
        return (self.folder / "stderr.log").read_text()[-4000:]

    def run(self, *arguments, check=True):
        """Runs a command of the same program with the same settings."""
        return subprocess.run(
            [self.stage.program, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=check,
        )

    def client(self, patience=30.0):
        return Client(self.port, patience)

    async def sign_up(self, email):
        """A new account; gives the token of its administrator."""
        answer = await self.client().ask("POST", "/api/auth/signup", {"email": email, "password": PASSWORD})
        assert answer.status == 201, answer.body
        return answer.json()["token"]

    async def create(self, client, bearer, name, **fields):
        """A key; gives the answer of the API."""
        key = {"name": name, "type": "standard", "environment": "live", "preset": "full", **fields}
        return await client.ask("POST", "/v1/keys", key, secret=bearer)

    # What the kernel knows of it.

    @property
    def pid(self):
        return self.process.pid

    def memory(self):
        """MiB, what it shares counted in parts (PSS)."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1024

    def processor(self):
        """Seconds on a processor so far, with all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
