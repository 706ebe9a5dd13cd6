//! The works: one row of the table each.

use crate::contestant::Ability;
use crate::era::Era;
use crate::load::Act;
use crate::peer::OWN_TOOLS;

/// What is behind a contestant during a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// One server.
    One,
    /// So many servers, with so many tools each. Whoever can have only one gets one with all of them.
    Many(usize, usize),
    /// The same, and all the while calls to one of them are open that it never answers.
    OneHangs(usize),
    /// One server that is a program.
    Program,
}

impl Stage {
    /// How many servers, and how many tools each has.
    pub(crate) fn servers(self) -> (usize, usize) {
        match self {
            Stage::One | Stage::Program => (1, OWN_TOOLS),
            Stage::Many(servers, tools) => (servers, tools),
            Stage::OneHangs(servers) => (servers, OWN_TOOLS),
        }
    }
}

/// How a work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// With clients that call as fast as answers come.
    Closed,
    /// With calls at a fixed rate, for what is added to latency.
    Paced(u32),
    /// Memory of sessions and streams in which nothing happens.
    Idle,
    /// From start to the first answer.
    Start,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Work {
    /// What it is called on the command line and in JSON.
    pub(crate) name: &'static str,
    /// What it is called in the table.
    pub(crate) title: &'static str,
    pub(crate) era: Era,
    /// Whether the servers answer with events.
    pub(crate) sse: bool,
    pub(crate) act: Act,
    pub(crate) stage: Stage,
    pub(crate) measure: Measure,
    /// With how many connections, if nothing else is asked for.
    pub(crate) connections: &'static [usize],
}

impl Work {
    /// What a contestant has to be able to do.
    pub(crate) fn needs(&self) -> Vec<Ability> {
        let era = match self.era {
            Era::Legacy => Ability::Legacy,
            Era::Modern => Ability::Modern,
        };
        let more = match (self.stage, self.measure) {
            (Stage::Program, _) => Some(Ability::Stdio),
            (_, Measure::Idle) => Some(Ability::Listen),
            _ => None,
        };
        [Some(era), more].into_iter().flatten().collect()
    }
}

const SMALL: Work = Work {
    name: "small-json",
    title: "small call, JSON",
    era: Era::Legacy,
    sse: false,
    act: Act::Small,
    stage: Stage::One,
    measure: Measure::Closed,
    connections: &[1, 8, 32, 128],
};

/// All works, in the order of the table.
pub(crate) const WORKS: &[Work] = &[
    SMALL,
    Work { name: "small-sse", title: "small call, SSE", sse: true, connections: &[1, 32], ..SMALL },
    Work {
        name: "modern-json",
        title: "modern call, JSON",
        era: Era::Modern,
        connections: &[1, 32],
        ..SMALL
    },
    Work {
        name: "modern-sse",
        title: "modern call, SSE",
        era: Era::Modern,
        sse: true,
        connections: &[32],
        ..SMALL
    },
    Work { name: "64k-json", title: "64 KB answer, JSON", act: Act::Large, connections: &[1, 32], ..SMALL },
    Work {
        name: "64k-sse",
        title: "64 KB answer, SSE",
        act: Act::Large,
        sse: true,
        connections: &[32],
        ..SMALL
    },
    Work {
        name: "handshake",
        title: "initialize, call, DELETE",
        act: Act::Visit,
        connections: &[1, 32],
        ..SMALL
    },
    Work {
        name: "list",
        title: "tools/list, 1000 tools of 10",
        act: Act::List,
        stage: Stage::Many(10, 100),
        connections: &[1, 8],
        ..SMALL
    },
    Work { name: "stdio", title: "stdio call", stage: Stage::Program, connections: &[1, 8], ..SMALL },
    Work {
        name: "one-hangs",
        title: "small call, one of 10 hangs",
        stage: Stage::OneHangs(10),
        connections: &[32],
        ..SMALL
    },
    Work {
        name: "added",
        title: "added latency, small call",
        measure: Measure::Paced(100),
        connections: &[8],
        ..SMALL
    },
    Work {
        name: "added-list",
        title: "added latency, tools/list",
        act: Act::List,
        stage: Stage::Many(10, 100),
        measure: Measure::Paced(50),
        connections: &[8],
        ..SMALL
    },
    Work {
        name: "idle",
        title: "memory at rest",
        stage: Stage::Many(2, OWN_TOOLS),
        measure: Measure::Idle,
        connections: &[1],
        ..SMALL
    },
    Work {
        name: "start",
        title: "start until ready",
        stage: Stage::Many(2, OWN_TOOLS),
        measure: Measure::Start,
        connections: &[1],
        ..SMALL
    },
];
