/** Certificates and the like for a real server. */
import { chown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder, serverUser } from "../../practice/servers/process.ts";

/** Files that the server may read, whoever it runs as. */
export async function serverFolder(files: Readonly<Record<string, string>>) {
  const user = serverUser();
  const path = await dataFolder("tls", user);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(path, name), text, { mode: 0o600 });
    if (user) await chown(join(path, name), user.uid, user.gid);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
