"""The real binary on a port and a data folder of its own, with a small company in it."""

import asyncio
import collections
import os
import pathlib
import re
import signal
import tempfile

COMPANY = pathlib.Path(__file__).parent.parent / "company.toml"
# How long a command may take, and a server to listen or to stop, on a busy machine.
PATIENCE = 30
# How many of its last lines are shown when something fails.
LOG_LINES_MAX = 100
# Pings come as often as they may, so that a check sees several.
SETTINGS = {"INTERVALO_PING_INTERVAL": "1s", "INTERVALO_PING_TIMEOUT": "3s"}


class Server:
    """`async with Server(binary) as server` serves until the end of the block."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.TemporaryDirectory(prefix="intervalo-foreign-")
        self.data = f"{self.folder.name}/data"
        self.log = collections.deque(maxlen=LOG_LINES_MAX)
        # The settings of whoever runs the checks are not those of the checks.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERVALO_")}
        self.environment.update(SETTINGS)

    async def __aenter__(self):
        await self.run("import", str(COMPANY), "--data", self.data)
        self.process = await asyncio.create_subprocess_exec(
            self.binary, "serve", "--listen", "127.0.0.1:0", "--data", self.data,
            env=self.environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(PATIENCE):
                self.address = await self._listening()
        except BaseException:
            await self.__aexit__()
            raise
        self.url = f"ws://{self.address}/v1/ws"
        self.reading = asyncio.create_task(self._read_log())
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.folder.cleanup()

    async def token(self, role, subject, *more):
        """A credential; `more` are further words of `intervalo token`."""
        words = ["token", "--tenant", "acme", "--role", role, "--subject", subject, "--data", self.data, *more]
        return (await self.run(*words)).strip()

    async def run(self, *words):
        """Runs the binary to its end and gives what it printed."""
        process = await asyncio.create_subprocess_exec(
            self.binary, *words, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"intervalo {words[0]} ended with {process.returncode}:\n{err.decode()}")
        return out.decode()

    async def stop(self):
        """Asks it to stop, as a service manager does, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def _listening(self):
        async for line in self.process.stderr:
            self.log.append(line.decode())
            found = re.search(r"listening on (127\.0\.0\.1:\d+)", line.decode())
            if found:
                return found[1]
        raise RuntimeError("the server ended before it listened:\n" + "".join(self.log))

    async def _read_log(self):
        """Reads to the end, so that the server never waits to write."""
        async for line in self.process.stderr:
            self.log.append(line.decode())
