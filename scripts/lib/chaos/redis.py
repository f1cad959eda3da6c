"""A Valkey or Redis of our own, which keeps nothing and may be frozen, killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import time


class Redis:
    def __init__(self, stage):
        self.folder = stage.scratch / "redis"
        self.folder.mkdir()
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process = None
        stage.started.append(self)
        self.start()

    def start(self):
        program = shutil.which("valkey-server") or "redis-server"
        nothing = ["--save", "", "--appendonly", "no"]
        where = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder)]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen([program, *where, *nothing], stdout=log, stderr=log, start_new_session=True)
        began = time.monotonic()
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as knock:
                    return knock.connect(str(self.socket))
            except OSError:
                if time.monotonic() - began > 20:
                    raise RuntimeError("Redis does not start") from None
                time.sleep(0.01)

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
