//! The load: clients that call, check every answer, and note how long it took.
//!
//! *Closed*: each connection sends its next call when the answer to the last one is there. *Paced*: calls are due at a fixed
//! rate, and latency counts from when a call was due, so that a server that stalls cannot hide it by slowing the clients down.

mod caller;
mod check;
mod pace;
mod record;
mod voice;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::era::Era;

use pace::Pacer;

pub(crate) use caller::{Caller, Fault, Names};
pub(crate) use record::Record;

/// How long connections may take to be there, and calls to be answered after the time is over.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a client does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A call with a small answer.
    Small,
    /// A call with an answer of 64 KB.
    Large,
    /// A handshake, a call, and the end of the session.
    Visit,
    /// The whole list of tools.
    List,
}

/// Where clients call.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// What every request says besides.
    pub(crate) headers: Vec<(String, String)>,
}

/// A load on one contestant.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) to: Endpoint,
    pub(crate) era: Era,
    pub(crate) act: Act,
    /// How the tools are called there.
    pub(crate) names: Names,
    /// How many tools a list has to have.
    pub(crate) tools: usize,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    /// Calls per second over all connections; `None` is as fast as answers come.
    pub(crate) rate: Option<f64>,
}

/// What is being done with results at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Warming,
    Measuring,
    Ending,
}

/// The phase, as all threads see it.
struct Clock {
    phase: AtomicU8,
    /// Calls that have come to an end so far, well or not.
    ended: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { phase: AtomicU8::new(Phase::Warming as u8), ended: AtomicU64::new(0) }
    }
}

impl Clock {
    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }
}

/// A load that is running.
pub(crate) struct Load {
    clock: Arc<Clock>,
    results: mpsc::UnboundedReceiver<io::Result<Record>>,
    threads: usize,
}

impl Load {
    /// Starts clients and waits until all of them are connected and calling.
    pub(crate) async fn begin(job: &Job) -> anyhow::Result<Self> {
        let clock = Arc::new(Clock::default());
        let (ready, mut are_ready) = mpsc::unbounded_channel();
        let (results, receiver) = mpsc::unbounded_channel();
        let threads = job.threads.clamp(1, job.connections);
        for thread in 0..threads {
            let share = Share { thread, threads, job: Arc::new(job.clone()), clock: clock.clone() };
            let (ready, results) = (ready.clone(), results.clone());
            std::thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
                // Whoever waits for it may be gone.
                let _ = results.send(share.run(ready));
            })?;
        }
        drop((ready, results));
        let load = Self { clock, results: receiver, threads };
        for _ in 0..job.connections {
            timeout(PATIENCE, are_ready.recv()).await.ok().flatten().ok_or_else(|| {
                load.clock.set(Phase::Ending);
                anyhow::anyhow!("not all {} clients were connected within {PATIENCE:?}", job.connections)
            })?;
        }
        Ok(load)
    }

    /// From now on calls count.
    pub(crate) fn measure(&self) {
        self.clock.set(Phase::Measuring);
    }

    /// How many have come to an end while they counted, well or not.
    pub(crate) fn ended(&self) -> u64 {
        self.clock.ended.load(Ordering::Relaxed)
    }

    /// From now on they do not count, and clients leave.
    pub(crate) fn stop(&self) {
        self.clock.set(Phase::Ending);
    }

    /// Waits until all clients have left.
    pub(crate) async fn end(mut self) -> anyhow::Result<Record> {
        self.stop();
        let mut all = Record::default();
        for _ in 0..self.threads {
            let record = timeout(PATIENCE * 3, self.results.recv()).await.ok().flatten();
            all.add(&record.ok_or_else(|| anyhow::anyhow!("the clients do not come to an end"))??);
        }
        Ok(all)
    }
}

/// The clients of one thread.
struct Share {
    thread: usize,
    threads: usize,
    job: Arc<Job>,
    clock: Arc<Clock>,
}

impl Share {
    fn run(self, ready: mpsc::UnboundedSender<()>) -> io::Result<Record> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mine = (self.thread..self.job.connections).step_by(self.threads);
            #[expect(clippy::cast_precision_loss, reason = "there are few threads")]
            let pacer = match self.job.rate {
                Some(rate) => Some(Pacer::start(rate / self.threads as f64)?),
                None => None,
            };
            let mut clients = JoinSet::new();
            for number in mine {
                let (job, clock) = (self.job.clone(), self.clock.clone());
                let client = Client { job, clock, pacer: pacer.clone(), record: Record::default() };
                clients.spawn(client.live(number, ready.clone()));
            }
            drop(ready);
            let mut all = Record::default();
            while let Some(record) = clients.join_next().await {
                all.add(&record.map_err(io::Error::other)?);
            }
            Ok(all)
        })
    }
}

/// One client, on one connection at a time.
struct Client {
    job: Arc<Job>,
    clock: Arc<Clock>,
    pacer: Option<Arc<Pacer>>,
    record: Record,
}

impl Client {
    async fn live(mut self, number: usize, ready: mpsc::UnboundedSender<()>) -> Record {
        let mut ready = Some(ready);
        let mut caller = None;
        while !self.clock.is(Phase::Ending) {
            let Some(calling) = &mut caller else {
                match timeout(PATIENCE, Caller::connect(&self.job, number)).await {
                    Ok(Ok(connected)) => caller = Some(connected),
                    Ok(Err(fault)) => self.fail(&format!("cannot begin: {fault}")).await,
                    Err(_) => self.fail("cannot begin: nothing is answered").await,
                }
                continue;
            };
            if let Some(ready) = ready.take() {
                // Once it has said so, nobody listens.
                let _ = ready.send(());
            }
            let due = match &self.pacer {
                None => Instant::now(),
                Some(pacer) => match pacer.next(&self.clock).await {
                    Some(due) => due,
                    None => break,
                },
            };
            let outcome = timeout(PATIENCE, calling.act()).await;
            let counts = self.clock.is(Phase::Measuring);
            if counts {
                self.clock.ended.fetch_add(1, Ordering::Relaxed);
            }
            match outcome {
                Ok(Ok(())) => {
                    if counts {
                        self.record.answered(due.elapsed());
                    }
                    self.record.reconnects += calling.take_reconnects();
                    continue;
                }
                Ok(Err(fault)) => self.record.failed(&fault.to_string()),
                Err(_) => self.record.failed(&format!("no answer within {PATIENCE:?}")),
            }
            // What is still under way on this connection could be taken for the next answer.
            caller = None;
        }
        if let Some(calling) = caller {
            // A session that does not end is the server's to forget.
            let _ = timeout(PATIENCE, calling.leave()).await;
        }
        self.record
    }

    /// Notes a fault, and waits a little: a server that refuses connections is not to be asked for more in a tight loop.
    async fn fail(&mut self, fault: &str) {
        self.record.failed(fault);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
