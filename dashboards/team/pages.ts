/** Which pages the team has, in the order of their links: a new one is a file, and a line here. */
import { capacity } from "./capacity.ts";
import type { TeamPage } from "./page.ts";

export const teamPages: readonly TeamPage[] = [capacity];
