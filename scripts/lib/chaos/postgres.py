"""A PostgreSQL of our own, which may be stopped, frozen and started again."""

import glob
import os
import random
import re
import shutil
import signal
import subprocess
from pathlib import Path

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
max_connections = 200
# A kill of the desk, not of the machine, is what is tried.
fsync = off
"""


def programs():
    """The folder of the newest server: Debian keeps its programs off the PATH."""

    def version(path):
        return int(re.search(r"/(\d+)/bin/", path)[1])

    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=version)
    return Path(found[-1] if found else shutil.which("initdb")).parent


class Postgres:
    def __init__(self, stage):
        self.folder = stage.scratch / "postgres"
        self.folder.mkdir()
        self.port = 0
        self.databases = 0
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        stage.started.append(self)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        with (self.folder / "data/postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION.format(folder=self.folder))
        for _ in range(5):
            self.port = random.randint(20000, 32000)
            try:
                return self.start()
            except subprocess.CalledProcessError:
                continue
        raise RuntimeError("PostgreSQL does not start")

    def _run(self, program, *arguments):
        # The server refuses to run as root.
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        with (self.folder / "program.log").open("a") as log:
            command = [programs() / program, f"--pgdata={self.folder}/data", *arguments]
            subprocess.run(command, cwd=self.folder, check=True, stdout=log, stderr=log, **user)

    def start(self):
        log = f"--log={self.folder}/server.log"
        self._run("pg_ctl", "start", "--silent", "--wait", log, f"--options=-p {self.port}")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "stop", "--silent", "--wait", f"--mode={mode}")

    def processes(self):
        """The server and everything that it forked."""
        first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def freeze(self):
        """It keeps its connections and answers none of them."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def database(self):
        """A fresh database; gives its URL."""
        self.databases += 1
        name = f"chaos_{self.databases}"
        self.ask(f"create database {name}", "postgres")
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def ask(self, sql, database=None):
        """Runs a statement, and gives its rows as lists of texts."""
        psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        where = ["--host=127.0.0.1", f"--port={self.port}", "--username=postgres", f"--dbname={database or 'postgres'}"]
        answer = subprocess.run([*psql, *where, "--command", sql], capture_output=True, text=True, check=True)
        return [line.split("|") for line in answer.stdout.splitlines()]

    def end(self):
        if (self.folder / "data/postmaster.pid").exists():
            self.thaw()
            self.stop("immediate")
