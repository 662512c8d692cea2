// Asks a model API and prints what came back, one JSON object a call:
// {"marker", "status", "text", "usage"}, usage as the API sent it.
//
//     node chat.mjs CLIENT --base URL --dialect NAME [--stream] [--calls N]
//          --marker ID [--options 'tokens=7 gzip=1'] [--told] [--after FILE] [--until FILE]
//
// CLIENT: fetch, https, undici-h2, grpc, openai, anthropic. Calls share their
// connections. With --told, each waits for a line of standard input; with --after,
// the first waits for a file to appear; with --until, calls are made, a little
// apart, as long as there is none.
// NODE_PATH does not serve modules: --modules names the folder of node_modules.

import { existsSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { withGrpc } from "./grpc.mjs";

const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: "string" },
    dialect: { type: "string" },
    stream: { type: "boolean", default: false },
    calls: { type: "string", default: "1" },
    marker: { type: "string" },
    told: { type: "boolean", default: false },
    options: { type: "string", default: "" },
    modules: { type: "string" },
    after: { type: "string" },
    until: { type: "string" },
    key: { type: "string", default: "sk-test-secret-000111222333" },
  },
});

const PATHS = {
  "openai.chat": "/v1/chat/completions",
  "openai.responses": "/v1/responses",
  "anthropic.messages": "/v1/messages",
};
const url = o.base + PATHS[o.dialect];
const secret = o.dialect.startsWith("anthropic") ? { "x-api-key": o.key } : { authorization: `Bearer ${o.key}` };
const headers = { "content-type": "application/json", ...secret };
const require = createRequire(o.modules ? `${o.modules}/` : import.meta.url);

const prompt = (call) => `marker=${o.marker}-${call} ${o.options} Say something nice, naïve 日本語 🦀.`;

function request(call) {
  const message = { role: "user", content: prompt(call) };
  const system = "You are a test.";
  const stream = o.stream ? { stream: true } : {};
  if (o.dialect === "openai.responses") {
    return { model: "gpt-4.1-mini", instructions: system, input: [message], ...stream };
  }
  if (o.dialect === "anthropic.messages") {
    return { model: "claude-sonnet-4-5", max_tokens: 1024, system, messages: [message], ...stream };
  }
  const usage = o.stream ? { stream_options: { include_usage: true } } : {};
  return { model: "gpt-4.1-mini", messages: [{ role: "system", content: system }, message], ...stream, ...usage };
}

class Collected {
  text = "";
  usage = null;
  rest = "";

  whole(answer) {
    if (o.dialect === "openai.chat") this.text = answer.choices[0].message.content;
    else if (o.dialect === "openai.responses") {
      const messages = answer.output.filter((item) => item.type === "message");
      this.text = messages.flatMap((item) => item.content.map((part) => part.text)).join("");
    } else this.text = answer.content.filter((block) => block.type === "text").map((block) => block.text).join("");
    this.usage = answer.usage;
  }

  event(event) {
    if (o.dialect === "openai.chat") {
      for (const choice of event.choices) this.text += choice.delta.content ?? "";
      this.usage = event.usage ?? this.usage;
    } else if (event.type === "response.output_text.delta") this.text += event.delta;
    else if (event.type === "response.completed") this.usage = event.response.usage;
    else if (event.type === "message_start") this.usage = event.message.usage;
    else if (event.type === "content_block_delta") this.text += event.delta.text ?? "";
    else if (event.type === "message_delta") this.usage = { ...this.usage, ...event.usage };
  }

  // Decoded text of an event stream, cut anywhere.
  feed(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") this.event(JSON.parse(line.slice(6)));
    }
  }
}

async function withFetch(call, collected, by = fetch, more = {}) {
  const answer = await by(url, { method: "POST", headers, body: JSON.stringify(request(call)), ...more });
  if (!answer.ok) await answer.text();
  else if (!o.stream) collected.whole(await answer.json());
  else for await (const text of answer.body.pipeThrough(new TextDecoderStream())) collected.feed(text);
  return answer.status;
}

function withUndici() {
  const { Agent, fetch } = require("undici");
  const dispatcher = new Agent({ allowH2: true, keepAliveTimeout: 3_600_000 });
  closing.push(() => dispatcher.close());
  return (call, collected) => withFetch(call, collected, fetch, { dispatcher });
}

function withGrpcJs() {
  const { ask, close } = withGrpc(o, require);
  closing.push(close);
  return (call, collected) => ask(prompt(call), collected);
}

const closing = [];
const module = o.base.startsWith("https") ? https : http;
const agent = new module.Agent({ keepAlive: true, maxSockets: 1 });
closing.push(() => agent.destroy());

function withHttps(call, collected) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(request(call));
    const length = { "content-length": Buffer.byteLength(body) };
    const asked = module.request(url, { method: "POST", agent, headers: { ...headers, ...length } }, (answer) => {
      let whole = "";
      answer.setEncoding("utf8");
      answer.on("data", (text) => (o.stream && answer.statusCode === 200 ? collected.feed(text) : (whole += text)));
      answer.on("end", () => {
        if (whole && answer.statusCode === 200) collected.whole(JSON.parse(whole));
        resolve(answer.statusCode);
      });
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

function sdk() {
  if (o.dialect === "anthropic.messages") {
    const { Anthropic } = require("@anthropic-ai/sdk");
    const client = new Anthropic({ baseURL: o.base, apiKey: o.key, maxRetries: 0 });
    return (given) => client.messages.create(given);
  }
  const { OpenAI } = require("openai");
  const client = new OpenAI({ baseURL: `${o.base}/v1`, apiKey: o.key, maxRetries: 0 });
  if (o.dialect === "openai.chat") return (given) => client.chat.completions.create(given);
  return (given) => client.responses.create(given);
}

function withSdk() {
  const create = sdk();
  return async (call, collected) => {
    try {
      const answer = await create(request(call));
      if (!o.stream) collected.whole(answer);
      else for await (const event of answer) collected.event(event);
      return 200;
    } catch (error) {
      if (error.status === undefined) throw error;
      return error.status;
    }
  };
}

const CLIENTS = {
  fetch: () => withFetch,
  https: () => withHttps,
  "undici-h2": withUndici,
  grpc: withGrpcJs,
  openai: withSdk,
  anthropic: withSdk,
};
const ask = CLIENTS[positionals[0]]();
const told = o.told ? createInterface({ input: process.stdin })[Symbol.asyncIterator]() : undefined;
while (o.after && !existsSync(o.after)) await sleep(20);
for (let call = 0; o.until ? !existsSync(o.until) : call < Number(o.calls); call++) {
  if (o.until) await sleep(100);
  if (told && (await told.next()).done) break;
  const collected = new Collected();
  const status = await ask(call, collected);
  const { text, usage } = collected;
  console.log(JSON.stringify({ marker: `${o.marker}-${call}`, status, text, usage }));
}
for (const close of closing) await close();
process.stdin.destroy();
