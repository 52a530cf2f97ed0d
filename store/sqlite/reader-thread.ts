/** The thread that reads: its own connection to the file, one question after the other. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Connection } from "./connection.ts";
import { answer, type Question, type ReadName, type Reply, type ThreadData } from "./reader.ts";

interface Request<Name extends ReadName> {
  readonly name: Name;
  readonly question: Question<Name>;
  readonly port: MessagePort;
}

const { file }: ThreadData = workerData;
const connection = new Connection(file, { readOnly: true });

parentPort?.on("message", <Name extends ReadName>({ name, question, port }: Request<Name>) => {
  port.postMessage(reply(name, question));
  port.close();
});

function reply<Name extends ReadName>(name: Name, question: Question<Name>): Reply<Name> {
  try {
    return { answer: answer(connection, name, question) };
  } catch (failure) {
    return { failure };
  }
}
