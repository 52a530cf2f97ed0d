/** The programs that Tidewatch is compared with (nginx, blackbox_exporter) and wrk, from the distribution's packages. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianProgram, type Program, type WantedProgram } from "../../practice/servers/debian.ts";
import { onPort } from "../../practice/servers/ports.ts";
import { answerOf } from "../../practice/servers/process.ts";
import { type Started, start } from "./child-process.ts";
import type { Bench } from "./measurement.ts";

const packages = {
  nginx: { package: "nginx-light", program: "usr/sbin/nginx", greeting: ["-v"] },
  blackbox: {
    package: "prometheus-blackbox-exporter",
    program: "usr/bin/prometheus-blackbox-exporter",
    alsoNamed: ["blackbox_exporter"],
  },
  // It ends with 1 whenever it does not measure.
  wrk: { package: "wrk", program: "usr/bin/wrk", greeting: ["-v"], says: /^wrk / },
} as const satisfies Readonly<Record<string, WantedProgram>>;

const fetchProgram = (name: keyof typeof packages, { progress, signal }: Bench): Promise<Program> => {
  progress(`looking for ${packages[name].package}`);
  return debianProgram({ ...packages[name], signal });
};

export interface Peer extends Started {
  readonly url: string;
}

/** One worker that logs nothing; `server` are the lines inside the server block. */
export async function startNginx(
  bench: Bench,
  server: readonly string[],
  options: { readonly core?: number } = {},
): Promise<Peer> {
  const program = await fetchProgram("nginx", bench);
  const folder = join(bench.folder, "nginx");
  await mkdir(folder, { recursive: true });
  return onPort(undefined, async (port) => {
    const file = join(folder, `nginx-${port}.conf`);
    await writeFile(file, nginxConfiguration(folder, port, server));
    const started = await start({
      name: "nginx",
      command: [program.path, "-p", folder, "-e", "stderr", "-c", file],
      environment: program.environment,
      answersAt: port,
      ...options,
    });
    return { ...started, url: `http://127.0.0.1:${port}` };
  });
}

function nginxConfiguration(folder: string, port: number, server: readonly string[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  );
  // Its best side: files stay open, and no connection is closed for having asked often.
  return `daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${folder}/nginx-${port}.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100 inactive=1h;
  keepalive_requests 100000000;
  keepalive_timeout 75s;
${temporary.join("\n")}
  types { }
  server {
    listen 127.0.0.1:${port} backlog=4096;
${server.map((line) => `    ${line}`).join("\n")}
  }
}
`;
}

export async function startBlackbox(bench: Bench): Promise<Peer> {
  const program = await fetchProgram("blackbox", bench);
  const file = join(bench.folder, "blackbox.yml");
  const http = { preferred_ip_protocol: "ip4", follow_redirects: false };
  await writeFile(file, JSON.stringify({ modules: { http_2xx: { prober: "http", timeout: "5s", http } } }));
  return onPort(undefined, async (port) => {
    const started = await start({
      name: "blackbox_exporter",
      command: [program.path, `--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`],
      environment: program.environment,
      answersAt: port,
    });
    return { ...started, url: `http://127.0.0.1:${port}` };
  });
}

export const blackboxProbe = (blackbox: Peer, target: string): string =>
  `${blackbox.url}/probe?module=http_2xx&target=${encodeURIComponent(target)}`;

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each request with another query string. */
  readonly randomQuery?: boolean;
  readonly core?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
}

/** wrk with one thread. */
export async function openWrk(bench: Bench): Promise<(url: string, load: Load) => Promise<LoadResult>> {
  const program = await fetchProgram("wrk", bench);
  const script = join(bench.folder, "query.lua");
  await writeFile(
    script,
    'local n = 0\nrequest = function()\n  n = n + 1\n  return wrk.format("GET", wrk.path .. "?q=" .. n * 7919)\nend\n',
  );
  return async (url, { connections, seconds, headers = {}, randomQuery = false, core }) => {
    const command = [
      ...(core === undefined ? [] : ["taskset", "-c", String(core)]),
      ...[program.path, "-t", "1", "-c", String(connections), "-d", `${seconds}s`],
      ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      ...(randomQuery ? ["-s", script] : []),
      url,
    ];
    const { environment } = program;
    const answer = await answerOf(command, { environment, timeoutSeconds: seconds + 15, signal: bench.signal });
    return readWrk(answer ?? "");
  };
}

function readWrk(output: string): LoadResult {
  const requests = /(\d+) requests in/.exec(output)?.[1];
  const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1];
  if (requests === undefined || perSecond === undefined) throw new Error(`wrk did not measure: ${output}`);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk met errors:\n${output}`);
  return { requests: Number(requests), perSecond: Number(perSecond) };
}
