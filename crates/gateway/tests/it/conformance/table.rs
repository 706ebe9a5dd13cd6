//! `make conformance`: every scenario that the suite knows, without the gateway and through it, as one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::{StreamExt as _, stream};
use serde_json::Value;
use testkit::alias;
use testkit::fixture::{self, Era};

use super::client_mode::{self, Way};
use super::suite::{self, Checks, Verdict, differences};
use super::{MODERN_OVER_LEGACY, MODERN_OVER_LEGACY_STDIO, REVISIONS, entries};
use crate::client::{Gateway, remote, serving};
use crate::support::{stdio_fixture, tests};

/// How many runs of the suite there are at a time.
const AT_ONCE: usize = 2;
/// The scenarios of the tasks extension, which belong to no revision.
const TASKS: usize = 10;
/// Where the scenarios of extensions are in the table.
const EXTENSIONS: &str = "extensions";

/// What the suite leaves out through the gateway, over all targets and over legacy ones.
const LEFT_OUT: &str = "expected-differences.yml";
const LEFT_OUT_OVER_LEGACY: &str = "expected-differences-modern-over-legacy.yml";

/// What a run of a scenario came to, by revision and scenario.
type Column = BTreeMap<(String, String), Checks>;

/// What the suite talks to in server mode.
#[derive(Debug, Clone, Copy)]
enum Setup {
    Direct,
    Http(Era),
    Stdio(Era),
    /// One of two targets, with its name in front of everything and a shim that takes it off again.
    Prefixed(Era),
}

impl Setup {
    const ALL: [Self; 8] = [
        Self::Direct,
        Self::Http(Era::Legacy),
        Self::Http(Era::Modern),
        Self::Http(Era::Both),
        Self::Stdio(Era::Legacy),
        Self::Stdio(Era::Modern),
        Self::Prefixed(Era::Legacy),
        Self::Prefixed(Era::Modern),
    ];

    fn title(self) -> String {
        let (how, era) = match self {
            Self::Direct => return "direct".to_owned(),
            Self::Http(era) => ("http", era),
            Self::Stdio(era) => ("stdio", era),
            Self::Prefixed(era) => ("prefix", era),
        };
        format!("{how} {}", format!("{era:?}").to_lowercase())
    }

    fn era(self) -> Option<Era> {
        match self {
            Self::Direct => None,
            Self::Http(era) | Self::Stdio(era) | Self::Prefixed(era) => Some(era),
        }
    }

    /// What is known not to come out as it does directly.
    fn known(self) -> BTreeSet<String> {
        let lists: &[&str] = match self {
            Self::Direct => &[],
            Self::Stdio(Era::Legacy) => {
                &[LEFT_OUT, MODERN_OVER_LEGACY, LEFT_OUT_OVER_LEGACY, MODERN_OVER_LEGACY_STDIO]
            }
            Self::Http(Era::Legacy) | Self::Prefixed(Era::Legacy) => {
                &[LEFT_OUT, MODERN_OVER_LEGACY, LEFT_OUT_OVER_LEGACY]
            }
            Self::Http(_) | Self::Stdio(_) | Self::Prefixed(_) => &[LEFT_OUT],
        };
        lists.iter().flat_map(|list| entries(&tests("conformance").join(list))).collect()
    }

    /// Tasks of the extension exist in the modern era only.
    fn has_tasks(self) -> bool {
        self.era() != Some(Era::Legacy)
    }

    /// Starts it, runs every scenario, and stops it.
    async fn run(self, tasks: &[String]) -> Column {
        match self {
            Self::Direct => {
                let target = fixture::serve_http(Era::Both).await.expect("a free port");
                self.column(&target.url, tasks).await
            }
            Self::Http(era) => {
                let target = fixture::serve_http(era).await.expect("a free port");
                self.through(vec![remote("one", &target.url)], tasks).await
            }
            Self::Stdio(era) => self.through(vec![stdio_fixture("one", era)], tasks).await,
            Self::Prefixed(era) => {
                let one = fixture::serve_http(era).await.expect("a free port");
                let two = fixture::serve_http(Era::Both).await.expect("a free port");
                self.through(vec![remote("one", &one.url), remote("two", &two.url)], tasks).await
            }
        }
    }

    /// Runs every scenario through the program with these targets.
    async fn through(self, targets: Vec<Value>, tasks: &[String]) -> Column {
        let names: Vec<_> = targets.iter().map(|target| target["name"].as_str().expect("a name")).collect();
        let mut gateway = Gateway::start(&serving(targets.clone())).await;
        for name in names {
            gateway.ready(name).await;
        }
        let url = format!("http://{}/mcp", gateway.address());
        let column = match self {
            Self::Prefixed(_) => {
                let shim = alias::serve(&url, "one", 0).await.expect("a free port");
                self.column(&shim.url, tasks).await
            }
            _ => self.column(&url, tasks).await,
        };
        // In good order, so that nothing of it is left.
        gateway.signal("TERM");
        gateway.ended().await;
        column
    }

    async fn column(self, url: &str, tasks: &[String]) -> Column {
        let mut column = Column::new();
        for (version, scenarios) in REVISIONS {
            let outcome = suite::all_at(url, version, &BTreeSet::new()).await;
            assert_eq!(outcome.scenarios.len(), scenarios, "{self:?} {version}: {}", outcome.said);
            let under = |(scenario, checks)| ((version.to_owned(), scenario), checks);
            column.extend(outcome.scenarios.into_iter().map(under));
        }
        for scenario in tasks.iter().filter(|_| self.has_tasks()) {
            let mut outcome = suite::one_at(url, scenario).await;
            let checks = outcome.scenarios.remove(scenario);
            let checks = checks.unwrap_or_else(|| panic!("{self:?} {scenario}: {}", outcome.said));
            column.insert((EXTENSIONS.to_owned(), scenario.clone()), checks);
        }
        column
    }
}

/// A table whose first column is what the others are compared with.
struct Table {
    title: &'static str,
    columns: Vec<Titled>,
}

/// A column with its title, and the checks that are known not to come out as in the first, as `scenario:check`.
struct Titled {
    title: String,
    known: BTreeSet<String>,
    column: Column,
}

impl Table {
    fn direct(&self) -> &Column {
        &self.columns.first().expect("a column").column
    }

    /// What is wrong: what fails in the first column, from which nothing can be told; what does not come out as there,
    /// with the columns in which it does not; and what is known not to but does.
    fn faults(&self) -> Vec<String> {
        let failing = self.direct().iter().filter(|(_, checks)| !passes(checks));
        let failing = failing.map(|((version, scenario), _)| format!("{version} {scenario}: fails directly"));
        let mut differing: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut stale = Vec::new();
        for Titled { title, known, column } in self.columns.iter().skip(1) {
            let mut unseen = known.clone();
            for (row @ (version, scenario), checks) in column {
                for check in differences(&self.direct()[row], checks) {
                    let name = format!("{scenario}:{check}");
                    unseen.remove(&name);
                    if !known.contains(&name) {
                        differing.entry(format!("{version} {name}")).or_default().push(title);
                    }
                }
            }
            stale.extend(unseen.iter().map(|name| format!("{name}: as directly in {title}, and listed")));
        }
        let differing = differing.iter().map(|(check, titles)| format!("{check}: {}", titles.join(", ")));
        failing.chain(differing).chain(stale).collect()
    }

    /// One line for each scenario, with the checks that passed out of those that were made.
    fn text(&self) -> String {
        let direct = self.direct();
        let width = direct.keys().map(|(_, scenario)| scenario.len()).max().unwrap_or_default();
        let mut text = String::new();
        let mut line = |cells: Vec<String>| {
            let mut cells = cells.into_iter();
            let first = cells.next().unwrap_or_default();
            write!(text, "{first:<width$}").expect("memory");
            for (cell, Titled { title, .. }) in cells.zip(&self.columns) {
                write!(text, "  {cell:>0$}", title.len().max(CELL)).expect("memory");
            }
            text.push('\n');
        };
        let titles = self.columns.iter().map(|titled| titled.title.clone());
        line([self.title.to_owned()].into_iter().chain(titles).collect());
        let mut last = "";
        for row @ (version, scenario) in direct.keys() {
            if version != last {
                line(vec![format!("-- {version}")]);
                last = version;
            }
            let cells = self.columns.iter().map(|titled| cell(titled.column.get(row), &direct[row]));
            line([scenario.clone()].into_iter().chain(cells).collect());
        }
        let total = |Titled { column, .. }: &Titled| {
            let passed = column.values().filter(|checks| passes(checks)).count();
            format!("{passed}/{}", column.len())
        };
        line(["-- scenarios passed".to_owned()].into_iter().chain(self.columns.iter().map(total)).collect());
        text
    }
}

/// The least width of a cell.
const CELL: usize = 7;

/// How many checks passed of those that were not left out, marked if any is not as it is directly.
fn cell(checks: Option<&Checks>, direct: &Checks) -> String {
    let Some(checks) = checks else { return "-".to_owned() };
    let made = checks.values().filter(|verdict| **verdict != Verdict::Skipped).count();
    let passed = checks.values().filter(|verdict| **verdict == Verdict::Success).count();
    let mark = if differences(direct, checks).is_empty() { "" } else { "!" };
    format!("{mark}{passed}/{made}")
}

/// Whether nothing failed or was doubtful.
fn passes(checks: &Checks) -> bool {
    checks.values().all(|verdict| *verdict <= Verdict::Skipped)
}

async fn server_mode() -> Table {
    let listed = suite::listed(&["--server"]).await;
    let tasks: Vec<String> = listed.into_iter().filter(|name| name.starts_with("tasks-")).collect();
    assert_eq!(tasks.len(), TASKS, "{tasks:?}");
    let runs = stream::iter(Setup::ALL).map(async |setup| Titled {
        title: setup.title(),
        known: setup.known(),
        column: setup.run(&tasks).await,
    });
    Table { title: "The suite as the client of", columns: runs.buffered(AT_ONCE).collect().await }
}

async fn client_mode() -> Table {
    let mut scenarios = Vec::new();
    for (version, _) in client_mode::REVISIONS {
        scenarios.extend(client_mode::scenarios(version).await.into_iter().map(|name| (version, name)));
    }
    let scenarios = &scenarios;
    let runs = Way::ALL.map(async |way| {
        let runs = stream::iter(scenarios).then(async |(version, scenario)| {
            ((*version).to_owned(), scenario.clone(), way.play(version, scenario).await)
        });
        let listed = || entries(&tests("conformance").join(client_mode::LIST));
        let (title, known) = match way {
            Way::Direct => ("direct", BTreeSet::new()),
            Way::SameEra => ("same era", listed()),
            Way::OtherEra => ("other era", listed()),
        };
        let column = runs.map(|(version, scenario, checks)| ((version, scenario), checks)).collect().await;
        Titled { title: title.to_owned(), known, column }
    });
    let columns = stream::iter(runs).buffered(AT_ONCE).collect().await;
    Table { title: "The suite as the server of", columns }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make conformance` runs it"]
async fn every_check_comes_out_as_it_does_without_the_gateway() {
    let tables = [server_mode().await, client_mode().await];
    for table in &tables {
        println!("\n{}", table.text());
    }
    println!("checks passed/made; ! where any is not as directly; - where there is nothing to run");
    let faults: Vec<String> = tables.iter().flat_map(Table::faults).collect();
    assert!(faults.is_empty(), "{} checks are not as they should be:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_cell_counts_what_passed_and_is_marked_where_it_is_not_as_directly() {
    let checks = |verdict| {
        Checks::from([
            (("a".to_owned(), "n".to_owned()), Verdict::Success),
            (("b".to_owned(), "n".to_owned()), verdict),
        ])
    };
    let row = || ("2025-11-25".to_owned(), "scenario".to_owned());
    let columns = [
        ("direct", Verdict::Success),
        ("one", Verdict::Success),
        ("two", Verdict::Failure),
        ("three", Verdict::Skipped),
    ];
    let titled = |title: &str, known: &[&str], verdict| Titled {
        title: title.to_owned(),
        known: known.iter().map(|name| (*name).to_owned()).collect(),
        column: Column::from([(row(), checks(verdict))]),
    };
    let columns = columns.map(|(title, verdict)| titled(title, &[], verdict));
    let table = Table { title: "through", columns: columns.into() };
    let text = table.text();
    let cells: Vec<_> = text.lines().nth(2).expect("a row").split_whitespace().collect();
    assert_eq!(cells, ["scenario", "2/2", "2/2", "!1/2", "!1/1"]);
    assert_eq!(table.faults(), ["2025-11-25 scenario:b: two, three"]);
    assert!(text.ends_with("1/1      1/1      0/1      1/1\n"), "{text}");
    let columns = vec![titled("direct", &[], Verdict::Failure)];
    assert_eq!(Table { title: "through", columns }.faults(), ["2025-11-25 scenario: fails directly"]);
    let direct = || titled("direct", &[], Verdict::Success);
    let columns = vec![direct(), titled("one", &["scenario:b"], Verdict::Failure)];
    assert_eq!(Table { title: "through", columns }.faults(), [""; 0], "it is listed");
    let columns = vec![direct(), titled("one", &["scenario:b"], Verdict::Success)];
    assert_eq!(Table { title: "through", columns }.faults(), ["scenario:b: as directly in one, and listed"]);
}
