"""Fills an account for `scripts/bench pages`, and measures what a page costs the server.

    pages.py seed DATABASE EMAIL KEYS DAYS
    pages.py measure URL PID COOKIE_FILE ROUNDS NAME=PATH…

The cost of a request is the time on a processor of all threads of the server (schedstat, nanoseconds), from before it is
sent until after it is answered. Prints one JSON object. Needs nothing but Python's own library.
"""

import glob
import http.client
import json
import sqlite3
import statistics
import sys
import time
from urllib.parse import urlsplit

WARM_UP = 20
HOUR = 3_600_000_000


def seed(database, email, keys, days):
    """Keys of one account, each used in every hour of so many days; the sums that the desk keeps of them beside."""
    db = sqlite3.connect(database)
    db.executescript("pragma synchronous = off; pragma journal_mode = wal; pragma cache_size = -500000")
    account, user = db.execute("select account_id, id from users where email = ?", (email,)).fetchone()
    now = time.time_ns() // 1000
    this_hour = now // HOUR
    db.execute(
        """
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ?)
        insert into api_keys (
            id, account_id, name, name_folded, key_type, environment, scopes, allowed_ips, prefix, last4,
            created_at, created_by, first_used_at, last_used_at, last_used_ip
        )
        select printf('key_%016d', n), ?, 'worker-' || n, 'worker-' || n, 'standard', 'live', 'mail:send mail:read', '',
            'kd_live_', substr(printf('%04d', n), -4), ? - n, ?, ? - n, ? - n, '192.0.2.' || (n % 250)
        from numbers
        """,
        (keys, account, now - days * 24 * HOUR, user, now - days * 24 * HOUR, now),
    )
    hours = "with recursive hours (h) as (select ? union all select h + 1 from hours where h < ?)"
    span = (this_hour - days * 24, this_hour)
    mine = "from hours cross join api_keys k where k.account_id = ? and k.id like 'key_0%'"
    ok, refused = "(h * 7 + k.rowid) % 90", "(h + k.rowid) % 5"
    db.execute(
        f"{hours} insert into usage_hours (account_id, key_id, hour, ok, refused) "
        f"select ?, k.id, h, {ok}, {refused} {mine}",
        (*span, account, account),
    )
    db.execute(
        f"{hours} insert into usage_refusals (key_id, hour, reason, count) "
        f"select k.id, h, 'scope_missing', {refused} {mine} and {refused} > 0",
        (*span, account),
    )
    db.executescript(
        """
        insert into usage_days (account_id, key_id, day, ok, refused)
        select account_id, key_id, hour / 24, sum(ok), sum(refused) from usage_hours group by 1, 2, 3;
        insert into usage_refusal_days (key_id, day, reason, count)
        select key_id, hour / 24, reason, sum(count) from usage_refusals group by 1, 2, 3;
        insert into account_usage_hours (account_id, hour, reason, count)
        select account_id, hour, '', sum(ok) from usage_hours group by 1, 2;
        insert into account_usage_hours (account_id, hour, reason, count)
        select k.account_id, r.hour, r.reason, sum(r.count)
        from usage_refusals r join api_keys k on k.id = r.key_id group by 1, 2, 3;
        insert into account_usage_days (account_id, day, reason, count)
        select account_id, hour / 24, reason, sum(count) from account_usage_hours group by 1, 2, 3;
        """
    )
    db.commit()
    rows = db.execute("select count(*) from usage_hours").fetchone()[0]
    print(f"{keys} keys, {rows} hours of usage")


def spent(pid):
    """Nanoseconds on a processor, of all threads."""
    return sum(int(open(path).read().split()[0]) for path in glob.glob(f"/proc/{pid}/task/*/schedstat"))


def cookie_of(file):
    """The session in a file that curl wrote."""
    lines = (line.rstrip("\n").removeprefix("#HttpOnly_").split("\t") for line in open(file))
    return "; ".join(f"{fields[5]}={fields[6]}" for fields in lines if len(fields) == 7)


def measure(url, pid, cookie_file, rounds, pages):
    connection = http.client.HTTPConnection(urlsplit(url).hostname, urlsplit(url).port)
    headers = {"Host": f"localhost:{urlsplit(url).port}", "Cookie": cookie_of(cookie_file)}

    def ask(path):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    rows = {}
    for name, path in pages:
        status, body = ask(path)
        for _ in range(WARM_UP):
            ask(path)
        costs = []
        for _ in range(rounds):
            before = spent(pid)
            status, body = ask(path)
            costs.append((spent(pid) - before) / 1e6)
        if status != 200:
            sys.exit(f"{path} was answered with {status}: these figures measure nothing")
        costs.sort()
        rows[name] = {
            "path": path,
            "bytes": len(body),
            "cpu_ms": round(statistics.median(costs), 2),
            "cpu_ms_90": round(costs[len(costs) * 9 // 10], 2),
        }
    print(json.dumps(rows))


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "seed":
        seed(rest[0], rest[1], int(rest[2]), int(rest[3]))
    else:
        pages = [page.split("=", 1) for page in rest[4:]]
        measure(rest[0], rest[1], rest[2], int(rest[3]), pages)
