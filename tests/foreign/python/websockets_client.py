"""Agents and boards on the library `websockets`, unmodified.

    python websockets_client.py target/debug/intervalo
"""

import asyncio
import contextlib
import json
import logging
import re
import uuid

from named_checks import all_of, equal, true
from session import Refused, Session, opened
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

SUBPROTOCOL = "intervalo.v1"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def refused(session, method, params, number, code, names=()):
    """Makes a call that must fail, holds the whole error against the contract, and gives its data."""
    try:
        result = await session.call(method, params)
    except Refused as refusal:
        return error_is(refusal.error, method, number, code, names)
    raise AssertionError(f"{method}: expected the error {code}, found the result {result}")


def error_is(error, method, number, code, names):
    equal(sorted(error), ["code", "data", "message"], f"the members of the error of {method}")
    data = error["data"]
    equal((error["code"], data["code"]), (number, code), f"number and code of {method}")
    true(isinstance(error["message"], str) and error["message"].endswith("."), "a sentence", error["message"])
    equal(sorted(data["params"]), sorted(names), f"the parameters of {code}")
    equal(set(data) - {"code", "params", "next_change_at"}, set(), f"other members of the data of {code}")
    if "next_change_at" in data:
        true(INSTANT.fullmatch(data["next_change_at"]), "an instant", data["next_change_at"])
    return data


async def the_subprotocol_is_agreed_on_and_another_is_refused(server):
    async with connect(server.url, subprotocols=["x", SUBPROTOCOL]) as socket:
        equal(socket.subprotocol, SUBPROTOCOL, "the subprotocol")
    async with connect(server.url) as socket:
        equal(socket.subprotocol, None, "the subprotocol when none was offered")
    await upgrade_is_refused(server, 400, "unknown_subprotocol", subprotocols=["graphql-ws"])


async def upgrade_is_refused(server, status, code, **options):
    try:
        async with connect(server.url, **options):
            raise AssertionError(f"expected the status {status}, found an open socket")
    except InvalidStatus as refusal:
        response = refusal.response
    equal(response.status_code, status, "the status")
    equal(response.headers["Content-Type"], "application/problem+json", "the media type")
    problem = json.loads(response.body)
    equal((problem["status"], problem["code"]), (status, code), "status and code of the problem")


async def a_bad_credential_is_refused_before_the_upgrade(server):
    stranger = await server.token("agent", "nobody")
    await upgrade_is_refused(server, 401, "unauthenticated", additional_headers={"Authorization": "Bearer a.b.c"})
    await upgrade_is_refused(server, 403, "unknown_agent", additional_headers={"Authorization": f"Bearer {stranger}"})
    await upgrade_is_refused(server, 403, "foreign_origin", origin="https://elsewhere.example")
    async with connect(server.url) as socket:
        session = Session(socket)
        await refused(session, "agent.get", None, -32001, "unauthenticated")
        await refused(session, "session.open", {"token": "a.b.c"}, -32001, "unauthenticated")


async def an_agent_takes_a_pause(server):
    token = await server.token("agent", "ana")
    async with connect(server.url, subprotocols=["intervalo.v1"]) as socket:
        session = Session(socket)
        opened = await session.call("session.open", {"token": token, "client": {"name": "example", "version": "1.0"}})
        agent = await session.call("status.set", {"status": "available"})
        started = await session.call("pause.start", {"type": "cafe", "note": "já volto"})
        ended = await session.call("pause.end", {"then": "available"})

        principal = {"kind": "agent", "id": "ana", "tenant": "acme", "roles": ["agent"], "teams": ["suporte"],
                     "zone": "America/Sao_Paulo"}
        equal(opened["principal"], principal, "the principal")
        true(INSTANT.fullmatch(opened["server_time"]), "an instant", opened["server_time"])
        equal((agent["status"], agent["connection"]), ("available", "connected"), "status and connection")
        equal(started["outcome"], "started", "the outcome")
        pause = started["agent"]["pause"]
        equal((pause["type"], pause["note"], pause["overrun"]), ("cafe", "já volto", False), "the pause")
        equal((ended["agent"]["status"], "pause" in ended["agent"]), ("available", False), "after the pause")
        # Each reply came before the notification that tells the same.
        versions = [(await session.notification("agent.changed"))["version"] for _ in range(4)]
        known = [opened["agent"]["version"], agent["version"], started["agent"]["version"], ended["agent"]["version"]]
        equal(versions, known, "the versions that were told and those of the replies")


async def the_limit_of_a_pause_is_told_as_it_nears_and_as_it_passes(server):
    async with opened(server, "agent", "bruno") as session:
        pause = (await session.call("pause.start", {"type": "agua"}))["agent"]["pause"]
        for name in ("pause.warned", "pause.limit_reached"):
            told = await session.notification(name)
            equal((told["pause"], told["type"], told["limit_at"]), (pause["id"], "agua", pause["limit_at"]), name)
        ended = await session.notification("agent.changed")
        equal((ended["status"], ended["cause"], ended["actor"]), ("unavailable", "limit", {"kind": "system"}), "it")


async def a_board_shows_each_change(server):
    token = await server.token("supervisor", "maria", "--teams", "suporte")
    async with opened(server, "agent", "carla") as carla:
        await carla.call("agent.get")
        async with connect(server.url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            session, seen = Session(socket), []
            subscription = await session.call("board.subscribe", {"teams": ["suporte"]})
            rows, last_to = {}, None
            while True:
                changed = await session.notification("board.changed")
                frame = changed["result"]
                if frame["kind"] == "snapshot" and frame["part"] == 0:
                    rows = {}
                if frame["kind"] == "changes" and frame["from"] != last_to:
                    raise AssertionError(f"a gap: the board is at {last_to}, the frame begins at {frame['from']}")
                last_to = frame.get("to", last_to)
                rows.update({row["agent"]: row for row in frame.get("agents", [])})

                equal(changed["subscription"], subscription, "the subscription of a frame")
                # What the row says is what the agent does next.
                presence = rows.get("carla", {}).get("presence")
                if presence in seen[-1:]:
                    continue
                seen.append(presence)
                match presence:
                    case "unavailable" if len(seen) == 1:
                        await carla.call("status.set", {"status": "available"})
                    case "available":
                        await carla.call("pause.start", {"type": "almoco"})
                    case "paused":
                        equal(rows["carla"]["pause"]["type"], "almoco", "the pause on the board")
                        await carla.call("pause.end", {"then": "unavailable"})
                    case _:
                        break
            equal(seen, ["unavailable", "available", "paused", "unavailable"], "the presences that were shown")
            true({"ana", "bruno", "carla", "diego", "elisa"} == set(rows), "all of the team", sorted(rows))


async def a_board_goes_on_from_its_cursor(server):
    async with opened(server, "supervisor", "maria", "--teams", "vendas") as session:
        await session.call("board.subscribe", {"teams": ["vendas"]})
        snapshot = (await session.notification("board.changed"))["result"]
        equal((snapshot["kind"], snapshot["part"], snapshot["parts"]), ("snapshot", 0, 1), "the first frame")
    async with opened(server, "agent", "felipe") as felipe:
        await felipe.call("status.set", {"status": "available"})
    async with opened(server, "supervisor", "maria", "--teams", "vendas") as session:
        subscription = await session.call("board.subscribe", {"teams": ["vendas"], "cursor": snapshot["cursor"]})
        missed = (await session.notification("board.changed"))["result"]
        equal((missed["kind"], missed["from"]), ("changes", snapshot["to"]), "the first frame after the cursor")
        equal([row["agent"] for row in missed["agents"]], ["felipe"], "whose rows it has")
        equal(await session.call("board.unsubscribe", [subscription]), True, "the end of the board")
        await refused(session, "board.unsubscribe", {"subscription": subscription}, -32004, "not_found")


async def errors_have_the_documented_shape(server):
    async with opened(server, "agent", "diego") as session:
        version = (await session.call("status.set", {"status": "available"}))["version"]
        await refused(session, "pause.begin", {}, -32601, "method_not_found", ["method"])
        await refused(session, "pause.start", {"type": "cafe", "colour": "red"}, -32602, "invalid_params", ["field"])
        await refused(session, "pause.start", ["cafe"], -32602, "invalid_params", ["field"])
        await refused(session, "pause.end", {}, -32003, "not_paused")
        await refused(session, "pause.start", {"type": "siesta"}, -32003, "unknown_type")
        await refused(session, "pause.start", {"type": "feedback"}, -32003, "not_startable_by", ["startable_by"])
        stale = {"status": "unavailable", "expected_version": version - 1}
        await refused(session, "status.set", stale, -32005, "version", ["current", "agent"])
        op = str(uuid.uuid4())
        await session.call("pause.start", {"type": "descanso", "op": op})
        await refused(session, "status.set", {"status": "available", "op": op}, -32005, "op_reused", ["agent"])
        await refused(session, "pause.start", {"type": "cafe"}, -32003, "already_paused", ["pause", "type"])
        held = await refused(session, "pause.end", {}, -32003, "held", ["until"])
        equal(held.get("next_change_at"), held["params"]["until"], "when it is worth asking again")
        await refused(session, "board.subscribe", {"teams": "all"}, -32002, "forbidden")
        await session.socket.send("{")
        answer = json.loads(await session.socket.recv())
        while "method" in answer:
            answer = json.loads(await session.socket.recv())
        equal(answer["id"], None, "the id of what could not be read")
        error_is(answer["error"], "{", -32700, "parse_error", [])


async def a_flood_is_told_when_to_come_back(server):
    async with opened(server, "agent", "elisa") as session:
        for number in range(100):
            await session.socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": "agent.get"}))
        answers = []
        while len(answers) < 100:
            message = json.loads(await session.socket.recv())
            if "id" in message:
                answers.append(message)
        equal([answer["id"] for answer in answers], list(range(100)), "the order of the answers")
        errors = [answer["error"] for answer in answers if "error" in answer]
        true(errors and len(errors) < 100, "some of 100 calls at once to be refused", len(errors))
        for error in errors:
            data = error_is(error, "agent.get", -32006, "rate_limited", ["retry_after_ms"])
            true(0 < data["params"]["retry_after_ms"] <= 1000, "up to a second", data["params"])


async def a_batch_is_answered_as_one_in_order(server):
    async with opened(server, "supervisor", "batch", "--teams", "vendas") as session:
        batch = [{"jsonrpc": "2.0", "id": "a", "method": "session.ping"},
                 {"jsonrpc": "2.0", "method": "session.ping"},
                 {"jsonrpc": "2.0", "id": "b", "method": "no.such"},
                 {"jsonrpc": "2.0", "id": 3, "method": "session.open"}]
        await session.socket.send(json.dumps(batch))
        answers = json.loads(await session.socket.recv())
        equal([answer["id"] for answer in answers], ["a", "b", 3], "the ids")
        equal(["error" in answer for answer in answers], [False, True, False], "which of them failed")


class Frames(logging.Handler):
    """What the library says in its log of the pings that it was sent and the pongs that it answered with."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.seen = asyncio.Queue()

    def emit(self, record):
        found = re.match(r"([<>]) (PING|PONG) (.*)", record.getMessage())
        if found:
            self.seen.put_nowait(found.groups())


async def pings_are_answered_on_both_sides(server):
    log = logging.Logger("pings", logging.DEBUG)
    log.addHandler(frames := Frames())
    token = await server.token("agent", "gabriela")
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(server.url, additional_headers=headers, logger=log, ping_interval=None) as socket:
        # The server pings every second and waits three for an answer: after five it would be gone if none counted.
        for _ in range(5):
            way, kind, payload = await frames.seen.get()
            equal((way, kind), ("<", "PING"), "what came first")
            equal(await frames.seen.get(), (">", "PONG", payload), "what the library answered")
        state = await Session(socket).call("agent.get")
        equal(state["connection"], "connected", "the connection")
        latency = await (await socket.ping())
        true(latency >= 0, "a pong of the server's", latency)


async def close_codes_are_those_of_the_contract(server):
    async with opened(server, "agent", "heitor") as session:
        equal(await session.call("session.sign_out"), {}, "the answer to a sign-out")
        equal(await session.closed(), 1000, "signed out")
    async with opened(server, "agent", "heitor") as session, opened(server, "admin", "root") as admin:
        await session.call("session.ping")
        await admin.call("agent.sign_out", {"agent": "heitor", "reason": "fim do turno"})
        changed = await session.notification("agent.changed")
        while changed["status"] != "offline":
            changed = await session.notification("agent.changed")
        equal((changed["actor"], changed["reason"]), ({"kind": "admin", "id": "root"}, "fim do turno"), "who and why")
        equal(await session.closed(), 4403, "signed out by an administrator")
    async with opened(server, "agent", "heitor", "--ttl", "3s") as session:
        true("at" in await session.notification("session.expiring"), "an instant")
        equal(await session.closed(), 4401, "the credential ended")
    async with opened(server, "agent", "heitor") as session:
        await session.socket.send(b"{}")
        equal(await session.closed(), 1003, "a binary message")
    async with opened(server, "agent", "heitor") as session:
        await session.socket.send(b"\xff\xfe", text=True)
        equal(await session.closed(), 1007, "text that is not UTF-8")
    async with opened(server, "agent", "heitor") as session:
        for _ in range(20):
            await session.socket.send("{")
        equal(await session.closed(), 1008, "twenty faulty messages")
    async with opened(server, "agent", "heitor") as session:
        await session.socket.send("x" * (64 * 1024 + 1))
        equal(await session.closed(), 1009, "a message over 64 KiB")


async def too_many_sessions_are_closed_with_their_code(server):
    async with contextlib.AsyncExitStack() as held:
        for _ in range(16):
            session = await held.enter_async_context(opened(server, "agent", "heitor"))
            await session.call("session.ping")
        async with opened(server, "agent", "heitor") as session:
            equal(await session.closed(), 4429, "the seventeenth presence of an agent")


async def a_socket_that_opens_no_session_is_closed(server):
    async with connect(server.url) as socket:
        equal(await Session(socket).closed(), 4408, "no session within 10 s")


async def a_server_that_stops_says_when_to_come_back(server):
    async with opened(server, "agent", "heitor") as session:
        code = asyncio.create_task(server.stop())
        told = await session.notification("server.draining")
        true(1000 <= told["reconnect_after_ms"] < 10000, "1 to 10 s", told)
        equal(await session.closed(), 1012, "the server restarts")
        equal(await code, 0, "the server's exit code")


asyncio.run(all_of("websockets", [
    the_subprotocol_is_agreed_on_and_another_is_refused,
    a_bad_credential_is_refused_before_the_upgrade,
    an_agent_takes_a_pause,
    the_limit_of_a_pause_is_told_as_it_nears_and_as_it_passes,
    a_board_shows_each_change,
    a_board_goes_on_from_its_cursor,
    errors_have_the_documented_shape,
    a_flood_is_told_when_to_come_back,
    a_batch_is_answered_as_one_in_order,
    pings_are_answered_on_both_sides,
    close_codes_are_those_of_the_contract,
    too_many_sessions_are_closed_with_their_code,
    a_socket_that_opens_no_session_is_closed,
    a_server_that_stops_says_when_to_come_back,
]))
