// MCP's own SDK on standard input and output, client and server, as stdio.py:
//
//     stdio.mjs server
//     stdio.mjs client [--wait] --marker ID --calls N --server COMMAND...
//
// LLMTOP_MODULES is the folder of the node_modules.
import { createRequire } from "node:module";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const require = createRequire(`${process.env.LLMTOP_MODULES}/`);
const load = (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)));
const [before, server] = split(process.argv.slice(2), "--server");
const { positionals, values } = parseArgs({
  args: before,
  allowPositionals: true,
  options: {
    wait: { type: "boolean" },
    marker: { type: "string" },
    calls: { type: "string" },
  },
});

function split(words, at) {
  const found = words.indexOf(at);
  return found < 0 ? [words, []] : [words.slice(0, found), words.slice(found + 1)];
}

async function serve() {
  const { Server } = await load("server/index.js");
  const { StdioServerTransport } = await load("server/stdio.js");
  const types = await load("types.js");
  const server = new Server({ name: "llmtop-test", version: "1" }, { capabilities: { tools: {} } });
  const inputSchema = { type: "object", properties: { text: { type: "string" } } };
  server.setRequestHandler(types.ListToolsRequestSchema, () => ({
    tools: [{ name: "echo", inputSchema }, { name: "fail", inputSchema }],
  }));
  server.setRequestHandler(types.CallToolRequestSchema, ({ params }) => {
    const { text } = params.arguments;
    const fails = params.name === "fail";
    return {
      content: [{ type: "text", text: fails ? text : `${process.pid} ${text}` }],
      isError: fails,
    };
  });
  await server.connect(new StdioServerTransport());
}

async function ask() {
  const { Client } = await load("client/index.js");
  const { StdioClientTransport } = await load("client/stdio.js");
  const client = new Client({ name: "llmtop-test", version: "1" });
  const [command, ...args] = server;
  await client.connect(new StdioClientTransport({ command, args, env: process.env }));
  const call = async (name, text) => {
    const { content } = await client.callTool({ name, arguments: { text } });
    return JSON.stringify({ text, said: content.map((block) => block.text).join("\n") });
  };
  if (values.wait) {
    await call("echo", "before");
    console.log("ready");
    await once(process.stdin, "data");
  }
  const { tools } = await client.listTools();
  if (tools.map((tool) => tool.name).join() !== "echo,fail") {
    throw new Error(JSON.stringify(tools));
  }
  for (let number = 0; number < Number(values.calls); number++) {
    const padding = "x".repeat(100_000 * (number % 2));
    const text = `marker=${values.marker}-${number} naïve 日本語 🦀 ${padding}`;
    console.log(await call("echo", text));
  }
  console.log(await call("fail", `marker=${values.marker}-fail`));
  await client.close();
  if (values.wait) {
    process.stdin.destroy();
  }
}

await (positionals[0] === "server" ? serve() : ask());
