//! In which order the functions of a program are best placed: those that calls pass side by side.
//!
//! A call that comes alone finds neither code nor the addresses of its pages in the processor's caches. Left to themselves, its
//! functions are spread over the whole program; placed together they fill little more than half as many pages.

mod profile;
mod script;

pub(crate) use profile::Profile;
pub(crate) use script::Script;
