//! Futures that are made in their boxes.

use futures::future::BoxFuture;

/// Boxes the future that `make` makes, which is asked once there is a place for it. A future that is there before its box is
/// copied into it, with all the room in it that is only for later: thousands of bytes for each call.
pub fn boxed<'f, F>(make: impl FnOnce() -> F) -> BoxFuture<'f, F::Output>
where
    F: Future + Send + 'f,
{
    let future = Box::write(Box::<F>::new_uninit(), make());
    Box::into_pin(future)
}
