"""Walks through a fresh desk, so that every table that a person fills has rows, and dumps the database as SQL text: the
fixture of its schema. Standard library only. The secrets that keys have go beside the dump, for the test that uses them.

    schema.py BINARY FOLDER URL DUMP SECRETS     URL is sqlite or postgres://…; DUMP - leaves the dump to the caller
"""
import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.parse

PASSWORD = "copper lantern orbit"
SECRET_FILE = bytes([42]) * 32


class Desk:
    """The binary on a database of its own, until stopped."""

    def __init__(self, binary, folder, url):
        data = os.path.join(folder, "data")
        os.makedirs(data, mode=0o700)
        secret = os.open(os.path.join(data, "secret"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(secret, SECRET_FILE)
        os.close(secret)
        self.database = os.path.join(data, "keydesk.db")
        settings = {"KEYDESK_DATA_DIR": data, "KEYDESK_LISTEN": "127.0.0.1:0", "RUST_LOG": "error"}
        settings["KEYDESK_TRUSTED_PROXIES"] = "127.0.0.1"
        if url != "sqlite":
            settings["KEYDESK_DATABASE_URL"] = url
        self.process = subprocess.Popen([binary], env=settings, stdout=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stdout:
            if match := re.search(r"listening on http://localhost:(\d+)", line):
                self.port = int(match[1])
                break
        assert self.port, "the desk did not start"
        self.cookies = {}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        assert self.process.wait(30) == 0

    def ask(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {"Host": f"localhost:{self.port}", **dict(headers)})
        answer = connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, value = value.split(";")[0].partition("=")
                self.cookies[cookie] = value
        connection.close()
        return answer.status, text

    def page(self, method, path, form=None):
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, text = self.ask(method, path, urllib.parse.urlencode(form or {}) if form is not None else None, headers)
        assert status in (200, 303), (method, path, status, text[-3000:])
        return text

    def call(self, method, path, token, body=None, expected=(200, 201, 204)):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        status, text = self.ask(method, path, json.dumps(body) if body is not None else None, headers)
        assert status in expected, (method, path, status, text)
        return json.loads(text) if text else {}


def walk(desk):
    """People, inboxes, and keys in every state. Answers the secrets by what became of them."""
    desk.page("POST", "/sign-up", {"account": "Halden", "email": "alice@halden.example", "password": PASSWORD})
    granted = desk.call("POST", "/api/auth/login", None, {"email": "alice@halden.example", "password": PASSWORD})
    token = granted["token"]
    renewed = desk.call("POST", "/api/auth/refresh", None, {"refresh_token": granted["refresh_token"]})
    inbox = desk.call("POST", "/v1/inboxes", renewed["token"], {"name": "Orders"})
    key = lambda name, **more: desk.call(
        "POST", "/v1/keys", token, {"type": "standard", "name": name, "environment": "live", "preset": "full", **more}
    )
    plain, rotated, deleted, paused = key("billing"), key("reports"), key("old billing"), key("sleeping")
    bound = key("orders", type="restricted", inbox=inbox["id"], preset="read")
    for secret in (plain, bound, deleted):
        desk.call("GET", "/v1/key", secret["secret"])
    desk.call("GET", "/v1/usage", bound["secret"], expected=(403,))
    fresh = desk.call("POST", f"/v1/keys/{rotated['id']}/rotate", token, {"grace": "7d"})
    desk.page("POST", f"/settings/api-keys/{deleted['id']}/delete", {"name": "old billing"})
    desk.page("POST", f"/settings/api-keys/{paused['id']}/pause", {})
    desk.page("POST", f"/settings/api-keys/{plain['id']}/notes", {"note": "Used by the invoices, ask Ana."})
    desk.page("POST", "/settings/team/invitations", {"email": "ana@halden.example", "role": "auditor"})
    return {
        "works": plain["secret"],
        "bound": bound["secret"],
        "retiring": rotated["secret"],
        "rotated": fresh["secret"],
        "deleted": deleted["secret"],
        "paused": paused["secret"],
    }


def main():
    binary, folder, url, dump, secrets = sys.argv[1:]
    desk = Desk(binary, folder, url)
    try:
        known = walk(desk)
    except BaseException:
        desk.process.kill()
        raise
    desk.stop()
    with open(secrets, "w") as file:
        json.dump(known, file, indent=2)
        file.write("\n")
    if dump != "-":
        with open(dump, "w") as file:
            for statement in sqlite3.connect(desk.database).iterdump():
                file.write(statement + "\n")


if __name__ == "__main__":
    main()
