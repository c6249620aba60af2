"""Runs checks one after the other, by name, and fails loudly: what was expected, what was found."""

import asyncio
import signal
import sys
import traceback

from intervalo_server import Server

# How long one check may take; the longest waits ten seconds for the server.
CHECK_SECONDS_MAX = 40


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def true(condition, what, found=None):
    if not condition:
        raise AssertionError(f"expected: {what}; found: {found!r}")


async def all_of(client, checks):
    """Runs every check on one server; ends the program with 1 when one fails, after all have had their turn."""
    # Ends as with Ctrl-C, which leaves no server behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    failed = 0
    async with Server(sys.argv[1]) as server:
        for check in checks:
            name = check.__name__.replace("_", " ")
            try:
                async with asyncio.timeout(CHECK_SECONDS_MAX):
                    await check(server)
                print(f"ok      {name}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED  {name}\n        {type(error).__name__}: {error}", flush=True)
                traceback.print_exc()
        if failed:
            print("the server's last lines:\n" + "".join(server.log), file=sys.stderr)
    print(f"{client}: {len(checks) - failed} of {len(checks)} checks passed", flush=True)
    sys.exit(1 if failed else 0)
