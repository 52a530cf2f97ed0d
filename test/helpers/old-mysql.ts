/** As much of a MySQL 5.6 as a client needs to sign in and ask: everybody may, and most questions fail. */
import type { Socket } from "node:net";
import { type RunningServer, tcpServer } from "./servers.ts";

/** @param asked takes the text of each question. */
export const oldMysql = (asked: string[]): Promise<RunningServer> =>
  tcpServer((socket) => {
    socket.write(packet(0, greeting));
    let signedIn = false;
    socket.on("data", (data) => {
      // A client waits for each answer, so that what comes is one packet.
      if (!signedIn) {
        signedIn = true;
        socket.write(packet(2, ok));
        return;
      }
      const query = 3;
      if (data[4] !== query) return;
      const sql = Buffer.from(data).toString("utf8", 5);
      asked.push(sql);
      answer(socket, sql);
    });
  });

function answer(socket: Socket, sql: string): void {
  if (sql === "SELECT VERSION()") {
    const column = Buffer.concat([
      ...["def", "", "", "", "VERSION()", ""].map(counted),
      Buffer.of(0x0c, 33, 0, 60, 0, 0, 0, 253, 0, 0, 0, 0, 0),
    ]);
    const parts = [Buffer.of(1), column, end, counted("5.6.51"), end];
    socket.write(Buffer.concat(parts.map((part, index) => packet(index + 1, part))));
  } else if (/max_execution_time/.test(sql)) socket.write(errorPacket(1193, 1));
  else socket.write(/^SET /.test(sql) ? packet(1, ok) : errorPacket(1146, 1));
}

/** What a MySQL says in place of an answer. */
export const errorPacket = (number: number, sequence = 0): Buffer =>
  packet(sequence, Buffer.concat([Buffer.of(0xff, number & 255, number >> 8), Buffer.from("#HY000no")]));

const packet = (sequence: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.of(body.length & 255, body.length >> 8, 0, sequence), body]);

const counted = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);

const ok = Buffer.of(0, 0, 0, 2, 0, 0, 0);
const end = Buffer.of(0xfe, 0, 0, 2, 0);

/** Protocol 10: version, connection, 20 bytes of salt in two parts, what it can do, how one signs in. */
const greeting = Buffer.concat([
  Buffer.of(10),
  Buffer.from("5.6.51\0"),
  Buffer.of(1, 0, 0, 0),
  Buffer.from("saltsalt\0"),
  Buffer.of(0xff, 0xf7, 33, 2, 0, 0x0f, 0x80, 21),
  Buffer.alloc(10),
  Buffer.from("saltsaltsalt\0mysql_native_password\0"),
]);
