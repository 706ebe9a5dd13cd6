//! A client of the fixture over an in-process pipe.

use serde_json::Value;
use testkit::fixture::{Era, Opening, Settings, serve_stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use crate::client::initialize;

pub(crate) struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    pub(crate) input: WriteHalf<DuplexStream>,
    pub(crate) server: JoinHandle<std::io::Result<()>>,
}

impl Peer {
    pub(crate) fn start(era: Era, opening: Opening) -> Self {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(far);
        let settings = Settings { era, ..Settings::default() };
        let server = tokio::spawn(serve_stdio(settings, opening, input, output));
        let (read, write) = tokio::io::split(near);
        Self { lines: BufReader::new(read).lines(), input: write, server }
    }

    /// A legacy session that has been opened.
    pub(crate) async fn open() -> Self {
        let mut peer = Self::start(Era::Legacy, Opening::Answer);
        peer.ask(&initialize()).await;
        peer
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn hear(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap().expect("another line");
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.say(message).await;
        self.hear().await
    }
}
