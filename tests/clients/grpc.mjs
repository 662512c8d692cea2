// Gemini's GenerativeService by @grpc/grpc-js, which speaks HTTP/2 with node's
// own TLS. Its few messages are put together and read by hand.

import { readFileSync } from "node:fs";

const SERVICE = "/google.ai.generativelanguage.v1beta.GenerativeService";

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return Buffer.from([...bytes, number]);
}

function data(field, value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

// The fields of a message, each [number, integer or bytes].
function* fields(message) {
  let at = 0;
  const take = () => {
    let [value, scale] = [0, 1];
    for (; ; scale *= 128) {
      const byte = message[at++];
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = take();
    const value = take();
    // Wire types: an integer, or bytes after their length; others are not needed.
    if (key % 8 === 0) yield [key >> 3, value];
    else if (key % 8 === 2) yield [key >> 3, message.subarray(at, (at += value))];
    else throw new Error(`wire type ${key % 8}`);
  }
}

function all(message, ...path) {
  return path.reduce(
    (messages, field) => messages.flatMap((one) => [...fields(one)].filter(([n]) => n === field).map(([, v]) => v)),
    [message],
  );
}

function serialize(prompt) {
  const content = Buffer.concat([data(1, data(2, prompt)), data(2, "user")]);
  return Buffer.concat([data(1, "models/gemini-2.5-flash"), data(2, content)]);
}

// What a `GenerateContentResponse` says.
function deserialize(message) {
  const text = Buffer.concat(all(message, 1, 1, 1, 2)).toString();
  const usage = Object.fromEntries(all(message, 3).flatMap((counts) => [...fields(counts)]));
  return { text, usage };
}

export function withGrpc(o, require) {
  const { Client, credentials, Metadata } = require("@grpc/grpc-js");
  const authority = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
  const client = new Client(o.base.replace("https://", ""), credentials.createSsl(authority));
  const metadata = new Metadata();
  metadata.set("x-goog-api-key", o.key);
  const ask = (prompt, collected) =>
    new Promise((resolve, reject) => {
      const take = ({ text, usage }) => {
        collected.text += text;
        collected.usage = usage;
      };
      if (o.stream) {
        const path = `${SERVICE}/StreamGenerateContent`;
        const stream = client.makeServerStreamRequest(path, serialize, deserialize, prompt, metadata);
        stream.on("data", take).on("error", reject).on("end", () => resolve(200));
      } else {
        const path = `${SERVICE}/GenerateContent`;
        client.makeUnaryRequest(path, serialize, deserialize, prompt, metadata, (error, answer) => {
          if (error) return reject(error);
          take(answer);
          resolve(200);
        });
      }
    });
  return { ask, close: () => client.close() };
}
