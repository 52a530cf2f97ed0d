/**
 * A real MariaDB for tests and practice: the one on PATH, else the distribution's package, unpacked without root into
 * a cache.
 */
import { randomBytes } from "node:crypto";
import { access, chown, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { debianProgram, type Program } from "./debian.ts";
import { onPort } from "./ports.ts";
import { dataFolder, serverUser, startGuarded } from "./process.ts";

export interface MariadbServer extends AsyncDisposable {
  readonly port: number;
  /** For a monitor: user `tidewatch` with PROCESS and REPLICATION CLIENT, as the documentation asks for it. */
  readonly url: string;
  /** For whoever fills and breaks it. */
  readonly superuserUrl: string;
}

/** @param options.settings further options of the server, as `name=value`. */
export async function startMariadb(
  options: { readonly port?: number; readonly settings?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<MariadbServer> {
  const user = serverUser();
  const program = await mariadbProgram(options.signal);
  const share = await shareFolder(program);
  const [superuser, monitor] = [newPassword(), newPassword()];
  const { port, server } = await onPort(options.port, async (port) => {
    const folder = await dataFolder("mariadb", user);
    const [setup, configuration] = [join(folder, "setup.sh"), join(folder, "my.cnf")];
    const users = join(folder, "users.sql");
    const [data, temporary] = [join(folder, "data"), join(folder, "tmp")];
    await writeFile(users, firstUsers(superuser, monitor), { mode: 0o600 });
    await writeFile(configuration, settings({ data, temporary, share, port }, options.settings ?? []), { mode: 0o600 });
    await writeFile(setup, bootstrap(program.path, configuration, { data, temporary, share, users }), { mode: 0o600 });
    if (user) for (const file of [users, configuration, setup]) await chown(file, user.uid, user.gid);
    const server = await startGuarded({
      name: "MariaDB",
      steps: [
        { command: ["/bin/sh", setup], stopSignal: "TERM" },
        { command: [program.path, `--defaults-file=${configuration}`], stopSignal: "TERM" },
      ],
      ready: /ready for connections/,
      folder,
      user,
      environment: program.environment,
    });
    return { port, server };
  });
  const address = (login: string, password: string) => `mysql://${login}:${password}@127.0.0.1:${port}`;
  return {
    port,
    url: address("tidewatch", monitor),
    superuserUrl: `${address("root", superuser)}/practice`,
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

interface Places {
  readonly data: string;
  readonly temporary: string;
  /** What came with the program: messages, character sets, system tables. */
  readonly share: string;
  /** The file with the first users. */
  readonly users: string;
}

/** Small and in a hurry: it is a practice server, and its data may be lost. */
function settings(
  { data, temporary, share, port }: Omit<Places, "users"> & { port: number },
  more: readonly string[],
): string {
  const lines = [
    "bind-address=127.0.0.1",
    `port=${port}`,
    `datadir=${data}`,
    // Each one clears away what it finds in its own at the start: in a shared one, what another one needs.
    `tmpdir=${temporary}`,
    `lc-messages-dir=${share}`,
    `character-sets-dir=${share}/charsets`,
    `socket=${data}/mariadb.sock`,
    `pid-file=${data}/mariadb.pid`,
    "plugin-dir=/nonexistent",
    "skip-name-resolve",
    "skip-log-error",
    "max-connections=20",
    "innodb-buffer-pool-size=16M",
    "innodb-log-file-size=8M",
    "innodb-flush-log-at-trx-commit=0",
    "innodb-flush-method=nosync",
    "innodb-doublewrite=0",
    "performance-schema=0",
    ...more,
  ];
  return ["[mariadbd]", ...lines, ""].join("\n");
}

/** What mariadb-install-db does, without the programs it needs besides. */
function bootstrap(program: string, configuration: string, { data, temporary, share, users }: Places): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const files = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];
  return [
    "set -e",
    `mkdir ${[data, join(data, "mysql"), temporary].map(quoted).join(" ")}`,
    "{",
    "  echo 'use mysql;'",
    `  for file in ${files.map((file) => quoted(join(share, file))).join(" ")}; do [ ! -e "$file" ] || cat "$file"; done`,
    "  echo 'flush privileges;'",
    `  cat ${quoted(users)}`,
    `} | ${quoted(program)} --defaults-file=${quoted(configuration)} --bootstrap --skip-networking --log-warnings=0 >/dev/null`,
    "",
  ].join("\n");
}

/** Nobody without a password, and the monitor with as little as it needs. */
function firstUsers(superuser: string, monitor: string): string {
  return [
    "delete from mysql.global_priv where user = '' or user in ('root', 'mariadb.sys');",
    "flush privileges;",
    `create user root@'127.0.0.1' identified by '${superuser}';`,
    "grant all privileges on *.* to root@'127.0.0.1' with grant option;",
    `create user tidewatch@'127.0.0.1' identified by '${monitor}' with max_user_connections 3;`,
    "grant process, replication client on *.* to tidewatch@'127.0.0.1';",
    "create database practice;",
    "",
  ].join("\n");
}

const newPassword = (): string => randomBytes(18).toString("base64url");

/** Beside the program, where it was unpacked or installed. */
async function shareFolder({ path }: Program): Promise<string> {
  const beside = join(dirname(path), "..", "share");
  for (const name of ["mysql", "mariadb"]) {
    const found = await access(join(beside, name, "mysql_system_tables.sql")).then(
      () => true,
      () => false,
    );
    if (found) return join(beside, name);
  }
  return "/usr/share/mysql";
}

/** Some 8 MB. */
const downloadSeconds = 90;

const mariadbProgram = (signal: AbortSignal | undefined): Promise<Program> =>
  debianProgram({
    package: "mariadb-server-core",
    program: "usr/sbin/mariadbd",
    withinSeconds: downloadSeconds,
    remedy: "Install it with `sudo apt-get install mariadb-server`.",
    signal,
  });
