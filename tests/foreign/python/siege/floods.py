"""Too many connections, and readers that stop reading: others are served all the same (fault table)."""

import asyncio
import time

from checks import Group, equal, true
from house import CONNECTIONS_PER_ADDRESS
from wire import Closed, Socket, connected, elapsed_since, exchange, http, request, reset, text

FLOODS = Group("floods", at_once=1)
# Another machine, as far as the server can tell.
ELSEWHERE = "127.0.0.9"
BYSTANDER = "127.0.0.10"
# A reader that takes nothing is cut after five seconds; on a busy machine somewhat later.
CUT_SECONDS_MAX = 9


@FLOODS.check
async def an_address_has_its_share_of_connections_and_others_have_theirs(house):
    held = [await connected(house, ELSEWHERE) for _ in range(CONNECTIONS_PER_ADDRESS)]
    # Whoever is accepted is counted; the last of them may wait to be.
    answers, closed = await exchange(house, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", source=ELSEWHERE, to_end=True)
    equal([(answer.status, answer.headers.get("retry-after")) for answer in answers], [(429, "5")], "one too many")
    true(closed, "the connection to end")
    equal((await http(house, "GET", "/healthz", source=BYSTANDER)).status, 200, "another address")
    for _, writer in held:
        reset(writer)
    async with asyncio.timeout(5):
        while (await http(house, "GET", "/healthz", source=ELSEWHERE)).status != 200:
            pass


@FLOODS.check
async def connections_that_come_and_go_2_000_times_leave_nothing(house):
    for _ in range(40):
        for _, writer in [await connected(house, ELSEWHERE) for _ in range(50)]:
            reset(writer)
    equal((await http(house, "GET", "/healthz", source=BYSTANDER)).status, 200, "another address")


@FLOODS.check
async def sockets_without_a_session_cost_little_and_leave_nothing(house):
    before = house.resident_bytes()
    sockets = [await Socket.open(house, source=ELSEWHERE) for _ in range(300)]
    grown = house.resident_bytes() - before
    # Promise R1 allows 16 KiB for each; a build that is not optimised may take twice as much.
    true(grown < 300 * 32 * 1024, "at most 32 KiB for each of 300 sockets", grown)
    for socket in sockets:
        socket.drop()


@FLOODS.check
async def an_agent_has_sixteen_presences(house):
    token = house.token("agent", "gabriela")
    sockets = [await Socket.open(house, token) for _ in range(16)]
    for socket in sockets:
        await socket.ok("session.ping")
    equal(await (await Socket.open(house, token)).close_code(), 4429, "the close code of the next")
    await sockets[0].ok("agent.get")
    for socket in sockets:
        socket.drop()


@FLOODS.check
async def a_board_that_stops_reading_is_cut_and_others_see_each_change(house):
    token = house.token("supervisor", teams=["multidao", "suporte"])
    stalled = await Socket.open(house, token, receive_buffer=8192, source=ELSEWHERE)
    other = await Socket.open(house, house.token("supervisor", teams=["multidao", "suporte"]))
    agent = await Socket.open(house, house.token("agent", "carla"))
    # As many snapshots as a principal may ask for at once, and none of them read.
    board = {"teams": ["multidao", "suporte"]}
    # The id of a board depends on its teams alone.
    subscription = await other.ok("board.subscribe", board)
    await agent.ok("agent.get")
    begun = time.monotonic()
    for number in range(9):
        await stalled.send(text(request(number, "board.subscribe", board)))
        await stalled.send(text(request(f"end-{number}", "board.unsubscribe", {"subscription": subscription})))
    await stalled.send(text(request("last", "board.subscribe", board)))
    slow_before = await figure(house, "intervalo_slow_sockets_total")
    took = []
    status = "available"
    while await figure(house, "intervalo_slow_sockets_total") == slow_before:
        true(elapsed_since(begun) < CUT_SECONDS_MAX, "the reader to be cut")
        await agent.ok("status.set", {"status": status})
        changed_at = time.monotonic()
        await row_of(other, "carla", status)
        took.append(elapsed_since(changed_at))
        status = "unavailable" if status == "available" else "available"
        await asyncio.sleep(0.4)
    true(len(took) > 3, "some changes meanwhile", took)
    late = [seconds for seconds in took if seconds >= 1]
    true(len(late) <= 1, "each of them to be shown within a second, but one that the machine may owe", took)
    try:
        while True:
            await stalled.receive()
    except Closed as closed:
        equal(closed.code, None, "the end of who took nothing: no word reaches them")
    other.drop()
    agent.drop()


async def figure(house, name):
    answer = await http(house, "GET", "/metrics")
    values = [float(line.split(" ")[1]) for line in answer.body.decode().splitlines() if line.startswith(name + " ")]
    return sum(values)


async def row_of(board, agent, status):
    """Waits for a row that says so."""
    while True:
        frame = (await board.notification("board.changed", 5))["result"]
        if any(row["agent"] == agent and row["status"] == status for row in frame.get("agents", [])):
            return
