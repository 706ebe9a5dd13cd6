// The client that the official suite tests in its client mode: an SDK client that does what each scenario waits for.
// It is of the revision's era, or of the other one with --other-era. With --gateway and the path of the program it
// starts a gateway that has the suite's server as its only target and talks to that, so that the suite sees what the
// gateway makes of the client's requests.
//
//   MCP_CONFORMANCE_SCENARIO=… MCP_CONFORMANCE_PROTOCOL_VERSION=… node conformance-client.mjs [OPTIONS] URL
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const MODERN = "2026-07-28";
const INFO = { name: "conformance-client", version: "1.0.0" };
// The form is accepted as it is, so that the SDK fills in the defaults.
const CAPABILITIES = { elicitation: { form: { applyDefaults: true } } };
// Less than the suite waits, so that a stuck gateway is ended by us and not left behind.
const DEADLINE = 15_000;

/** What each scenario waits for, beyond a connection. */
const SCENARIOS = {
  initialize: (client) => client.listTools(),
  tools_call: async (client) => {
    await client.listTools();
    await client.callTool({ name: "add_numbers", arguments: { a: 5, b: 3 } });
  },
  "elicitation-sep1034-client-defaults": async (client) => {
    await client.listTools();
    await client.callTool({ name: "test_client_elicitation_defaults", arguments: {} });
  },
  "sse-retry": async (client) => {
    await client.listTools();
    await client.callTool({ name: "test_reconnection", arguments: {} });
  },
  "json-schema-2020-12-preservation": async (client) => {
    const { tools } = await client.listTools();
    const schema = tools.find((tool) => tool.name === "json_schema_2020_12_tool").inputSchema;
    await client.callTool({ name: "json_schema_echo", arguments: { schema } });
  },
  "request-metadata": async (client) => {
    await client.listTools();
    // A gateway lists on its own behalf, and only a call carries what the client declared.
    await client.callTool({ name: "any", arguments: {} });
  },
  "sep-2322-client-request-state": async (client) => {
    await client.listTools();
    // All at once, so that the unrelated call is made while another waits for its answers. The SDK refuses a result
    // without a type; what counts here is that it does not call again.
    const call = (name) => client.callTool({ name: `test_mrtr_${name}`, arguments: {} });
    await Promise.allSettled(["echo_state", "unrelated", "no_state", "no_result_type"].map(call));
  },
  "http-standard-headers": async (client) => {
    const { tools } = await client.listTools();
    for (const { name } of tools) await client.callTool({ name, arguments: {} });
    await client.listResourceTemplates();
    const { resources } = await client.listResources();
    for (const { uri } of resources) await client.readResource({ uri });
    const { prompts } = await client.listPrompts();
    for (const { name } of prompts) await client.getPrompt({ name });
  },
  "http-custom-headers": async (client) => {
    await client.listTools();
    const { toolCalls } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT);
    for (const call of toolCalls) await client.callTool(call);
  },
  "http-invalid-tool-headers": async (client) => {
    const { tools } = await client.listTools();
    for (const { name } of tools) await client.callTool({ name, arguments: { region: "us-west1" } });
  },
  "json-schema-ref-no-deref": (client) => client.listTools(),
};

/** A client of the handshake era. */
async function legacy(url) {
  const client = new LegacyClient(INFO, { capabilities: CAPABILITIES });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: {} }));
  await client.connect(new LegacyTransport(url));
  return client;
}

/** A client of the stateless era. */
async function modern(url) {
  // Without pinning it, so that it may be told of a version that the server has.
  const options = { capabilities: CAPABILITIES, versionNegotiation: { mode: "auto" } };
  const client = new ModernClient(INFO, options);
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { confirmed: true } }));
  await client.connect(new ModernTransport(url));
  return client;
}

/** Starts a gateway over the server, and says where it listens and how it is ended. */
async function gateway(program, url) {
  const listener = { address: "127.0.0.1", routes: [{ backends: [{ mcp: { targets: [{ name: "suite", mcp: { host: url } }] } }] }] };
  const config = { config: { adminAddr: "127.0.0.1:0" }, binds: [{ port: 0, listeners: [listener] }] };
  const child = spawn(program, ["-c", JSON.stringify(config)], { stdio: ["ignore", "inherit", "pipe"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const lines = createInterface({ input: child.stderr });
  const address = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      console.error(line);
      const [, address] = line.split("Listening on ");
      if (address) resolve(address.trim());
    });
    lines.on("close", () => reject(new Error("the gateway ended before it listened")));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { url: `http://${address}/mcp`, stop };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { gateway: { type: "string" }, "other-era": { type: "boolean", default: false } },
});
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: version } = process.env;
const [server] = positionals;
if (!server || !SCENARIOS[scenario]) throw new Error(`cannot play ${scenario} against ${server}`);
setTimeout(() => {
  console.error("stuck");
  process.exit(1);
}, DEADLINE);
const between = values.gateway && (await gateway(values.gateway, server));
const connect = (version === MODERN) !== values["other-era"] ? modern : legacy;
const client = await connect(new URL(between ? between.url : server));
await SCENARIOS[scenario](client);
await client.close();
if (between) await between.stop();
process.exit(0); // An open event stream must not keep us here.
