// A client of the handshake era: the TypeScript SDK, version 1. With --sse it speaks the transport of 2024-11-05.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { main } from "./visit.mjs";

const SCHEMAS = {
  "elicitation/create": ElicitRequestSchema,
  "sampling/createMessage": CreateMessageRequestSchema,
  "roots/list": ListRootsRequestSchema,
};

async function connect({ url, capabilities, handlers, options }) {
  const client = new Client({ name: "legacy-client", version: "1.0.0" }, { capabilities });
  for (const [method, handler] of handlers) client.setRequestHandler(SCHEMAS[method], handler);
  const transport = options.sse ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
  let protocolVersion;
  const remember = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    protocolVersion = version;
    remember?.(version);
  };
  await client.connect(transport);
  const callTool = (call, options) => client.callTool(call, undefined, options);
  return { client, era: "legacy", protocolVersion, callTool };
}

await main(connect, { sse: { type: "boolean" } });
