/** The list of the members' public pages, their addresses (routes), and what each is rendered from: a new page is added here. */

import { languages } from "../../core/language.ts";
import { historyModel } from "../../core/status/history.ts";
import type { StatusModel } from "../../core/status/status.ts";
import type { Target } from "../../core/target.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { historyPage } from "./history.ts";
import type { Records } from "./records.ts";
import { statusPage } from "./status.ts";

export interface PublicPage {
  /** Its path. With a language in front the page is in that language: "/" is also "/en/". */
  readonly address: string;
  /** What it is made from: as long as this is the same, so is the page. */
  readonly basis: object;
  /** While the store cannot be read, the older page stays: a new one would say less. */
  readonly needsRecords: boolean;
  /** Works out what the page says, once; then it is written in each language. */
  prepare(): (props: LayoutProps) => Promise<string>;
}

/** Addresses of the pages that are always there. */
export const permanentAddresses: readonly string[] = ["/", "/history"];

/** Where visitors ask for them: the visitor's language is chosen, or the address fixes it. */
export const pageRoutes: readonly string[] = permanentAddresses.flatMap((address) => [
  address,
  ...languages.map((language) => `/${language}${address}`),
]);

/** What the pages are made from. */
interface PageData {
  readonly status: StatusModel;
  readonly records: Records;
  readonly targets: readonly Target[];
  readonly timeZone: string;
}

export function publicPages({ status, records, targets, timeZone }: PageData): readonly PublicPage[] {
  return [
    {
      address: "/",
      basis: status,
      needsRecords: status.overall.state === "new",
      prepare: () => (props) => statusPage(status, props),
    },
    {
      address: "/history",
      basis: records,
      needsRecords: true,
      prepare() {
        const model = historyModel({ now: records.at ?? status.now, zone: timeZone, targets, ...records });
        return (props) => historyPage(model, props);
      },
    },
  ];
}
