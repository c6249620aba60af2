"""Those who do nothing, or do it slowly: everybody who waits is waited for at most so long (fault table). All at once."""

import asyncio
import contextlib
import time

from checks import Group, equal, true
from wire import Closed, Socket, connected, elapsed_since, http, parse, request, reset, text, upgrade

PATIENCE = Group("patience", at_once=100)
# A bound of 5 s is met neither before nor, on a busy machine, much after.
FIVE = (4.5, 8)
TEN = (9.5, 13)
# Pings go out every 25 s, and 10 s are given for an answer.
SILENT = (25, 37)


async def ended(house, head, drip, bounds, expected):
    """Sends a beginning, then a byte now and then; the connection must end in time, with these statuses."""
    reader, writer = await connected(house)
    begun = time.monotonic()

    async def trickle():
        with contextlib.suppress(ConnectionError):
            for byte in drip:
                await asyncio.sleep(0.5)
                writer.write(bytes([byte]))
                await writer.drain()

    writer.write(head)
    trickling = asyncio.create_task(trickle())
    received = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(bounds[1] + 5):
            while chunk := await reader.read(65536):
                received += chunk
    took = elapsed_since(begun)
    trickling.cancel()
    writer.transport.abort()
    answers, _ = parse(received)
    house.errors.extend(answer.body for answer in answers)
    equal([answer.status for answer in answers], expected, "the statuses")
    true(bounds[0] <= took <= bounds[1], f"the end after {bounds} seconds", took)


SLOW = b"x" * 60


@PATIENCE.check
async def a_slow_upgrade_is_closed_after_five_seconds(house):
    await ended(house, upgrade(house)[:60], SLOW, FIVE, [])


@PATIENCE.check
async def a_connection_that_says_nothing_is_closed_after_five_seconds(house):
    await ended(house, b"", b"", FIVE, [])


@PATIENCE.check
async def a_connection_that_asks_no_more_is_closed_after_five_seconds(house):
    await ended(house, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"", FIVE, [200])


@PATIENCE.check
async def a_second_head_that_is_slow_is_closed_after_five_seconds(house):
    await ended(house, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET", SLOW, FIVE, [200])


@PATIENCE.each([
    ("that comes slowly", ["Content-Length: 100"], b"", SLOW),
    ("that does not come", ["Content-Length: 100"], b"", b""),
    ("in chunks that come slowly", ["Transfer-Encoding: chunked"], b"ff\r\n", SLOW),
    ("in chunks that never end", ["Transfer-Encoding: chunked"], b"1\r\n{\r\n", b""),
], "a body {0} is answered with 408 after five seconds")
async def slow_bodies(house, lines, begin, drip):
    head = ["POST /v1/rpc HTTP/1.1", "Host: x", f"Authorization: Bearer {house.stranger()}", *lines, "", ""]
    await ended(house, "\r\n".join(head).encode() + begin, drip, (4.5, 13), [408])


@PATIENCE.check
async def an_answer_that_nobody_takes_is_cut_after_ten_seconds(house):
    reader, writer = await connected(house, receive_buffer=8192)
    token = house.token("admin", "root")
    one = f"GET /v1/agents?limit=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    wanted = 100
    writer.write(one * wanted)
    await asyncio.sleep(15)
    received = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(15):
            while chunk := await reader.read(1 << 20):
                received += chunk
    writer.transport.abort()
    answers, _ = parse(received)
    true(len(answers) < wanted, "not all of the answers", len(answers))


@PATIENCE.check
async def an_upgrade_without_a_session_is_closed_with_4408_after_ten_seconds(house):
    socket = await Socket.open(house)
    begun = time.monotonic()
    equal(await socket.close_code(20), 4408, "the close code")
    true(TEN[0] <= elapsed_since(begun) <= TEN[1], f"after {TEN} seconds", elapsed_since(begun))


@PATIENCE.check
async def calls_do_not_keep_a_socket_without_a_session(house):
    socket = await Socket.open(house)
    begun = time.monotonic()
    code = None
    while code is None:
        try:
            answer = await socket.call("session.ping")
            equal(answer["error"]["code"], -32001, "the number")
            await asyncio.sleep(1)
        except (Closed, ConnectionError) as closed:
            code = getattr(closed, "code", None) or 4408
    equal(code, 4408, "the close code")
    true(TEN[0] <= elapsed_since(begun) <= TEN[1], f"after {TEN} seconds", elapsed_since(begun))


@PATIENCE.check
async def a_silent_peer_is_closed_within_35_seconds_and_is_in_grace_once(house):
    silent = await Socket.open(house, house.token("agent", "fantasma"))
    begun = time.monotonic()
    board = await Socket.open(house, house.token("supervisor", teams=["vendas"]))
    await board.ok("board.subscribe", {"teams": ["vendas"]})
    await silent.ok("status.set", {"status": "available"})
    silent.answers_pings = False
    rows = []
    watching = asyncio.create_task(watch(board, "fantasma", rows))
    equal(await silent.close_code(45), None, "the end: no word would reach them")
    true(SILENT[0] <= elapsed_since(begun) <= SILENT[1], f"after {SILENT} seconds", elapsed_since(begun))
    async with asyncio.timeout(5):
        await watching
    equal(rows[-1]["status"], "available", "the status, which a lost connection does not change")
    equal(house.events("fantasma", "agent.grace"), 1, "the entries of the journal")
    board.drop()


async def watch(board, agent, rows):
    """Looks on, and answers pings, until the agent is in grace."""
    while "grace" not in [row["connection"] for row in rows]:
        frame = (await board.notification("board.changed", 60))["result"]
        rows += [row for row in frame.get("agents", []) if row["agent"] == agent]


@PATIENCE.check
async def a_blip_within_the_grace_changes_nothing_and_a_longer_one_leaves_the_pause(house):
    token, router = house.token("agent", "felipe"), house.token("integration")
    first = await Socket.open(house, token)
    pause = (await first.ok("pause.start", {"type": "almoco"}))["agent"]["pause"]
    reset(first.writer)
    await asyncio.sleep(1)
    again = await Socket.open(house, token)
    state = await again.ok("agent.get")
    equal((state["presence"], state["connection"], state["pause"]), ("paused", "connected", pause), "after a blip")
    equal(house.events("felipe", "agent.connection_lost"), 0, "the entries of a lost connection")
    reset(again.writer)
    async with asyncio.timeout(10):
        while state["connection"] != "disconnected":
            state = (await http(house, "GET", "/v1/agents/felipe/state", router)).json()
            await asyncio.sleep(0.2)
    equal(state["pause"]["id"], pause["id"], "the pause of who is gone")
    equal(house.events("felipe", "agent.connection_lost"), 1, "the entries of a lost connection")
    back = await Socket.open(house, token)
    state = await back.ok("agent.get")
    equal((state["status"], state["connection"], state["pause"]), ("paused", "connected", pause), "on return")
    back.drop()


@PATIENCE.check
async def a_peer_that_answers_pings_is_kept(house):
    socket = await Socket.open(house, house.stranger())
    try:
        await socket.close_code(37)
        raise AssertionError("expected the socket to stay, found it closed")
    except TimeoutError:
        pass
    await socket.ok("session.ping")
    socket.drop()


@PATIENCE.check
async def a_credential_that_ends_ends_its_socket(house):
    ends_at = int(time.time()) + 4
    socket = await Socket.open(house, house.token("supervisor", teams=["suporte"], exp=ends_at))
    true("at" in await socket.notification("session.expiring"), "to be told")
    await socket.send(text(request(1, "session.ping")))
    equal(await socket.close_code(), 4401, "the close code")
    true(ends_at - 0.5 <= time.time() <= ends_at + 30, "not before, and 30 s after at the latest", time.time() - ends_at)
