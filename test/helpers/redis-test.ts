/** Tests that need a real Redis: skipped, with the reason printed, where none can be had. */
import { test } from "vitest";
import { Refused } from "../../core/errors.ts";
import { startRedis } from "../../practice/servers/redis.ts";

const missing = await reasonWhyNot();
if (missing) console.warn(`skipped, because there is no Redis: ${missing}`);

export const redisTest = test.skipIf(missing !== undefined);

async function reasonWhyNot(): Promise<string | undefined> {
  try {
    await (await startRedis())[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return `${error.message} ${error.remedy}`;
    throw error;
  }
}
