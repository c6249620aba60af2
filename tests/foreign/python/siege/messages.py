"""Texts that are no JSON, no requests or too many (fault table)."""

import asyncio
import json
import time

from checks import Group, equal, true
from wire import Socket, elapsed_since, http, request, text

MESSAGES = Group("messages")
# How many faults in a row end a socket.
STRIKES = 20
DEPTH_MAX = 16
BATCH_MAX = 16


def nested(depth):
    return b"[" * depth + b"]" * depth


def call(method, params):
    return json.dumps(request(1, method, params)).encode()


# What is sent; the number and the code of the error; the params that it has, their values where they are known.
FAULTS = [
    ("an open brace", b"{", -32700, "parse_error", {}),
    ("nothing", b"", -32700, "parse_error", {}),
    ("blanks", b"   ", -32700, "parse_error", {}),
    ("a byte order mark", b"\xef\xbb\xbf{}", -32700, "parse_error", {}),
    ("NUL", b"\x00", -32700, "parse_error", {}),
    ("NaN", b'{"jsonrpc":"2.0","id":1,"method":"session.ping","params":{"x":NaN}}', -32700, "parse_error", {}),
    ("Infinity", b'{"jsonrpc":"2.0","id":Infinity,"method":"session.ping"}', -32700, "parse_error", {}),
    ("a number without end", b'{"jsonrpc":"2.0","id":1e999,"method":"session.ping"}', -32700, "parse_error", {}),
    ("a comma too many", b'{"jsonrpc":"2.0","id":1,"method":"session.ping",}', -32700, "parse_error", {}),
    ("two texts in one", b'{"jsonrpc":"2.0","id":1,"method":"session.ping"}{}', -32700, "parse_error", {}),
    ("half a surrogate pair", b'{"jsonrpc":"2.0","id":"\\ud800","method":"session.ping"}', -32700, "parse_error", {}),
    ("a raw line break in a text", b'{"jsonrpc":"2.0","id":"a\nb","method":"session.ping"}', -32700, "parse_error", {}),
    ("an empty list", b"[]", -32600, "invalid_request", {}),
    ("a number", b"7", -32600, "invalid_request", {}),
    ("a list in a list", b"[[]]", None, None, {}),
    ("17 levels", nested(DEPTH_MAX + 1), -32600, "invalid_request", {"depth_max": DEPTH_MAX}),
    ("60,000 levels", b"[" * 60_000, -32600, "invalid_request", {"depth_max": DEPTH_MAX}),
    ("10,000 levels of objects", b'{"a":' * 10_000, -32600, "invalid_request", {"depth_max": DEPTH_MAX}),
    ("a batch of 17", json.dumps([request(n, "session.ping") for n in range(17)]).encode(), -32600, "invalid_request",
     {"batch_max": BATCH_MAX}),
    ("an older JSON-RPC", b'{"jsonrpc":"1.0","id":1,"method":"session.ping"}', -32600, "invalid_request",
     {"field": "jsonrpc"}),
    ("no method", b'{"jsonrpc":"2.0","id":1}', -32600, "invalid_request", {"field": "method"}),
    ("a method that is a list", b'{"jsonrpc":"2.0","id":1,"method":["session.ping"]}', -32600, "invalid_request",
     {"field": "method"}),
    ("an id that is an object", b'{"jsonrpc":"2.0","id":{},"method":"session.ping"}', -32600, "invalid_request",
     {"field": "id"}),
    ("params that are a text", b'{"jsonrpc":"2.0","id":1,"method":"session.ping","params":"x"}', -32600,
     "invalid_request", {"field": "params"}),
    ("an unknown method", call("pause.begin", {}), -32601, "method_not_found", {"method": "pause.begin"}),
    ("a method of another's making", call("__proto__", {}), -32601, "method_not_found", {"method": "__proto__"}),
    ("an unknown parameter", call("pause.start", {"type": "cafe", "colour": "red"}), -32602, "invalid_params",
     {"field": "colour"}),
    ("a type that is a number", call("pause.start", {"type": 5}), -32602, "invalid_params", {"field": "type"}),
    ("a type that is a list", call("pause.start", {"type": ["cafe"]}), -32602, "invalid_params", {"field": "type"}),
    ("a type that is null", call("pause.start", {"type": None}), -32602, "invalid_params", {"field": "type"}),
    ("no type", call("pause.start", {}), -32602, "invalid_params", {"field": "type"}),
    ("an op that is no UUID", call("pause.start", {"type": "cafe", "op": "1"}), -32602, "invalid_params", {"field": "op"}),
    ("a version that is negative", call("pause.start", {"type": "cafe", "expected_version": -1}), -32602,
     "invalid_params", {"field": "expected_version"}),
    ("a version that is a fraction", call("pause.start", {"type": "cafe", "expected_version": 1.5}), -32602,
     "invalid_params", {"field": "expected_version"}),
    ("a note with an escape of a terminal", call("pause.start", {"type": "cafe", "note": "\x1b[2J"}), -32602,
     "invalid_params", {"field": "note"}),
    ("a note with NUL", call("pause.start", {"type": "cafe", "note": "a\0b"}), -32602, "invalid_params", {"field": "note"}),
    ("a note of 201 characters", call("pause.start", {"type": "cafe", "note": "é" * 201}), -32602, "invalid_params",
     {"field": "note"}),
    ("a status of nobody", call("status.set", {"status": "asleep"}), -32602, "invalid_params", {"field": "status"}),
    ("a presence that is a text", call("session.open", {"presence": "false"}), -32602, "invalid_params",
     {"field": "presence"}),
]


@MESSAGES.each(FAULTS, "{0} is answered with an error that says what")
async def faults(house, message, number, code, params):
    socket = await Socket.open(house, house.token("agent", "diego"))
    await socket.send(text(message))
    async with asyncio.timeout(5):
        answer = await socket.receive()
        while isinstance(answer, dict) and "method" in answer:
            answer = await socket.receive()
    if isinstance(answer, list):
        equal([part["error"]["code"] for part in answer], [-32600], "the answers of the batch")
    else:
        error = answer["error"]
        equal((error["code"], error["data"]["code"]), (number, code), "number and code")
        equal({name: error["data"]["params"].get(name) for name in params}, params, "the params")
        true(len(json.dumps(answer)) < 2048, "a short answer", len(json.dumps(answer)))
    await socket.ok("session.ping")
    socket.drop()


@MESSAGES.check
async def a_long_name_of_a_method_is_not_sent_back_as_a_whole(house):
    socket = await Socket.open(house, house.stranger())
    answer = await socket.call("x" * 60_000)
    equal(answer["error"]["code"], -32601, "the number")
    true(len(json.dumps(answer)) < 2048, "a short answer", len(json.dumps(answer)))
    socket.drop()


@MESSAGES.check
async def sixteen_levels_are_not_too_deep(house):
    socket = await Socket.open(house, house.stranger())
    # Three of them are the request, its params and the list in them.
    deep = json.loads(nested(DEPTH_MAX - 3))
    answer = await socket.call("rpc.on", {"names": [deep]})
    equal(answer["error"]["data"]["code"], "invalid_params", "the code")
    socket.drop()


@MESSAGES.check
async def twenty_faults_in_a_row_close_with_1008(house):
    socket = await Socket.open(house, house.stranger())
    for _ in range(STRIKES - 1):
        await socket.send(text(b"{"))
    await socket.ok("session.ping")
    for fault in [b"{", b"[]", call("no.such", {}), b"NaN"] * (STRIKES // 4):
        await socket.send(text(fault))
    equal(await socket.close_code(), 1008, "the close code")


@MESSAGES.check
async def before_a_session_nothing_else_is_answered(house):
    socket = await Socket.open(house)
    for method in ("agent.get", "session.ping", "board.subscribe", "policy.get"):
        answer = await socket.call(method, {"teams": "all"} if method == "board.subscribe" else None)
        equal(answer["error"]["code"], -32001, f"the number for {method}")
    socket.drop()


@MESSAGES.check
async def calls_under_one_id_are_each_answered_in_order(house):
    socket = await Socket.open(house, house.stranger())
    same = [request("same", "session.ping"), request("same", "no.such"), request("same", "session.ping")]
    for message in same:
        await socket.send(text(message))
    await socket.send(text(same))
    singles = [await socket.answered("same") for _ in same]
    equal(["error" in answer for answer in singles], [False, True, False], "which of them failed")
    batch = await socket.receive()
    equal([(answer["id"], "error" in answer) for answer in batch],
          [("same", False), ("same", True), ("same", False)], "the answers of the batch")
    socket.drop()


@MESSAGES.check
async def members_that_are_there_twice_do_not_confuse(house):
    socket = await Socket.open(house, house.stranger())
    await socket.send(text(b'{"jsonrpc":"2.0","id":1,"id":2,"method":"no.such","method":"session.ping"}'))
    answer = await socket.receive()
    true(answer["id"] in (1, 2), "one of the ids", answer)
    socket.drop()


@MESSAGES.check
async def a_flood_by_a_valid_agent_is_told_when_to_come_back_and_others_are_not(house):
    flooder = await Socket.open(house, house.token("agent", "ana"))
    other = await Socket.open(house, house.token("agent", "bruno"))
    begun = time.monotonic()
    await flooder.send(b"".join(text(request(n, "agent.get")) for n in range(200)))
    true("result" in await other.call("agent.get", seconds=2), "the other to be served")
    answers = [await flooder.answered(n) for n in range(200)]
    errors = [answer["error"] for answer in answers if "error" in answer]
    served, passed = 200 - len(errors), elapsed_since(begun)
    true(20 <= served <= 20 + 10 * (passed + 1), f"20 at once and 10 a second to be served in {passed:.1f} s", served)
    for error in errors:
        equal((error["code"], error["data"]["code"]), (-32006, "rate_limited"), "number and code")
        true(0 < error["data"]["params"]["retry_after_ms"] <= 1000, "up to a second", error["data"]["params"])
    over_http = await http(house, "POST", "/v1/rpc", house.token("agent", "ana"), call("agent.get", {}))
    equal(over_http.json()["error"]["data"]["code"], "rate_limited", "what the same agent is told over HTTP")
    await asyncio.sleep(over_http.json()["error"]["data"]["params"]["retry_after_ms"] / 1000 + 0.05)
    await flooder.ok("agent.get")
    flooder.drop()
    other.drop()


@MESSAGES.check
async def a_flood_of_session_pings_closes_with_1008(house):
    socket = await Socket.open(house, house.stranger())
    await socket.send(text([request(n, "session.ping") for n in range(BATCH_MAX)]) * 40)
    equal(await socket.close_code(), 1008, "the close code")


@MESSAGES.each([
    ("17 requests", b"[" + b",".join([b"7"] * 17) + b"]", 200, "invalid_request"),
    ("no JSON", b"{", 200, "parse_error"),
    ("bytes that are not UTF-8", b"\xff", 400, "parse_error"),
    ("nothing", b"", 200, "parse_error"),
    ("17 levels", nested(17), 200, "invalid_request"),
], "a body of {0} is answered with an error")
async def bodies(house, body, status, code):
    answer = await http(house, "POST", "/v1/rpc", house.stranger(), body)
    equal(answer.status, status, "the status")
    found = answer.json()
    equal(found["error"]["data"]["code"] if "error" in found else found["code"], code, "the code")
