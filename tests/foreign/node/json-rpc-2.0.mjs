// Agents and boards on the library `json-rpc-2.0` over `ws`, both unmodified.
//
//     node json-rpc-2.0.mjs target/debug/intervalo

import assert from "node:assert/strict";
import { once } from "node:events";

import {
    createJSONRPCRequest, JSONRPCClient, JSONRPCErrorException, JSONRPCServer, JSONRPCServerAndClient,
} from "json-rpc-2.0";
import WebSocket from "ws";

import { allOf, Board, Told } from "./named-checks.mjs";

// How long a call may take before the library gives it up.
const CALL_MS_MAX = 10_000;

/** A socket with the library on both of its ways: calls out, notifications in. */
async function connected(url, token) {
    const socket = new WebSocket(url, "intervalo.v1");
    await once(socket, "open");
    const peer = new JSONRPCServerAndClient(
        new JSONRPCServer(),
        new JSONRPCClient(async (request) => socket.send(JSON.stringify(request))),
    );
    socket.on("message", (text) => peer.receiveAndSend(JSON.parse(text.toString())));
    socket.on("close", (code) => peer.rejectAllPendingRequests(`closed with ${code}`));
    const opened = await peer.request("session.open", { token });
    return { socket, peer, opened, call: (...call) => peer.timeout(CALL_MS_MAX).request(...call) };
}

/** The error that a call must end with, as the library gives it. */
async function refused(calling) {
    try {
        await calling;
    } catch (error) {
        assert.ok(error instanceof JSONRPCErrorException, `expected an error of JSON-RPC, found ${error}`);
        return error;
    }
    throw new Error("expected an error, found a result");
}

async function signedOut({ socket, call }) {
    const closed = once(socket, "close");
    assert.deepEqual(await call("session.sign_out", {}), {});
    assert.equal((await closed)[0], 1000, "the close code");
}

await allOf("json-rpc-2.0", {
    async "an agent takes a pause"(server) {
        const ana = await connected(server.url, await server.token("agent", "ana"));
        assert.equal(ana.socket.protocol, "intervalo.v1");
        assert.equal(ana.opened.principal.id, "ana");
        assert.equal((await ana.call("status.set", { status: "available" })).status, "available");
        const { outcome, agent } = await ana.call("pause.start", { type: "cafe" });
        assert.deepEqual([outcome, agent.status, agent.pause.type], ["started", "paused", "cafe"]);
        const ended = await ana.call("pause.end", { then: "available" });
        assert.deepEqual([ended.agent.status, ended.agent.pause], ["available", undefined]);
        assert.equal((await ana.call("agent.get")).version, ended.agent.version, "a call without params");
        await signedOut(ana);
    },

    async "notifications are calls of the library's own server"(server) {
        const bruno = await connected(server.url, await server.token("agent", "bruno"));
        const changed = new Told();
        const thresholds = new Told();
        bruno.peer.addMethod("agent.changed", (state) => changed.push(state));
        bruno.peer.addMethod("pause.warned", (params) => thresholds.push(["warned", params]));
        bruno.peer.addMethod("pause.limit_reached", (params) => thresholds.push(["reached", params]));
        const { agent } = await bruno.call("pause.start", { type: "agua" });
        assert.equal((await changed.until((state) => state.status === "paused")).version, agent.version);
        for (const expected of ["warned", "reached"]) {
            const [which, params] = await thresholds.next();
            assert.deepEqual([which, params.pause, params.type], [expected, agent.pause.id, "agua"]);
        }
        const ended = await changed.until((state) => state.status === "unavailable");
        assert.deepEqual([ended.cause, ended.actor], ["limit", { kind: "system" }]);
        await signedOut(bruno);
    },

    async "errors are the library's exceptions, with code and data"(server) {
        const carla = await connected(server.url, await server.token("agent", "carla"));
        const { agent } = await carla.call("pause.start", { type: "cafe" });
        const running = await refused(carla.call("pause.start", { type: "almoco" }));
        assert.equal(running.code, -32003);
        assert.match(running.message, /^[A-Z].*\.$/);
        assert.deepEqual(running.data, { code: "already_paused", params: { pause: agent.pause.id, type: "cafe" } });
        for (const [method, params, number, code, named] of [
            ["pause.begin", {}, -32601, "method_not_found", { method: "pause.begin" }],
            ["pause.start", { type: "cafe", colour: "red" }, -32602, "invalid_params", { field: "colour" }],
            ["pause.start", ["cafe"], -32602, "invalid_params", { field: "params" }],
            ["board.subscribe", { teams: "all" }, -32002, "forbidden", {}],
        ]) {
            const error = await refused(carla.call(method, params));
            assert.deepEqual([error.code, error.data], [number, { code, params: named }], method);
        }
        await signedOut(carla);
    },

    async "a batch is answered in order"(server) {
        const diego = await connected(server.url, await server.token("agent", "diego"));
        const answers = await diego.peer.requestAdvanced([
            createJSONRPCRequest("first", "status.set", { status: "available" }),
            createJSONRPCRequest("second", "pause.end", {}),
            createJSONRPCRequest(3, "agent.get"),
        ]);
        assert.deepEqual(answers.map(({ id }) => id), ["first", "second", 3]);
        assert.equal(answers[1].error.data.code, "not_paused");
        assert.equal(answers[2].result.status, "available");
        await signedOut(diego);
    },

    async "a board shows each change"(server) {
        const maria = await connected(server.url, await server.token("supervisor", "maria", "--teams", "suporte"));
        const elisa = await connected(server.url, await server.token("agent", "elisa"));
        const [board, frames] = [new Board(), new Told()];
        maria.peer.addMethod("board.changed", ({ subscription, result }) => frames.push({ subscription, result }));
        const subscription = await maria.call("board.subscribe", { teams: ["suporte"] });
        const shown = (presence) => frames.until((told) => {
            assert.equal(told.subscription, subscription, "the subscription of a frame");
            board.take(told.result);
            return board.rows.get("elisa")?.presence === presence;
        });
        await shown("unavailable");
        assert.deepEqual([...board.rows.keys()].sort(), ["ana", "bruno", "carla", "diego", "elisa"]);
        await elisa.call("status.set", { status: "available" });
        await shown("available");
        await elisa.call("pause.start", { type: "almoco" });
        await shown("paused");
        assert.equal(board.rows.get("elisa").pause.type, "almoco");
        await elisa.call("pause.end", {});
        await shown("available");
        assert.ok(board.kinds.has("snapshot") && board.kinds.has("changes"), [...board.kinds].join());
        assert.equal(await maria.call("board.unsubscribe", { subscription }), true);
        const again = await refused(maria.call("board.unsubscribe", { subscription }));
        assert.deepEqual([again.code, again.data.code], [-32004, "not_found"]);
        await signedOut(elisa);
        await signedOut(maria);
    },
});
