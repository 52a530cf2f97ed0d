/** The ports that the documentation names, or others where somebody has them. */
import { once } from "node:events";
import { createServer } from "node:net";

export const loopback = "127.0.0.1";
export const usualPorts = { public: 8080, private: 9464 };

/** Takes the port the documentation names, or any other when somebody has it, and keeps it until it is disposed of. */
export async function reserve(usual: number): Promise<Disposable & { readonly port: number }> {
  for (const candidate of [usual, 0]) {
    const server = createServer((caller) => caller.destroy());
    try {
      server.listen(candidate, loopback);
      await once(server, "listening");
    } catch {
      // Taken: the system gives a free one.
      continue;
    }
    const address = server.address();
    if (address !== null && typeof address === "object") {
      return { port: address.port, [Symbol.dispose]: () => void server.close() };
    }
  }
  throw new Error("the system gave no TCP port");
}
