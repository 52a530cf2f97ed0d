/** Which addresses mean our own network, and which mean a place in the world. */
import { expect, test } from "vitest";
import { isForOwnUse, isPrivate } from "../../core/private-networks.ts";

const inside = [
  "0.0.0.0",
  "127.0.0.1",
  "10.1.2.3",
  "100.64.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "::",
  "::1",
  "fd00::1",
  "fe80::1",
  "::ffff:10.0.0.1",
];
const outside = ["192.0.2.1", "100.63.255.255", "172.32.0.1", "2001:db8::1", "::2", "::ffff:192.0.2.1"];
const many = ["224.0.0.251", "255.255.255.255", "ff02::1"];

test("private addresses are known, so that nobody in public can send us there", () => {
  for (const address of inside) expect(isPrivate(address), address).toBe(true);
  for (const address of [...outside, ...many, ""]) expect(isPrivate(address), address).toBe(false);
  expect(isPrivate("fe80::1%eth0")).toBe(true);
});

test("of addresses that exist many times nobody else can say where they are", () => {
  for (const address of [...inside, ...many]) expect(isForOwnUse(address), address).toBe(true);
  for (const address of outside) expect(isForOwnUse(address), address).toBe(false);
});
