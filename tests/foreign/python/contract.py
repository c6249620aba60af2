"""Requests that nobody thought of, by schemathesis, over the OpenAPI document that the server publishes of itself.

Whatever is sent, the answer has to be one that the document names for that operation: its status, its media type, its
headers and the shape of its body; and never a failure of the server.
"""

import asyncio
import json
import pathlib
import sys
import urllib.request

import intervalo_server

SEED = 20261122
# How many requests are made up for an operation, beside those that go over every rule of its schema.
REQUESTS = 60
# How long both runs may take together, in seconds.
SECONDS_MAX = 230
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
# A stream that is let in ends with its credential alone; tests/protocol/events.rs reads it.
ENDLESS = ("/v1/events",)
# The checks send as fast as they can, and are not about the rate.
SETTINGS = {"INTERVALO_RATE_PER_SECOND": "10000", "INTERVALO_RATE_BURST": "100000"}


async def run(server, token, settings, *more):
    """Runs schemathesis, and gives its report."""
    folder = server.folder.name
    report = pathlib.Path(folder) / "report.json"
    process = await asyncio.create_subprocess_exec(
        pathlib.Path(sys.executable).parent / "schemathesis",
        *settings,
        "run", f"http://{server.address}/v1/openapi.json",
        "--phases", "examples,coverage,fuzzing",
        "--checks", ",".join(CHECKS),
        "--seed", str(SEED),
        "--max-examples", str(REQUESTS),
        "--header", f"Authorization: Bearer {token}",
        "--generation-database", "none",
        "--warnings", "off",
        *(word for path in ENDLESS for word in ("--exclude-path", path)),
        "--request-timeout", "30",
        "--report", "json",
        "--report-json-path", report,
        *more,
        cwd=folder)
    try:
        code = await process.wait()
    except BaseException:
        process.kill()
        raise
    if code != 0:
        print("the server's last lines:\n" + "".join(server.log))
        raise SystemExit(code)
    return json.loads(report.read_text())


async def main(binary):
    server = intervalo_server.Server(binary)
    server.environment.update(SETTINGS)
    async with server, asyncio.timeout(SECONDS_MAX):
        with urllib.request.urlopen(f"http://{server.address}/v1/openapi.json") as answer:
            paths = json.load(answer)["paths"]
        there = sum(len(item) for path, item in paths.items() if path not in ENDLESS)
        token = await server.token("admin", "contract")
        # First with people who are there, then with whatever comes to mind.
        people = ("--config-file", pathlib.Path(__file__).parent / "contract.toml")
        known = await run(server, token, people, "--include-path-regex", "^/v1/(agents/|routable|pauses)")
        # Without a wish it leaves the document's own path out.
        all_of_it = await run(server, token, (), "--include-path-regex", "^/")
    tested = all_of_it["operations"]["tested"]
    cases = known["test_cases"]["generated"] + all_of_it["test_cases"]["generated"]
    print(f"contract: {tested} of {there} operations tested, {cases} requests as the document says")
    if tested < there or there == 0:
        raise SystemExit("not every operation of the document was tested")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
