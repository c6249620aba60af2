"""The way to a socket, for those who may not have one (promise A6)."""

from checks import Group, equal, true
from wire import FIN, TEXT, Socket, exchange, frame, http, upgrade

UPGRADES = Group("upgrades")


async def refused(house, head, status, code):
    answers, _ = await exchange(house, head)
    equal([answer.status for answer in answers], [status], "the status")
    equal(answers[0].headers["content-type"], "application/problem+json", "the media type")
    equal(answers[0].code(), code, "the code")
    return answers[0]


@UPGRADES.each([
    ("of another host", ["https://evil.example"]),
    ("of a sandboxed page", ["null"]),
    ("without a word", [""]),
    ("of another port", ["http://127.0.0.1:1"]),
    ("that only begins as ours", ["http://{house}.evil.example"]),
    ("that only ends as ours", ["http://evil.example/{house}"]),
    ("with somebody's name before ours", ["http://evil.example@{house}"]),
    ("of another scheme", ["file://{house}"]),
    ("with blanks", ["http://{house} http://evil.example"]),
    ("of our own beside another", ["http://{house}", "https://evil.example"]),
    ("that is not text", ["http://\u00ff{house}"]),
], "an origin {0} is refused before the upgrade")
async def origins(house, values):
    ours = f"{house.host}:{house.port}"
    token = house.token("agent", "heitor")
    lines = [f"Origin: {value.format(house=ours)}" for value in values]
    head = upgrade(house, *lines, f"Authorization: Bearer {token}", f"Cookie: session={token}").decode()
    await refused(house, head.encode("latin-1"), 403, "foreign_origin")


@UPGRADES.check
async def our_own_origin_is_let_in(house):
    socket = await Socket.open(house, house.stranger(), origin=f"http://{house.host}:{house.port}")
    await socket.ok("session.ping")
    socket.drop()


@UPGRADES.each([
    ("a token", "?token={token}"),
    ("an access token beside others", "?x=1&access_token={token}"),
    ("a ticket", "?ticket={token}"),
    ("a word without a name", "?{token}"),
], "{0} in the address is refused and not repeated")
async def credentials_in_the_address(house, query):
    token = house.stranger()
    answer = await refused(house, upgrade(house, path="/v1/ws" + query.format(token=token)), 400, "invalid_params")
    true(token.encode() not in answer.body, "no word of the credential", answer.body)


@UPGRADES.each([
    ("without a key", {"key": False}, 400, "invalid_handshake"),
    ("of an old version", {"version": "8"}, 426, "upgrade_required"),
    ("of no version", {"version": None}, 426, "upgrade_required"),
    ("by POST", {"method": "POST"}, 405, "method_not_allowed"),
    ("by PUT", {"method": "PUT"}, 405, "method_not_allowed"),
], "a handshake {0} is told what is missing")
async def handshakes(house, options, status, code):
    await refused(house, upgrade(house, **options), status, code)


@UPGRADES.check
async def only_foreign_subprotocols_are_refused(house):
    await refused(house, upgrade(house, "Sec-WebSocket-Protocol: graphql-ws, mqtt"), 400, "unknown_subprotocol")


@UPGRADES.check
async def a_request_without_an_upgrade_is_told_to_upgrade(house):
    answer = await http(house, "GET", "/v1/ws")
    equal((answer.status, answer.headers["upgrade"]), (426, "websocket"), "status and what to")


@UPGRADES.check
async def a_handshake_of_http_1_0_is_no_handshake(house):
    head = upgrade(house).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n")
    answers, _ = await exchange(house, head)
    true(answers and answers[0].status in (400, 426), "400 or 426 (RFC 6455 §4.1: at least 1.1)", answers)


@UPGRADES.check
async def compression_is_not_negotiated(house):
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    socket = await Socket.open(house, house.stranger(), offer)
    equal(socket.answer.headers.get("sec-websocket-extensions"), None, "the extensions")
    # A compressed message, as if it had been agreed on.
    await socket.send(frame(FIN | 0x40 | TEXT, b"\xaa\x56\xca\x2a\x06\x00"))
    equal(await socket.close_code(), 1002, "the close code")


@UPGRADES.check
async def an_agent_that_the_directory_does_not_have_is_refused(house):
    token = house.token("agent", "ninguem")
    await refused(house, upgrade(house, f"Authorization: Bearer {token}"), 403, "unknown_agent")


@UPGRADES.check
async def a_tenant_that_is_not_there_is_refused(house):
    token = house.token("admin", "root", tenant="nirgendwo")
    await refused(house, upgrade(house, f"Authorization: Bearer {token}"), 403, "forbidden")
