/** The route of the acknowledge link in a page: GET shows the incident, POST acknowledges it. */
import type { Context, Hono } from "hono";
import type { Incident } from "../../core/incident.ts";
import { acknowledgement } from "../../core/member-texts.ts";
import type { Contact } from "../../core/organisation.ts";
import { audit, clientNetwork, type Env, fail, type PublicParts, pageProps } from "../routes/public-parts.ts";
import { acknowledgePage } from "./acknowledge-page.ts";
import type { Sessions } from "./sessions.ts";

/** A link to an incident that is over says so for a day. */
const afterwardsHours = 24;

export function addAcknowledge(app: Hono<Env>, parts: PublicParts, sessions: Sessions): void {
  const { store, clock, pages } = parts;
  const find = async (token: string) => {
    const permit = await sessions.verifyAcknowledgeLink(token);
    const incident = permit && (await store.incidents.get(permit.incident));
    return incident && !isLongOver(incident, clock.now()) ? { contact: permit.contact, incident } : undefined;
  };
  const show = async (context: Context<Env>, view: Parameters<typeof acknowledgePage>[0]) =>
    context.html(await acknowledgePage(view, pageProps(context, parts)));

  app.get("/a/:token", async (context) => {
    const found = await find(context.req.param("token"));
    if (!found) return fail(context, parts, "gone", 410);
    return show(context, { ...found, now: clock.now() });
  });
  app.post("/a/:token", async (context) => {
    const found = await find(context.req.param("token"));
    if (!found) return fail(context, parts, "gone", 410);
    const { contact, incident } = found;
    const now = clock.now();
    const took = await store.incidents.acknowledge(
      incident.id,
      contact.name,
      now,
      acknowledgement(now, incident.impact !== "none"),
    );
    if (took) {
      pages.changed();
      const detail = `incident ${incident.id}, by the link sent to ${contact.id}, from ${clientNetwork(context)}`;
      await audit(parts, { at: now, who: contact.id, did: "acknowledge", detail });
    }
    if (took) {
      const mine: Incident = { ...incident, state: "acknowledged", by: contact.name, acknowledgedAt: now };
      return show(context, { contact, incident: mine, now, result: "done" });
    }
    const after = (await store.incidents.get(incident.id)) ?? incident;
    return show(context, { contact, incident: after, now, result: standing(after, contact) });
  });
}

function standing(incident: Incident, contact: Contact): "yours" | "taken" | "over" {
  if (incident.state !== "acknowledged") return "over";
  return incident.by === contact.name ? "yours" : "taken";
}

function isLongOver(incident: Incident, now: Temporal.Instant): boolean {
  if (incident.state !== "resolved") return false;
  return Temporal.Instant.compare(incident.resolvedAt.add({ hours: afterwardsHours }), now) < 0;
}
