"""Lays siege to the real binary: hostile and broken clients, each answer held against the fault table of the promises.

    python tests/foreign/python/siege target/debug/intervalo
    python tests/foreign/python/siege target/debug/intervalo --planted
    python tests/foreign/python/siege target/debug/intervalo frames tokens

The second way plants falsehoods between the siege and the binary, which the checks must find; the third lays it with some
of the groups. Ends with 1 when a check fails. Only the standard library is used; only loopback is spoken to.
"""

import asyncio
import logging
import signal
import sys
import time

from checks import Siege
from floods import FLOODS
from frames import FRAMES
from heads import HEADS
from house import House
from logins import LOGINS
from messages import MESSAGES
from patience import PATIENCE
from people import PEOPLE
from planted import self_test
from secrecy import SECRECY
from tokens import TOKENS
from upgrades import UPGRADES

# Last the secrets: they are looked for in all that was said before.
GROUPS = [UPGRADES, FRAMES, MESSAGES, HEADS, TOKENS, LOGINS, PEOPLE, FLOODS, PATIENCE, SECRECY]
LOG_LINES_SHOWN = 60


async def plant(binary):
    async with House(binary) as house:
        return await self_test(house)


async def main(binary, names):
    begun = time.monotonic()
    async with House(binary) as house:
        siege = Siege(house)
        await siege.begin()
        for group in [group for group in GROUPS if not names or group.name in names]:
            await siege.run(group)
        if house.process.returncode is not None:
            siege.failed.append(f"the server ended with {house.process.returncode}")
        if siege.failed:
            print("the server's last lines:\n" + "\n".join(house.log().splitlines()[-LOG_LINES_SHOWN:]), file=sys.stderr)
    print(f"siege: {siege.passed} of {siege.passed + len(siege.failed)} checks passed in {time.monotonic() - begun:.0f} s")
    return 1 if siege.failed else 0


# Writing to who is gone is no news here.
logging.getLogger("asyncio").setLevel(logging.ERROR)
# Ends as with Ctrl-C, which leaves no server behind.
signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(asyncio.run(plant(sys.argv[1]) if sys.argv[2:] == ["--planted"] else main(sys.argv[1], sys.argv[2:])))
