"""HTTP and WebSocket by hand, byte by byte: what no library would send."""

import asyncio
import base64
import contextlib
import contextvars
import dataclasses
import json
import os
import socket
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN = 0x80
MASK = b"\x37\xfa\x21\x3d"
# How long an answer may take where no other time is promised.
PATIENCE = 15
# The address of loopback that connections come from: refusals and connections count for it.
SOURCE = contextvars.ContextVar("source", default=None)


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes
    head: bytes

    def json(self):
        return json.loads(self.body)

    def code(self):
        """The code of a problem document."""
        return self.json()["code"]


def parse(data):
    """The answers at the beginning of what was received, and what is left over."""
    answers = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        lines = data[:end].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        body = data[end + 4:end + 4 + length]
        if len(body) < length:
            break
        answers.append(Answer(status, headers, body, data[:end]))
        data = data[end + 4 + length:]
        if status == 101:
            break
    return answers, data


async def connected(house, source=None, receive_buffer=None):
    """A connection, from the address that is named, else from that of the check."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.setblocking(False)
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source := source or SOURCE.get():
        plain.bind((source, 0))
    try:
        await asyncio.get_running_loop().sock_connect(plain, (house.host, house.port))
    except BaseException:
        plain.close()
        raise
    # A small limit: what is not read here is to stay with the system.
    return await asyncio.open_connection(sock=plain, limit=64 * 1024)


def reset(writer):
    """Ends a connection as a machine does that has forgotten it."""
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def exchange(house, data, wanted=1, seconds=PATIENCE, to_end=False, source=None):
    """Sends bytes; gives the answers, and whether the server closed. It ends with so many answers, unless the end is waited for."""
    reader, writer = await connected(house, source)
    received, closed, answers = b"", False, []
    try:
        async with asyncio.timeout(seconds):
            sending = asyncio.create_task(_send(writer, data))
            while to_end or len(answers) < wanted:
                chunk = await reader.read(65536)
                if not chunk:
                    closed = True
                    break
                received += chunk
                answers, _ = parse(received)
            sending.cancel()
    except (TimeoutError, ConnectionError) as error:
        closed = isinstance(error, ConnectionError)
    finally:
        writer.transport.abort()
    answers, _ = parse(received)
    house.errors.extend(answer.body for answer in answers if answer.status >= 400)
    return answers, closed


async def _send(writer, data):
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        await writer.drain()


async def http(house, method, path, token=None, body=b"", headers=(), source=None):
    """One request as it should be."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {house.host}:{house.port}", "Connection: close", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    answers, _ = await exchange(house, "\r\n".join([*lines, "", ""]).encode() + body, source=source)
    if not answers:
        raise AssertionError(f"{method} {path}: no answer")
    return answers[0]


def upgrade(house, *lines, path="/v1/ws", origin=None, method="GET", version="13", key=True):
    """The head of a handshake."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {house.host}:{house.port}", "Connection: Upgrade",
            "Upgrade: websocket"]
    if version is not None:
        head.append(f"Sec-WebSocket-Version: {version}")
    if key:
        head.append(f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}")
    if origin is not None:
        head.append(f"Origin: {origin}")
    return "\r\n".join([*head, *lines, "", ""]).encode()


def frame(first, payload=b"", mask=MASK, length=None):
    """A frame; its declared length may be another than it has."""
    masked = 0x80 if mask else 0
    length = len(payload) if length is None else length
    if length < 126:
        head = struct.pack("!BB", first, masked | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    if not mask:
        return head + payload
    if payload:
        stream = (mask * (len(payload) // 4 + 1))[:len(payload)]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(payload), "big")
    return head + mask + payload


def text(message):
    return frame(FIN | TEXT, message if isinstance(message, bytes) else json.dumps(message).encode())


def request(number, method, params=None):
    call = {"jsonrpc": "2.0", "id": number, "method": method}
    return call if params is None else {**call, "params": params}


class Closed(Exception):
    """The server ended the socket: with a code, or without a word (none)."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class Socket:
    """A WebSocket that sends whatever it is given."""

    def __init__(self, house, reader, writer, answer):
        self.house, self.reader, self.writer, self.answer = house, reader, writer, answer
        self.numbers = 0
        self.kept = []
        self.pongs = 0
        self.answers_pings = True

    @staticmethod
    async def open(house, token=None, *lines, **options):
        reader, writer = await connected(house, options.pop("source", None), options.pop("receive_buffer", None))
        if token:
            lines = (*lines, f"Authorization: Bearer {token}")
        writer.write(upgrade(house, *lines, **options))
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        answers, _ = parse(head)
        if not answers or answers[0].status != 101:
            writer.transport.abort()
            raise AssertionError(f"the upgrade was refused: {head!r}")
        return Socket(house, reader, writer, answers[0])

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def read_frame(self):
        try:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8), "big")
            return first & 0x0F, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed(None) from None

    async def receive(self):
        """The next message."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == TEXT:
                message = json.loads(payload)
                if isinstance(message, list) or "error" in message:
                    self.house.errors.append(payload)
                return message
            if opcode == PING and self.answers_pings:
                await self.send(frame(FIN | PONG, payload))
            elif opcode == PONG:
                self.pongs += 1
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if payload else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))

    async def answered(self, number, seconds=PATIENCE):
        """The answer under that id; what comes before is kept."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.receive()
                if isinstance(message, dict) and "method" not in message and message.get("id") == number:
                    return message
                self.kept.append(message)

    async def call(self, method, params=None, seconds=PATIENCE):
        self.numbers += 1
        await self.send(text(request(self.numbers, method, params)))
        return await self.answered(self.numbers, seconds)

    async def ok(self, method, params=None):
        answer = await self.call(method, params)
        if "result" not in answer:
            raise AssertionError(f"{method}: {answer}")
        return answer["result"]

    async def notification(self, method, seconds=PATIENCE):
        async with asyncio.timeout(seconds):
            while True:
                message = self.kept.pop(0) if self.kept else await self.receive()
                if isinstance(message, dict) and message.get("method") == method:
                    return message["params"]

    async def close_code(self, seconds=PATIENCE):
        """The code that the server closes with; messages before it are passed over."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self.receive()
            except Closed as closed:
                return closed.code

    def drop(self):
        self.writer.transport.abort()


def elapsed_since(begun):
    return time.monotonic() - begun
