//! The virtual server: many targets behind one endpoint, for clients of both eras.
//!
//! A [`Backend`] is one virtual server. Requests come in as bytes with the headers that matter ([`Head`]) and leave
//! as an [`Outcome`]; what HTTP calls that is decided elsewhere. This crate knows no HTTP status, no YAML and no file.
//!
//! A request passes through these modules in this order.

mod edge;
mod inbound;
mod session;

mod context;
mod dispatch;
mod gather;
mod local;
mod relay;
mod task;

mod journal;
mod parking;
mod principal;
mod question;
mod seal;

mod backend;
mod catalog;
mod extensions;
mod logger;
mod map;
mod measure;
mod memo;
mod roster;
mod view;

pub mod error;
pub mod settings;

pub use backend::Backend;
pub use error::{Error, ErrorKind};
pub use inbound::{Asking, Frame, Frames, Gist, Head, Known, Outcome, Single};
pub use journal::{
    BOUNDS, CallCounts, CallOutcome, Ending, Entry, Figures, Histogram, Journal, Keep, Kept, MethodCounts,
    Moment, Percentiles,
};
pub use measure::{Measures, TargetMeasures};
pub use principal::Principal;
pub use roster::Condition;
pub use seal::Key;
pub use session::{SessionCounts, SessionStatus};
pub use settings::{FailureMode, PrefixMode, Sessions, Settings};
pub use view::{CatalogItem, TargetStatus};
