/**
 * A TCP server that can vanish without root, its packets lost in silence: a process that is halted and whose queue of
 * connections is full, so that the kernel drops whatever else comes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface VanishingServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Resolves when nobody is answered any more. */
  vanish(): Promise<void>;
  /** Resolves when everybody is answered again. */
  comeBack(): Promise<void>;
}

const script = `
const [host] = process.argv.slice(1);
const server = require("node:net").createServer((socket) => socket.on("error", () => {}).end());
server.listen({ port: 0, host, backlog: 1 }, () => console.log(server.address().port));`;

export async function vanishingServer(host: string): Promise<VanishingServer> {
  const child: ChildProcess = spawn(process.execPath, ["--eval", script, host], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed]: unknown[] = child.stdout ? await once(child.stdout, "data") : [];
  const port = Number(String(printed));
  const queued: Socket[] = [];
  const forget = () => {
    for (const socket of queued.splice(0)) socket.destroy();
  };
  return {
    host,
    port,
    async vanish() {
      child.kill("SIGSTOP");
      for (;;) {
        const socket = connect({ host, port }).on("error", () => {});
        queued.push(socket);
        const isTaken = await Promise.race([once(socket, "connect").then(() => true), wait(200, false)]);
        if (!isTaken) return;
      }
    },
    async comeBack() {
      forget();
      child.kill("SIGCONT");
      const socket = connect({ host, port }).resume();
      await once(socket, "end");
      socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      forget();
      const over = once(child, "close");
      child.kill("SIGKILL");
      await over;
    },
  };
}
