/** The thread that queries: it has its own connection to the file and answers one query after the other. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Connection } from "./connection.ts";
import { answer, type Query, type QueryName, type Reply, type ThreadData } from "./reader.ts";
import { sentenceOf } from "./sqlite-errors.ts";

interface Request<Name extends QueryName> {
  readonly name: Name;
  readonly query: Query<Name>;
  readonly port: MessagePort;
}

const { file }: ThreadData = workerData;
let connection: Connection | undefined;

parentPort?.on("message", <Name extends QueryName>({ name, query, port }: Request<Name>) => {
  port.postMessage(reply(name, query));
  port.close();
});

function reply<Name extends QueryName>(name: Name, query: Query<Name>): Reply<Name> {
  try {
    connection ??= new Connection(file, { readOnly: true });
    return { answer: answer(connection, name, query) };
  } catch (failure) {
    return { failure, sentence: sentenceOf(failure) };
  }
}
