"""Falsehoods planted between the siege and the house: each must be found, and nothing else with it.

    python tests/foreign/python/siege target/debug/intervalo --planted
"""

import asyncio
import contextlib
import re

from checks import Siege, honest_in_time
from frames import BAD, FRAMES
from heads import HEADS, SMUGGLED
from messages import MESSAGES
from patience import PATIENCE
from secrecy import SECRECY
from tokens import TOKENS
from upgrades import UPGRADES

# What is asked after each group; where no function is, the siege's own.
AFTERWARDS = [("an honest client is served within a second", honest_in_time), ("memory and descriptors are back", None)]



def short(checks):
    """Those in which the server does not answer before all was sent: its answer may not get past a go-between."""
    return [check for check in checks if not re.search("megabyte|KiB|many|10,000|1,000", check[0])]


class Plant:
    """A truthful go-between; the others each change one thing."""

    # What is run, and which checks of it must fail, by a part of their names.
    checks = []
    found_by = []

    # How long a connection has to wait.
    delay = 0

    def __init__(self, house):
        self.house = house

    def answer(self, head):
        """What is answered in the server's place, if anything."""

    def change(self, head, data):
        """What the client gets in place of what the server sent."""
        return data

    def passes_end_on(self, head):
        """True when the end of the server's side is the end of the client's."""
        return True

    def begin(self):
        """Plants what is not on the wire."""

    def end(self):
        """Takes it away again."""


class Nothing(Plant):
    """nothing"""
    checks = [*UPGRADES.checks, *FRAMES.checks, *TOKENS.checks[:10]]


class WrongCloseCode(Plant):
    """1002 told as 1000"""
    checks = [*UPGRADES.checks, *FRAMES.checks]
    found_by = [*(f"{what} closes with 1002" for what, _, code in BAD if code == 1002),
                "before a session frames are held to the same", "compression is not negotiated"]

    def change(self, head, data):
        return re.sub(rb"\x88.\x03\xea", lambda found: found[0][:3] + b"\xe8", data, flags=re.DOTALL)


class ForeignOriginLetIn(Plant):
    """a foreign origin answered with 200"""
    checks = UPGRADES.checks
    found_by = ["an origin of another host", "an origin of our own beside another"]

    def answer(self, head):
        if b"Origin: https://evil.example" in head:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        return None


class CredentialAfterAll(Plant):
    """an unsigned token told what is wrong with it"""
    checks = short(TOKENS.checks)
    found_by = ["a token that names no algorithm is", "a token that names no algorithm and has a signature"]

    def change(self, head, data):
        unsigned = b"Bearer eyJhbGciOiAibm9uZS" in head
        return data.replace(b"credential", b"algorithm ") if unsigned else data


class SecondAnswer(Plant):
    """a hidden request answered"""
    checks = short(HEADS.checks)
    found_by = [*(f"{what}: nobody gets" for what, _, _ in SMUGGLED), "a body of a get is not a request"]

    def change(self, head, data):
        hidden = b"/smuggled" in head and data.startswith(b"HTTP/1.1 ")
        return data + b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" if hidden else data


class NoTimeToComeBack(Plant):
    """a refusal for its number without a time to come back"""
    checks = MESSAGES.checks
    found_by = ["a flood by a valid agent"]

    def change(self, head, data):
        return data.replace(b'"retry_after_ms"', b'"retry_after_mx"')


class SlowUpgradeKept(Plant):
    """a slow upgrade that is never closed"""
    checks = [check for check in PATIENCE.checks if "slow upgrade" in check[0] or "says nothing" in check[0]]
    found_by = ["a slow upgrade is closed after five seconds"]

    def passes_end_on(self, head):
        return not head or head.endswith(b"\r\n\r\n")


class ProtectedShown(Plant):
    """a protected pause shown by one field of a row"""
    checks = SECRECY.checks[:1]
    found_by = ["a protected pause is to others"]

    def change(self, head, data):
        return re.sub(rb'("agent":"sigilo"[^{}]*(?:\{[^{}]*\})?[^{}]*"wrap_up":)false', rb"\1 null", data)


class SecretInFigures(Plant):
    """a credential in the figures"""
    checks = SECRECY.checks[2:]
    found_by = ["no figure names"]

    def answer(self, head):
        if not head.startswith(b"GET /metrics"):
            return None
        body = f'intervalo_sockets{{of="{self.house.credentials[-1]}"}} 1\n'.encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class SecretInError(Plant):
    """a note in an error"""
    checks = SECRECY.checks[2:]
    found_by = ["no error repeats"]

    def begin(self):
        self.error = f'{{"error": "the note {self.house.note} is too long"}}'.encode()
        self.house.errors.append(self.error)

    def end(self):
        self.house.errors.remove(self.error)


class InLog(Plant):
    """Something in the log."""
    checks = SECRECY.checks[2:]

    def begin(self):
        line = self.line()
        self.house.log = lambda: type(self.house).log(self.house) + line

    def end(self):
        del self.house.log


class SecretInLog(InLog):
    """a credential in the log"""
    found_by = ["no line of the log has a secret"]

    def line(self):
        return f"DEBUG opened with ey.{self.house.credentials[3]}\n"


class PanicInLog(InLog):
    """a panic in the log"""
    found_by = ["nothing panicked"]

    def line(self):
        return "thread 'main' panicked at src/main.rs:1:1\n"


class Late(Plant):
    """an honest client served late"""
    checks = AFTERWARDS[:1]
    found_by = ["an honest client is served within a second"]
    delay = 1.2


class MemoryKept(Plant):
    """memory that is not given back"""
    checks = AFTERWARDS
    found_by = ["memory and descriptors are back"]

    def begin(self):
        self.house.resident_bytes = lambda: type(self.house).resident_bytes(self.house) + (1 << 30)

    def end(self):
        del self.house.resident_bytes


class DescriptorsKept(Plant):
    """descriptors that are not given back"""
    checks = AFTERWARDS
    found_by = ["memory and descriptors are back"]

    def begin(self):
        self.house.descriptors = lambda: type(self.house).descriptors(self.house) + 20

    def end(self):
        del self.house.descriptors


PLANTS = [Nothing, WrongCloseCode, ForeignOriginLetIn, CredentialAfterAll, SecondAnswer, NoTimeToComeBack, SlowUpgradeKept,
          ProtectedShown, SecretInFigures, SecretInError, SecretInLog, PanicInLog, Late, MemoryKept, DescriptorsKept]


class Proxy:
    """Between the siege and the house, with a plant in it."""

    def __init__(self, house, plant):
        self.house, self.plant = house, plant
        self.there = (house.host, house.port)

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.house.host, self.house.port = self.server.sockets[0].getsockname()
        self.plant.begin()
        return self

    async def __aexit__(self, *_):
        self.plant.end()
        self.house.host, self.house.port = self.there
        self.server.close()

    async def connected(self, reader, writer):
        await asyncio.sleep(self.plant.delay)
        # Whoever is refused is held up by their address.
        source = writer.get_extra_info("peername")[0]
        there, back = await asyncio.open_connection(*self.there, local_addr=(source, 0))
        said = bytearray()
        ways = [asyncio.create_task(self.up(reader, writer, back, said)),
                asyncio.create_task(self.down(there, writer, said))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        back.transport.abort()
        writer.close()

    async def up(self, reader, writer, back, said):
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                if not said and (answer := self.plant.answer(chunk)):
                    writer.write(answer)
                    return
                said += chunk[:65536 - len(said)]
                # The end of the server's side is found where it is read.
                with contextlib.suppress(ConnectionError):
                    back.write(chunk)
                    await back.drain()

    async def down(self, there, writer, said):
        with contextlib.suppress(ConnectionError):
            while chunk := await there.read(65536):
                writer.write(self.plant.change(bytes(said), chunk))
                await writer.drain()
        while not self.plant.passes_end_on(bytes(said)):
            await asyncio.sleep(1)


async def look(house, plant):
    """What is wrong with how a plant was found: checks that should have failed and did not, or the other way round."""
    siege = Siege(house, quiet=True)
    await siege.begin()
    async with Proxy(house, plant):
        await siege.run_all([(name, function or siege.is_back) for name, function in plant.checks])
    missed = [part for part in plant.found_by if not any(part in name for name in siege.failed)]
    wrong = [name for name in siege.failed if not any(part in name for part in plant.found_by)]
    said = f"{plant.__doc__}: found by {len(siege.failed)} of {len(plant.checks)} checks"
    if missed or wrong:
        besides = [siege.reasons[name] for name in wrong]
        print(f"FAILED  {said}\n        not found by: {missed}\n        failed besides: {wrong} {besides}", flush=True)
        return False
    print(f"ok      {said}", flush=True)
    return True


async def self_test(house):
    found = [await look(house, plant(house)) for plant in PLANTS]
    print(f"siege planted: {sum(found)} of {len(found)} checks passed")
    return 0 if all(found) else 1
