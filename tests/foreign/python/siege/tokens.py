"""Credentials that are none (promise A3): whatever is wrong with one, the answer is the same."""

import asyncio
import base64
import hashlib
import json

from checks import Group, equal, true
from house import base64url
from wire import Socket, exchange, http, request, text, upgrade

TOKENS = Group("tokens")
# How many refused credentials an address has at once.
REFUSED_MAX = 20


def with_claims(**changed):
    return lambda house: house.signed(house.claims("admin", "root", **changed))


def with_header(**header):
    return lambda house: house.signed(house.claims("admin", "root"), header=header)


def unsigned(algorithm, signature=""):
    def make(house):
        header = base64url(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
        return f"{header}.{base64url(json.dumps(house.claims('admin', 'root')).encode())}.{signature}"
    return make


def bent(change):
    return lambda house: change(house.token("admin", "root"))


def signed_with(digest, algorithm):
    return lambda house: house.signed(house.claims("admin", "root"), {"alg": algorithm, "typ": "JWT"}, digest)


def raw_claims(**texts):
    """Claims of which some are written as no JSON library would."""
    def make(house):
        claims = json.dumps(house.claims("admin", "root", **{name: f"@{name}@" for name in texts}))
        for name, text in texts.items():
            claims = claims.replace(f'"@{name}@"', text)
        return house.signed(claims)
    return make


FORGED = [
    ("that names no algorithm", unsigned("none")),
    ("that names no algorithm in capitals", unsigned("NONE")),
    ("that names no algorithm and has a signature", unsigned("none", "AAAA")),
    ("without a signature", unsigned("HS256")),
    ("under RS256, signed with the key", with_header(alg="RS256", typ="JWT")),
    ("under ES256, signed with the key", with_header(alg="ES256", typ="JWT")),
    ("under EdDSA, signed with the key", with_header(alg="EdDSA", typ="JWT")),
    ("under HS512, rightly signed", signed_with(hashlib.sha512, "HS512")),
    ("under HS384, rightly signed", signed_with(hashlib.sha384, "HS384")),
    ("under no header", with_header(typ="JWT")),
    ("under an algorithm of a list", with_header(alg=["HS256"], typ="JWT")),
    ("with something that must be understood", with_header(alg="HS256", crit=["exp"])),
    ("of another key", lambda house: house.signed(house.claims("admin", "root"), key=b"k" * 32)),
    ("of an empty key", lambda house: house.signed(house.claims("admin", "root"), key=b"\0")),
    ("that ended", with_claims(exp=1)),
    ("that ends at a text", with_claims(exp="9999999999")),
    ("that ends at a short text", with_claims(exp="9")),
    ("that ends at null", raw_claims(exp="null")),
    ("that ends never", with_claims(exp=None)),
    ("that ends before time began", with_claims(exp=-1)),
    ("that ends at an infinity", raw_claims(exp="1e999")),
    ("that ends in a list", with_claims(exp=[9999999999])),
    ("that begins later", with_claims(nbf=9999999999)),
    ("that begins at a text", with_claims(nbf="0")),
    ("for another audience", with_claims(aud="elsewhere")),
    ("for no audience", with_claims(aud=None)),
    ("of another issuer", with_claims(iss="elsewhere")),
    ("of no issuer", with_claims(iss=None)),
    ("for nobody", with_claims(sub=None)),
    ("for an empty name", with_claims(sub="")),
    ("for a number", with_claims(sub=7)),
    ("for a name with NUL", with_claims(sub="ana\0")),
    ("for a name of 129", with_claims(sub="a" * 129)),
    ("for no tenant", with_claims(tenant=None)),
    ("for a list of tenants", with_claims(tenant=["acme"])),
    ("for no roles", with_claims(roles=None)),
    ("for an empty list of roles", with_claims(roles=[])),
    ("for a role that is a text", with_claims(roles="admin")),
    ("for a role of nobody", with_claims(roles=["Admin", "root", "*"])),
    ("for teams that are a text", with_claims(teams="suporte")),
    ("with claims that are a list", lambda house: house.signed("[]")),
    ("with claims that are no JSON", lambda house: house.signed("{")),
    ("cut at a third", bent(lambda token: token[:len(token) // 3])),
    ("cut at two thirds", bent(lambda token: token[:len(token) * 2 // 3])),
    ("cut by a character", bent(lambda token: token[:-1])),
    ("with one character changed", bent(lambda token: token[:60] + ("A" if token[60] != "A" else "B") + token[61:])),
    ("with a fourth part", bent(lambda token: token + ".AAAA")),
    ("with its parts in another order", bent(lambda token: ".".join(reversed(token.split("."))))),
    ("with padding", bent(lambda token: token + "=")),
    ("twice", bent(lambda token: f"{token}, {token}")),
    ("of dots", bent(lambda _: "..")),
    ("of nothing", bent(lambda _: "")),
    ("of 8 KiB and a byte", lambda house: house.signed(house.claims("admin", "root", pad="x" * 6200))),
    ("of 12 KiB", bent(lambda token: token + "A" * 12_000)),
    ("of percent signs", bent(lambda token: token.replace(".", "%2e"))),
    ("in base64 of the other alphabet", bent(lambda token: base64.b64encode(token.encode()).decode())),
]


async def the_one_refusal(house):
    """What whoever sends no credential at all is told."""
    answer = await http(house, "GET", "/v1/agents")
    equal((answer.status, answer.headers.get("www-authenticate")), (401, "Bearer"), "status and challenge")
    return answer


def without_date(answer):
    return {name: value for name, value in answer.headers.items() if name != "date"}


@TOKENS.each(FORGED, "a token {0} is refused like any other")
async def forged(house, make):
    token = make(house)
    expected = await the_one_refusal(house)
    doors = [await http(house, "GET", "/v1/agents", token), await http(house, "POST", "/v1/rpc", token, b"{}"),
             (await exchange(house, upgrade(house, f"Authorization: Bearer {token}")))[0][0]]
    for answer in doors:
        equal((answer.status, answer.body), (401, expected.body), "status and body")
    equal(without_date(doors[0]), without_date(expected), "the headers")
    socket = await Socket.open(house)
    answers = [await socket.call("session.open", {"token": token}), await socket.call("session.open", {"token": "x"})]
    equal(answers[0]["error"], answers[1]["error"], "the error on a socket")
    equal(answers[0]["error"]["code"], -32001, "its number")
    socket.drop()


@TOKENS.check
async def a_credential_that_holds_is_taken_at_every_door(house):
    token = house.token("admin", "root")
    equal((await http(house, "GET", "/v1/agents", token)).status, 200, "the status")
    socket = await Socket.open(house)
    await socket.ok("session.open", {"token": token})
    socket.drop()


@TOKENS.each([
    ("of another scheme", ["Authorization: Basic {token}"]),
    ("without a scheme", ["Authorization: {token}"]),
    ("that is there twice", ["Authorization: Bearer {token}", "Authorization: Bearer {token}"]),
    ("beside another", ["Authorization: Bearer {token}", "Authorization: Basic Og=="]),
    ("in a cookie", ["Cookie: session={token}"]),
    ("in another header", ["X-Api-Key: {token}"]),
], "a credential {0} is refused like any other")
async def misplaced(house, lines):
    token = house.token("admin", "root")
    expected = await the_one_refusal(house)
    answer = await http(house, "GET", "/v1/agents", headers=[line.format(token=token) for line in lines])
    equal((answer.status, answer.body), (401, expected.body), "status and body")


@TOKENS.check
async def a_token_of_a_megabyte_meets_the_bound_of_a_head_or_of_a_message(house):
    token = house.token("admin", "root") + "A" * (1 << 20)
    answers, _ = await exchange(house, f"GET /v1/agents HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    equal([answer.status for answer in answers], [431], "the status")
    socket = await Socket.open(house)
    answer = await socket.call("session.open", {"token": token[:60_000]})
    equal(answer["error"]["code"], -32001, "the number of a token that a message can hold")
    socket = await Socket.open(house)
    try:
        await socket.call("session.open", {"token": token})
    except Exception as closed:
        equal(getattr(closed, "code", closed), 1009, "the close code")


@TOKENS.check
async def a_flood_of_unknown_keys_by_name_is_refused_one_by_one(house):
    async def one(number):
        token = house.signed(house.claims("admin", "root"), {"alg": "RS256", "kid": f"unknown-{number}"})
        return (await http(house, "GET", "/v1/agents", token, source=f"127.2.0.{number + 2}")).status
    equal(set(await asyncio.gather(*(one(number) for number in range(100)))), {401}, "the statuses")


@TOKENS.check
async def twenty_credentials_that_do_not_hold_close_a_socket_with_1008(house):
    socket = await Socket.open(house)
    for number in range(20):
        await socket.send(text(request(number, "session.open", {"token": f"guess-{number}"})))
    equal(await socket.close_code(), 1008, "the close code")


@TOKENS.check
async def an_address_that_guesses_is_held_up_and_a_credential_that_holds_is_not(house):
    expected = await the_one_refusal(house)
    answers = [await http(house, "GET", "/v1/agents", f"guess-{number}") for number in range(REFUSED_MAX + 30)]
    refused = [answer for answer in answers if answer.status == 401]
    held_up = [answer for answer in answers if answer.status == 429]
    equal({answer.body for answer in refused}, {expected.body}, "the refusals")
    true(len(refused) in range(REFUSED_MAX, REFUSED_MAX + 10), f"about {REFUSED_MAX} of them", len(refused))
    equal(len(refused) + len(held_up), len(answers), "the others, all of which are held up")
    for answer in held_up:
        equal(answer.code(), "rate_limited", "the code")
        true(int(answer.headers["retry-after"]) >= 1, "a time to come back", answer.headers)
    equal((await http(house, "GET", "/v1/agents", house.token("admin", "root"))).status, 200, "who has a credential")


@TOKENS.check
async def a_refresh_for_another_subject_is_refused(house):
    socket = await Socket.open(house, house.token("supervisor", "one", teams=["suporte"]))
    for token in (house.token("supervisor", "two", teams=["suporte"]), house.token("supervisor", "one", tenant="x"), "x"):
        answer = await socket.call("session.refresh", {"token": token})
        true(answer.get("error", {}).get("code") in (-32001, -32002), "a refusal", answer)
    socket.drop()
