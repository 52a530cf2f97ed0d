/** The bytes that a browser's first request for the status page brings over the wire, and their headers. */
import { once } from "node:events";
import { connect } from "node:net";

export interface FirstView {
  /** Everything that came: status line, headers and body. */
  readonly wireBytes: number;
  readonly body: Buffer;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export async function firstView(port: number, encoding: string): Promise<FirstView> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "connect");
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: ${encoding}\r\nAccept-Language: en-CA,en\r\nConnection: close\r\n\r\n`,
  );
  await once(socket, "close");
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf("\r\n\r\n");
  const [status = "", ...lines] = whole.subarray(0, end).toString("latin1").split("\r\n");
  if (!status.includes(" 200 ")) throw new Error(`the status page answered "${status}"`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  if (headers.find(([name]) => name === "content-encoding")?.[1] !== encoding) {
    throw new Error(`the status page did not come as ${encoding}`);
  }
  return { wireBytes: whole.length, body: whole.subarray(end + 4), headers };
}
