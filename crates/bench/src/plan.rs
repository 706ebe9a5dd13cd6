//! What is measured, and in which order.

mod churn;
mod ready;
mod scene;
mod servers;
mod sizes;
mod work;

pub(crate) use churn::{Churn, churn};
pub(crate) use scene::{Options, run};
pub(crate) use work::{WORKS, Work};
