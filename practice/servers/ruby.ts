/**
 * A real Sidekiq for tests, Debian's, without installing it: the Ruby on PATH that has it, else unpacked into the
 * cache.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { debianProgram, type Program } from "./debian.ts";
import { dataFolder, serverUser, startGuarded } from "./process.ts";

/**
 * Starts itself again with the libraries beside it, wherever it was unpacked: Ruby has the paths of an installed one
 * built in. What follows `--` are the arguments of the second start.
 */
const boot = `
usr = File.expand_path("../..", File.realpath("/proc/self/exe"))
folders = %w[lib/ruby/vendor_ruby lib/ruby/vendor_ruby/[0-9]* lib/*/ruby/vendor_ruby/[0-9]* lib/ruby/[0-9]* lib/*/ruby/[0-9]*]
libraries = (folders + %w[share/rubygems-integration/*/gems/*/lib]).flat_map { |folder| Dir["#{usr}/#{folder}"] }
exec({ "RUBYLIB" => libraries.join(":") }, File.realpath("/proc/self/exe"), "-W0", *ARGV)
`;

const rubyArguments = (...args: readonly string[]): readonly string[] => ["-W0", "-e", boot, "--", ...args];

/** Ruby with Sidekiq's libraries; run it with `rubyArguments`. Throws `Refused` when it cannot be had. */
export const sidekiqRuby = (signal?: AbortSignal): Promise<Program> =>
  debianProgram({
    package: "ruby-sidekiq",
    program: "usr/bin/ruby",
    greeting: rubyArguments("-e", 'require "sidekiq/cli"'),
    withinSeconds: 120,
    signal,
  });

export interface SidekiqSettings {
  readonly redisUrl: string;
  /** Names, each with a weight or without: "push,2". */
  readonly queues: readonly string[];
  readonly concurrency: number;
  /** Ruby: the classes of the jobs. */
  readonly jobs: string;
}

/** A worker process. It is stopped when disposed of, and with this program. */
export async function startSidekiq({ redisUrl, queues, concurrency, jobs }: SidekiqSettings): Promise<AsyncDisposable> {
  const { path, environment } = await sidekiqRuby();
  const user = serverUser();
  const folder = await dataFolder("sidekiq", user);
  const file = join(folder, "jobs.rb");
  await writeFile(file, jobs, { mode: 0o600 });
  if (user) await chown(file, user.uid, user.gid);
  const cli = 'require "sidekiq/cli"; cli = Sidekiq::CLI.instance; cli.parse(ARGV); cli.run';
  const settings = ["-r", file, "-c", String(concurrency), "-t", "2", ...queues.flatMap((queue) => ["-q", queue])];
  return startGuarded({
    name: "Sidekiq",
    steps: [{ command: [path, ...rubyArguments("-e", cli, "--", ...settings)], stopSignal: "TERM" }],
    ready: /Booting Sidekiq/,
    folder,
    user,
    environment: { ...environment, REDIS_URL: redisUrl },
  });
}

export interface RubyConsole extends AsyncDisposable {
  /** Runs a piece of Ruby and gives the value of its last expression. */
  ask(code: string): Promise<unknown>;
}

const Answer = z.object({ value: z.unknown().optional(), fault: z.string().optional() });

/** A Ruby with Sidekiq's API loaded, which answers each piece of code with the JSON of its value. */
export async function openSidekiqConsole(redisUrl: string, definitions = ""): Promise<RubyConsole> {
  const { path, environment } = await sidekiqRuby();
  const loop = `
require "json"
require "sidekiq/api"
${definitions}
$stdout.sync = true
while (line = $stdin.gets)
  begin
    puts JSON.generate({ value: eval(JSON.parse(line).first) })
  rescue Exception => fault
    puts JSON.generate({ fault: fault.full_message(highlight: false) })
  end
end
`;
  const child = spawn(path, [...rubyArguments("-e", loop)], {
    cwd: "/",
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", TZ: "UTC", ...environment, REDIS_URL: redisUrl },
    ...serverUser(),
  });
  const closed = once(child, "close");
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(code) {
      child.stdin.write(`${JSON.stringify([code])}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("Ruby has ended");
      const answer = Answer.parse(JSON.parse(value));
      if (answer.fault !== undefined) throw new Error(answer.fault);
      return answer.value;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}
