/** The routes of the team pages and of signing in: a sign-in link sent by mail is redeemed for a session cookie. */
import type { Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { RateLimit } from "../rate-limit.ts";
import { audit, clientNetwork, type Env, fail, type PublicParts, pageProps } from "../routes/public-parts.ts";
import { type Sessions, sessionSeconds } from "./sessions.ts";
import { contactWithEmail, signInLink, signInNotice } from "./sign-in-link.ts";
import { confirmSignInPage, linkSentPage, signInPage, teamPage } from "./sign-in-page.ts";
import type { TeamPage } from "./team-page.ts";

export function addSignIn(app: Hono<Env>, parts: PublicParts, sessions: Sessions): void {
  const { store, clock, log } = parts;
  // Enough for a person in a hurry; not enough to fill anybody's mailbox or our outbox.
  const byNetwork = new RateLimit(clock, 10, 30);
  const byContact = new RateLimit(clock, 3, 300);

  app.get("/team/sign-in", async (context) => context.html(await signInPage(pageProps(context, parts))));
  app.post("/team/sign-in", async (context) => {
    if (!byNetwork.allows(clientNetwork(context))) return fail(context, parts, "too-many", 429);
    const email = await emailOf(context);
    const { organisation, contacts, baseUrl } = parts.settings();
    const contact = email === undefined ? undefined : contactWithEmail(contacts, email);
    const props = pageProps(context, parts);
    if (contact && byContact.allows(contact.id)) {
      const send = async () => {
        const link = await signInLink(store, baseUrl, contact, clock);
        await store.commit({ notices: [signInNotice(link, contact, organisation, props.language, clock.now())] });
        parts.onNotice?.();
      };
      // Not waited for: the time of the answer must not tell who belongs to the team.
      send().catch((error: unknown) => log.error("a sign-in link could not be sent", { contact: contact.id, error }));
    }
    return context.html(await linkSentPage(props));
  });
  app.get("/team/sign-in/:token", async (context) => {
    const contact = await sessions.verifyLink(context.req.param("token"));
    if (!contact) return fail(context, parts, "gone", 410);
    return context.html(await confirmSignInPage(contact.name, pageProps(context, parts)));
  });
  app.post("/team/sign-in/:token", async (context) => {
    const session = await sessions.redeem(context.req.param("token"));
    if (!session) return fail(context, parts, "gone", 410);
    const detail = `from ${clientNetwork(context)}`;
    await audit(parts, { at: clock.now(), who: session.contact.id, did: "sign in", detail });
    const { secure, name } = cookieOf(parts);
    setCookie(context, name, session.cookie, {
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      secure,
      maxAge: sessionSeconds,
    });
    return context.redirect("/team/", 303);
  });
}

/** Nothing when the form is not one of ours or cannot be read. */
async function emailOf(context: Context<Env>): Promise<string | undefined> {
  try {
    const form = await context.req.parseBody();
    return typeof form["email"] === "string" ? form["email"] : undefined;
  } catch {
    return undefined;
  }
}

/** Whoever is not signed in is sent to the sign-in page; layout and access are the same for each team page. */
export function addTeam(app: Hono<Env>, parts: PublicParts, sessions: Sessions, pages: readonly TeamPage[]): void {
  app.use("/team/*", async (context, next) => {
    const { name } = cookieOf(parts);
    const member = await sessions.current(getCookie(context, name));
    if (!member) return context.redirect("/team/sign-in", 303);
    context.set("member", member);
    await next();
  });
  const props = (context: Context<Env>) => ({ ...pageProps(context, parts), signedIn: context.get("member").name });
  app.get("/team/", async (context) => context.html(await teamPage(props(context), pages)));
  for (const page of pages) {
    app.get(page.address, async (context) => context.html(await page.render(parts.reports, props(context))));
  }
  app.post("/team/sign-out", (context) => {
    const { name, secure } = cookieOf(parts);
    deleteCookie(context, name, { path: "/", secure });
    return context.redirect("/", 303);
  });
}

/** Over https the prefix __Host- makes browsers insist on Secure, on the path / and on this host alone. */
function cookieOf(parts: PublicParts): { readonly name: string; readonly secure: boolean } {
  const secure = parts.settings().baseUrl.startsWith("https:");
  return { name: secure ? "__Host-tidewatch" : "tidewatch", secure };
}
