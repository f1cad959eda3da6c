"""Runs rows, prints their figures and writes them down; ends with 1 if a promise was not kept."""

import argparse
import asyncio
import importlib
import inspect
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import chaos

from .desk import PASSWORD
from .http import plaintexts

# The modules that are no rows.
FRAME = {"__main__", "cable", "desk", "figures", "http", "postgres", "redis"}


class Stage:
    """Where a row plays: the program, a folder of its own, whether it is in a hurry, and all that it started."""

    def __init__(self, program, scratch, short):
        self.program, self.scratch, self.short = program, scratch, short
        self.started = []
        scratch.mkdir()
        scratch.chmod(0o711)

    def of(self, long, short):
        """How much of something: by the promise, or in a hurry."""
        return short if self.short else long

    def tell(self, text):
        """Progress, where somebody may be watching."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def end(self):
        for one in reversed(self.started):
            one.end()


def rows():
    return sorted(module.name for module in pkgutil.iter_modules(chaos.__path__) if module.name not in FRAME)


def play(name, options):
    """Runs one row on a stage of its own, and gives its figures."""
    module = importlib.import_module(f"chaos.{name}")
    stage = Stage(options.program, options.scratch / name, options.short)
    try:
        found = module.run(stage)
        return asyncio.run(found) if inspect.iscoroutine(found) else found
    finally:
        stage.end()


def main():
    reader = argparse.ArgumentParser(prog="scripts/chaos")
    reader.add_argument("rows", nargs="*", metavar="ROW")
    reader.add_argument("--program", type=lambda text: str(Path(text).resolve()))
    reader.add_argument("--scratch", type=Path)
    reader.add_argument("--short", action="store_true")
    reader.add_argument("--list", action="store_true")
    reader.add_argument("--plaintexts", type=Path)
    reader.add_argument("--json", type=Path, default=Path("target/chaos.json"))
    options = reader.parse_args()
    if options.list:
        for name in rows():
            print(f"{name:<12} {importlib.import_module(f'chaos.{name}').__doc__.splitlines()[0]}")
        return 0
    if unknown := set(options.rows) - set(rows()):
        reader.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(rows())}")
    # Whoever tells us to stop finds nothing left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report, kept = {}, True
    for name in options.rows or rows():
        print(f"== {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            figures = play(name, options)
        except Exception as error:  # One row that breaks must not hide the others.
            print(f"{name:<12} broke: {error!r}", flush=True)
            report[name], kept = {"broke": repr(error)}, False
            continue
        for figure in figures:
            print(figure.line(name), flush=True)
            kept = kept and figure.holds
        report[name] = {
            "seconds": round(time.monotonic() - began, 1),
            "figures": [{**vars(figure), "holds": figure.holds} for figure in figures],
        }
    if options.plaintexts:
        options.plaintexts.write_text("".join(f"{one}\n" for one in sorted({PASSWORD, *plaintexts})))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    about = {"at": datetime.now(UTC).isoformat(), "commit": commit, "cores": os.cpu_count(), "short": options.short}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"about": about, "rows": report}, indent=1) + "\n")
    print(f"\nEvery promise was kept: {'yes' if kept else 'NO'}. The figures are in {options.json}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
