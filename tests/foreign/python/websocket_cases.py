"""The cases of the Autobahn test suite, run by the library `kosoku` as a client, against the echo behind our own frames.

    python websocket_cases.py target/debug/examples/echo

Every case but those of compression runs, and must pass. Then a few run once more through a proxy that spoils what the
echo sends, and must fail: a suite that sees nothing would pass them too.
"""

import asyncio
import collections
import fnmatch
import re
import sys

from kosoku import FailureError, run_fuzzingclient
from kosoku.cases import CASES

# 12: compression of messages of each kind and size; 13: the same with each of its parameters. permessage-deflate is never
# negotiated here (docs/protocol.md, "The socket"), so that these cases would show nothing.
LEFT_OUT = ["12.*", "13.*"]
# How many cases there are without those; with fewer something was lost.
CASES_RUN = 301
# Broken UTF-8 in the middle of a frame whose rest is held back. It is found when the frame is whole: nothing of it is
# passed on before. The suite would have it found at the byte, as nobody must (RFC 6455 §8.1).
FOUND_WITH_THE_FRAME = {"6.4.3", "6.4.4"}
# Where the RFC leaves open what happens.
LEFT_OPEN = {"7.1.6", "7.13.1", "7.13.2"}
AT_ONCE = 4
# Cases that compare what comes back, one of each kind.
TELLING = ["1.1.2", "1.2.2", "5.3", "6.2.1", "9.1.1"]


async def run(address, **which):
    try:
        return await run_fuzzingclient(f"ws://{address}", concurrency=AT_ONCE, **which)
    except FailureError as failure:
        return failure.results


async def whole_suite(address):
    """What is wrong with a run of all cases, in lines."""
    results = await run(address, exclude_cases=LEFT_OUT)
    wrong = [f"{result.case_id}: {result.result} {result.result_close}" for result in results if not result.passed]
    not_ok = {result.case_id for result in results if result.passed and result.behavior.value != "OK"}
    wrong += [f"{case}: passed less than in full" for case in sorted(not_ok - FOUND_WITH_THE_FRAME - LEFT_OPEN)]
    wanted = {case for case in CASES if not any(fnmatch.fnmatch(case, pattern) for pattern in LEFT_OUT)}
    ran = {result.case_id for result in results}
    wrong += [f"{case}: did not run" for case in sorted(wanted - ran)]
    if len(ran) < CASES_RUN:
        wrong.append(f"{len(ran)} cases ran, not {CASES_RUN}")
    verdicts = collections.Counter(result.behavior.value for result in results)
    failed = sum(not result.passed for result in results)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    print(f"{len(ran)} cases ran, {failed} failed, {len(CASES) - len(wanted)} of compression left out: {said}")
    return wrong


async def spoiled(address):
    """The cases that pass although every frame of the echo is changed on its way."""
    host, port = address.split(":")

    async def carry(reader, writer, change):
        try:
            while chunk := await reader.read(65536):
                writer.write(change(chunk))
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    def change(chunk):
        return chunk if chunk.startswith(b"HTTP/") else chunk[:-1] + bytes([chunk[-1] ^ 1])

    async def connected(reader, writer):
        there, back = await asyncio.open_connection(host, port)
        await asyncio.gather(carry(reader, back, lambda chunk: chunk), carry(there, writer, change))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as proxy:
        results = await run("%s:%d" % proxy.sockets[0].getsockname(), cases=TELLING)
    passed = [result.case_id for result in results if result.passed]
    print(f"spoiled on the way: {len(results) - len(passed)} of {len(TELLING)} failed, as they must")
    return [f"{case}: passed although it was spoiled" for case in passed + TELLING[len(results):]]


async def main():
    process = await asyncio.create_subprocess_exec(sys.argv[1], stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(30):
            address = re.search(r"127\.0\.0\.1:\d+", (await process.stdout.readline()).decode())[0]
        wrong = await whole_suite(address) + await spoiled(address)
    finally:
        process.kill()
        await process.wait()
    for line in wrong:
        print(f"FAILED  {line}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


asyncio.run(main())
