/** Writes small MMDB files (MaxMind DB format 2.0, IPv6 tree, 24-bit records), as the real ones are laid out. */
import { isIPv6 } from "node:net";

type Value = string | number | { readonly [key: string]: Value };
interface Node {
  left: Node | number | undefined;
  right: Node | number | undefined;
}

/** @param rows network ("192.0.2.0/24") → what is said of it. */
export function mmdb(rows: Readonly<Record<string, Value>>): Buffer {
  const root: Node = { left: undefined, right: undefined };
  const data: Buffer[] = [];
  let length = 0;
  for (const [network, row] of Object.entries(rows)) {
    insert(root, bitsOf(network), length);
    const bytes = encode(row);
    data.push(bytes);
    length += bytes.length;
  }
  const nodes: Node[] = [];
  collect(root, nodes);
  const tree = Buffer.alloc(nodes.length * 6);
  const index = new Map(nodes.map((node, at) => [node, at]));
  const record = (side: Node["left"]) => {
    if (side === undefined) return nodes.length;
    return typeof side === "number" ? nodes.length + 16 + side : (index.get(side) ?? 0);
  };
  nodes.forEach((node, at) => {
    tree.writeUIntBE(record(node.left), at * 6, 3);
    tree.writeUIntBE(record(node.right), at * 6 + 3, 3);
  });
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_790_000_000,
    database_type: "Test",
    ip_version: 6,
    node_count: nodes.length,
    record_size: 24,
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from("\xAB\xCD\xEFMaxMind.com", "latin1"), metadata]);
}

function insert(root: Node, bits: readonly number[], value: number): void {
  let node = root;
  bits.forEach((bit, depth) => {
    const side = bit === 0 ? "left" : "right";
    if (depth === bits.length - 1) node[side] = value;
    else {
      const next = node[side];
      const inner = typeof next === "object" ? next : { left: undefined, right: undefined };
      node[side] = inner;
      node = inner;
    }
  });
}

function collect(node: Node, into: Node[]): void {
  into.push(node);
  for (const side of [node.left, node.right]) if (typeof side === "object") collect(side, into);
}

/** IPv4 stands in the last 32 bits. */
function bitsOf(network: string): readonly number[] {
  const [address = "", length = ""] = network.split("/");
  const groups = isIPv6(address) ? sixteens(address) : [0, 0, 0, 0, 0, 0, ...pairs(address)];
  const bits = groups.flatMap((group) => [...group.toString(2).padStart(16, "0")].map(Number));
  return bits.slice(0, Number(length) + (isIPv6(address) ? 0 : 96));
}

function pairs(address: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}

function sixteens(address: string): readonly number[] {
  const [head = "", tail = ""] = address.split("::");
  const read = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [first, last] = [read(head), read(tail)];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

/** Types: 2 text, 6 unsigned 32-bit, 7 map. All texts here are shorter than 29 bytes, or than 285. */
function encode(value: Value): Buffer {
  if (typeof value === "string") return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, inner]) => [encode(key), encode(inner)]),
  ]);
}

function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29]);
}
