//! How many children start at the same time. Starting is the expensive part of a child's life: a cold `npx` or `uvx` takes
//! seconds of processor time, and thirty at once make each other miss their deadlines.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::{Error, ErrorKind};

/// How many there are unless somebody says otherwise.
pub const DEFAULT: usize = 4;

/// How long to wait for a place.
const WAIT: Duration = Duration::from_secs(300);

/// How long a place is held at most. A child that has not finished its handshake by then hangs, or waits for something other than
/// our processors; it may go on, but must not keep others from starting.
const HELD: Duration = Duration::from_secs(10);

/// Places for children that start, one per opening of a link. Cheap to clone; all clones hand out the same places.
#[derive(Clone)]
pub struct Starting(Arc<Shared>);

struct Shared {
    places: Arc<Semaphore>,
    count: Mutex<Count>,
}

struct Count {
    limit: usize,
    /// Places that are taken and must not be handed out again, because the limit was lowered.
    surplus: usize,
}

/// The right to start. It is given back when this is dropped.
struct Place {
    shared: Arc<Shared>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Starting {
    /// As many places as this.
    pub fn new(limit: usize) -> Self {
        let places = Arc::new(Semaphore::new(limit));
        Self(Arc::new(Shared { places, count: Mutex::new(Count { limit, surplus: 0 }) }))
    }

    /// From now on there are as many places as this. Who has one keeps it.
    pub fn limit(&self, limit: usize) {
        let mut count = self.0.count();
        if limit > count.limit {
            let more = limit - count.limit;
            let kept = more.min(count.surplus);
            count.surplus -= kept;
            self.0.places.add_permits(more - kept);
        } else {
            let less = count.limit - limit;
            count.surplus += less - self.0.places.forget_permits(less);
        }
        count.limit = limit;
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        let count = self.0.count();
        count.limit + count.surplus - self.0.places.available_permits()
    }

    /// Waits for a place and starts, which may take longer than the place is held.
    pub(crate) async fn start<T>(&self, start: impl Future<Output = T>) -> Result<T, Error> {
        let place = self.place().await?;
        let mut start = pin!(start);
        if let Ok(started) = timeout(HELD, &mut start).await {
            return Ok(started);
        }
        drop(place);
        Ok(start.await)
    }

    /// Waits for a place. Those who came first get one first.
    async fn place(&self) -> Result<Place, Error> {
        let permit = timeout(WAIT, self.0.places.clone().acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(Place { shared: self.0.clone(), permit: Some(permit) }),
            // The other error is out of reach: the places are never closed.
            Ok(Err(_)) | Err(_) => {
                let (seconds, limit) = (WAIT.as_secs(), self.0.count().limit);
                let text = format!(
                    "was not started: for {seconds} s others were starting, and `config.limits.startingChildren` \
                     allows {limit} at the same time"
                );
                Err(Error::new(ErrorKind::Busy, text))
            }
        }
    }
}

impl Shared {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut count = self.shared.count();
        if count.surplus > 0 {
            count.surplus -= 1;
            permit.forget();
        } else {
            drop(permit);
        }
    }
}

impl Default for Starting {
    fn default() -> Self {
        Self::new(DEFAULT)
    }
}

/// Which places a target uses is no part of what it is.
impl PartialEq for Starting {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::Instant;

    use super::*;

    fn take(starting: &Starting) -> Option<Place> {
        starting.place().now_or_never().map(|place| place.expect("no time has passed"))
    }

    #[tokio::test]
    async fn a_place_is_handed_out_once_and_comes_back() {
        let starting = Starting::new(2);
        let (first, second) = (take(&starting), take(&starting));
        assert!(first.is_some() && second.is_some() && take(&starting).is_none());
        assert_eq!(starting.taken(), 2);
        drop(first);
        assert_eq!(starting.taken(), 1);
        assert!(take(&starting).is_some());
    }

    #[tokio::test]
    async fn a_lower_limit_waits_for_places_that_are_taken_and_a_higher_one_counts_at_once() {
        let starting = Starting::new(3);
        let mut taken: Vec<_> = (0..3).map(|_| take(&starting)).collect();
        starting.limit(1);
        taken.pop();
        taken.pop();
        assert!(take(&starting).is_none(), "one is taken");
        starting.limit(2);
        let second = take(&starting);
        assert!(second.is_some() && take(&starting).is_none());
        taken.clear();
        assert_eq!(starting.taken(), 1);
        starting.limit(1);
        assert!(take(&starting).is_none());
        drop(second);
        assert!(take(&starting).is_some());
        assert_eq!(starting.taken(), 0);
    }

    #[tokio::test]
    async fn a_limit_that_is_raised_before_places_come_back_hands_out_no_more_than_it_says() {
        let starting = Starting::new(3);
        let taken: Vec<_> = (0..3).map(|_| take(&starting)).collect();
        starting.limit(1);
        starting.limit(3);
        assert!(take(&starting).is_none());
        drop(taken);
        assert_eq!((0..4).map(|_| take(&starting)).collect::<Vec<_>>().iter().flatten().count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_gives_the_place_back_and_may_go_on() {
        let starting = Starting::new(1);
        let hanging = starting.start(tokio::time::sleep(HELD * 3));
        let since = Instant::now();
        let next = async {
            starting.start(async {}).await.expect("a place");
            since.elapsed()
        };
        let (hanging, waited) = futures::future::join(hanging, next).await;
        assert!(hanging.is_ok() && since.elapsed() == HELD * 3);
        assert_eq!((waited, starting.taken()), (HELD, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_has_an_end_that_says_which_key_to_turn() {
        let starting = Starting::new(1);
        let _taken = take(&starting);
        let error = starting.place().await.err().expect("there is no place");
        assert_eq!(error.kind, ErrorKind::Busy);
        assert!(error.detail.contains("for 300 s") && error.detail.contains("startingChildren"), "{error}");
    }
}
