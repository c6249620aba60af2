"""Runs checks in groups, by name; after each group the house must stand as before."""

import asyncio
import time
import traceback

from wire import SOURCE, Socket, http

# How many checks of a group run at once.
AT_ONCE = 8
# How long one check may take; the longest waits for a silent peer to be found out.
CHECK_SECONDS_MAX = 60
# How much more memory the process may have after a group than at the beginning. What an allocator keeps of a flood is a
# few MiB in an optimised build, and more in one that is not.
GROWTH_BYTES_MAX = 24 * 1024 * 1024
# Connections of the store come and go.
DESCRIPTORS_MORE = 6
# An honest client is served within this.
HONEST_SECONDS_MAX = 1.0
# How often that may be tried, on a machine that does other things as well.
HONEST_TRIES = 5


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def true(condition, what, found=None):
    if not condition:
        raise AssertionError(f"expected: {what}; found: {found!r}")


class Group:
    """Checks that run beside each other."""

    def __init__(self, name, at_once=AT_ONCE):
        self.name = name
        self.at_once = at_once
        self.checks = []

    def check(self, function):
        """The name of the function is what it shows."""
        self.checks.append((function.__name__.replace("_", " "), function))
        return function

    def each(self, rows, name):
        """One check for each row: `name` is filled in with the first of its values, the others are handed over."""
        def add(function):
            for row in rows:
                self.checks.append((name.format(row[0]), lambda house, row=row: function(house, *row[1:])))
            return function
        return add


class Siege:
    """Counts what passed."""

    def __init__(self, house, quiet=False):
        self.house = house
        self.quiet = quiet
        self.passed = 0
        self.failed = []
        self.reasons = {}

    async def begin(self):
        """What the process is like when nothing but honest clients has been there."""
        await honest(self.house)
        self.resident_bytes = self.house.resident_bytes()
        self.descriptors = self.house.descriptors()

    async def run(self, group):
        begun = time.monotonic()
        print(f"-- {group.name}", flush=True)
        await self.run_all(group.checks, group.at_once)
        await self.check(f"after {group.name}: an honest client is served within a second", honest_in_time)
        await self.check(f"after {group.name}: memory and descriptors are back", self.is_back)
        grown = (self.house.resident_bytes() - self.resident_bytes) / 1024 / 1024
        print(f"   {time.monotonic() - begun:.1f} s, {grown:+.1f} MiB", flush=True)

    async def run_all(self, checks, at_once=AT_ONCE):
        places = asyncio.Semaphore(at_once)

        async def one(name, function):
            async with places:
                await self.check(name, function)

        await asyncio.gather(*(one(name, function) for name, function in checks))

    def say(self, line):
        if not self.quiet:
            print(line, flush=True)

    async def check(self, name, function):
        """Runs one, as somebody at an address of its own."""
        number = next(self.house.numbers)
        SOURCE.set(f"127.1.{number // 250}.{number % 250 + 2}")
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                await function(self.house)
        except Exception as error:
            self.failed.append(name)
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
            self.reasons[name] = found
            self.say(f"FAILED  {name}\n        {found}")
        else:
            self.passed += 1
            self.say(f"ok      {name}")

    async def is_back(self, house):
        # What ends a connection on this side is known on the other a moment later.
        for _ in range(100):
            descriptors = house.descriptors()
            if descriptors <= self.descriptors + DESCRIPTORS_MORE:
                break
            await asyncio.sleep(0.1)
        true(descriptors <= self.descriptors + DESCRIPTORS_MORE, f"about {self.descriptors} descriptors", descriptors)
        grown = house.resident_bytes() - self.resident_bytes
        true(grown <= GROWTH_BYTES_MAX, f"at most {GROWTH_BYTES_MAX} bytes more than at the beginning", grown)


async def honest(house):
    """An agent, a board and a router, as they should be; each has to be answered, and rightly."""
    token = house.token("agent", "elisa")
    agent = await Socket.open(house, token, "Sec-WebSocket-Protocol: intervalo.v1")
    equal(agent.answer.headers.get("sec-websocket-protocol"), "intervalo.v1", "the subprotocol")
    state = await agent.ok("agent.get")
    equal((state["agent"], state["connection"]), ("elisa", "connected"), "who it is")
    agent.drop()
    router = house.token("integration", f"router-{next(house.numbers)}")
    answer = await http(house, "GET", "/v1/agents/elisa/state", router)
    equal((answer.status, answer.json()["agent"]), (200, "elisa"), "the state over HTTP")
    equal((await http(house, "GET", "/readyz")).status, 200, "readiness")


async def honest_in_time(house):
    took = []
    for _ in range(HONEST_TRIES):
        begun = time.monotonic()
        await honest(house)
        took.append(time.monotonic() - begun)
        if took[-1] <= HONEST_SECONDS_MAX:
            return
    raise AssertionError(f"expected: within {HONEST_SECONDS_MAX} s; found: {took}")
