//! What someone who just tries the program is told.

use std::io::Write as _;

use crate::app::App;

/// Prints where the virtual server is and how to go on. Goes to standard output, past the log.
pub fn print(app: &App) {
    let Some(address) = app.addresses().first().copied() else {
        return;
    };
    let ui = app.ui().map(|url| format!("  In a browser:   {url}\n")).unwrap_or_default();
    let text = format!(
        "
agentgateway serves two small MCP servers of its own, `time` and `everything`, as one.

  For clients:    http://{address}/mcp
  Claude Code:    claude mcp add --transport http gateway http://{address}/mcp
{ui}  Your servers:   write a file like this and start with `agentgateway -f config.yaml`:

      mcp:
        port: 3000
        targets:
        - name: time
          stdio: {{cmd: uvx, args: [mcp-server-time]}}
        - name: remote
          mcp: {{host: https://mcp.example.com/mcp}}

  `agentgateway --help` says more. Ctrl-C stops.
"
    );
    // Someone who closed standard output does not want to read it.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
