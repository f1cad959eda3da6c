"""The cable between a desk and its database: a relay that can be cut, so that what is sent is swallowed unsaid."""

import asyncio
import threading


class Cable:
    """Relays in a thread of its own: whoever starts a desk behind it may wait for it."""

    def __init__(self, stage, to):
        self.to, self.port, self.loop = to, 0, asyncio.new_event_loop()
        self.whole = asyncio.Event()
        self.whole.set()
        laid = threading.Event()
        self.thread = threading.Thread(target=self._run, args=[laid], daemon=True)
        self.thread.start()
        laid.wait()
        stage.started.append(self)

    def cut(self):
        """From now on nothing comes through, in either direction; what is open stays open."""
        self.loop.call_soon_threadsafe(self.whole.clear)

    def mend(self):
        """What was held back comes through late, as it does after a partition."""
        self.loop.call_soon_threadsafe(self.whole.set)

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _run(self, laid):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        laid.set()
        self.loop.run_forever()
        server.close()
        carrying = asyncio.all_tasks(self.loop)
        for one in carrying:
            one.cancel()
        self.loop.run_until_complete(asyncio.gather(*carrying, return_exceptions=True))
        self.loop.close()

    async def _connect(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            return writer.close()
        # Cut or taken down, it ends without a word.
        await asyncio.gather(
            self._carry(reader, far_writer), self._carry(far_reader, writer), return_exceptions=True
        )

    async def _carry(self, reader, writer):
        try:
            while piece := await reader.read(65536):
                await self.whole.wait()
                writer.write(piece)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
