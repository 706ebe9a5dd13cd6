//! What all threads use all the time, without waiting for each other.
//!
//! Memory that one core has written to is fetched from it by the next core that writes there, which takes as long as hundreds of
//! instructions, also where it is no more than the count of an [`Arc`]. Here each thread has a place of its own.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

/// How many places there are: some more than threads that are busy at once, because others are given one as well. Threads
/// beyond that share theirs.
static PLACES: LazyLock<usize> =
    LazyLock::new(|| (4 * available_parallelism().map_or(2, usize::from)).next_power_of_two().clamp(8, 128));

/// The place of this thread.
fn place() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    // Not there any more while the thread ends.
    PLACE.try_with(|place| *place).unwrap_or_default()
}

/// Something for each thread. What it comes to is known to who looks at all of them.
#[derive(Debug)]
pub struct Spread<T>(Box<[Apart<T>]>);

/// Nothing else lies so near that writing to it would touch this. Processors fetch two lines of 64 bytes at once.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Apart<T>(pub T);

impl<T> Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Spread<T> {
    /// One of these for each.
    pub fn of(mut make: impl FnMut() -> T) -> Self {
        Self((0..*PLACES).map(|_| Apart(make())).collect())
    }

    /// That of this thread, which others may use as well.
    pub fn here(&self) -> &T {
        &self.0[place() & (self.0.len() - 1)]
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(Deref::deref)
    }
}

impl<T: Default> Default for Spread<T> {
    fn default() -> Self {
        Self::of(T::default)
    }
}

/// Gives out something that is shared by all, until it is replaced.
#[derive(Debug)]
pub struct Lender<T> {
    places: Spread<Mutex<Lent<T>>>,
    /// Held while something takes its place, so that all threads get the same in the end.
    replacing: Mutex<()>,
}

/// What a [`Lender`] gave out. Clones that are made and dropped where it was lent cost other threads nothing.
#[derive(Debug)]
pub struct Lent<T>(Arc<Apart<Arc<T>>>);

impl<T> Lender<T> {
    /// Gives out this.
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        let value = value.into();
        Self { places: Spread::of(|| Mutex::new(Lent::new(&value))), replacing: Mutex::default() }
    }

    /// What is given out now.
    pub fn lend(&self) -> Lent<T> {
        lock(self.places.here()).clone()
    }

    /// Gives out something else from now on, and returns what it was before.
    pub fn replace(&self, value: impl Into<Arc<T>>) -> Arc<T> {
        let value = value.into();
        let _one_at_a_time = lock(&self.replacing);
        let before = Arc::clone(&self.lend());
        for place in self.places.all() {
            let last = std::mem::replace(&mut *lock(place), Lent::new(&value));
            drop(last);
        }
        before
    }
}

impl<T: Default> Default for Lender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Lent<T> {
    fn new(value: &Arc<T>) -> Self {
        Self(Arc::new(Apart(value.clone())))
    }
}

impl<T> Clone for Lent<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Lent<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0.0
    }
}

/// What is done under these locks cannot panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::thread;

    use super::*;

    #[test]
    fn what_threads_count_for_themselves_adds_up() {
        let counts = Spread::<AtomicU64>::default();
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| counts.here().fetch_add(1, Ordering::Relaxed));
            }
        });
        assert_eq!(counts.all().map(|count| count.load(Ordering::Relaxed)).sum::<u64>(), 100);
    }

    #[test]
    fn what_was_replaced_is_lent_to_nobody_and_kept_for_who_has_it() {
        let lender = Lender::new(1);
        let first = lender.lend();
        assert_eq!(*lender.replace(2), 1);
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| assert_eq!(**lender.lend(), 2));
            }
        });
        assert_eq!((**first, Arc::strong_count(&first)), (1, 1));
    }

    #[test]
    fn all_threads_are_lent_the_same_whoever_replaces_it() {
        let lender = Lender::new(0);
        thread::scope(|scope| {
            let lender = &lender;
            for number in 1..100 {
                scope.spawn(move || lender.replace(number));
            }
        });
        let lent: Vec<i32> = lender.places.all().map(|place| **lock(place).clone()).collect();
        assert_eq!(lent, vec![lent[0]; lent.len()]);
    }
}
