/** What defines a page of the team: its address, its title, the report it loads and how it is shown. */
import type { Words } from "../../core/languages/words.ts";
import type { Reports } from "../../core/reports.ts";
import type { LayoutProps } from "../parts/layout.ts";

/** What every page is shown with; only a member of the team sees one. */
interface TeamProps extends LayoutProps {
  readonly signedIn: string;
}

interface About {
  readonly address: `/team/${string}`;
  title(words: Words): string;
  /** One sentence below the link to it. */
  summary(words: Words): string;
}

interface Definition<Model> extends About {
  load(reports: Reports): Promise<Model>;
  show(model: Model, props: TeamProps): Promise<string>;
}

/** A page as the list holds it; the type of what it loads stays inside. */
export interface TeamPage extends About {
  render(reports: Reports, props: TeamProps): Promise<string>;
}

export function defineTeamPage<Model>({ load, show, ...about }: Definition<Model>): TeamPage {
  return { ...about, render: async (reports, props) => show(await load(reports), props) };
}
