// A Streamable HTTP server of the handshake era, with sessions: the TypeScript SDK, version 1.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { listen, offerGreetings } from "./greeter.mjs";

const sessions = new Map();

async function open() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await offerGreetings(new McpServer({ name: "legacy-greeter", version: "1.0.0" })).connect(transport);
  return transport;
}

const server = createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"];
  if (id !== undefined && !sessions.has(id)) {
    response.writeHead(404).end();
    return;
  }
  const transport = id === undefined ? await open() : sessions.get(id);
  await transport.handleRequest(request, response);
});

listen(server, "/mcp");
