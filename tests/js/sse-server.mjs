// A server of the first transport, HTTP+SSE of 2024-11-05: GET /sse opens the stream, POST /messages talks.
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { listen, offerGreetings } from "./greeter.mjs";

const streams = new Map();

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "GET" && url.pathname === "/sse") {
    const transport = new SSEServerTransport("/messages", response);
    streams.set(transport.sessionId, transport);
    response.on("close", () => streams.delete(transport.sessionId));
    await offerGreetings(new McpServer({ name: "sse-greeter", version: "1.0.0" })).connect(transport);
    return;
  }
  const transport = streams.get(url.searchParams.get("sessionId"));
  if (request.method !== "POST" || url.pathname !== "/messages" || !transport) {
    response.writeHead(404).end();
    return;
  }
  await transport.handlePostMessage(request, response);
});

listen(server, "/sse");
