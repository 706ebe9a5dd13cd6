//! Sending away who connects beyond the limit, with a reason that a client can read.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How many are told at the same time. Whoever comes beyond that hears nothing, since sockets are what is short.
pub(super) const TOLD_AT_ONCE: usize = 64;

/// How long it may take.
const TIME: Duration = Duration::from_secs(2);

const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 109\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    \r\n\
    The gateway has as many connections as `config.limits.connections` allows. Try again when others have ended.\n";

/// Says that there is no room, and why. A client that does not speak plain HTTP/1 hears only that the connection ends.
pub(super) async fn send_away(stream: std::net::TcpStream) {
    let telling = async {
        let mut stream = TcpStream::from_std(stream)?;
        // A client that has not asked yet may take an answer for a fault of the connection.
        let mut request = [0; 4096];
        if stream.read(&mut request).await? == 0 {
            return Ok(());
        }
        stream.write_all(ANSWER.as_bytes()).await?;
        stream.shutdown().await?;
        // What it still sends must not be answered with a reset, which could overtake the answer.
        while stream.read(&mut request).await? > 0 {}
        std::io::Result::Ok(())
    };
    // It matters to nobody how this went.
    let _ = timeout(TIME, telling).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let (head, body) = ANSWER.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
