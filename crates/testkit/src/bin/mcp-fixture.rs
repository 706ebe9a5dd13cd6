//! The command line over the test kit: a fixture server, a hostile one, or an alias shim.

use std::io::{self, Write};

use testkit::fixture::{self, Era, Opening, Settings};
use testkit::{alias, hostile};

const USAGE: &str = "\
usage:
  mcp-fixture http  [--port N] [OPTIONS]
  mcp-fixture stdio [--exit-on-unknown | --silent-before-initialize] [OPTIONS]
  mcp-fixture hostile [--http] [--port N] [--era legacy|modern] [--name NAME]
  mcp-fixture alias     --url GATEWAY-URL --target NAME [--port N]
  mcp-fixture multiplex --url SERVER-URL  --target NAME [--port N]

options:
  --era legacy|modern|both  the eras it speaks (both)
  --tools N                 list only N generated tools, tool_0000 on
  --page N                  cut lists into pages of N
  --always-sse              stream every answer over HTTP
  --requests-on-get         ask legacy clients on the GET stream, not on the call's
  --name NAME               the name in serverInfo (mcp-fixture)";

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let done = match Options::parse(words) {
        Ok(options) => run(&command, options).await,
        Err(complaint) => Err(complaint),
    };
    // Not a return from `main`: the runtime would wait for a blocked read of stdin.
    std::process::exit(match done {
        Ok(()) => 0,
        Err(complaint) => {
            // Nothing is left to do if even this cannot be written.
            let _ = writeln!(io::stderr(), "mcp-fixture: {complaint}");
            1
        }
    })
}

#[derive(Default)]
struct Options {
    settings: Settings,
    opening: Opening,
    http: bool,
    port: u16,
    url: Option<String>,
    target: Option<String>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--port" => options.port = number(&value()?)?,
                "--era" => options.settings.era = era(&value()?)?,
                "--tools" => options.settings.tools = Some(number(&value()?)?),
                "--page" => options.settings.page = Some(number(&value()?)?),
                "--name" => options.settings.name = value()?,
                "--url" => options.url = Some(value()?),
                "--target" => options.target = Some(value()?),
                "--http" => options.http = true,
                "--always-sse" => options.settings.always_sse = true,
                "--requests-on-get" => options.settings.requests_on_get = true,
                "--exit-on-unknown" => options.opening = Opening::ExitOnUnknown,
                "--silent-before-initialize" => options.opening = Opening::Silent,
                unknown => return Err(format!("unknown option {unknown}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

async fn run(command: &str, options: Options) -> Result<(), String> {
    match command {
        "http" => {
            let served = fixture::serve(options.settings, options.port).await;
            stay(served.map_err(|error| error.to_string())?).await
        }
        "stdio" => {
            let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
            let done = fixture::serve_stdio(options.settings, options.opening, input, output).await;
            done.map_err(|error| error.to_string())
        }
        "hostile" => {
            let Settings { name, era, .. } = options.settings;
            if options.http {
                let served = hostile::serve(&name, era, options.port).await;
                return stay(served.map_err(|error| error.to_string())?).await;
            }
            let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
            hostile::serve_stdio(&name, era, input, output).await.map_err(|error| error.to_string())
        }
        "alias" | "multiplex" => {
            let (Some(url), Some(target)) = (&options.url, &options.target) else {
                return Err(format!("{command} needs --url and --target\n{USAGE}"));
            };
            let served = match command {
                "alias" => alias::serve(url, target, options.port).await,
                _ => alias::multiplex(url, target, options.port).await,
            };
            stay(served.map_err(|error| error.to_string())?).await
        }
        _ => Err(USAGE.to_owned()),
    }
}

/// Says where the server listens, and keeps it until the process is killed.
async fn stay(served: testkit::Served) -> Result<(), String> {
    let told = writeln!(io::stdout(), "listening on {}", served.url);
    told.map_err(|error| error.to_string())?;
    std::future::pending().await
}

fn era(word: &str) -> Result<Era, String> {
    match word {
        "legacy" => Ok(Era::Legacy),
        "modern" => Ok(Era::Modern),
        "both" => Ok(Era::Both),
        _ => Err(format!("unknown era {word}")),
    }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("not a number: {word}"))
}
