"""The real binary under siege: on a port and a data folder of its own, with a log of everything it says."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import pathlib
import re
import secrets
import sqlite3
import tempfile
import time

HERE = pathlib.Path(__file__).parent
COMPANY = HERE.parent.parent / "company.toml"
ADDITION = HERE / "addition.toml"
# How long a command may take, and a server to listen, on a busy machine.
PATIENCE = 30
# How many people the crowded team has: a board of them is far more than the system keeps for a reader.
CROWD = 450
# How many connections an address has here; low, so that a flood of them costs little.
CONNECTIONS_PER_ADDRESS = 400
SETTINGS = {"INTERVALO_LOG_LEVEL": "trace", "INTERVALO_MAX_CONNECTIONS_PER_ADDRESS": str(CONNECTIONS_PER_ADDRESS),
            # Floods are as fast as they can.
            "INTERVALO_MAX_UPGRADES_PER_SECOND": "0"}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class House:
    """`async with House(binary) as house` serves until the end of the block."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.TemporaryDirectory(prefix="intervalo-siege-")
        self.data = f"{self.folder.name}/data"
        self.log_path = pathlib.Path(self.folder.name) / "log"
        # The settings of whoever lays siege are not those of the house.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERVALO_")}
        self.environment.update(SETTINGS)
        self.numbers = itertools.count(1)
        # What must be in no log, no figure and no answer.
        self.credentials = []
        # What only those may be shown whom it concerns.
        self.canaries = []
        # Everything that was received in errors.
        self.errors = []
        # When a protected pause began.
        self.protected = ""

    async def __aenter__(self):
        crowd = pathlib.Path(self.folder.name) / "crowd.toml"
        rows = ADDITION.read_text(encoding="utf-8")
        for number in range(CROWD):
            rows += f'[[agent]]\nid = "crowd-{number}"\nname = "{"Uma pessoa de nome comprido " * 5}{number}"\n'
            rows += 'teams = ["multidao"]\n'
        crowd.write_text(rows, encoding="utf-8")
        await self.run("import", str(COMPANY), "--data", self.data)
        await self.run("import", str(crowd), "--data", self.data)
        with self.log_path.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.binary, "serve", "--listen", "127.0.0.1:0", "--data", self.data,
                env=self.environment, stdout=asyncio.subprocess.DEVNULL, stderr=log)
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := re.search(r"listening on (127\.0\.0\.1):(\d+)", self.log())):
                    if self.process.returncode is not None:
                        raise RuntimeError("the server ended before it listened:\n" + self.log())
                    await asyncio.sleep(0.05)
        except BaseException:
            await self.__aexit__()
            raise
        self.host, self.port = found[1], int(found[2])
        await self.run("token", "--tenant", "acme", "--role", "agent", "--subject", "ana", "--data", self.data)
        key = (pathlib.Path(self.data) / "token.key").read_text().strip()
        self.key = bytes.fromhex(key)
        self.credentials.append(key)
        self.note = self.canary("nota")
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.folder.cleanup()

    async def run(self, *words):
        """Runs the binary to its end and gives what it printed."""
        process = await asyncio.create_subprocess_exec(
            self.binary, *words, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"intervalo {words[0]} ended with {process.returncode}:\n{err.decode()}")
        return out.decode()

    def canary(self, word):
        text = f"canario-{word}-{secrets.token_hex(8)}"
        self.canaries.append(text)
        return text

    # --- credentials, made as a host application makes them ---

    def claims(self, role, subject, **more):
        claims = {"iss": "intervalo", "aud": "intervalo", "exp": int(time.time()) + 3600, "sub": subject,
                  "tenant": "acme", "roles": [role]}
        claims.update(more)
        return {name: value for name, value in claims.items() if value is not None}

    def signed(self, claims, header=None, digest=hashlib.sha256, key=None):
        """A token that says this; text is taken for the claims as it is."""
        header = {"alg": "HS256", "typ": "JWT"} if header is None else header
        claims = claims if isinstance(claims, str) else json.dumps(claims)
        words = f"{base64url(json.dumps(header).encode())}.{base64url(claims.encode())}"
        token = f"{words}.{base64url(hmac.new(key or self.key, words.encode(), digest).digest())}"
        self.credentials.append(token.rpartition(".")[2])
        return token

    def token(self, role, subject=None, **more):
        """A credential that holds; without a subject it is of somebody who was never here."""
        return self.signed(self.claims(role, subject or f"siege-{next(self.numbers)}", **more))

    def stranger(self):
        """A credential that opens a session and is no agent."""
        return self.token("supervisor", teams=["suporte"])

    # --- what is seen of the process ---

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def events(self, agent, kind):
        """How many entries of that kind the journal has of an agent."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/intervalo.db?mode=ro", uri=True)) as database:
            query = ("select count(*) from journal join people on people.id = journal.person "
                     "where people.host_id = ? and journal.kind = ?")
            return database.execute(query, (agent, kind)).fetchone()[0]
