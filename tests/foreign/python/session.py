"""JSON-RPC 2.0 over one socket of the library `websockets`, in as few lines as it takes."""

import collections
import contextlib
import json

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


class Refused(Exception):
    """The error that a call was answered with, as it came."""

    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.error = error


class Session:
    """Calls wait for their answer; notifications that come before it are kept in their order."""

    def __init__(self, socket):
        self.socket = socket
        self.calls = 0
        self.kept = collections.deque()

    async def call(self, method, params=None):
        self.calls += 1
        request = {"jsonrpc": "2.0", "id": self.calls, "method": method}
        await self.socket.send(json.dumps(request if params is None else {**request, "params": params}))
        while True:
            message = json.loads(await self.socket.recv())
            if message.get("id") == self.calls:
                if "error" in message:
                    raise Refused(message["error"])
                return message["result"]
            self.kept.append(message)

    async def notification(self, method):
        """The params of the next notification of that name; those of other names before it are passed over."""
        while True:
            message = self.kept.popleft() if self.kept else json.loads(await self.socket.recv())
            if message.get("method") == method:
                return message["params"]

    async def closed(self):
        """The code that the server closes with; what comes before is passed over."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                # The library takes nothing further from the network while too much waits to be read.
                await self.socket.recv()
        return self.socket.close_code


@contextlib.asynccontextmanager
async def opened(server, role, subject, *more):
    """A session whose credential comes with the upgrade."""
    token = await server.token(role, subject, *more)
    async with connect(server.url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        yield Session(socket)
