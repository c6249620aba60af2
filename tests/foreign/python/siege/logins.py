"""Keys, invitations, logins and tickets as a thief or a guesser has them (promises A3, A6; docs/access.md)."""

import asyncio
import base64
import json
import secrets
import time

from checks import Group, equal, true
from wire import Socket, exchange, http, request, text, upgrade

LOGINS = Group("logins", at_once=4)
PASSWORD = "correct horse battery staple"
# How many wrong passwords an account takes at once.
WRONG_MAX = 8


async def administrator(house, method, path, body=None):
    token = house.token("admin", f"root-{next(house.numbers)}")
    answer = await http(house, method, path, token, json.dumps(body).encode() if body is not None else b"")
    true(answer.status < 300, f"{method} {path} is carried out", answer)
    return answer.json() if answer.body else None


async def key(house, role="integration"):
    made = await administrator(house, "POST", "/v1/keys", {"name": f"k-{next(house.numbers)}", "roles": [role]})
    house.credentials.append(made["key"][26:])
    return made


async def invitation(house, login):
    one = {"login": login, "roles": ["supervisor"], "teams": ["suporte"]}
    made = (await administrator(house, "POST", "/v1/invitations", {"invitations": [one]}))["invitations"][0]
    house.credentials.append(made["invitation"][26:])
    return made


async def post(house, path, body, headers=()):
    return await http(house, "POST", path, None, json.dumps(body).encode(), headers)


async def accept(house, text, password=PASSWORD):
    return await post(house, "/v1/invitations/accept", {"invitation": text, "password": password})


async def log_in(house, login, password=PASSWORD, tenant="acme", headers=()):
    return await post(house, "/v1/login", {"tenant": tenant, "login": login, "password": password}, headers)


async def account(house):
    """Somebody with an account; their login and their cookie."""
    login = f"pessoa-{next(house.numbers)}"
    equal((await accept(house, (await invitation(house, login))["invitation"])).status, 200, "the invitation is taken")
    return login, cookie_of(house, await log_in(house, login))


def cookie_of(house, answer):
    equal(answer.status, 200, "the login")
    pair, *parts = answer.headers["set-cookie"].split("; ")
    true({"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(parts), "a cookie for this host alone", parts)
    house.credentials.append(pair.partition("=")[2][26:])
    return pair


def bent(secret):
    """Texts that are nearly a secret."""
    raw = base64.urlsafe_b64decode(secret[4:])
    other = base64.urlsafe_b64encode(raw[:16] + secrets.token_bytes(32)).decode()
    nobody = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode()
    return [secret[:-1], secret + "A", secret[:4] + other, secret[:4] + nobody, "ivl_" + secret[4:], "ivt_" + secret[4:],
            secret.upper(), "ivk_", "ivk_" + "=" * 64]


@LOGINS.check
async def a_key_that_is_nearly_one_is_like_any_other_bad_credential(house):
    made = await key(house)
    equal((await http(house, "GET", "/v1/me", made["key"])).status, 200, "the key itself")
    bodies = {(await http(house, "GET", "/v1/me", text)).body for text in bent(made["key"])}
    bodies.add((await http(house, "GET", "/v1/me", "a.b.c")).body)
    equal(len(bodies), 1, "answers that differ")
    equal(json.loads(bodies.pop())["status"], 401, "the status")


@LOGINS.check
async def a_key_that_is_ended_is_out_within_five_seconds(house):
    made = await key(house)
    socket = await Socket.open(house, made["key"])
    await administrator(house, "DELETE", f"/v1/keys/{made['id']}")
    equal(await socket.close_code(seconds=5), 4401, "the code")
    equal((await http(house, "GET", "/v1/me", made["key"])).status, 401, "over HTTP")


@LOGINS.check
async def a_key_does_not_reach_further_than_its_role(house):
    made = await key(house, "auditor")
    for method, path in [("GET", "/v1/keys"), ("POST", "/v1/keys"), ("GET", "/v1/accounts"), ("POST", "/v1/invitations"),
                         ("DELETE", "/v1/sessions?subject=ana"), ("GET", "/v1/agents"), ("GET", "/v1/agents/ana/state")]:
        answer = await http(house, method, path, made["key"], b"{}")
        equal((answer.status, answer.code()), (403, "forbidden"), f"{method} {path}")


@LOGINS.check
async def an_invitation_is_used_once(house):
    made = await invitation(house, f"convite-{next(house.numbers)}")
    both = await asyncio.gather(accept(house, made["invitation"]), accept(house, made["invitation"], "another long password"))
    equal(sorted(answer.status for answer in both), [200, 401], "two at once")
    equal((await accept(house, made["invitation"])).status, 401, "a third time")
    for text in bent(made["invitation"]):
        equal((await accept(house, text)).status, 401, "nearly one")


@LOGINS.check
async def guessing_a_password_gets_slow_and_tells_nothing(house):
    login, _ = await account(house)
    wrong = [await log_in(house, login, f"wrong password number {number}") for number in range(WRONG_MAX)]
    others = [await log_in(house, "ninguem", tenant="acme"), await log_in(house, login, tenant="nowhere"),
              await log_in(house, "x" * 129), await log_in(house, "\u202e"), await log_in(house, "", tenant="")]
    equal({(answer.status, answer.body) for answer in wrong + others}, {(401, wrong[0].body)}, "answers that differ")
    slowed = await log_in(house, login)
    equal((slowed.status, slowed.code()), (429, "rate_limited"), "the right one, after all these")
    true(1 <= slowed.json()["params"]["retry_after_ms"] <= 30_000, "a time to come back", slowed.json())
    true(int(slowed.headers["retry-after"]) >= 1, "Retry-After", slowed.headers)
    other, _ = await account(house)
    equal((await log_in(house, other)).status, 200, "somebody else")


@LOGINS.each([
    ("a password of a megabyte", {"tenant": "acme", "login": "ana", "password": "x" * (1 << 20)}, 413),
    ("a password of 60 KB", {"tenant": "acme", "login": "ana", "password": "x" * 60_000}, 401),
    ("a number for a password", {"tenant": "acme", "login": "ana", "password": 7}, 400),
    ("no password", {"tenant": "acme", "login": "ana"}, 400),
    ("more than is asked for", {"tenant": "acme", "login": "ana", "password": "x", "role": "admin"}, 400),
    ("a list", ["acme", "ana", "x"], 400),
], "a login with {0} is refused")
async def misshapen(house, body, status):
    equal((await post(house, "/v1/login", body)).status, status, "the status")


@LOGINS.check
async def a_page_of_another_site_does_nothing_with_a_cookie(house):
    _, cookie = await account(house)
    for foreign in ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"]:
        for method, path in [("GET", "/v1/me"), ("POST", "/v1/tickets"), ("POST", "/v1/logout"), ("POST", "/v1/rpc"),
                             ("DELETE", "/v1/sessions/1")]:
            answer = await http(house, method, path, None, b"", [f"Cookie: {cookie}", foreign])
            equal((answer.status, answer.code()), (403, "cross_site"), f"{method} {path} with {foreign}")
        if foreign.startswith("Origin"):
            answers, _ = await exchange(house, upgrade(house, f"Cookie: {cookie}", foreign))
            equal(answers[0].status, 403, f"a socket with {foreign}")
    answer = await http(house, "GET", "/v1/me", None, b"", [f"Cookie: {cookie}", "Sec-Fetch-Site: same-origin"])
    equal(answer.status, 200, "the server's own page")


@LOGINS.check
async def a_cookie_opens_no_socket_and_a_ticket_opens_one(house):
    _, cookie = await account(house)
    socket = await Socket.open(house, None, f"Cookie: {cookie}")
    await socket.send(text(request(1, "agent.get")))
    equal((await socket.answered(1))["error"]["code"], -32001, "a cookie on a socket")
    socket.drop()
    answer = await http(house, "POST", "/v1/tickets", None, b"", [f"Cookie: {cookie}", "Sec-Fetch-Site: same-origin"])
    ticket = answer.json()["ticket"]
    house.credentials.append(ticket[26:])
    for number, expected in [(1, None), (2, -32001)]:
        socket = await Socket.open(house)
        await socket.send(text(request(1, "session.open", {"ticket": ticket})))
        said = await socket.answered(1)
        equal(said.get("error", {}).get("code"), expected, f"use {number}")
        socket.drop()
    equal((await http(house, "GET", "/v1/me", ticket)).status, 401, "a ticket over HTTP")


@LOGINS.check
async def whoever_logs_out_is_out_with_every_socket(house):
    _, cookie = await account(house)
    page = [f"Cookie: {cookie}", "Sec-Fetch-Site: same-origin"]
    ticket = (await http(house, "POST", "/v1/tickets", None, b"", page)).json()["ticket"]
    house.credentials.append(ticket[26:])
    socket = await Socket.open(house)
    await socket.send(text(request(1, "session.open", {"ticket": ticket})))
    true("result" in await socket.answered(1), "the session is open")
    equal((await http(house, "POST", "/v1/logout", None, b"", page)).status, 204, "the logout")
    equal(await socket.close_code(seconds=5), 4401, "the code")
    equal((await http(house, "GET", "/v1/me", None, b"", page)).status, 401, "the cookie")


@LOGINS.check
async def a_cut_ends_every_token_of_before(house):
    subject = f"cortado-{next(house.numbers)}"
    old = house.token("supervisor", subject, teams=["suporte"], iat=int(time.time()) - 5)
    undated = house.token("supervisor", subject, teams=["suporte"])
    socket = await Socket.open(house, old)
    await administrator(house, "DELETE", f"/v1/sessions?subject={subject}")
    equal(await socket.close_code(seconds=5), 4401, "the code")
    for token in [old, undated]:
        equal((await http(house, "GET", "/v1/me", token)).status, 401, "a token of before")
    new = house.token("supervisor", subject, teams=["suporte"], iat=int(time.time()) + 5)
    equal((await http(house, "GET", "/v1/me", new)).status, 200, "one of after")
