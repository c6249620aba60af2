"""Names as an attacker has them, from the administrator's door to the spreadsheet (fault table)."""

import json
import re

from checks import Group, equal, true
from wire import Socket, http

PEOPLE = Group("people", at_once=1)


async def put(house, body, agent="heitor"):
    token = house.token("admin", f"root-{next(house.numbers)}")
    return await http(house, "PUT", f"/v1/agents/{agent}", token, body)


async def person(house, agent="heitor"):
    return await http(house, "GET", f"/v1/agents/{agent}", house.token("admin", f"root-{next(house.numbers)}"))


def named(name):
    return json.dumps({"name": name, "teams": ["vendas"]}).encode()


REFUSED = [
    ("NUL", named("Ana\0Souza"), 400, "invalid_params"),
    ("an escape of a terminal", named("\x1b[31mAna"), 400, "invalid_params"),
    ("an eight-bit escape of a terminal", named("\x9b31mAna"), 400, "invalid_params"),
    ("a line break", named("Ana\nSouza"), 400, "invalid_params"),
    ("a line separator", named("Ana\u2028Souza"), 400, "invalid_params"),
    ("an override of direction", named("Ana\u202egnp.exe"), 400, "invalid_params"),
    ("an isolate of direction", named("Ana\u2066Souza"), 400, "invalid_params"),
    ("a character without width", named("A\u200bna"), 400, "invalid_params"),
    ("half a surrogate pair", b'{"name": "\\ud800"}', 400, "parse_error"),
    ("201 characters", named("é" * 201), 400, "invalid_params"),
    ("60 KB", named("x" * 60_000), 400, "invalid_params"),
    ("a megabyte", named("x" * (1 << 20)), 413, "too_large"),
    ("nothing", named(""), 400, "invalid_params"),
    ("blanks", named("   "), 400, "invalid_params"),
    ("a number", named(7), 400, "invalid_params"),
    ("a list", named(["Ana"]), 400, "invalid_params"),
]


@PEOPLE.each(REFUSED, "a name of {0} is refused")
async def refused(house, body, status, code):
    before = await person(house)
    answer = await put(house, body)
    equal((answer.status, answer.code()), (status, code), "status and code")
    if code == "invalid_params":
        equal(answer.json()["params"].get("field"), "name", "the field")
    true(len(answer.body) < 2048, "a short answer", len(answer.body))
    equal((await person(house)).body, before.body, "the person")


@PEOPLE.each([
    ("a script", "<script>alert(1)</script>"),
    ("an attribute", "\" onmouseover=\"alert(1)"),
    ("a template", "${7*7}{{7*7}}%s%n"),
    ("200 characters", "é" * 200),
    ("letters from right to left", "שרה כהן"),
    ("a family of joined people", "Ana 👩\u200d👧"),
], "a name of {0} is kept as it is, in an answer that no browser takes for a page")
async def kept(house, name):
    equal((await put(house, named(name))).status, 200, "the status")
    answer = await person(house)
    equal(answer.json()["name"], name, "the name")
    equal((answer.headers["content-type"], answer.headers["x-content-type-options"]),
          ("application/json", "nosniff"), "what it says that it is")
    board = await Socket.open(house, house.token("supervisor", teams=["vendas"]))
    await board.ok("board.subscribe", {"teams": ["vendas"]})
    frame = (await board.notification("board.changed"))["result"]
    equal([row["name"] for row in frame["agents"] if row["agent"] == "heitor"], [name], "the name on a board")
    board.drop()


@PEOPLE.each([
    ("an unknown team", {"name": "Ana", "teams": ["nirgendwo"]}, "teams"),
    ("65 teams", {"name": "Ana", "teams": ["vendas"] * 65}, "teams"),
    ("a zone of nowhere", {"name": "Ana", "zone": "Atlantis/Capital"}, "zone"),
    ("a zone that is a path", {"name": "Ana", "zone": "../../etc/passwd"}, "zone"),
    ("a member of nobody", {"name": "Ana", "roles": ["admin"]}, "roles"),
], "{0} is refused by its name")
async def fields(house, body, field):
    answer = await put(house, json.dumps(body).encode())
    equal((answer.status, answer.code()), (400, "invalid_params"), "status and code")
    true(str(answer.json()["params"].get("field", "")).startswith(field), field, answer.json()["params"])


@PEOPLE.check
async def a_cell_that_would_be_a_formula_begins_with_an_apostrophe(house):
    agent = await Socket.open(house, house.token("agent", "=cmd"))
    await agent.ok("pause.start", {"type": "cafe", "note": "=HYPERLINK(\"http://evil.example\")"})
    await agent.ok("pause.end")
    agent.drop()
    auditor = house.token("auditor", f"auditor-{next(house.numbers)}")
    answer = await http(house, "GET", "/v1/pauses?agent=%3Dcmd", auditor, headers=["Accept: text/csv"])
    equal((answer.status, answer.headers["content-type"].split(";")[0]), (200, "text/csv"), "status and media type")
    rows = answer.body.decode().strip().split("\r\n")
    equal(len(rows), 2, "a header and a row")
    cells = rows[1].replace('"', "").split(",")
    true("'=cmd" in cells, "'=cmd", cells)
    is_number = re.compile(r"-?\d+")
    dangerous = [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number.fullmatch(cell)]
    equal(dangerous, [], "the cells that would be formulas")
