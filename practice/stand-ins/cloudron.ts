/** A stand-in for a Cloudron: its status, and the apps on it for whoever has the token. */
import { badGateway, json, page, type Reply, type StandIn, type StandInSettings, startStandIn } from "./stand-in.ts";

export interface CloudronApp {
  readonly fqdn: string;
  readonly installationState?: string;
  readonly runState?: string;
  readonly health?: string | null;
}

export interface CloudronSettings extends StandInSettings {
  readonly apps?: readonly CloudronApp[];
}

export const cloudronToken = "practice-token-that-may-only-read";

const twoApps: readonly CloudronApp[] = [{ fqdn: "social.coop.example" }, { fqdn: "files.coop.example" }];

export function startCloudron({ apps = twoApps, ...settings }: CloudronSettings = {}): Promise<StandIn> {
  return startStandIn(
    () =>
      ({ url, headers, condition }): Reply => {
        if (condition === "stale") return badGateway;
        switch (url.pathname) {
          case "/":
            return page("Cloudron (practice)", "This is where administrators would sign in.");
          case "/api/v1/cloudron/status":
            return json({ version: "8.3.1" });
          case "/api/v1/apps":
            if (headers.authorization !== `Bearer ${cloudronToken}`) return unauthorized;
            return condition === "no-database" ? { ...badGateway, status: 500 } : json({ apps: apps.map(described) });
          default:
            return { ...json({ status: "Not Found", message: "No such route" }), status: 404 };
        }
      },
    settings,
  );
}

const unauthorized: Reply = { ...json({ status: "Unauthorized", message: "Invalid token" }), status: 401 };

const described = ({
  fqdn,
  installationState = "installed",
  runState = "running",
  health = "healthy",
}: CloudronApp) => ({
  id: "00000000-0000-4000-8000-000000000000",
  fqdn,
  subdomain: fqdn.split(".", 1)[0],
  domain: "coop.example",
  installationState,
  runState,
  health,
  memoryLimit: 1_073_741_824,
  manifest: { id: "org.example.app", version: "1.0.0", title: "App", healthCheckPath: "/" },
});
