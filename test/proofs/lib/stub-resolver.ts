/**
 * A resolver like that of systemd, a process of its own: listens on 127.0.0.53, passes each question on to the name server
 * named on the command line, and says SERVFAIL where no answer comes.
 */
import { createSocket } from "node:dgram";

const patienceMs = 5000;
const [server = ""] = process.argv.slice(2);
const stub = createSocket("udp4");
stub.on("message", (question, from) => {
  const upstream = createSocket("udp4");
  const answer = (bytes: Buffer) => {
    clearTimeout(late);
    upstream.close();
    stub.send(bytes, from.port, from.address);
  };
  const late = setTimeout(() => answer(servfail(question)), patienceMs);
  upstream.once("message", answer);
  upstream.send(question, 53, server);
});
stub.bind(53, "127.0.0.53");

/** The question with the flags of an answer. */
function servfail(question: Buffer): Buffer {
  const answer = Buffer.from(question);
  answer.writeUInt16BE(0x8182, 2);
  return answer;
}
