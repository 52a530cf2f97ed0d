/** A load of many visitors: each keeps a connection and asks for the status page once a second, however slow the answers are. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const request =
  "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en-CA,en;q=0.8\r\n\r\n";

/** @returns seconds until each view was there in full. */
export async function visit(
  port: number,
  { visitors, seconds, signal }: { readonly visitors: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  const waits: number[] = [];
  const until = performance.now() + seconds * 1000;
  const people = Array.from({ length: visitors }, async (_, index) => {
    await sleep((index / visitors) * 1000, undefined, { signal });
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    try {
      await once(socket, "connect", { signal });
      for (let next = performance.now(); next < until; next += 1000) {
        await sleep(Math.max(0, next - performance.now()), undefined, { signal });
        // From the moment it was due: whoever is kept waiting does not ask less often. A timer may be a moment early.
        const from = Math.min(next, performance.now());
        await view(socket, signal);
        waits.push((performance.now() - from) / 1000);
      }
    } finally {
      socket.destroy();
    }
  });
  await Promise.all(people);
  return waits;
}

async function view(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(request);
  let missing = Number.POSITIVE_INFINITY;
  let seen = Buffer.alloc(0);
  while (missing > 0) {
    const [chunk]: Buffer[] = await once(socket, "data", { signal });
    if (chunk === undefined) throw new Error("the status page closed the connection");
    if (missing < Number.POSITIVE_INFINITY) {
      missing -= chunk.length;
      continue;
    }
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const length = /^content-length: (\d+)/im.exec(seen.subarray(0, end).toString("latin1"))?.[1];
    missing = end + 4 + Number(length) - seen.length;
  }
}
