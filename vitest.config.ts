/**
 * Tests run on the pinned Node, files beside each other, each with its own servers and folders. The times given here end
 * a test that waits for what never comes; how long something may take is never among them.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/helpers/same-every-time.ts", "test/helpers/moments.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
