//! The sessions that were ended for good: their ids would still open, and must not begin them again.

use std::collections::{HashSet, VecDeque};

use tokio::time::Instant;

use super::passport::GOOD_FOR;

/// How many are remembered. The oldest is forgotten for a new one; then only whoever has its id could use it again.
const MOST: usize = 65_536;

/// What is remembered of an id, which would take a hundred times the memory: its end, where the seal is.
type Trace = [u8; 16];

/// Ids of sessions that were ended for good, for as long as they would open.
#[derive(Default)]
pub(super) struct Ended {
    /// Traces are ours and as good as random.
    known: HashSet<Trace, foldhash::fast::RandomState>,
    by_age: VecDeque<(Instant, Trace)>,
}

impl Ended {
    /// The session of this id was ended.
    pub(super) fn note(&mut self, id: &str) {
        let trace = trace(id);
        while self.by_age.len() >= MOST || self.by_age.front().is_some_and(|(at, _)| at.elapsed() >= GOOD_FOR)
        {
            let Some((_, oldest)) = self.by_age.pop_front() else { break };
            self.known.remove(&oldest);
        }
        if self.known.insert(trace) {
            self.by_age.push_back((Instant::now(), trace));
        }
    }

    /// Whether the session of this id was ended.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.known.contains(&trace(id))
    }
}

fn trace(id: &str) -> Trace {
    let mut trace = Trace::default();
    trace.iter_mut().zip(id.bytes().rev()).for_each(|(to, from)| *to = from);
    trace
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ids_are_remembered_for_a_day_and_only_so_many() {
        let mut ended = Ended::default();
        ended.note("a");
        ended.note("a");
        assert!(ended.holds("a") && !ended.holds("b"));
        tokio::time::advance(GOOD_FOR - Duration::from_secs(1)).await;
        ended.note("b");
        assert!(ended.holds("a"));
        tokio::time::advance(Duration::from_secs(1)).await;
        ended.note("c");
        assert!(!ended.holds("a") && ended.holds("b"));
        (0..MOST).for_each(|n| ended.note(&n.to_string()));
        assert!(!ended.holds("c") && ended.holds("0"));
        assert_eq!((ended.known.len(), ended.by_age.len()), (MOST, MOST));
    }
}
