/** The type of HTML that is escaped already, so that it stays as it is when it is put into another template. */
import type { html } from "hono/html";

export type Html = ReturnType<typeof html>;
