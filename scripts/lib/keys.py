"""Fills an account for `scripts/bench keys`, and measures its list of keys.

    keys.py seed DATABASE EMAIL KEYS
    keys.py measure ROUNDS KEYS=URL=PID=COOKIE_FILE…

Whatever the number, the shares are the same: one key in ten deleted, one in five with an expiry, one in seven never used, and
so on; only what is rare is three keys of any number. While measuring, the accounts take turns, so that what slows the machine slows all. Needs nothing but Python's own library.
"""

import http.client
import json
import sqlite3
import statistics
import sys
import time
from urllib.parse import urlsplit

from pages import cookie_of, spent

DAY = 86_400_000_000
LIST = "/settings/api-keys"

KEYS = """
with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :keys)
insert into api_keys (
    id, account_id, name, name_folded, key_type, environment, inbox_id, scopes, allowed_ips, prefix, last4,
    created_at, created_by, expires_at, paused_at, deleted_at, rotated_at, retires_at, sealed_until, revealed_at,
    first_used_at, last_used_at, last_used_ip
)
select id, :account, name, name, key_type, environment, inbox_id, scopes, '', 'kd_live_', substr(printf('%04x', n * 40503), -4),
    created_at, case when n % 25 = 3 then :gone else :user end,
    case when n % 5 = 0 then created_at + (n * 7919 % 900) * :day end,
    case when n % :third = 7 then :now end,
    case when n % 10 = 1 then :now - n end,
    case when n % 6 = 0 then created_at + (:now - created_at) / 2 end,
    case when n % :third = 9 then :now + :day end,
    case when n % 50 = 4 then created_at + :day end,
    case when n % 50 <> 4 then created_at end,
    used_at, used_at, case when used_at is not null then '192.0.2.' || (n % 250) end
from (
    select n, printf('key_%016d', n) as id,
        case when n % :third = 11 then 'zephyr-' || n else
            case n % 8 when 0 then 'billing' when 1 then 'worker' when 2 then 'checkout' when 3 then 'mailer' when 4 then 'importer'
            when 5 then 'reports' when 6 then 'sandbox' else 'webhooks' end || case n % 3 when 0 then '-eu-' else '-us-' end || n
        end as name,
        case when n % 3 = 0 or n % :third in (13, 14) then 'restricted' else 'standard' end as key_type,
        case when n % 4 = 0 then 'test' else 'live' end as environment,
        case when n % :third in (13, 14) and n < :third * 1 + 1 then 'inb_bench_rare' when n % :third in (13, 14) then 'inb_bench_1'
            when n % 3 = 0 then 'inb_bench_' || (n % 40) end as inbox_id,
        case when n % 20 = 0 then '*' when n % :third = 17 then 'inboxes:delete' when n % 2 = 0 then 'messages:read messages:delete'
            else 'messages:read' end as scopes,
        :now - 700 * :day + n * (699 * :day / :keys) as created_at,
        case when n % 7 = 0 then null when n % 5 = 2 then :now - 100 * :day - (n * 7919 % (200 * :day / 1000)) * 1000
            else :now - (n * 104729 % (30 * :day / 1000)) * 1000 end as used_at
    from numbers
)
"""


def seed(database, email, keys):
    db = sqlite3.connect(database)
    db.executescript("pragma synchronous = off; pragma journal_mode = wal; pragma cache_size = -500000")
    account, user = db.execute("select account_id, id from users where email = ?", (email,)).fetchone()
    now = time.time_ns() // 1000
    db.execute(
        "insert into users (id, account_id, email, email_folded, name, role, created_at, removed_at)"
        " values ('usr_bench_gone', ?, 'gone@bench.example', 'usr_bench_gone', 'Gone', 'administrator', ?, ?)",
        (account, now, now),
    )
    for inbox in ["rare", *range(40)]:
        db.execute(
            "insert into inboxes (id, account_id, name, name_folded, address, created_at)"
            " values ('inb_bench_' || ?1, ?2, 'inbox ' || ?1, 'inbox ' || ?1, ?1 || '@bench.example', ?3)",
            (str(inbox), account, now),
        )
    given = {"keys": keys, "third": keys // 3, "account": account, "user": user, "gone": "usr_bench_gone"}
    db.execute(KEYS, {**given, "now": now, "day": DAY})
    db.execute(
        """
        with recursive ago (d) as (select 0 union all select d + 1 from ago where d < 9)
        insert into usage_days (account_id, key_id, day, ok, refused)
        select k.account_id, k.id, ? / ? - d, k.rowid % 90, k.rowid % 5
        from api_keys k cross join ago
        where k.account_id = ? and k.rowid % 20 = 5
        """,
        (now, DAY, account),
    )
    db.commit()
    db.execute("pragma wal_checkpoint(truncate)")
    print(f"{keys} keys")


def pages(keys):
    middle = f"key_{keys // 2:016d}"
    asked = {
        "by last use": "",
        "by last use, ascending": "sort=last_used",
        "by name": "sort=name",
        "by creation": "sort=-created",
        "by expiry": "sort=expires",
        "deep, by last use": f"after={middle}",
        "deep, by name": f"sort=name&after={middle}",
        "deep, by creation": f"sort=-created&after={middle}",
        "a name that many have": "q=worker",
        "a name that three have": "q=zephyr",
        "a name that nobody has": "q=worker-zephyr",
        "last characters": "q=a4f7",
        "two letters": "q=wo",
    }
    statuses = "active retiring expiring unused unrevealed never-used full-access rotation-due owner-left paused expired deleted"
    asked |= {f"status {status}": f"status={status}" for status in statuses.split()}
    asked |= {
        "expired, by name": "status=expired&sort=name",
        "unused, by creation": "status=unused&sort=-created",
        "type standard": "type=standard",
        "type restricted": "type=restricted",
        "environment": "environment=test",
        "inbox of many keys": "inbox=inb_bench_3",
        "inbox of two keys": "inbox=inb_bench_rare",
        "scope that many have": "scope=messages%3Aread",
        "scope that three have": "scope=inboxes%3Adelete",
        "type, environment, status": "type=restricted&environment=test&status=expiring",
        "type, environment, active": "type=restricted&environment=test&status=active",
        "a name and a status": "q=billing&status=paused",
        "a name, deep": f"q=worker&sort=name&after={middle}",
    }
    return [(name, LIST + ("?" + query if query else "")) for name, query in asked.items()]


class Desk:
    """A server with an account of so many keys."""

    def __init__(self, keys, url, pid, cookie_file):
        self.keys, self.pid = int(keys), pid
        self.connection = http.client.HTTPConnection(urlsplit(url).hostname, urlsplit(url).port)
        self.headers = {"Host": f"localhost:{urlsplit(url).port}", "Cookie": cookie_of(cookie_file)}

    def cost(self, path):
        """Milliseconds on a processor, bytes, and keys on the page."""
        before = spent(self.pid)
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{path} was answered with {answer.status}: these figures measure nothing")
        return (spent(self.pid) - before) / 1e6, len(body), body.count(b'role="rowheader"')


def measure(rounds, desks):
    rows = []
    for at, (name, _) in enumerate(pages(1)):
        paths = [pages(desk.keys)[at][1] for desk in desks]
        costs = [[] for _ in desks]
        for turn in range(rounds + 3):
            for desk, path, measured in zip(desks, paths, costs):
                cost = desk.cost(path)
                if turn >= 3:
                    measured.append(cost)
        medians = [statistics.median(ms for ms, *_ in measured) for measured in costs]
        growth = statistics.median(most[0] / least[0] for least, most in zip(costs[0], costs[-1]))
        rows.append({
            "page": name,
            "cpu_ms": [round(ms, 2) for ms in medians],
            "growth": round(growth, 2),
            "shown": [measured[-1][2] for measured in costs],
            "bytes": max(size for measured in costs for _, size, _ in measured),
        })
    print(json.dumps(rows))


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "seed":
        seed(rest[0], rest[1], int(rest[2]))
    else:
        measure(int(rest[0]), [Desk(*desk.split("=")) for desk in rest[1:]])
