/** The disk probe: how full a file system is, with df's arithmetic: what is reserved for root is not ours to fill. */
import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { z } from "zod";
import { isDeadline, orAborted } from "../core/deadline.ts";
import { errorCode } from "../core/error-code.ts";
import { NotMeasured, Unreachable } from "../core/errors.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import {
  capacityPlan,
  fullThresholds,
  levels,
  storageMetrics,
  storageReadings,
  storageSettings,
  usableFraction,
} from "./databases/disk-space.ts";

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .refine((path) => path.startsWith("/"), { error: "write the whole path, beginning with /" })
    .describe("A folder on the file system to watch, such as / or /var/lib/docker."),
  ...storageSettings,
  usableFraction: usableFraction("100%").describe(
    "Share of it that may be used; a disk of one's own takes writes until it is full.",
  ),
});

export default defineProbe({
  summary: "Measures how full a disk of this machine is, and its inodes.",
  internal: true,
  readings: [
    ...storageMetrics,
    gauge("storage_inodes_ratio", "Share of a file system's inodes that is used.", ["store"]),
  ],
  options,
  example: { path: "/" },
  defaults: { everySeconds: 60 },

  thresholds: (settings) => [
    ...fullThresholds(settings),
    ...levels(settings.fullFor, "storage_inodes_ratio", "disk-full", {
      ticket: {
        id: "inodes-filling",
        at: 0.8,
        hysteresis: 0.03,
        title: { en: "The disk can soon hold no more files", fr: "Bientôt plus de place pour de nouveaux fichiers" },
      },
      page: {
        id: "inodes-full",
        at: 0.92,
        hysteresis: 0.03,
        title: { en: "The disk can hold hardly any more files", fr: "Presque plus de place pour de nouveaux fichiers" },
      },
    }),
  ],

  // A file system knows its own size: the limit comes with the readings.
  capacity: (settings, checkId) => capacityPlan(checkId, settings),

  async run({ path, store = path }, context): Promise<Finding> {
    const { blocks, bfree, bavail, bsize, frsize, files, ffree } = await fileSystem(path, context);
    // The unit of the counts; bsize is only what is read best at once. It differs on some network file systems.
    const unit = frsize > 0 ? frsize : bsize;
    const used = (blocks - bfree) * unit;
    const limit = used + bavail * unit;
    if (limit <= 0) throw new NotMeasured(`${path} has no size of its own: name a folder on a real disk`);
    return {
      outcome: "up",
      readings: [
        ...storageReadings(store, used, limit),
        // Some file systems (btrfs) make inodes as they need them and count none.
        ...(files > 0 ? [{ metric: "storage_inodes_ratio", value: (files - ffree) / files, labels: { store } }] : []),
      ],
    };
  },
});

/** A file system of another machine may hang for ever: then the run ends with its signal, and it is asked only once. */
async function fileSystem(path: string, { signal, memory }: ProbeContext) {
  signal.throwIfAborted();
  try {
    return await orAborted(pending(path, memory), signal);
  } catch (error) {
    if (isDeadline(error)) throw new Unreachable("the file system does not answer", { stage: "request" });
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new NotMeasured(`there is no ${path} here: check the path, and whether the disk is mounted`);
    }
    if (code === "EACCES") throw new NotMeasured(`we may not look at ${path}: give our user the right to enter it`);
    if (code) throw new NotMeasured(`${path} cannot be measured (${code})`);
    throw error;
  }
}

/** Each call that hangs holds one of the few threads that files are read with: the next run waits for the same call. */
function pending(path: string, memory: Map<string, unknown>): Promise<StatsFs> {
  const asked = memory.get("asked");
  if (asked instanceof Question) return asked.answer;
  const question = new Question(path);
  memory.set("asked", question);
  const settled = () => void memory.delete("asked");
  question.answer.then(settled, settled);
  return question.answer;
}

class Question {
  readonly answer: Promise<StatsFs>;

  constructor(path: string) {
    this.answer = statfs(path);
  }
}
