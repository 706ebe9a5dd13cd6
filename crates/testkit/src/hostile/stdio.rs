//! The hostile server over stdio.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::sync::mpsc;

use super::server::{QUEUE, Said, Server, Voice, say};
use super::tools::{self, Call, End};
use crate::fixture::Era;

/// Serves one client over a pair of pipes until the input ends, or until a
/// tool hangs up.
///
/// # Errors
///
/// If a pipe fails.
pub async fn serve_stdio(
    name: &str,
    era: Era,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
) -> io::Result<()> {
    let (voice, said) = mpsc::channel(QUEUE);
    let (hang_up, mut hung_up) = mpsc::channel(1);
    let writer = tokio::spawn(write(said, output));
    tokio::select! {
        read = read(name, era, input, voice, hang_up) => read?,
        _ = hung_up.recv() => {}
    }
    // What was said before is still to be written.
    match tokio::time::timeout(Duration::from_millis(200), writer).await {
        Ok(written) => written?,
        Err(_) => Ok(()),
    }
}

async fn read(
    name: &str,
    era: Era,
    input: impl AsyncRead + Unpin,
    voice: Voice,
    hang_up: mpsc::Sender<()>,
) -> io::Result<()> {
    let server = Server::new(name, era);
    server.open(voice.clone(), None);
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let (Some(id), Some(method)) = (message.get("id").cloned(), message["method"].as_str()) else {
            continue;
        };
        let params = message["params"].clone();
        if method == "subscriptions/listen" && server.modern {
            say(&voice, &Server::acknowledged(&id, &params)).await;
            server.open(voice.clone(), Some(id));
            continue;
        }
        if method != "tools/call" {
            let mut answer = server.answer(method);
            answer["jsonrpc"] = json!("2.0");
            answer["id"] = id;
            say(&voice, &answer).await;
            continue;
        }
        let deaf = (params["name"] == "deaf").then(|| params["arguments"]["ms"].as_u64().unwrap_or(1000));
        let call = Call { server: server.clone(), id, params, voice: voice.clone() };
        let hang_up = hang_up.clone();
        tokio::spawn(async move {
            if tools::run(call).await == End::HangUp {
                // Whoever hangs up first is enough.
                let _ = hang_up.try_send(());
            }
        });
        if let Some(ms) = deaf {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }
    Ok(())
}

/// Writes all that waits before it flushes, so that a flood is one.
async fn write(mut said: mpsc::Receiver<Said>, output: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(64 * 1024, output);
    while let Some(first) = said.recv().await {
        let mut next = Some(first);
        while let Some(said_now) = next {
            match said_now {
                Said::Message(text) => {
                    output.write_all(text.as_bytes()).await?;
                    output.write_all(b"\n").await?;
                }
                Said::Raw(bytes) => output.write_all(&bytes).await?,
            }
            next = said.try_recv().ok();
        }
        output.flush().await?;
    }
    Ok(())
}
