//! How targets are treated: their deadlines, limits, links and breakers.

use std::time::Duration;

use upstream::settings::{Breaker, Limits, Sharing};

use super::super::Conduct;
use super::super::document as said;
use super::{At, Check};

impl Check {
    pub(super) fn conduct(&mut self, target: &said::Target, at: &At<'_>) -> Conduct {
        let said::Target { sharing, warm, idle_timeout, timeouts, limits, breaker, .. } = target;
        let none = said::Timeouts::default();
        let said::Timeouts { connect, list, call, longest_call } = timeouts.as_ref().unwrap_or(&none);
        let inside = at.key("timeouts");
        let mut time =
            |text: &Option<String>, default, at: At<'_>| self.some_time(text.as_deref(), default, &at);
        let connect = time(connect, said::DEFAULT_CONNECT, inside.key("connect"));
        let list = time(list, said::DEFAULT_LIST, inside.key("list"));
        let call = time(call, said::DEFAULT_CALL, inside.key("call"));
        let longest_call = time(longest_call, said::DEFAULT_LONGEST_CALL, inside.key("longestCall"));
        let idle = time(idle_timeout, said::DEFAULT_IDLE, at.key("idleTimeout"));
        if longest_call < call && !longest_call.is_zero() {
            let at = inside.key(if timeouts.as_ref().is_some_and(|it| it.longest_call.is_some()) {
                "longestCall"
            } else {
                "call"
            });
            self.fault(
                &at,
                "a call may be silent for longer than it may take in all",
                format!("give `longestCall` at least the {} s of `call`", call.as_secs_f64()),
            );
        }
        let none = said::TargetLimits::default();
        let said::TargetLimits { calls, children, items, pages, notifications } =
            limits.as_ref().unwrap_or(&none);
        if children.is_some() && target.stdio.is_none() {
            let at = at.key("limits").name_of("children");
            self.fault(&at, "only `stdio` targets have child processes", "remove the key");
        }
        let limits = Limits {
            connect,
            list,
            call,
            longest_call,
            idle,
            calls: calls.unwrap_or(said::DEFAULT_CALLS_IN_FLIGHT) as usize,
            children: children.unwrap_or(said::DEFAULT_CHILDREN) as usize,
            items: items.unwrap_or(said::DEFAULT_ITEMS) as usize,
            pages: pages.unwrap_or(said::DEFAULT_PAGES) as usize,
            notifications: notifications.unwrap_or(said::DEFAULT_NOTIFICATIONS),
            ..Limits::default()
        };
        let sharing = match sharing.unwrap_or_default() {
            said::Sharing::Session => Sharing::Session,
            said::Sharing::Shared => Sharing::Shared,
        };
        if sharing == Sharing::Shared && warm.unwrap_or(0) > 0 {
            let message = "`warm` keeps a link ready for the next session, and with `sharing: shared` sessions get none";
            self.fault(&at.key("warm"), message, "remove one of the two");
        }
        let breaker = self.breaker(breaker.as_ref(), &at.key("breaker"));
        Conduct { limits, sharing, warm: warm.unwrap_or(0) > 0, breaker }
    }

    fn breaker(&mut self, breaker: Option<&said::Breaker>, at: &At<'_>) -> Breaker {
        let none = said::Breaker::default();
        let said::Breaker { failures, pause } = breaker.unwrap_or(&none);
        Breaker {
            failures: failures.unwrap_or(said::DEFAULT_FAILURES),
            pause: self.some_time(pause.as_deref(), said::DEFAULT_PAUSE, &at.key("pause")),
        }
    }

    /// A duration that is not nothing.
    fn some_time(&mut self, text: Option<&str>, default: &str, at: &At<'_>) -> Duration {
        let duration = self.duration(text, default, at);
        if duration == Some(Duration::ZERO) {
            self.fault(at, "a time of 0 leaves no time at all", format!("write a duration like `{default}`"));
        }
        duration.unwrap_or_default()
    }
}
