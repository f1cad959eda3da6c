"""wapiti and sqlmap against the demo over TLS, with an administrator's cookie: they find nothing.

Both come from PyPI into a virtual environment of their own, pinned by tests/intruders/requirements.txt. Their command lines are
below. The demo's data are thrown away, so that they may press every button.
"""

import json
import re
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

from .desk import Desk
from .figures import Figure

REQUIREMENTS = "tests/intruders/requirements.txt"
# Seconds that wapiti looks for pages, and that each of its attacks takes at most.
SCAN, ATTACK = 300, 60
# What takes a parameter into a query of the database.
PARAMETERS = [
    "/settings/api-keys?q=a&type=standard&status=active&environment=live&inbox=inb_1&scope=mail:send&sort=name",
    "/settings/audit-log?q=a&actor=usr_1&action=key.created&range=7d&from=2026-11-01&to=2026-11-02&target=key_1",
    "/settings/usage?period=7d",
    "/settings/api-keys.csv?q=a&sort=-created&status=unused",
]
# Where its baits would call home: nobody listens there, and no name is looked up elsewhere.
NOBODY = "http://127.0.0.1:9/"
FOUND = re.compile(r"is vulnerable|appears to be .* injectable|Type: .*(blind|union|stacked|error)", re.IGNORECASE)


class Demo(Desk):
    """`keydesk demo`, which says whom to sign in as."""

    command = "demo"

    def administrator(self):
        said = (self.folder / "stdout.log").read_text()
        return re.search(r"Sign in as (\S+) \(administrator\), password: (.+)", said).groups()


def certificate(stage):
    """The settings of a certificate that nobody signed."""
    chain, key = stage.scratch / "certificate.pem", stage.scratch / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", key, "-out", chain]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    return {"KEYDESK_TLS_CERTIFICATE_FILE": str(chain), "KEYDESK_TLS_KEY_FILE": str(key)}


class Followed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def sign_in(desk):
    email, password = desk.administrator()
    form = urllib.parse.urlencode({"email": email, "password": password}).encode()
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"https://localhost:{desk.port}/sign-in", form, headers)
    nobody_signed = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    try:
        urllib.request.build_opener(Followed, nobody_signed).open(request)
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer.code
        return answer.headers["set-cookie"].split(";")[0]
    raise AssertionError("the sign-in was answered with a page")


def wapiti(stage, tools, desk, cookie):
    """What it calls vulnerabilities and anomalies, by their names."""
    report = stage.scratch / "wapiti.json"
    scan, attack = stage.of(SCAN, 30), stage.of(ATTACK, 5)
    command = [
        tools / "wapiti", "--url", f"https://localhost:{desk.port}/settings/api-keys", "--scope", "domain", "--verify-ssl", "0",
        "--module", "common", "--endpoint", NOBODY, "--dns-endpoint", "localhost", "--header", f"Cookie: {cookie}", "--header", "Sec-Fetch-Site: same-origin",
        "--exclude", f"https://localhost:{desk.port}/sign-out", "--max-links-per-page", "50",
        "--max-scan-time", str(scan), "--max-attack-time", str(attack), "--tasks", "4",
        "--store-session", str(stage.scratch / "wapiti"), "--store-config", str(stage.scratch / "wapiti"),
        "--no-bugreport", "--flush-session", "--format", "json", "--output", str(report),
    ]  # fmt: skip
    log = (stage.scratch / "wapiti.log").open("w")
    subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=scan + 40 * attack, check=False)
    read = json.loads(report.read_text())
    found = {**read["vulnerabilities"], **read["anomalies"]}
    return {name: len(of) for name, of in found.items() if of}, read["infos"].get("crawled_pages_nbr", 0)


def sqlmap(stage, tools, desk, cookie):
    """Parameters that it calls injectable, and how many it tried."""
    found, tried = [], 0
    for path in PARAMETERS[: stage.of(len(PARAMETERS), 1)]:
        command = [
            tools / "sqlmap", "--url", f"https://localhost:{desk.port}{path}", "--cookie", cookie,
            "--batch", "--disable-coloring", "--level", stage.of("2", "1"), "--risk", "2", "--threads", "4",
            "--dbms", "sqlite", "--skip-waf", "--timeout", "10", "--flush-session",
            "--output-dir", str(stage.scratch / "sqlmap"),
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=1800, check=False)
        (stage.scratch / "sqlmap.log").open("a").write(ran.stdout)
        tried += len(set(re.findall(r"parameter '(\w+)' does not seem to be injectable", ran.stdout)))
        found += [line for line in ran.stdout.splitlines() if FOUND.search(line)]
    return found, tried


def run(stage):
    tools = stage.scratch / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    install = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", REQUIREMENTS]
    subprocess.run([tools / "bin/pip", *install], check=True)
    desk = Demo(stage, "demo", environment=certificate(stage))
    desk.start()
    cookie, began = sign_in(desk), time.monotonic()
    injectable, tried = sqlmap(stage, tools / "bin", desk, cookie)
    for line in injectable:
        stage.tell(line)
    found, pages = wapiti(stage, tools / "bin", desk, cookie)
    for name, count in found.items():
        stage.tell(f"wapiti: {count} × {name}")
    log = Path(desk.folder / "stderr.log").read_text()
    desk.stop()
    return [
        Figure("pages that wapiti went to", pages, at_least=stage.of(20, 1)),
        Figure("what wapiti found", sum(found.values()), at_most=0),
        Figure("parameters that sqlmap tried", tried, at_least=stage.of(10, 1)),
        Figure("parameters that sqlmap found injectable", len(injectable), at_most=0),
        Figure("panics and errors in the log", log.count("panicked") + log.count("ERROR"), at_most=0),
        Figure("seconds of intrusion", time.monotonic() - began, "s"),
    ]
