/** Where the pages are: what `run` says first to a person, of one's own co-op as of the practice co-op. */

export interface Place {
  readonly label: string;
  readonly address: string;
  /** Below it, a line each. */
  readonly notes?: readonly string[];
}

const width = 16;

export function welcome(places: readonly Place[], more: readonly string[], ending: string): string {
  const lines = places.flatMap(({ label, address, notes = [] }) => [
    `${label.padEnd(width)}${address}`,
    ...notes.map((note) => `${" ".repeat(width)}(${note})`),
  ]);
  const blocks = [lines, ...(more.length > 0 ? [more] : []), [ending]];
  return `\n${blocks.map((block) => block.map((line) => `  ${line}\n`).join("")).join("\n")}\n`;
}
