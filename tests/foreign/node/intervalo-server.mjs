// The real binary on a port and a data folder of its own, with a small company in it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const COMPANY = fileURLToPath(new URL("../company.toml", import.meta.url));
// How long a command may take, and a server to listen or to stop, on a busy machine.
const PATIENCE_MS = 30_000;
// How many of its last lines are shown when something fails.
const LOG_LINES_MAX = 100;

export class Server {
    constructor(binary) {
        this.binary = binary;
        this.folder = mkdtempSync(join(tmpdir(), "intervalo-foreign-"));
        this.data = join(this.folder, "data");
        this.log = [];
        // The settings of whoever runs the checks are not those of the checks.
        this.env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INTERVALO_")));
    }

    /** Imports the company, and serves on a free port. */
    static async start(binary) {
        const server = new Server(binary);
        try {
            await server.run("import", COMPANY, "--data", server.data);
            await server.serve("127.0.0.1:0");
        } catch (error) {
            await server.end();
            throw error;
        }
        return server;
    }

    /** Serves until it is stopped or ended. */
    async serve(address) {
        const words = ["serve", "--listen", address, "--data", this.data];
        this.process = spawn(this.binary, words, { env: this.env, stdio: ["ignore", "ignore", "pipe"] });
        this.exited = once(this.process, "exit");
        // Read to the end, so that the server never waits to write.
        const lines = createInterface({ input: this.process.stderr });
        this.address = await new Promise((resolve, reject) => {
            lines.on("line", (line) => {
                this.log = [...this.log, line].slice(-LOG_LINES_MAX);
                const found = line.match(/listening on (127\.0\.0\.1:\d+)/);
                if (found) resolve(found[1]);
            });
            lines.on("close", () => reject(new Error(`the server ended before it listened:\n${this.log.join("\n")}`)));
            this.process.on("error", reject);
            setTimeout(() => reject(new Error("the server did not say where it listens")), PATIENCE_MS).unref();
        });
        this.url = `ws://${this.address}/v1/ws`;
    }

    /** A credential; `more` are further words of `intervalo token`. */
    async token(role, subject, ...more) {
        const words = ["token", "--tenant", "acme", "--role", role, "--subject", subject, "--data", this.data];
        return (await this.run(...words, ...more)).trim();
    }

    /** Runs the binary to its end and gives what it printed. */
    async run(...words) {
        const ran = await promisify(execFile)(this.binary, words, { env: this.env, timeout: PATIENCE_MS });
        return ran.stdout;
    }

    /** Asks it to stop, as a service manager does, and gives its exit code. */
    async stop() {
        this.process.kill("SIGTERM");
        const [code] = await this.exited;
        return code;
    }

    /** Ends it wherever it is, and removes what it wrote. */
    async end() {
        if (this.process?.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null) {
            this.process.kill("SIGKILL");
            await this.exited;
        }
        rmSync(this.folder, { recursive: true, force: true });
    }
}
