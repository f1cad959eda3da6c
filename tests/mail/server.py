"""A mail server on loopback for the tests: says its port, then each mail as a line of JSON. An address that begins with
"later" is turned away the first time, as a server that is busy does."""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self):
        self.turned_away = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later") and address not in self.turned_away:
            self.turned_away.add(address)
            print(json.dumps({"turned_away": address}), flush=True)
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): value for name, value in mail.items()},
            "type": mail.get_content_type(),
            "parts": parts,
        }
        print(json.dumps(kept), flush=True)
        return "250 OK"


async def main():
    keeper = Keeper()
    loop = asyncio.get_running_loop()
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = await loop.create_server(lambda: SMTP(keeper, hostname="mail.test"), "127.0.0.1", port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
