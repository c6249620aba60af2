// Agents and boards on the library `rpc-websockets`, unmodified.
//
//     node rpc-websockets.mjs target/debug/intervalo

import assert from "node:assert/strict";
import { once } from "node:events";

import { Client } from "rpc-websockets";

import { allOf, Board, Told } from "./named-checks.mjs";

/** A client whose credential comes with the upgrade, so that its session is open at once. */
async function connected(server, role, subject, ...more) {
    const token = await server.token(role, subject, ...more);
    const client = new Client(server.url, { headers: { Authorization: `Bearer ${token}` } });
    await once(client, "open");
    return client;
}

/** The error that a call must end with, as the library gives it. */
async function refused(calling) {
    const result = await calling.then((result) => ({ result }), (error) => ({ error }));
    assert.ok("error" in result, `expected an error, found ${JSON.stringify(result)}`);
    return result.error;
}

async function signedOut(client) {
    const closed = once(client, "close");
    assert.deepEqual(await client.call("session.sign_out"), {});
    assert.equal((await closed)[0], 1000, "the close code");
}

await allOf("rpc-websockets", {
    async "an agent takes a pause and is told of it"(server) {
        const client = new Client(server.url);
        await once(client, "open");
        assert.equal((await refused(client.call("agent.get"))).data.code, "unauthenticated");
        const token = await server.token("agent", "ana");
        const changed = new Told();

        client.on("agent.changed", (state) => changed.push(state));
        const { agent } = await client.call("session.open", { token });
        const subscribed = await client.subscribe("agent.changed");
        await client.call("status.set", { status: "available" });
        const started = await client.call("pause.start", { type: "cafe" });
        const ended = await client.call("pause.end", { then: "available" });

        assert.deepEqual(subscribed, { "agent.changed": "ok" });
        assert.deepEqual([agent.agent, started.outcome, started.agent.pause.type], ["ana", "started", "cafe"]);
        assert.deepEqual([ended.agent.status, ended.agent.pause], ["available", undefined]);
        await changed.until((state) => state.version === started.agent.version && state.status === "paused");
        await changed.until((state) => state.version === ended.agent.version && state.status === "available");
        await signedOut(client);
        assert.equal(client.isReconnecting(), false, "the library does not come back after 1000");
    },

    async "every event is answered for itself"(server) {
        const client = await connected(server, "supervisor", "maria", "--teams", "suporte");
        assert.deepEqual(await client.subscribe(["board.changed", "server.draining", "board.change"]), {
            "board.changed": "ok", "server.draining": "ok", "board.change": "provided event invalid",
        });
        assert.deepEqual(await client.unsubscribe(["board.changed", "nothing"]), {
            "board.changed": "ok", "nothing": "provided event invalid",
        });
        assert.deepEqual(await client.unsubscribe("board.changed"), { "board.changed": "ok" });
        assert.deepEqual(await client.subscribe("board.changed"), { "board.changed": "ok" });
        await signedOut(client);
    },

    async "an event that was unsubscribed from comes no more until it is subscribed to again"(server) {
        const client = await connected(server, "agent", "bruno");
        const told = new Told();
        for (const event of ["agent.changed", "pause.limit_reached"]) {
            client.on(event, (params) => told.push([event, params]));
        }
        assert.deepEqual(await client.subscribe("agent.changed"), { "agent.changed": "ok" });
        await client.call("status.set", { status: "available" });
        await told.until(([event, params]) => event === "agent.changed" && params.status === "available");
        assert.deepEqual(await client.unsubscribe("agent.changed"), { "agent.changed": "ok" });
        // Its start, its warning and its end change the agent; only the limit itself may be told.
        const { agent } = await client.call("pause.start", { type: "agua" });
        const [event, params] = await told.next();
        assert.deepEqual([event, params.pause], ["pause.limit_reached", agent.pause.id]);
        assert.deepEqual(await client.subscribe("agent.changed"), { "agent.changed": "ok" });
        await client.call("status.set", { status: "available" });
        await told.until(([event, params]) => event === "agent.changed" && params.status === "available");
        await signedOut(client);
    },

    async "errors keep their code and data"(server) {
        const client = await connected(server, "agent", "carla");
        const { agent } = await client.call("pause.start", { type: "cafe" });
        const error = await refused(client.call("pause.start", { type: "almoco" }));
        assert.deepEqual(Object.keys(error).sort(), ["code", "data", "message"]);
        assert.equal(error.code, -32003);
        assert.deepEqual(error.data, { code: "already_paused", params: { pause: agent.pause.id, type: "cafe" } });
        assert.equal((await refused(client.call("rpc.on"))).data.code, "invalid_params");
        assert.equal((await refused(client.listMethods())).data.code, "method_not_found");
        await signedOut(client);
    },

    async "a board shows each change"(server) {
        const maria = await connected(server, "supervisor", "maria", "--teams", "suporte");
        const elisa = await connected(server, "agent", "elisa");
        await elisa.call("agent.get");
        const [board, frames] = [new Board(), new Told()];

        maria.on("board.changed", ({ subscription, result }) => frames.push({ subscription, result }));
        const subscribed = await maria.subscribe("board.changed");
        const subscription = await maria.call("board.subscribe", { teams: ["suporte"] });

        assert.deepEqual(subscribed, { "board.changed": "ok" });
        const shown = (presence) => frames.until((told) => {
            assert.equal(told.subscription, subscription, "the subscription of a frame");
            board.take(told.result);
            return board.rows.get("elisa")?.presence === presence;
        });
        await shown("unavailable");
        await elisa.call("status.set", { status: "available" });
        await shown("available");
        await elisa.call("pause.start", { type: "almoco" });
        await shown("paused");
        assert.deepEqual(await maria.unsubscribe("board.changed"), { "board.changed": "ok" });
        await elisa.call("pause.end", { then: "available" });
        assert.deepEqual(await maria.subscribe("board.changed"), { "board.changed": "ok" });
        await shown("available");
        assert.ok(board.kinds.has("snapshot") && board.kinds.has("changes"), [...board.kinds].join());
        assert.equal(await maria.call("board.unsubscribe", [subscription]), true);
        await signedOut(elisa);
        await signedOut(maria);
    },

    async "a client that comes back by itself after a restart goes on from its cursor"(server) {
        const client = await connected(server, "supervisor", "maria", "--teams", "vendas");
        const [board, frames] = [new Board(), new Told()];
        client.on("board.changed", ({ result }) => frames.push(result));
        await client.call("board.subscribe", { teams: ["vendas"] });
        board.take(await frames.next());
        assert.deepEqual([...board.rows.keys()].sort(), ["felipe", "gabriela", "heitor"]);

        client.on("server.draining", ({ reconnect_after_ms: after }) => client.setReconnectInterval(after));
        const closed = once(client, "close");
        const again = new Promise((resolve) => client.once("open", resolve));
        assert.equal(await server.stop(), 0, "the server's exit code");
        assert.equal((await closed)[0], 1012, "the close code");
        const after = client.reconnect_interval;
        assert.ok(after > 1000 && after < 10_000, `expected the time that the server named, found ${after} ms`);
        await server.serve(server.address);
        await again;
        const felipe = await connected(server, "agent", "felipe");
        await felipe.call("status.set", { status: "available" });

        await client.call("board.subscribe", { teams: ["vendas"], cursor: board.cursor });
        const first = await frames.until(({ kind }) => kind !== "beat");
        assert.equal(first.kind, "changes", "no snapshot is needed");
        board.take(first);
        while (board.rows.get("felipe").presence !== "available") board.take(await frames.next());
        await signedOut(felipe);
        await signedOut(client);
    },
});
