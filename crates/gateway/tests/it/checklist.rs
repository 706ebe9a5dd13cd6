//! The checklist in `docs/conformance.md` is complete, and every test that it names exists and runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::tests;

/// The items are numbered from 1 to this.
const ITEMS: u32 = 127;
/// How a row begins that says why nothing shows it.
const OUT_OF_SCOPE: &str = "out of scope today: ";
/// How a row begins whose behaviour is being built.
const OPEN: &str = "open: ";
/// The rows that may be open. A row that is finished has to leave this list as well.
const OPEN_ROWS: &[&str] = &[];

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    id: &'a str,
    demand: &'a str,
    shown: &'a str,
}

/// The rows of the document, which begin with an id.
fn rows(document: &str) -> Vec<Row<'_>> {
    let cells = document.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
        Some((cells.next()?, cells.next()?, cells.next()?))
    });
    let numbered = cells.filter(|(id, ..)| number(id).is_some());
    numbered.map(|(id, demand, shown)| Row { id, demand, shown }).collect()
}

/// The number in `G017`.
fn number(id: &str) -> Option<u32> {
    id.strip_prefix('G')?.parse().ok()
}

/// What is wrong with the document.
fn faults(document: &str, root: &Path, open: &[&str]) -> Vec<String> {
    let rows = rows(document);
    let mut faults = Vec::new();
    for wanted in 1..=ITEMS {
        let count = rows.iter().filter(|row| number(row.id) == Some(wanted)).count();
        if count != 1 {
            faults.push(format!("G{wanted:02} occurs {count} times"));
        }
    }
    for row in &rows {
        if row.demand.is_empty() {
            faults.push(format!("{} does not say what must hold", row.id));
        }
        faults.extend(amiss(row, root, open).map(|fault| format!("{} {fault}", row.id)));
    }
    let marked: BTreeSet<_> =
        rows.iter().filter(|row| row.shown.starts_with(OPEN)).map(|row| row.id).collect();
    let finished = open.iter().filter(|id| !marked.contains(*id));
    faults.extend(finished.map(|id| format!("{id} is not open any more")));
    faults
}

/// What is wrong with the last cell of a row.
fn amiss(row: &Row<'_>, root: &Path, open: &[&str]) -> Option<String> {
    if row.shown.starts_with(OPEN) {
        return (!open.contains(&row.id)).then(|| "must not be open".to_owned());
    }
    let named: Vec<&str> = row.shown.split('`').skip(1).step_by(2).collect();
    let missing = named.iter().find(|name| !runs(root, name));
    if let Some(missing) = missing {
        return Some(format!("names a test that does not exist or does not run: {missing}"));
    }
    let reason = row.shown.split_once(OUT_OF_SCOPE).map(|(_, reason)| reason).unwrap_or_default();
    (named.is_empty() && reason.is_empty()).then(|| "has neither a test nor a reason".to_owned())
}

/// Whether a test of this name, as nextest prints it, is in the sources and not ignored.
fn runs(root: &Path, name: &str) -> bool {
    let Some((binary, path)) = name.split_once(' ') else { return false };
    let (package, folder) = match binary.split_once("::") {
        Some((package, "it")) => (package, "tests/it"),
        None => (binary, "src"),
        Some(_) => return false,
    };
    // The one package that is not called like its folder.
    let folder = root.join("crates").join(package.replace("agentgateway", "gateway")).join(folder);
    let Some((module, test)) = path.rsplit_once("::") else { return false };
    let Some(source) = source(&folder, module) else { return false };
    fs::read_to_string(source).is_ok_and(|text| has_test(&text, test))
}

/// The file of a module. Tests may be in a module inside of the file that they test.
fn source(folder: &Path, module: &str) -> Option<PathBuf> {
    let file = |module: &str| {
        let path = folder.join(module.replace("::", "/")).with_extension("rs");
        path.is_file().then_some(path)
    };
    file(module).or_else(|| file(module.strip_suffix("::tests")?))
}

/// Whether a text has a test of this name that is not ignored.
fn has_test(text: &str, test: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let plain = format!("fn {test}(");
    let declared = lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&plain));
    let Some(at) = declared else { return false };
    let attributes =
        || lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let is_test = attributes().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"));
    is_test && !attributes().any(|line| line.starts_with("#[ignore"))
}

fn root() -> PathBuf {
    tests("..")
}

#[test]
fn every_item_of_the_checklist_is_shown_by_a_test_or_says_why_not() {
    let document = fs::read_to_string(root().join("docs/conformance.md")).expect("the checklist");
    let faults = faults(&document, &root(), OPEN_ROWS);
    assert!(faults.is_empty(), "docs/conformance.md:\n{}", faults.join("\n"));
}

/// This file's own name for its first test.
const REAL: &str =
    "agentgateway::it checklist::every_item_of_the_checklist_is_shown_by_a_test_or_says_why_not";

#[test]
fn a_test_is_found_by_the_name_that_nextest_prints() {
    assert!(runs(&root(), REAL));
    assert!(runs(&root(), "protocol message::tests::what_we_write_scans_back"), "in a file of tests");
    assert!(runs(&root(), "protocol method::tests::names_are_unique_and_found"), "in the file under test");
    for wrong in [
        "agentgateway::it checklist::every_item_of_the_checklist",
        "agentgateway::it checklist::rows",
        "agentgateway::it elsewhere::a_test_is_found_by_the_name_that_nextest_prints",
        "federation::it checklist::a_test_is_found_by_the_name_that_nextest_prints",
        "agentgateway::benches checklist::a_test_is_found_by_the_name_that_nextest_prints",
        "nowhere tests::names_are_unique_and_found",
        "protocol names_are_unique_and_found",
        "checklist",
        "",
    ] {
        assert!(!runs(&root(), wrong), "{wrong:?}");
    }
}

#[test]
fn what_is_ignored_or_no_test_shows_nothing() {
    assert!(has_test("#[test]\nfn it_holds() {", "it_holds"));
    assert!(has_test("/// Why.\n#[tokio::test(start_paused = true)]\nasync fn it_holds() {", "it_holds"));
    assert!(!has_test("#[test]\n#[ignore = \"slow\"]\nfn it_holds() {", "it_holds"));
    assert!(!has_test("#[test]\nfn other() {}\nfn it_holds() {", "it_holds"));
    assert!(!has_test("#[test]\nfn it_holds_too() {", "it_holds"));
}

#[test]
fn a_document_with_a_fault_is_refused() {
    let row = |number: u32, shown: &str| format!("| G{number:02} | something | {shown} |\n");
    let reason = format!("{OUT_OF_SCOPE}nobody needs it");
    let good: String = (1..=ITEMS).map(|number| row(number, &reason)).collect();
    let said = |document: &str, open: &[&str]| faults(document, &root(), open);
    assert_eq!(said(&good, &[]), [""; 0]);
    assert_eq!(said(&good.replace(&row(7, &reason), ""), &[]), ["G07 occurs 0 times"]);
    assert_eq!(said(&(good.clone() + &row(127, &reason)), &[]), ["G127 occurs 2 times"]);
    let instead = |shown: &str| good.replace(&row(7, &reason), &row(7, shown));
    assert_eq!(said(&instead(&format!("`{REAL}`")), &[]), [""; 0]);
    let wrong = "agentgateway::it checklist::no_such_test";
    let complaint = format!("G07 names a test that does not exist or does not run: {wrong}");
    assert_eq!(said(&instead(&format!("`{REAL}`, `{wrong}`")), &[]), [complaint]);
    for empty in ["", "later", "out of scope today: "] {
        assert_eq!(said(&instead(empty), &[]), ["G07 has neither a test nor a reason"], "{empty:?}");
    }
    assert_eq!(said(&instead("open: asks"), &[]), ["G07 must not be open"]);
    assert_eq!(said(&instead("open: asks"), &["G07"]), [""; 0]);
    assert_eq!(said(&good, &["G07"]), ["G07 is not open any more"]);
}
