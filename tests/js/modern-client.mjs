// A client of the stateless era: the TypeScript SDK, version 2, held to 2026-07-28.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { main } from "./visit.mjs";

async function connect({ url, capabilities, handlers }) {
  const versionNegotiation = { mode: { pin: "2026-07-28" } };
  const client = new Client({ name: "modern-client", version: "1.0.0" }, { capabilities, versionNegotiation });
  for (const [method, handler] of handlers) client.setRequestHandler(method, handler);
  await client.connect(new StreamableHTTPClientTransport(url));
  return {
    client,
    era: client.getProtocolEra(),
    protocolVersion: client.getNegotiatedProtocolVersion(),
    callTool: (call, options) => client.callTool(call, options),
  };
}

await main(connect);
