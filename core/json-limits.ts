/** Limits for JSON from strangers (depth, values, names), checked before it is parsed: hostile JSON must cost no time or memory. */
import { randomInt } from "node:crypto";

/** Lists in lists, far deeper than any real document; each level costs the parser more than a flat value does. */
const deepest = 100;
/** The largest lists of peers have one value in twenty bytes. Each value takes up to sixty bytes of memory. */
const freeValues = 100_000;
const bytesPerValue = 16;
/**
 * Names of an object one after the other, counted once for all objects that begin in this order. The parser makes a
 * hidden class for each, which takes ten times longer than a value: six megabytes of nothing else hold it up for seconds.
 */
const mostShapes = 10_000;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const beginList = 0x5b;
const backslash = 0x5c;
const endList = 0x5d;
const beginObject = 0x7b;
const endObject = 0x7d;

/** Secret factors of the hashes, so that nobody can make different names that collide. */
const [perByte, perName] = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1];

/** Whether it can be parsed without holding the event loop up. It need not be JSON: that is for the parser to find out. */
export function isQuickToParse(body: Uint8Array): boolean {
  const mostValues = freeValues + body.length / bytesPerValue;
  const shapes = new Set<number>();
  const shapeAt = new Int32Array(deepest + 1);
  let values = 0;
  let depth = 0;
  let text = 0;
  for (let index = 0; index < body.length; index++) {
    switch (body[index]) {
      case quote:
        text = 1;
        for (index++; index < body.length && body[index] !== quote; index++) {
          if (body[index] === backslash) index++;
          text = (Math.imul(text, perByte) + (body[index] ?? 0)) | 0;
        }
        break;
      case beginList:
      case beginObject:
        if (++depth > deepest || ++values > mostValues) return false;
        shapeAt[depth] = 0;
        break;
      case endList:
      case endObject:
        // Whatever follows, this is no JSON: the parser stops here as well.
        if (--depth < 0) return true;
        break;
      case comma:
        if (++values > mostValues) return false;
        break;
      case colon: {
        const shape = (Math.imul(shapeAt[depth] ?? 0, perName) + text) | 0;
        shapeAt[depth] = shape;
        if (shapes.add(shape).size > mostShapes) return false;
        break;
      }
    }
  }
  return true;
}
