// Runs checks one after the other, by name, and fails loudly: what was expected, what was found.

import { Server } from "./intervalo-server.mjs";

// How long one check may take; the longest waits for a server to start again.
const CHECK_MS_MAX = 40_000;

/** Runs every check on one server; the program's exit code is 1 when one failed, after all have had their turn. */
export async function allOf(client, checks) {
    const server = await Server.start(process.argv[2]);
    for (const signal of ["SIGINT", "SIGTERM"]) {
        process.once(signal, () => server.end().finally(() => process.exit(1)));
    }
    const names = Object.keys(checks);
    let failed = 0;
    try {
        for (const name of names) {
            try {
                await within(CHECK_MS_MAX, checks[name](server));
                console.log(`ok      ${name}`);
            } catch (error) {
                failed += 1;
                console.log(`FAILED  ${name}\n${error?.stack ?? JSON.stringify(error)}`);
            }
        }
        if (failed > 0) console.error(`the server's last lines:\n${server.log.join("\n")}`);
    } finally {
        await server.end();
    }
    console.log(`${client}: ${names.length - failed} of ${names.length} checks passed`);
    // What a failed check left open must not keep the program.
    process.exit(failed > 0 ? 1 : 0);
}

async function within(milliseconds, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done within ${milliseconds} ms`)), milliseconds);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** What a client is told, in order, for checks that wait for it. */
export class Told {
    constructor() {
        this.kept = [];
        this.waiting = [];
    }

    push(value) {
        const next = this.waiting.shift();
        if (next) next(value);
        else this.kept.push(value);
    }

    next() {
        if (this.kept.length > 0) return Promise.resolve(this.kept.shift());
        return new Promise((resolve) => this.waiting.push(resolve));
    }

    /** The next one that holds; those before it are passed over. */
    async until(holds) {
        for (;;) {
            const value = await this.next();
            if (holds(value)) return value;
        }
    }
}

/** A board as a page keeps it: all rows, and where the last frame ended. */
export class Board {
    constructor() {
        this.rows = new Map();
        this.kinds = new Set();
    }

    /** Takes a frame; a gap is an error. */
    take(frame) {
        this.kinds.add(frame.kind);
        if (frame.kind === "snapshot" && frame.part === 0) this.rows.clear();
        if (frame.kind === "changes" && frame.from !== this.to) {
            throw new Error(`a gap: the board is at ${this.to}, the frame begins at ${frame.from}`);
        }
        this.to = frame.to ?? this.to;
        this.cursor = frame.cursor ?? this.cursor;
        for (const row of frame.agents ?? []) this.rows.set(row.agent, row);
        for (const agent of frame.removed ?? []) this.rows.delete(agent);
    }
}
