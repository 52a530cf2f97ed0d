/** Starts both servers, says where they are and who guards them, and waits to be killed. */
import { execFileSync } from "node:child_process";
import { startPostgres } from "../../practice/servers/postgres.ts";
import { startRedis } from "../../practice/servers/redis.ts";

const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
const processes = execFileSync("ps", ["-o", "pid=,ppid=,args=", "-A"], { encoding: "utf8" });
const guards = processes
  .split("\n")
  .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
  .filter((parts) => Number(parts?.[2]) === process.pid && /\/bin\/sh/.test(parts?.[3] ?? ""))
  .map((parts) => Number(parts?.[1]));
console.log(JSON.stringify({ ports: [postgres.port, redis.port], guards }));
