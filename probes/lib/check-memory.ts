/** The memory of a check from one run to the next: an object in it, made when it is first asked for. */

export function remembered<Kept>(memory: Map<string, unknown>, name: string, Class: new () => Kept): Kept {
  const known = memory.get(name);
  if (known instanceof Class) return known;
  const fresh = new Class();
  memory.set(name, fresh);
  return fresh;
}
