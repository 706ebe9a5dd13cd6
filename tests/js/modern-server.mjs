// A Streamable HTTP server: the TypeScript SDK, version 2. It speaks 2026-07-28 and nothing else, or with --dual
// also the handshake era, without sessions.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { listen, offerGreetings } from "./greeter.mjs";

const legacy = process.argv.includes("--dual") ? "stateless" : "reject";
const make = () => offerGreetings(new McpServer({ name: "modern-greeter", version: "1.0.0" }));
const handle = toNodeHandler(createMcpHandler(make, { legacy }));

listen(createServer((request, response) => void handle(request, response)), "/mcp");
