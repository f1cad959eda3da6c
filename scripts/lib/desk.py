"""Measures for `scripts/bench desk` what the rest of the desk costs the server: pages, assets, the API, sign-in.

    desk.py FLOOR_URL FLOOR_PID URL PID PASSWORD_FILE EMAIL ROUNDS

One request at a time, over one connection that stays open. Floor and product take turns within a round, so that what slows the
machine slows both. Prints one JSON object: what each row cost in processor time, how long it took, and its ratio to the floor.
Needs nothing but Python's own library.
"""

import http.client
import json
import re
import statistics
import sys
import time
from urllib.parse import urlencode, urlsplit

from pages import spent

WARM_UP = 5
# Hashes of a password in a row: each is a tenth of a second of a processor, and a throttle watches.
SIGN_INS = 12
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


class Server:
    def __init__(self, url, pid):
        parts = urlsplit(url)
        self.pid, self.host = pid, f"localhost:{parts.port}"
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port)
        self.numbers = 0

    def ask(self, method, path, body=None, **headers):
        headers = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def elsewhere(self):
        """An address that nobody came from yet: no throttle hides what is behind it."""
        self.numbers += 1
        return f"10.{self.numbers >> 16 & 255}.{self.numbers >> 8 & 255}.{self.numbers & 255}"


class Row:
    """One kind of request: `send` makes it, and gives the answer with its body."""

    def __init__(self, name, status, send, rounds):
        self.name, self.status, self.send, self.rounds = name, status, send, rounds
        self.costs, self.waits, self.size = [], [], 0

    def take(self, server):
        began, before = time.perf_counter(), spent(server.pid)
        answer, body = self.send()
        self.waits.append((time.perf_counter() - began) * 1000)
        self.costs.append((spent(server.pid) - before) / 1e6)
        self.size = len(body)
        if answer.status != self.status:
            sys.exit(f"{self.name} was answered with {answer.status}: these figures measure nothing\n{body[:400]}")

    def figures(self, floor):
        cost = statistics.median(self.costs)
        return {
            "row": self.name,
            "cpu_ms": round(cost, 3),
            "cpu_ms_least": round(min(self.costs), 3),
            "cpu_ms_90": round(part(self.costs, 0.9), 3),
            "of_floor": round(cost / floor, 1),
            "p50_ms": round(part(self.waits, 0.5), 2),
            "p99_ms": round(part(self.waits, 0.99), 2),
            "bytes": self.size,
        }


def part(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def sign_in(server, email, password):
    form = urlencode({"email": email, "password": password})
    return server.ask("POST", "/sign-in", form, X_Forwarded_For=server.elsewhere(), **FORM)


def rows(server, email, password, rounds):
    answer, _ = sign_in(server, email, password)
    assert answer.status == 303, answer.status
    cookie = "; ".join(value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
    account = json.dumps({"email": email, "password": password})
    answer, body = server.ask("POST", "/api/auth/login", account, Content_Type="application/json")
    assert answer.status == 200, (answer.status, body)
    token = f"Bearer {json.loads(body)['token']}"

    def create():
        server.numbers += 1
        key = {"name": f"bench-{server.numbers}", "type": "standard", "environment": "live", "preset": "full"}
        return server.ask("POST", "/v1/keys", json.dumps(key), Authorization=token, Content_Type="application/json")

    key = json.loads(create()[1])
    secret = f"Bearer {key['secret']}"
    page = server.ask("GET", "/sign-in")[1].decode()
    asset = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    tag = server.ask("GET", asset)[0].getheader("ETag")
    get = lambda path, **headers: lambda: server.ask("GET", path, **headers)
    return [
        Row("/v1/key with a key", 200, get("/v1/key", Authorization=secret), rounds),
        Row("sign-in page", 200, get("/sign-in"), rounds),
        Row("stylesheet, as it is", 200, get(asset), rounds),
        Row("stylesheet, compressed", 200, get(asset, Accept_Encoding="gzip"), rounds),
        Row("stylesheet, known", 304, get(asset, If_None_Match=tag), rounds),
        Row("keys, a dozen", 200, get("/settings/api-keys", Cookie=cookie), rounds),
        Row("key detail", 200, get(f"/settings/api-keys/{key['id']}", Cookie=cookie), rounds),
        Row("audit log", 200, get("/settings/audit-log", Cookie=cookie), rounds),
        Row("create and reveal", 201, create, rounds),
        Row("sign in", 303, lambda: sign_in(server, email, password), min(rounds, SIGN_INS)),
    ]


def main(floor_url, floor_pid, url, pid, password_file, email, rounds):
    floor, server = Server(floor_url, floor_pid), Server(url, pid)
    bottom = Row("floor", 200, lambda: floor.ask("GET", "/"), rounds)
    asked = rows(server, email, open(password_file).read(), int(rounds))
    for row in asked:
        for _ in range(min(WARM_UP, row.rounds)):
            row.take(server)
        row.costs, row.waits = [], []
    for turn in range(int(rounds)):
        bottom.take(floor)
        for row in asked:
            if turn < row.rounds:
                row.take(server)
    cost = statistics.median(bottom.costs)
    print(json.dumps([row.figures(cost) for row in [bottom, *asked]]))


if __name__ == "__main__":
    first, second, third, fourth, *rest = sys.argv[1:]
    main(first, int(second), third, int(fourth), rest[0], rest[1], int(rest[2]))
