/** The guarded socket alone, without a database or its client library. */
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { SocketGuard } from "../../../probes/databases/guarded-socket.ts";
import { MysqlGuard } from "../../../probes/databases/mysql-guard.ts";

function setup(mostBytes?: number) {
  const socket = new Socket();
  const socketGuard = new SocketGuard("MySQL", mostBytes);
  const heard: unknown[] = [];
  return { socket, socketGuard, heard, hear: (bytes: unknown) => void heard.push(bytes) };
}

const through = (bytes: Uint8Array) => [bytes];

test("an answer in single bytes is kept in memory only up to a point", async () => {
  const { socket, socketGuard, heard, hear } = setup();
  socketGuard.guard(socket, through);
  socket.on("data", hear);
  for (let piece = 0; piece < 60_000; piece++) socket.emit("data", Buffer.of(0));
  await expect(socketGuard.failed).rejects.toThrow("answered with more than 50000 pieces");
  expect(heard).toHaveLength(50_000);
  expect(socket.destroyed).toBe(true);
});

test("what comes in clear and encrypted counts together", async () => {
  const { socketGuard, heard, hear } = setup(10);
  const [clear, encrypted] = [new Socket(), new Socket()];
  for (const socket of [clear, encrypted]) {
    socketGuard.guard(socket, through);
    socket.on("data", hear);
    socket.emit("data", Buffer.alloc(6));
  }
  await expect(socketGuard.failed).rejects.toThrow("answered with more than");
  expect(heard).toHaveLength(1);
});

test("a packet is heard whole and alone, however it was cut", () => {
  const { socket, socketGuard, heard, hear } = setup();
  const guard = new MysqlGuard({ greeted: true });
  socketGuard.guard(socket, (bytes) => guard.filter(bytes));
  socket.on("data", hear);
  const packets = [Buffer.of(2, 0, 0, 1, 7, 7), Buffer.of(0, 0, 0, 2), Buffer.of(1, 0, 0, 3, 7)];
  const bytes = Buffer.concat(packets);
  for (let size = 1; size <= bytes.length; size++) {
    heard.length = 0;
    for (let at = 0; at < bytes.length; at += size) socket.emit("data", bytes.subarray(at, at + size));
    expect(heard, `in pieces of ${size}`).toEqual(packets);
  }
});

test("who listens only once hears only once, and is gone", () => {
  const { socket, socketGuard, heard, hear } = setup();
  socketGuard.guard(socket, through);
  socket.once("data", hear);
  socket.emit("data", Buffer.of(1));
  socket.emit("data", Buffer.of(2));
  expect(heard).toHaveLength(1);
  expect(socket.listenerCount("data")).toBe(0);
});
