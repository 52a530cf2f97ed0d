/** The nginx of docs/deploy.md, started as it stands there, before the real program. */
import { once } from "node:events";
import { chown, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { get as getByTls } from "node:https";
import { join } from "node:path";
import { expect } from "vitest";
import { freePort, untilFree } from "../../practice/servers/ports.ts";
import { dataFolder, serverUser, startGuarded } from "../../practice/servers/process.ts";
import { certificate } from "../helpers/certificates.ts";
import { startCoop } from "../helpers/co-op.ts";
import { nginx, projectText, tool } from "./tools.ts";

const { program, test } = await tool(nginx);
const name = "status.example.org";

/** The example with ports that anybody may open, on loopback, and a certificate. */
async function startNginx(example: string, tidewatch: number) {
  const user = serverUser();
  const { certPem, keyPem } = certificate({ name, hosts: [name] });
  const { server, http, https } = await untilFree(async () => {
    const [folder, http, https] = [await dataFolder("nginx", user), await freePort(), await freePort()];
    const file = async (name: string, content: string) => {
      await writeFile(join(folder, name), content);
      if (user) await chown(join(folder, name), user.uid, user.gid);
    };
    await file("cert.pem", certPem);
    await file("key.pem", keyPem);
    const servers = example
      .replace(/listen (\[::\]:)?(80|443)/g, (_, six, port) => {
        return `listen ${six ? "[::1]" : "127.0.0.1"}:${port === "80" ? http : https}`;
      })
      .replace(/# ssl_certificate .*/, "ssl_certificate cert.pem;\n  ssl_certificate_key key.pem;")
      .replace("http://127.0.0.1:8080", `http://127.0.0.1:${tidewatch}`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((each) => `${each}_temp_path ${each};`);
    await file(
      "nginx.conf",
      `daemon off; pid nginx.pid; error_log stderr notice; events {} http { access_log off; ${temporary.join(" ")}\n${servers} }`,
    );
    const server = await startGuarded({
      name: "nginx",
      steps: [{ command: [program.path, "-p", folder, "-e", "stderr", "-c", "nginx.conf"], stopSignal: "TERM" }],
      ready: /start worker process /,
      folder,
      user,
      environment: program.environment,
    });
    return { server, http, https };
  });
  return { http, https, ca: certPem, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test("the example of nginx brings both kinds of address to the page by https, and keeps browsers there", async () => {
  const [, example = ""] = /```nginx\n(.*?)```/s.exec(await projectText("docs/deploy.md")) ?? [];
  await using coop = await startCoop(["forum"]);
  const tidewatch = await coop.installation.start();
  await using nginx = await startNginx(example, Number(new URL(tidewatch.publicUrl).port));
  for (const hostname of ["127.0.0.1", "::1"]) {
    const options = { hostname, path: "/en/?x=1", headers: { host: name }, agent: false };
    const [redirect] = await once(get({ ...options, port: nginx.http }), "response");
    redirect.resume();
    expect(redirect).toMatchObject({ statusCode: 301, headers: { location: `https://${name}/en/?x=1` } });
    const [page] = await once(getByTls({ ...options, port: nginx.https, servername: name, ca: nginx.ca }), "response");
    expect(page).toMatchObject({
      statusCode: 200,
      headers: {
        "strict-transport-security": expect.stringMatching(/^max-age=\d{8}$/),
        "content-security-policy": expect.stringContaining("default-src 'none'"),
      },
    });
    expect((await page.toArray()).join("")).toContain("Scenario Co-op");
  }
});
