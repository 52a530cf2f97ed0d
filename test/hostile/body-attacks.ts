/** Hostile HTTP bodies: correct HTTP whose JSON, XML or text costs its reader time or memory. */
import { type Attack, answer, endless, head, said } from "./attacks.ts";

const xml = ["content-type: application/rss+xml"];
const rss = '<?xml version="1.0"?><rss version="2.0"><channel>';

/** In place of the document that was asked for. */
export const bodyAttacks: Readonly<Record<string, Attack>> = {
  "an empty body": said(answer("application/json", "")),
  "broken UTF-8 as JSON": said(answer("application/json", broken('{"version":"', '","software":{"name":"'))),
  "broken UTF-8 as HTML": said(answer("text/html", broken("<title>", "</title><a href='"))),
  "control characters": said(answer("application/json", JSON.stringify(document("\u0000\u001b[2J\u202e\u2066\ud800")))),
  "lists nested 100,000 deep": said(answer("application/json", nested("[", "]"))),
  "lists nested half a million deep": said(answer("application/json", `${"[".repeat(490_000)}${"]".repeat(490_000)}`)),
  "objects nested 100,000 deep": said(answer("application/json", nested('{"links":', "}", "1"))),
  "every known field nested 100,000 deep": said(answer("application/json", deepDocument())),
  "names of prototypes": said(answer("application/json", prototypes())),
  "huge numbers": said(answer("application/json", numbers())),
  "null in every field": said(answer("application/json", JSON.stringify(document(null)))),
  "a list in every field": said(answer("application/json", JSON.stringify(document([[], {}, null, 1])))),
  "a text of 900 kB in every field": said(answer("application/json", JSON.stringify(document("a/".repeat(6000))))),
  "addresses of other places": said(answer("application/json", JSON.stringify(document("http://[::1]:1/%00/@a?b#c")))),
  "nonsense as time": said(answer("application/json", JSON.stringify(document("+275760-09-13T00:00:00.001Z")))),
  "JSON that ends in the middle": said(answer("application/json", '{"version":"4.5.15","links":[{"rel":"self')),
  "a million empty objects": said(answer("application/json", `[${"{},".repeat(330_000)}{}]`)),
  "5 million empty objects": said(answer("application/json", `{"items":[${"{},".repeat(5_000_000)}{}]}`)),
  "empty objects in a list of links": said(answer("application/json", `{"links":[${"{},".repeat(40_000)}{}]}`)),
  "texts in place of all peers": said(answer("application/json", `{"items":[${'"",'.repeat(49_000)}""]}`)),
  "a hundred thousand names": said(answer("application/json", `{${names(70_000)}}`)),
  "objects of which no two are alike": said(answer("application/json", `{"items":[${unlike(45_000)}]}`)),
  "15 MB of objects of which no two are alike": said(
    answer("application/json", `{"federated_instances":{"linked":[${unlike(240_000, "a-name-of-some-length-")}]}}`),
  ),
  "a list of nearly 50,000 peers": said(answer("application/json", `{"items":[${peers(49_000)}]}`)),
  "15 MB of lists in the place of peers": said(
    answer("application/json", `{"federated_instances":${"[".repeat(7e6)}${"]".repeat(7e6)}}`),
  ),
  "a feed with one endless element": endless(`${head(xml)}${rss}<title>`, "a".repeat(65_536), 100_000_000),
  "a feed of a million items": endless(`${head(xml)}${rss}`, "<item><title>a</title></item>".repeat(2000), 100_000_000),
  "a feed of items without end tags": endless(`${head(xml)}${rss}`, "<item><title>".repeat(4000), 100_000_000),
  "a feed that laughs a billion times": said(answer("application/rss+xml", laughs())),
  "a feed of entities": said(
    answer("application/rss+xml", `${rss}${`<item><title>${"&amp;".repeat(40_000)}</title></item>`}</channel></rss>`),
  ),
  "a feed with a file in it": said(
    answer("application/rss+xml", `<!DOCTYPE rss SYSTEM "file:///etc/passwd">${rss}</channel></rss>`),
  ),
  "a feed of 100,000 attributes": said(
    answer("application/rss+xml", `${rss}<item ${'a="b" '.repeat(100_000)}/></channel></rss>`),
  ),
  "a feed of prototypes": said(
    answer(
      "application/rss+xml",
      `${rss}<__proto__ a="b">c</__proto__><constructor/><item><__proto__/></item></channel></rss>`,
    ),
  ),
  "a feed of unfinished comments": said(answer("application/rss+xml", rss + "<!--<![CDATA[<?".repeat(16_000))),
  "a feed of brackets": said(answer("application/rss+xml", rss + "<".repeat(200_000))),
  "a feed of name spaces": said(
    answer("application/rss+xml", `${rss}${"<a:b:c xmlns:='' />".repeat(10_000)}</channel></rss>`),
  ),
  "an Atom feed of beginnings": said(answer("application/atom+xml", `<feed>${"<entry><updated>".repeat(30_000)}`)),
  "an Atom feed of pictures": said(
    answer("application/atom+xml", `<feed><entry><updated>2026-11-23T00:00:00Z</updated>${"<img ".repeat(100_000)}`),
  ),
  "a declaration without end": said(answer("application/atom+xml", `<?xml${" ".repeat(900_000)}`)),
  "blanks without end": said(answer("text/html", " ".repeat(999_000))),
  "links without end": said(answer("text/html", `<a href="`.repeat(100_000))),
  "links to podcasts without end": said(answer("text/html", podcasts())),
  "titles without end": said(answer("text/html", `<title>${"\n".repeat(300)}`.repeat(3000))),
  "a maintenance page of blanks": said(answer("text/html", `<title>${" ".repeat(4000)}`, [], 503)),
  "counts of one line": said(
    answer("text/plain", `redis_messages_received_total 1\nconnected_clients{${'type="websocket"'.repeat(55_000)}`),
  ),
  "counts with open braces": said(answer("text/plain", `redis_messages_received_total{${"a".repeat(990_000)}`)),
  "counts of 500 kB in one label": said(answer("text/plain", `connected_clients{type="${'\\"'.repeat(480_000)}"} 1\n`)),
  "counts in 100,000 labels": said(answer("text/plain", `connected_clients{${'a="b",'.repeat(160_000)}`)),
  "counts that are none": said(
    answer("text/plain", "connected_clients 1e999\nconnected_clients NaN\nconnected_clients{a=} -\n".repeat(10_000)),
  ),
  ...Object.fromEntries(
    Object.entries({
      "counts in 15 million empty lines": "\n",
      "counts in millions of broken lines": "connected_clients x\n",
      "counts in millions of short lines": "a\n",
      "counts in a million lines with a label": 'connected_clients{a="b"} 1\n',
      "counts in lines with a hundred labels": `connected_clients{${'a="b",'.repeat(99)}} x\n`,
      "counts in labels full of signs that have another meaning": `connected_clients{a="${'\\"'.repeat(4900)}"} 1\n`,
      "counts in one line of 15 MB": `connected_clients{${"a".repeat(10_000)}`,
    }).map(([what, line]) => [
      what,
      endless(head(["content-type: text/plain"]), line.repeat(Math.ceil(65_536 / line.length)), 15_000_000),
    ]),
  ),
  "an image that is none": said(answer("image/png", "<html>")),
  "JSON that says it is HTML": said(answer("text/html", JSON.stringify(document("x")))),
  "a type that is none": said(answer(';;;,,,==="\u00ff', JSON.stringify(document("x")))),
  "a type of 20 kB": said(answer(`a/${"b".repeat(20_000)}`, "x")),
  "a range of all there is": said(
    answer("audio/mpeg", "xx", [`content-range: bytes 0-${"9".repeat(300)}/${"9".repeat(300)}`], 206),
  ),
};

function broken(...parts: readonly string[]): string {
  return parts.join("\u00ff\u00fe\u00c0\u0080\u00ed\u00a0\u0080\u00f4\u0090\u0080\u0080\u00e2\u0082");
}

function nested(open: string, close: string, middle = ""): string {
  return open.repeat(100_000) + middle + close.repeat(100_000);
}

/** Whatever a probe reads from an answer has one of these names; a function, for it is needed above. */
function fields(): readonly string[] {
  const names = `domain uri version urls configuration thumbnail contact contact_account links rel href type subject software
    server name code errors streaming streaming_api account username avatar header id url inbox outbox publicKey
    publicKeyPem endpoints sharedInbox preferredUsername created_at media_attachments preview_url statuses accounts
    hashtags site_view local_site site my_user federated_instances linked items instance queue_state federation_state
    fail_count published updated apps fqdn runState installationState health topic_list topics last_posted_at
    bumped_at about stats title users error error_type next_page timelines_access live_feeds local remote`;
  return names.split(/\s+/);
}

function document(value: unknown): unknown {
  return Object.fromEntries(fields().map((name) => [name, value]));
}

function deepDocument(): string {
  const deep = "[".repeat(1000) + "]".repeat(1000);
  return `{${fields().map((name) => `"${name}":${deep}`)},"links":[${"[".repeat(100_000)}${"]".repeat(100_000)}]}`;
}

function prototypes(): string {
  const evil = '{"outcome":"up","status":200,"code":200,"toString":1,"valueOf":{},"then":{}}';
  const inside = fields().map((name) => `"${name}":{"__proto__":${evil},"constructor":{"prototype":${evil}}}`);
  return `{"__proto__":${evil},"constructor":{"prototype":${evil}},"hasOwnProperty":1,${inside.join()}}`;
}

function numbers(): string {
  const huge = ["1e999", "-1e999", "9".repeat(400), "-0", "1e-999", "4294967296"];
  return `{${fields().map((name, index) => `"${name}":${huge[index % huge.length]}`)}}`;
}

function laughs(): string {
  const lines = Array.from({ length: 12 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`);
  return `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">${lines.join("")}]><rss><channel><title>&l12;</title></channel></rss>`;
}

function names(most: number): string {
  return Array.from({ length: most }, (_, n) => `"n${n}":1`).join();
}

/** Two names in each, in ever new combinations. */
function unlike(most: number, prefix = ""): string {
  const name = (n: number) => `"${prefix}${n.toString(36)}"`;
  return Array.from({ length: most }, (_, n) => `{${name(n % 999)}:1,${name(n)}:2}`).join();
}

/** In good form, and as many as anybody may have. */
function peers(most: number): string {
  const published = "2026-11-23T00:00:00Z";
  const queue = { fail_count: 0, last_successful_id: 1, last_successful_published_time: published };
  const instance = { domain: "a-server-of-middling-length.example", published, software: "lemmy", version: "1.0.0" };
  return Array.from({ length: most }, (_, id) =>
    JSON.stringify({ instance: { id, ...instance }, queue_state: queue }),
  ).join();
}

function podcasts(): string {
  return Array.from({ length: 20_000 }, (_, n) => `<a href="/@podcast${n}">a</a>`).join("");
}
