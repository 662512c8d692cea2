// A model API over HTTP/2: every POST is answered by a stream of events that
// says the request's `user` back.
//
//     node http2.mjs CERTIFICATE KEY
//
// Prints its port; ends with its standard input.

import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [certificate, key] = process.argv.slice(2).map((file) => readFileSync(file));
const server = createSecureServer({ cert: certificate, key });

server.on("stream", (stream) => {
  let body = "";
  stream.setEncoding("utf8");
  stream.on("data", (piece) => (body += piece));
  stream.on("end", () => {
    const asked = JSON.parse(body);
    const head = { id: "chatcmpl-h2", object: "chat.completion.chunk", created: 1, model: "gpt-4.1-mini-2025-04-14" };
    const chunk = (delta, finish_reason = null) => ({ ...head, choices: [{ index: 0, delta, finish_reason }] });
    const usage = { prompt_tokens: 11, completion_tokens: asked.user.length, total_tokens: 11 + asked.user.length };
    const events = [
      chunk({ role: "assistant", content: "You are " }),
      chunk({ content: asked.user }),
      chunk({}, "stop"),
      { ...head, choices: [], usage },
    ];
    stream.respond({ ":status": 200, "content-type": "text/event-stream", "x-request-id": `req-${asked.user}` });
    for (const event of events) stream.write(`data: ${JSON.stringify(event)}\n\n`);
    stream.end("data: [DONE]\n\n");
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
