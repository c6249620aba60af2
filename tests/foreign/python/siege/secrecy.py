"""What must not get around (promise A4): credentials, the key, what people wrote, and protected pauses."""

import json
import re

from checks import Group, equal, true
from wire import Socket, http

SECRECY = Group("secrets", at_once=1)
PROTECTED = "recolhimento-canario"


@SECRECY.check
async def a_protected_pause_is_to_others_what_a_chosen_unavailable_is(house):
    board = await Socket.open(house, house.token("supervisor", teams=["sigilos"]))
    await board.ok("board.subscribe", {"teams": ["sigilos"]})
    hidden = await Socket.open(house, house.token("agent", "sigilo"))
    chosen = await Socket.open(house, house.token("agent", "sossego"))
    for agent in (hidden, chosen):
        await agent.ok("status.set", {"status": "available"})
    started = (await hidden.ok("pause.start", {"type": PROTECTED}))["agent"]["pause"]
    await chosen.ok("status.set", {"status": "unavailable"})
    house.protected = started["started_at"]
    house.canaries.append(started["id"])
    rows, seen = {}, []
    while not all(rows.get(agent, {}).get("status") == "unavailable" and rows[agent]["cause"] == "agent"
                  for agent in ("sigilo", "sossego")):
        frame = (await board.notification("board.changed"))["result"]
        rows.update({row["agent"]: row for row in frame.get("agents", [])})
        seen.append(frame)
    router = house.token("integration", f"router-{next(house.numbers)}")
    for agent, row in rows.items():
        answer = await http(house, "GET", f"/v1/agents/{agent}/state", router)
        equal(answer.json(), row, "the state that a router is told, and the row")
    # Who it is, how often something happened to them and when: that differs of any two people.
    own = ("agent", "version", "since", "presence_since")
    alike = [{name: value for name, value in rows[agent].items() if name not in own} for agent in ("sigilo", "sossego")]
    alike = [json.loads(json.dumps(row).replace('"sigilo"', '"x"').replace('"sossego"', '"x"')) for row in alike]
    equal(alike[0], alike[1], "the rows")
    true(PROTECTED not in json.dumps(seen), "no word of its type", None)
    auditor = house.token("auditor", f"auditor-{next(house.numbers)}")
    await hidden.ok("pause.end")
    answer = await http(house, "GET", "/v1/pauses?agent=sigilo", auditor)
    equal(answer.json()["pauses"], [], "the history")
    for socket in (board, hidden, chosen):
        socket.drop()


@SECRECY.check
async def what_people_write_reaches_those_whom_it_concerns(house):
    agent = await Socket.open(house, house.token("agent", "canario"))
    note, text, reason = house.canary("nota"), house.canary("anotacao"), house.canary("motivo")
    pause = (await agent.ok("pause.start", {"type": "cafe", "note": note}))["agent"]["pause"]
    equal(pause["note"], note, "the note")
    await agent.ok("pause.annotate", {"pause": pause["id"], "text": text})
    admin = await Socket.open(house, house.token("admin", "root"))
    await admin.ok("agent.end_pause", {"agent": "canario", "reason": reason})
    await agent.call("pause.start", {"type": "cafe", "note": house.canary("nota"), "colour": "red"})
    await agent.call("pause.start", {"type": house.canary("tipo"), "note": house.canary("nota")})
    agent.drop()
    admin.drop()


@SECRECY.check
async def no_figure_names_a_person_a_tenant_or_a_secret(house):
    text = (await http(house, "GET", "/metrics")).body.decode()
    for word in ("acme", "ana", "canario", "fantasma", PROTECTED, *house.credentials, *house.canaries):
        true(not re.search(rf'"{re.escape(word)}"', text) and (len(word) < 12 or word not in text), "no such word", word)


@SECRECY.check
async def no_error_repeats_a_credential_or_what_people_wrote(house):
    seen = b"\n".join(house.errors).decode("utf-8", "replace")
    true(len(house.errors) > 50, "many errors to look at", len(house.errors))
    # A type of nobody is named to whoever named it.
    words = [*house.credentials, *(canary for canary in house.canaries if "-tipo-" not in canary)]
    equal([word for word in words if len(word) > 8 and word in seen], [], "the secrets in errors")


@SECRECY.check
async def no_line_of_the_log_has_a_secret(house):
    log = house.log()
    true(len(log.splitlines()) > 300 and " DEBUG " in log, "a log of everything", len(log.splitlines()))
    words = [*house.credentials, *house.canaries, PROTECTED, house.protected]
    equal([word for word in words if len(word) > 8 and word in log], [], "the secrets in the log")


@SECRECY.check
async def nothing_panicked(house):
    log = house.log()
    lines = [line for line in log.splitlines() if "panicked" in line or "stack backtrace" in line]
    equal(lines, [], "the lines of the log")
    figures = (await http(house, "GET", "/metrics")).body.decode()
    counted = [line for line in figures.splitlines() if line.startswith("intervalo_panics_total")]
    equal([line for line in counted if not line.endswith(" 0")], [], "the figures")
