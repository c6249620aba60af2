"""Bytes that are no WebSocket frames, or too many of them (fault table)."""

import asyncio
import json
import time

from checks import Group, equal, true
from wire import (BINARY, CLOSE, FIN, PING, PONG, TEXT, Closed, Socket, connected, elapsed_since, frame, http, request,
                  reset, text, upgrade)

FRAMES = Group("frames")
MESSAGE_BYTES_MAX = 64 * 1024
PADDED = json.dumps(request(7, "session.ping"))
# How much 200,000 fragments, or a length of 2^62, may cost while they are under way.
WHILE_BYTES_MAX = 16 * 1024 * 1024


def declared(length):
    return frame(FIN | TEXT, b"", length=length)


BAD = [
    ("an unmasked text", [frame(FIN | TEXT, b"{}", mask=b"")], 1002),
    ("an unmasked ping", [frame(FIN | PING, b"", mask=b"")], 1002),
    *((f"the reserved bit {bit:#x}", [frame(FIN | bit | TEXT, b"{}")], 1002) for bit in (0x40, 0x20, 0x10)),
    *((f"the opcode {opcode:#x}", [frame(FIN | opcode, b"{}")], 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("a ping in fragments", [frame(PING, b"x")], 1002),
    ("a ping of 126 bytes", [frame(FIN | PING, b"x" * 126)], 1002),
    ("a pong of 2^62 bytes", [frame(FIN | PONG, b"", length=1 << 62)], 1009),
    ("a continuation of nothing", [frame(FIN, b"{}")], 1002),
    ("a text inside of another", [frame(TEXT, b"{"), frame(FIN | TEXT, b"}")], 1002),
    ("a close of one byte", [frame(FIN | CLOSE, b"\x03")], 1002),
    ("a close with a code that is never sent", [frame(FIN | CLOSE, (1006).to_bytes(2, "big"))], 1002),
    ("a close with a code of nobody", [frame(FIN | CLOSE, (999).to_bytes(2, "big"))], 1002),
    ("another protocol", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], 1002),
    ("bytes that are not UTF-8", [frame(FIN | TEXT, b"\xff\xfe")], 1007),
    ("half a character at the end", [frame(FIN | TEXT, "é".encode()[:1])], 1007),
    ("a character of two surrogates", [frame(FIN | TEXT, b"\xed\xa0\xbd\xed\xb8\x80")], 1007),
    ("a character written too long", [frame(FIN | TEXT, b"\xc0\xaf")], 1007),
    ("a character past the last one", [frame(FIN | TEXT, b"\xf4\x90\x80\x80")], 1007),
    ("broken UTF-8 in the second fragment", [frame(TEXT, b"\"\xc3"), frame(FIN, b"\xc3\"")], 1007),
    ("a binary message", [frame(FIN | BINARY, b"{}")], 1003),
    ("a message of 64 KiB and a byte", [frame(FIN | TEXT, b"x" * (MESSAGE_BYTES_MAX + 1))], 1009),
    ("a message that is too long in fragments", [frame(TEXT, b"x" * 40000), frame(FIN, b"x" * 40000)], 1009),
    ("a message of a megabyte", [frame(FIN | TEXT, b"x" * (1 << 20))], 1009),
    ("a declared length of 2^62", [declared(1 << 62)], 1009),
    ("a declared length of 2^31", [declared(1 << 31)], 1009),
    ("a declared length of 64 KiB and a byte", [declared(MESSAGE_BYTES_MAX + 1)], 1009),
    ("200 pings at once", [frame(FIN | PING, b"x")] * 200, 1008),
    ("200 pongs that nobody asked for", [frame(FIN | PONG, b"x")] * 200, 1008),
]


@FRAMES.each([(f"{what} closes with {code}", frames, code) for what, frames, code in BAD], "{0}")
async def bad_frames(house, frames, code):
    socket = await Socket.open(house, house.stranger())
    begun = time.monotonic()
    await send_all(socket, b"".join(frames))
    equal(await socket.close_code(), code, "the close code")
    true(elapsed_since(begun) < 5, "at once", elapsed_since(begun))
    socket.drop()


async def send_all(socket, data):
    """The server may close while it is still being spoken to."""
    try:
        await socket.send(data)
    except ConnectionError:
        pass


@FRAMES.check
async def before_a_session_frames_are_held_to_the_same(house):
    socket = await Socket.open(house)
    await socket.send(frame(FIN | TEXT, b"{}", mask=b""))
    equal(await socket.close_code(), 1002, "the close code")


@FRAMES.check
async def a_length_of_2_62_is_refused_without_memory_for_it(house):
    sockets = [await Socket.open(house, house.stranger()) for _ in range(50)]
    before = house.resident_bytes()
    for socket in sockets:
        await socket.send(declared(1 << 62))
    for socket in sockets:
        equal(await socket.close_code(), 1009, "the close code")
    grown = house.resident_bytes() - before
    true(grown < WHILE_BYTES_MAX, f"less than {WHILE_BYTES_MAX} bytes", grown)


@FRAMES.check
async def fragments_of_one_byte_200_000_times_cost_64_kib_and_then_close_with_1009(house):
    socket = await Socket.open(house, house.stranger())
    before = house.resident_bytes()
    await send_all(socket, frame(TEXT, b"x") + frame(0, b"x") * 200_000)
    equal(await socket.close_code(), 1009, "the close code")
    grown = house.resident_bytes() - before
    true(grown < WHILE_BYTES_MAX, f"less than {WHILE_BYTES_MAX} bytes", grown)


@FRAMES.check
async def empty_fragments_200_000_times_cost_nothing_and_the_message_is_answered(house):
    socket = await Socket.open(house, house.stranger())
    before = house.resident_bytes()
    message = PADDED.encode()
    await socket.send(frame(TEXT, message[:10]) + frame(0) * 200_000 + frame(FIN, message[10:]))
    true("result" in await socket.answered(7, 20), "an answer")
    grown = house.resident_bytes() - before
    true(grown < WHILE_BYTES_MAX, f"less than {WHILE_BYTES_MAX} bytes", grown)
    socket.drop()


@FRAMES.check
async def a_message_of_exactly_64_kib_in_tiny_fragments_is_answered(house):
    socket = await Socket.open(house, house.stranger())
    message = PADDED.ljust(MESSAGE_BYTES_MAX).encode()
    parts = [message[at:at + 16] for at in range(0, len(message), 16)]
    frames = [frame(TEXT, parts[0]), *(frame(0, part) for part in parts[1:-1]), frame(FIN, parts[-1])]
    await socket.send(b"".join(frames))
    true("result" in await socket.answered(7), "an answer")
    socket.drop()


@FRAMES.check
async def a_message_that_comes_byte_by_byte_between_pings_is_answered(house):
    socket = await Socket.open(house, house.stranger())
    for byte in text(request(7, "session.ping")):
        await socket.send(bytes([byte]))
        await asyncio.sleep(0)
    await socket.send(frame(TEXT, PADDED.encode()[:5]) + frame(FIN | PING, b"between") + frame(FIN, PADDED.encode()[5:]))
    for _ in range(2):
        true("result" in await socket.answered(7), "an answer")
    equal(socket.pongs, 1, "the pongs")
    socket.drop()


@FRAMES.check
async def twenty_pings_are_answered(house):
    socket = await Socket.open(house, house.stranger())
    await socket.send(frame(FIN | PING, b"x") * 20)
    await socket.ok("session.ping")
    equal(socket.pongs, 20, "the pongs")
    socket.drop()


@FRAMES.check
async def a_close_is_answered_with_its_code_and_what_follows_is_not_read(house):
    socket = await Socket.open(house, house.stranger())
    after = text(request(7, "session.ping"))
    await socket.send(frame(FIN | CLOSE, (1000).to_bytes(2, "big") + b"bye") + after * 3)
    try:
        await socket.answered(7)
        raise AssertionError("expected a close, found an answer")
    except Closed as closed:
        equal(closed.code, 1000, "the close code")


@FRAMES.check
async def connections_that_are_reset_in_the_middle_of_a_frame_leave_nothing(house):
    for cut in range(1, 40):
        socket = await Socket.open(house, house.stranger())
        await socket.send(text(request(7, "session.ping"))[:cut])
        reset(socket.writer)
    for cut in range(1, 160, 4):
        _, writer = await connected(house)
        writer.write(upgrade(house)[:cut])
        await writer.drain()
        reset(writer)
    equal((await http(house, "GET", "/healthz")).status, 200, "the status")
