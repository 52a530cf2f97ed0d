/** Wraps long lines to the columns of a terminal. */

/** What goes on in a further line stands a little further in, so that it is not taken for a line of its own. */
const hanging = "  ";

/** Between words where they fit, else in the middle of one: nothing is left out but the space at the break. */
export function wrapped(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = line;
  for (let room = width; rest.length > room; room = width - hanging.length) {
    const end = breakOf(rest, room);
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest].map((part, index) => (index === 0 ? part : hanging + part));
}

function breakOf(text: string, room: number): number {
  const space = text.lastIndexOf(" ", room);
  const next = text.indexOf(" ", space + 1);
  const word = (next < 0 ? text.length : next) - space - 1;
  if (text.slice(0, Math.max(space, 0)).trim() !== "" && word <= room - hanging.length) return space;
  // A character of two halves stays whole.
  return /[\uD800-\uDBFF]/.test(text.charAt(room - 1)) ? room - 1 : room;
}
