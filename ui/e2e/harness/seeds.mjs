/** The configurations of both tutorials as they stand there, but for the ports. */

const admin = 'config: {adminAddr: "localhost:0"}'

/** Federate multiple MCP servers into a unified virtual MCP backend. */
export const federate = `${admin}
binds:
- port: 0
  listeners:
  - routes:
    - backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
          - name: everything
            stdio:
              cmd: npx
              args: ["@modelcontextprotocol/server-everything"]
`

/** The same with the policy that its optional step adds. */
export const federateForBrowsers = `# yaml-language-server: $schema=https://agentgateway.dev/schema/config
${admin}
mcp:
  port: 0
  policies:
    cors:
      allowOrigins:
      - "*"
      allowHeaders:
      - "*"
  targets:
  - name: time
    stdio:
      cmd: uvx
      args: ["mcp-server-time"]
  - name: everything
    stdio:
      cmd: npx
      args: ["@modelcontextprotocol/server-everything"]
`

/** Multiplex MCP servers. */
export const multiplex = `${admin}
binds:
- port: 0
  listeners:
  - routes:
    - policies:
        cors:
          allowOrigins: ["*"]
          allowHeaders: [mcp-protocol-version, content-type, cache-control]
          exposeHeaders: ["Mcp-Session-Id"]
      backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
          - name: everything
            stdio:
              cmd: npx
              args: ["@modelcontextprotocol/server-everything"]
`
