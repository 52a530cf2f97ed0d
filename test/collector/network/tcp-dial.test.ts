import { expect, test } from "vitest";
import type { Address } from "../../../collector/network/dns-resolver.ts";
import { dial } from "../../../collector/network/tcp-dial.ts";
import { NotMeasured, Unreachable } from "../../../core/errors.ts";
import { closedPort, tcpServer } from "../../helpers/servers.ts";

const v4 = (address: string): Address => ({ address, family: 4 });
const v6 = (address: string): Address => ({ address, family: 6 });

function setup() {
  const notes: string[] = [];
  const end = new AbortController();
  return { notes, end, parts: { signal: end.signal, note: (note: string) => notes.push(note) } };
}

test("the next address is tried at once when one refuses", async () => {
  await using server = await tcpServer(() => {}, { host: "127.0.0.2" });
  const { notes, parts } = setup();
  const line = await dial([v6("::1"), v4("127.0.0.3"), v4("127.0.0.2")], server.port, parts);
  expect(line.address).toBe("127.0.0.2");
  expect(notes.map((note) => note.replace(/ after.*/, "").replace(/:\d+ /, " "))).toEqual([
    // Where there is no IPv6, it is not even refused.
    expect.stringMatching(/^\[::1\] (refused|failed|cannot be reached)/),
    "127.0.0.3 refused",
    "127.0.0.2 connected",
  ]);
  line.socket.destroy();
  await server.allClosed();
});

test("all of them refused: the sentence names them", async () => {
  const port = await closedPort();
  const { parts } = setup();
  const failed = await dial([v4("127.0.0.1"), v4("127.0.0.2"), v4("127.0.0.3")], port, parts).catch((error) => error);
  expect(failed).toBeInstanceOf(Unreachable);
  expect(failed.message).toBe(`refused on 127.0.0.1:${port}, 127.0.0.2:${port} and 1 more`);
});

test("a name with a hundred addresses is not a hundred attempts", async () => {
  const port = await closedPort();
  const { notes, parts } = setup();
  const many = Array.from({ length: 100 }, (_, index) => v4(`127.0.1.${index + 1}`));
  await expect(dial(many, port, parts)).rejects.toThrow(Unreachable);
  expect(notes).toHaveLength(8);
});

test("a signal that is aborted before or meanwhile ends it with its reason", async () => {
  const { parts, end } = setup();
  end.abort(new Error("over"));
  await expect(dial([v4("127.0.0.1")], 1, parts)).rejects.toThrow("over");
});

test("a host with a family this machine does not have is not blamed", async () => {
  const os = await import("node:os");
  const own = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const hasIpv6 = own.some(
    ({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80"),
  );
  const { parts } = setup();
  // 100::/64 is the discard prefix (RFC 6666): nobody is there.
  const dialled = dial([v6("100::1")], 9, {
    ...parts,
    signal: AbortSignal.any([parts.signal, AbortSignal.timeout(300)]),
  });
  const error = await dialled.catch((reason) => reason);
  expect(error instanceof NotMeasured).toBe(!hasIpv6);
});
