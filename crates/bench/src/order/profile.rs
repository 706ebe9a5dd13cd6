//! What callgrind writes: which functions ran, and how often.
//!
//! The format is that of its manual, "Callgrind Format Specification": names are given a number where they stand first, and are told
//! by that number from then on.

use std::collections::HashMap;

/// A function counts that is entered for one of so many calls of a client.
const SHARE: u64 = 4;

/// Who was running already when counting began is not seen being entered: so many instructions of its own for each call of a client
/// count as well.
const COST: u64 = 20;

/// The functions of one program that ran.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    /// In the order in which they are written.
    functions: Vec<Function>,
}

#[derive(Debug)]
struct Function {
    symbol: String,
    cost: u64,
    calls: u64,
}

/// Names by their numbers.
#[derive(Default)]
struct Names<'t>(HashMap<&'t str, &'t str>);

impl<'t> Names<'t> {
    /// The name in `(7) name` or `(7)`.
    fn read(&mut self, text: &'t str) -> &'t str {
        let Some((number, name)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            return text;
        };
        match name.trim() {
            "" => self.0.get(number).copied().unwrap_or_default(),
            name => self.0.entry(number).insert_entry(name).get(),
        }
    }
}

impl Profile {
    /// Reads what was written about a program; what ran in its libraries is left out.
    pub(crate) fn read<'t>(text: &'t str, program: &str) -> Self {
        let mut profile = Self::default();
        let mut places: HashMap<&'t str, usize> = HashMap::new();
        let (mut objects, mut names) = (Names::default(), Names::default());
        let (mut is_ours, mut current, mut callee, mut is_call) = (false, None, None, false);
        let mut callee_is_ours = None;
        for line in text.lines() {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let mut place = |name: &'t str, is_ours: bool| {
                // Within itself a function is called `name'2`.
                let name = name.split_once('\'').map_or(name, |(name, _)| name);
                is_ours.then(|| {
                    *places.entry(name).or_insert_with(|| {
                        profile.functions.push(Function { symbol: name.to_owned(), cost: 0, calls: 0 });
                        profile.functions.len() - 1
                    })
                })
            };
            match key {
                "ob" => is_ours = objects.read(value) == program,
                "fn" => current = place(names.read(value), is_ours),
                "cob" => callee_is_ours = Some(objects.read(value) == program),
                "cfn" => callee = place(names.read(value), callee_is_ours.take().unwrap_or(is_ours)),
                "calls" => {
                    let calls = value.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
                    if let Some(place) = callee.take() {
                        profile.functions[place].calls += calls;
                    }
                    // What follows is the cost of the callee.
                    is_call = true;
                }
                _ if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) => {
                    let cost = line.rsplit(' ').next().and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
                    if let (false, Some(place)) = (is_call, current) {
                        profile.functions[place].cost += cost;
                    }
                    is_call = false;
                }
                _ => {}
            }
        }
        profile
    }

    /// Those that at least a quarter of so many calls pass.
    pub(crate) fn often(&self, calls: u64) -> impl Iterator<Item = &str> {
        let is_often = move |function: &&Function| {
            function.cost > 0 && (function.calls * SHARE >= calls || function.cost >= COST * calls)
        };
        self.functions.iter().filter(is_often).map(|function| function.symbol.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version: 1\npositions: line\nevents: Ir\n\nob=(1) /bin/gateway\nfl=(1) a.rs\nfn=(1) often\n10 100\n+2 50\n\
        cfn=(2) helper\ncalls=10 0\n12 400\ncfn=(5) helper'2\ncalls=3 0\n12 7\ncob=(2) /lib/libc.so\ncfn=(3) memcpy\ncalls=10 0\n13 70\n14 1\n\nfn=(2)\n20 400\n\
        fn=(4) seldom\n5 8\ncfn=(2)\ncalls=1 0\n6 40\n\nob=(2)\nfn=(3)\n1 70\n";

    #[test]
    fn functions_of_the_program_that_most_calls_pass_are_found() {
        let profile = Profile::read(TEXT, "/bin/gateway");
        let seen: Vec<_> = profile.functions.iter().map(|f| (f.symbol.as_str(), f.cost, f.calls)).collect();
        assert_eq!(seen, [("often", 151, 0), ("helper", 400, 14), ("seldom", 8, 0)]);
        assert_eq!(profile.often(7).collect::<Vec<_>>(), ["often", "helper"]);
        assert_eq!(profile.often(1000).count(), 0);
    }
}
