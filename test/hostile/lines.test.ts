/** Databases and queues that answer with bytes of no sense: a clear outcome, and no harm to the thread that asks. */
import { expect, test } from "vitest";
import { systemClock } from "../../collector/system-clock.ts";
import { Secret } from "../../core/secret.ts";
import mysql from "../../probes/mysql.ts";
import postgres from "../../probes/postgres.ts";
import redis from "../../probes/redis.ts";
import sidekiq from "../../probes/sidekiq.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { tcpServer } from "../helpers/servers.ts";

const speakers = [
  ["redis", redis, (port: number) => `redis://127.0.0.1:${port}/0`],
  ["sidekiq", sidekiq, (port: number) => `redis://127.0.0.1:${port}/0`],
  ["postgres", postgres, (port: number) => `postgres://tidewatch:secret@127.0.0.1:${port}/mastodon`],
  ["mysql", mysql, (port: number) => `mysql://tidewatch:secret@127.0.0.1:${port}`],
] as const;

/** In the protocols of Redis, PostgreSQL and MySQL; each of them is told to all three. */
const nonsense: Readonly<Record<string, string | Buffer>> = {
  "a text of another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n",
  zeros: Buffer.alloc(5000),
  "all bits set": Buffer.alloc(5000, 0xff),
  "a Redis text of a length below zero": "$-7\r\n".repeat(100),
  "a Redis list of more than there is memory for": "*2147483647\r\n",
  "Redis lists in lists": "*1\r\n".repeat(5000),
  "a Redis number that is none": ":12abc\r\n".repeat(100),
  "answers nobody asked for": "+OK\r\n".repeat(5000),
  "a PostgreSQL message without a length": Buffer.from([0x52, 0, 0, 0, 0, 0, 0]),
  "a PostgreSQL message of 2 GB": Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff, 0, 1]),
  "a PostgreSQL kind of message that is none": Buffer.from([0x01, 0, 0, 0, 4, 0x02, 0, 0, 0, 4]),
  "a MySQL greeting that ends too early": Buffer.from([3, 0, 0, 0, 0x0a, 0x38, 0x2e]),
  "a MySQL packet of 16 MB": Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0]), Buffer.alloc(2000, 0x0a)]),
};

test.each(
  speakers.flatMap(([name, probe, url]) =>
    Object.entries(nonsense).map(([what, said]) => ({ name, probe, url, what, said })),
  ),
)("$name gets away from a server that says $what", async ({ probe, url, said }) => {
  await using server = await tcpServer((socket) => {
    socket.on("error", () => {});
    socket.write(said);
    socket.on("data", () => socket.write(said));
  });
  const sample = await runProbe(
    probe,
    { url: new Secret(url(server.port)) },
    { timeoutSeconds: 1, clock: systemClock },
  );
  expect(["down", "unknown"]).toContain(sample.outcome);
  expect(sample.reason).toMatch(/\S/);
  expect(sample.reason).not.toMatch(/the check itself failed/);
});
