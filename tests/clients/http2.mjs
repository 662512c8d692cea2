// Asks the model API of `server/http2.mjs`, over one HTTP/2 connection that is
// opened by the first call and kept: a call for each line of standard input, which is the call's `user`.
// Prints the text of each answer, a line each; ends with its standard input.
//
//     node http2.mjs BASE

import { connect } from "node:http2";
import { createInterface } from "node:readline";

let session;

function ask(user) {
  session ??= connect(process.argv[2]);
  const stream = session.request({
    ":method": "POST",
    ":path": "/v1/chat/completions",
    "content-type": "application/json",
    authorization: "Bearer sk-test-secret-000111222333",
  });
  const messages = [{ role: "user", content: "Who am I?" }];
  stream.end(JSON.stringify({ model: "gpt-4.1-mini", stream: true, user, messages }));
  let answer = "";
  stream.setEncoding("utf8");
  stream.on("data", (piece) => (answer += piece));
  return new Promise((resolve) => stream.on("end", () => resolve(answer)));
}

for await (const user of createInterface({ input: process.stdin })) {
  const events = (await ask(user)).split("\n\n").filter((event) => event.startsWith("data: {"));
  const choices = events.flatMap((event) => JSON.parse(event.slice(6)).choices);
  console.log(choices.map((choice) => choice.delta.content ?? "").join(""));
}
session?.close();
