"""Loads and times the sign-in of a Keydesk on this machine: what `scripts/bench flood` and `timing` run.

    sign_ins.py flood  URL PID CORES ROUNDS SECONDS
    sign_ins.py timing URL DATABASE TRIES

Every request claims an address of its own (X-Forwarded-For of a trusted proxy), so that no throttle hides what is behind
it. Prints one JSON object. Needs nothing but Python's own library.
"""

import asyncio
import itertools
import json
import math
import multiprocessing
import os
import random
import socket
import sqlite3
import statistics
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

PASSWORD = "copper lantern orbit"
# Requests a second of the one client that asks the gate.
GATE_RATE = 200
# Seconds that a client of the flood rests after each answer; all of them together ask several times what can be hashed.
REST = 1.0
numbers = itertools.count(1)


def message(method, path, headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def form(path, fields, address):
    """A form of our own page, from an address."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-For": address,
    }
    return message("POST", path, headers, urlencode(fields).encode())


def fresh_address():
    number = next(numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def head_of(head):
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), headers


class Connection:
    """One connection that stays open."""

    def __init__(self, url):
        self.socket = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def ask(self, request):
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self.left:
            self.take()
        head, self.left = self.left.split(b"\r\n\r\n", 1)
        status, headers = head_of(head)
        length = int(headers.get("content-length", 0))
        while len(self.left) < length:
            self.take()
        body, self.left = self.left[:length], self.left[length:]
        return status, body

    def take(self):
        part = self.socket.recv(65536)
        if not part:
            sys.exit("the server hung up")
        self.left += part


def posted(url, path, body, headers):
    headers = {"Content-Type": "application/json", "X-Forwarded-For": fresh_address(), **headers}
    status, answer = Connection(url).ask(message("POST", path, headers, json.dumps(body).encode()))
    if status not in (200, 201):
        sys.exit(f"{path} answered {status}: {answer.decode()}")
    return json.loads(answer)


def sign_up(url, email):
    return posted(url, "/api/auth/signup", {"email": email, "password": PASSWORD}, {})


# The flood.


def ask_gate(url, secret, seconds, results):
    """Asks the gate at an even pace; what each answer took, in microseconds."""
    try:
        # Gateways live elsewhere: who measures must not wait for the processor behind the flood.
        os.nice(-10)
    except PermissionError:
        pass
    connection = Connection(url)
    request = message("GET", "/gate/authorize?scope=mail:send", {"Authorization": f"Bearer {secret}"})
    took, due = [], time.perf_counter()
    end = due + seconds
    while due < end:
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        status, _ = connection.ask(request)
        took.append((time.perf_counter() - began) * 1e6)
        if status != 200:
            results.put(None)
            sys.exit(f"the gate answered {status}")
        due += 1 / GATE_RATE
    results.put(took)


async def one_of_the_flood(url, end, counts, address):
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    while time.perf_counter() < end:
        fields = {"email": f"flood{next(numbers)}@halden.example", "password": "a guess of twelve"}
        writer.write(form("/sign-in", fields, address or fresh_address()))
        status, headers = head_of(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(int(headers["content-length"]))
        waits = " with Retry-After" if "retry-after" in headers else ""
        counts[f"{status}{waits}"] = counts.get(f"{status}{waits}", 0) + 1
        await asyncio.sleep(REST * random.uniform(0.5, 1.5))
    writer.close()


async def flood_for(url, seconds, clients, address):
    counts, end = {}, time.perf_counter() + seconds
    await asyncio.gather(*(one_of_the_flood(url, end, counts, address) for _ in range(clients)))
    return counts


def flood_process(url, seconds, clients, address, results):
    # As whoever signs in does: what is theirs to do must not take the processor from what is measured.
    os.nice(10)
    results.put(asyncio.run(flood_for(url, seconds, clients, address)))


def resident(pid):
    """KiB in memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Watched(threading.Thread):
    """The most memory that a process has while it is watched."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.going = pid, resident(pid), True
        self.start()

    def run(self):
        while self.going:
            self.most = max(self.most, resident(self.pid))
            time.sleep(0.02)

    def end(self):
        self.going = False
        self.join()
        return self.most


def phase(url, pid, secret, seconds, clients, address):
    watched = Watched(pid)
    asked, flooded = multiprocessing.Queue(), multiprocessing.Queue()
    processes = []
    if clients:
        # Longer than the gate is asked, at both ends.
        processes.append(multiprocessing.Process(target=flood_process, args=(url, seconds + 2, clients, address, flooded)))
        processes[-1].start()
        time.sleep(1)
    processes.append(multiprocessing.Process(target=ask_gate, args=(url, secret, seconds, asked)))
    processes[-1].start()
    took = asked.get()
    if took is None:
        sys.exit(1)
    took.sort()
    counts = flooded.get() if clients else {}
    for process in processes:
        process.join()
    at = lambda part: round(took[min(len(took) - 1, int(len(took) * part))])
    return {"asked": len(took), "p50": at(0.5), "p99": at(0.99), "max": round(took[-1]), "answers": counts, "rss": watched.end()}


def flood(url, pid, clients, rounds, seconds):
    token = sign_up(url, "admin@halden.example")["token"]
    key = {"name": "gate", "type": "standard", "environment": "live", "preset": "full"}
    secret = posted(url, "/v1/keys", key, {"Authorization": f"Bearer {token}"})["secret"]
    phase(url, pid, secret, 1, 0, None)
    measured = []
    for number in range(rounds):
        before = resident(pid)
        turn = {
            "idle": phase(url, pid, secret, seconds, 0, None),
            # The same load from one address, which the throttle turns away: what the flood costs beside its hashing.
            "refused": phase(url, pid, secret, seconds, clients, "10.255.255.1"),
            "hashed": phase(url, pid, secret, seconds, clients, None),
            "rss_before": before,
        }
        measured.append(turn)
        print(f"Round {number + 1} of {rounds}", file=sys.stderr)
    middle = lambda of: statistics.median(of(turn) for turn in measured)
    totals = {}
    for turn in measured:
        for answer, times in turn["hashed"]["answers"].items():
            totals[answer] = totals.get(answer, 0) + times
    rows = {
        name: {figure: middle(lambda turn: turn[name][figure]) for figure in ("p50", "p99", "max")}
        for name in ("idle", "refused", "hashed")
    }
    grown = lambda name: round((max(turn[name]["rss"] for turn in measured) - measured[0]["rss_before"]) / 1024, 1)
    return {
        "rows": rows,
        "p99_of_idle": round(middle(lambda turn: turn["hashed"]["p99"] / turn["idle"]["p99"]), 2),
        "p99_of_refused": round(middle(lambda turn: turn["hashed"]["p99"] / turn["refused"]["p99"]), 2),
        "answers": totals,
        "growth_mib": grown("hashed"),
        "growth_refused_mib": grown("refused"),
        # One core is left to everything else.
        "bound_mib": 19 * max(1, os.cpu_count() - 1),
        "cores": os.cpu_count(),
        "parallel": clients,
        "gate_rate": GATE_RATE,
        "rounds": measured,
    }


# Whether an address is known, by the clock.


def people(url, database, kinds, each):
    """Addresses of each kind of people."""
    addresses = {kind: [f"{kind}{number}@halden.example" for number in range(each)] for kind in kinds}
    for kind in ("known", "google", "removed"):
        for email in addresses[kind]:
            sign_up(url, email)
    connection = sqlite3.connect(database, timeout=30)
    with connection:
        connection.execute("update users set password_hash = null where email like 'google%'")
        connection.execute("update users set removed_at = created_at, email_folded = id where email like 'removed%'")
    connection.close()
    return addresses


def told_apart(one, other):
    """Kolmogorov and Smirnov's two-sample statistic, and what it exceeds once in a hundred times by chance."""
    one, other = sorted(one), sorted(other)
    distance = seen = beside = 0
    for value in sorted(one + other):
        while seen < len(one) and one[seen] <= value:
            seen += 1
        while beside < len(other) and other[beside] <= value:
            beside += 1
        distance = max(distance, abs(seen / len(one) - beside / len(other)))
    critical = math.sqrt(-math.log(0.01 / 2) / 2) * math.sqrt((len(one) + len(other)) / (len(one) * len(other)))
    return round(distance, 3), round(critical, 3)


def timing(url, database, tries):
    kinds = ["unknown", "known", "google", "removed"]
    # No account reaches its hundred failures.
    addresses = people(url, database, kinds, each=math.ceil(tries / 80))
    doors = {
        "sign-in": lambda email: form("/sign-in", {"email": email, "password": "a guess of twelve"}, fresh_address()),
        "reset": lambda email: form("/forgot-password", {"email": email}, fresh_address()),
    }
    expected = {"sign-in": 422, "reset": 303}
    time.sleep(1)
    report = {}
    for door, request in doors.items():
        connection = Connection(url)
        took = {kind: [] for kind in kinds}
        for turn in range(-5, tries):
            for kind in random.sample(kinds, len(kinds)):
                asked = request(addresses[kind][turn % len(addresses[kind])])
                began = time.perf_counter()
                status, _ = connection.ask(asked)
                passed = (time.perf_counter() - began) * 1e6
                if status != expected[door]:
                    sys.exit(f"{door} answered {status}")
                if turn >= 0:
                    took[kind].append(passed)
        report[door] = {
            kind: {
                "median": round(statistics.median(took[kind])),
                "told_apart": told_apart(took[kind], took["unknown"]),
            }
            for kind in kinds
        }
    return {"tries": tries, "doors": report}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["flood", url, pid, clients, rounds, seconds]:
            print(json.dumps(flood(url, int(pid), int(clients), int(rounds), int(seconds))))
        case ["timing", url, database, tries]:
            print(json.dumps(timing(url, database, int(tries))))
        case _:
            sys.exit(__doc__)
