// What the JavaScript servers of these tests offer: one tool, one resource, one prompt.
import { z } from "zod";

/** Registers them with an McpServer of either SDK version. */
export function offerGreetings(server) {
  const shape = { name: z.string() };
  server.registerTool("greet", { description: "Greets by name", inputSchema: shape }, ({ name }) => ({
    content: [{ type: "text", text: `Hello, ${name}!` }],
  }));
  server.registerResource("motto", "greeter://motto", { mimeType: "text/plain" }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "text/plain", text: "Be kind." }],
  }));
  server.registerPrompt("introduce", { description: "Asks for an introduction", argsSchema: shape }, ({ name }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Introduce yourself to ${name}.` } }],
  }));
  return server;
}

/** Listens on a port of its own choice, or on $PORT, and says where. */
export function listen(server, path) {
  server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}${path}`);
  });
}
