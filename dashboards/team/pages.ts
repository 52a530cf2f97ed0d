/** The list of the team pages, in the order of their links: a new page is a file, and a line here. */
import { capacity } from "./capacity.ts";
import { outbox } from "./outbox.ts";
import type { TeamPage } from "./team-page.ts";

export const teamPages: readonly TeamPage[] = [capacity, outbox];
