"""Requests that are none, that are two, or that never end (fault table; promise R4)."""

import json

from checks import Group, equal, true
from wire import exchange, http

HEADS = Group("requests")
BODY_BYTES_MAX = 64 * 1024
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "agent.get"}).encode()


def head(*lines, first="GET /healthz HTTP/1.1", host=True):
    return "\r\n".join([first, *(["Host: x"] if host else []), *lines, "", ""]).encode("latin-1")


# Too much, and what is no HTTP: what is sent, and the statuses that may answer it. Then the connection ends.
HEAD_FAULTS = [
    ("65 headers", head(*(f"X-{n}: y" for n in range(64))), [431]),
    ("1,000 headers", head(*(f"X-{n}: y" for n in range(1000))), [431]),
    ("a header of 20 KiB", head("X: " + "y" * 20 * 1024), [431]),
    ("a header of a megabyte", head("X: " + "y" * (1 << 20)), [431]),
    ("a name of a header of 20 KiB", head("x" * 20 * 1024 + ": y"), [431]),
    ("an address of 20 KiB", head(first=f"GET /{'a' * 20 * 1024} HTTP/1.1"), [414, 431]),
    ("an address of a megabyte", head(first=f"GET /{'a' * (1 << 20)} HTTP/1.1"), [414, 431]),
    ("a method of a megabyte", b"G" * (1 << 20), [400, 431]),
    ("a NUL in a header", head("X: a\0b"), [400]),
    ("a NUL in the address", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", [400]),
    ("a blank in the address", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", [400]),
    ("a blank before a colon", head("Content-Length : 5"), [400]),
    ("a header that goes on in the next line", head("X: a", " b"), [400]),
    ("a header without a colon", head("nonsense"), [400]),
    ("a carriage return alone", head("X: a\rY: b"), [400]),
    ("another version", head(first="GET /healthz HTTP/3.7"), [400, 505]),
    ("no version", b"GET /healthz\r\n\r\n", [400]),
    ("TLS", bytes.fromhex("160301020001000001fc0303") + b"\x11" * 200, [400]),
    ("noise", bytes(range(256)) * 64, [400, 431]),
]


@HEADS.each(HEAD_FAULTS, "{0} ends the connection with a status that says so")
async def head_faults(house, data, statuses):
    answers, closed = await exchange(house, data, to_end=True)
    true(len(answers) == 1 and answers[0].status in statuses, f"one of {statuses}",
         [answer.status for answer in answers])
    true(closed, "the connection to end")


@HEADS.check
async def a_request_that_names_two_hosts_is_refused(house):
    answers, _ = await exchange(house, head("Host: evil.example"))
    equal([answer.status for answer in answers], [400], "the status")


@HEADS.check
async def http_2_is_not_spoken_and_ends_without_a_word(house):
    answers, closed = await exchange(house, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", to_end=True)
    equal((answers, closed), ([], True), "the answers, and the end")


@HEADS.check
async def sixty_four_headers_are_not_too_many(house):
    answers, _ = await exchange(house, head(*(f"X-{n}: y" for n in range(63))))
    equal([answer.status for answer in answers], [200], "the status")


def post(*lines, body=b"", path="/v1/rpc"):
    def make(house):
        token = house.stranger()
        return head(f"Authorization: Bearer {token}", *lines, first=f"POST {path} HTTP/1.1") + body
    return make


# Bodies that do not say where they end, or say it twice. A status of none: the connection ends without an answer.
BODY_FAULTS = [
    ("ten gigabytes announced", post("Content-Length: 10737418240"), [413]),
    ("a length of 2^64", post("Content-Length: 18446744073709551616"), [400]),
    ("a negative length", post("Content-Length: -1"), [400]),
    ("a length with a sign", post("Content-Length: +5", body=b"{}   "), [400]),
    ("a length in letters", post("Content-Length: five"), [400]),
    ("two lengths", post("Content-Length: 2", "Content-Length: 5", body=b"{}   "), [400]),
    ("two lengths in one", post("Content-Length: 2, 5", body=b"{}   "), [400]),
    ("more than 64 KiB", post(f"Content-Length: {BODY_BYTES_MAX + 1}", body=b" " * (BODY_BYTES_MAX + 1)), [413]),
    ("more than 64 KiB in chunks", post("Transfer-Encoding: chunked", body=b"8000\r\n" + b" " * 0x8000 + b"\r\n"
     + b"8000\r\n" + b" " * 0x8000 + b"\r\n1\r\n \r\n0\r\n\r\n"), [413]),
    ("a chunk whose length is no number", post("Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"), [400]),
    ("a chunk of 2^64", post("Transfer-Encoding: chunked", body=b"10000000000000000\r\n"), [400]),
    ("a chunk of 2^62", post("Transfer-Encoding: chunked", body=b"4000000000000000\r\n" + b" " * 100_000), [400, 413]),
    ("a negative chunk", post("Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"), [400]),
    ("a chunk that does not end where it says", post("Transfer-Encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"), [400]),
    ("a chunk with a remark of a megabyte", post("Transfer-Encoding: chunked", body=b"2;" + b"x" * (1 << 20)), [400]),
    ("trailers of a megabyte", post("Transfer-Encoding: chunked",
     body=b"0\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"), [200, 400]),
    ("an encoding of nobody", post("Transfer-Encoding: gzip", body=b"{}"), [400]),
    ("chunks that are not the last encoding", post("Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), [400]),
]


@HEADS.each(BODY_FAULTS, "a body of {0} is refused")
async def body_faults(house, make, statuses):
    answers, _ = await exchange(house, make(house))
    true(answers and answers[0].status in statuses, f"one of {statuses}", [answer.status for answer in answers])


# The second request of each would be read by a server behind another that reads the first one differently.
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNK_END = b"0\r\n\r\n"
SMUGGLED = [
    ("a length and chunks", ["Content-Length: {whole}", "Transfer-Encoding: chunked"], CHUNK_END + HIDDEN),
    ("chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: {end}"], CHUNK_END + HIDDEN),
    ("a length of zero and chunks", ["Content-Length: 0", "Transfer-Encoding: chunked"], CHUNK_END + HIDDEN),
    ("chunks by another name", ["Content-Length: {whole}", "Transfer-Encoding: xchunked"], CHUNK_END + HIDDEN),
    ("chunks with a blank", ["Content-Length: {whole}", "Transfer-Encoding : chunked"], CHUNK_END + HIDDEN),
    ("chunks after a tab", ["Content-Length: {whole}", "Transfer-Encoding:\x0bchunked"], CHUNK_END + HIDDEN),
    ("chunks twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], CHUNK_END + HIDDEN),
    ("chunks in the next line", ["Content-Length: {whole}", "X: y", " Transfer-Encoding: chunked"], CHUNK_END + HIDDEN),
    ("two lengths", ["Content-Length: 0", "Content-Length: {whole}"], CHUNK_END + HIDDEN),
]


@HEADS.each(SMUGGLED, "{0}: nobody gets a second request past the first")
async def smuggled(house, lines, body):
    lines = [line.format(whole=len(body), end=len(CHUNK_END)) for line in lines]
    answers, closed = await exchange(house, post(*lines)(house) + body, to_end=True, seconds=8)
    true(len(answers) <= 1, "one answer at most", [answer.status for answer in answers])
    true(closed, "the connection to end")


@HEADS.check
async def a_body_of_a_get_is_not_a_request(house):
    body = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    first = head(f"Content-Length: {len(body)}") + body
    answers, _ = await exchange(house, first + head("Connection: close"), wanted=2, to_end=True)
    true(404 not in [answer.status for answer in answers], "no answer to what was in it", answers)


@HEADS.check
async def requests_in_one_go_are_answered_in_order_and_what_follows_is_refused(house):
    requests = [head(), head(first="GET /nothing HTTP/1.1"), head(first="DELETE /healthz HTTP/1.1")] * 16
    answers, closed = await exchange(house, b"".join(requests) + b"\x00garbage\r\n\r\n", to_end=True)
    equal([answer.status for answer in answers], [200, 404, 405] * 16 + [400], "the statuses")
    true(closed, "the connection to end")


ROUTES = [
    ("/healthz", "GET"), ("/readyz", "GET"), ("/metrics", "GET"), ("/v1/ws", "GET"), ("/v1/rpc", "POST"),
    ("/v1/agents", "GET"), ("/v1/agents/ana", "GET, PUT, DELETE"), ("/v1/agents/ana/state", "GET"),
    ("/v1/agents/ana/occupancy", "PUT"), ("/v1/occupancy", "PUT"), ("/v1/routable", "GET"),
    ("/v1/agents/ana/shifts", "GET"), ("/v1/agents/ana/shifts/2026-11-22", "PUT, DELETE"), ("/v1/shifts", "PUT"),
    ("/v1/pauses", "GET"),
]


@HEADS.each([(path, path, allowed) for path, allowed in ROUTES], "{0} answers its methods and no others")
async def methods(house, path, allowed):
    token = house.token("admin", f"root-{next(house.numbers)}")
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"):
        if method in allowed.split(", "):
            continue
        answer = await http(house, method, path, token)
        equal((answer.status, answer.headers.get("allow")), (405, allowed), f"status and Allow of {method}")
        equal(answer.code(), "method_not_allowed", "the code")


# Odd addresses of an agent's state; nobody has such an id.
ODD = [
    ("dots", "/v1/agents/../../../../etc/passwd"), ("dots in percent", "/v1/agents/%2e%2e%2f%2e%2e%2fetc%2fpasswd/state"),
    ("dots behind an agent", "/v1/agents/ana/../bruno/state"), ("two slashes", "/v1//agents"),
    ("a slash at the end", "/v1/agents/"), ("NUL", "/v1/agents/%00/state"), ("NUL behind an id", "/v1/agents/ana%00/state"),
    ("a line break", "/v1/agents/ana%0d%0aX-Evil:%20y/state"), ("no UTF-8", "/v1/agents/%ff%fe/state"),
    ("half a percent", "/v1/agents/%/state"), ("a percent of letters", "/v1/agents/%zz/state"),
    ("a slash in percent", "/v1/agents/ana%2fstate"), ("two rounds of percent", "/v1/agents/%2561na/state"),
    ("a script", "/v1/agents/%3Cscript%3E/state"), ("an override of direction", "/v1/agents/%E2%80%AEana/state"),
    ("blanks", "/v1/agents/%20ana%20/state"), ("an id of 4 KiB", f"/v1/agents/{'a' * 4096}/state"),
    ("a backslash", "/v1/agents/..%5c..%5cetc/state"), ("a semicolon", "/v1/agents/ana;admin=1/state"),
    ("a day that is none", "/v1/agents/ana/shifts/2026-13-45"), ("a query of a language", "/v1/agents/'%20or%201=1--/state"),
]


@HEADS.each(ODD, "an address with {0} leads nowhere")
async def odd_addresses(house, path):
    token = house.token("admin", f"root-{next(house.numbers)}")
    answer = await http(house, "GET", path, token)
    true(answer.status in (400, 403, 404, 405), "a refusal", (answer.status, answer.body))
    equal(answer.headers["content-type"], "application/problem+json", "the media type")
    true("x-evil" not in answer.headers, "no header of the address")


@HEADS.check
async def a_whole_address_and_a_foreign_host_lead_to_the_same(house):
    for first in ("GET http://evil.example/healthz HTTP/1.1", "GET /healthz HTTP/1.1"):
        answers, _ = await exchange(house, head("Connection: close", first=first))
        equal([answer.status for answer in answers], [200], "the status")


@HEADS.check
async def every_answer_says_that_it_is_no_page(house):
    for path in ("/healthz", "/nothing", "/v1/agents"):
        headers = (await http(house, "GET", path)).headers
        found = {name: headers.get(name) for name in ("x-content-type-options", "x-frame-options", "cache-control")}
        equal(found, {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "cache-control": "no-store"}, path)
        true(headers["content-security-policy"].startswith("default-src 'none'"), "a policy", headers)
