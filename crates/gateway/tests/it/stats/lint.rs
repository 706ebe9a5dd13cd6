//! What OpenMetrics demands of a text, as far as it can be broken here
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::collections::{BTreeMap, BTreeSet};

/// A value under its name, with its labels in their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

#[derive(Default)]
struct Family {
    name: String,
    kind: String,
    unit: Option<String>,
    samples: Vec<Sample>,
}

/// A text that keeps the rules.
pub(crate) struct Metrics(Vec<Family>);

impl Metrics {
    /// Reads a text, and fails the test if it breaks a rule.
    pub(crate) fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("it does not end in # EOF\n{text}"));
        let mut families: Vec<Family> = Vec::new();
        for line in body.lines() {
            match line.strip_prefix("# ") {
                Some(described) => describe(described, &mut families),
                None => {
                    let sample = sample(line);
                    let family = families.last_mut().unwrap_or_else(|| panic!("nothing describes {line}"));
                    assert!(family.owns(&sample), "`{line}` stands under {} {}", family.kind, family.name);
                    family.samples.push(sample);
                }
            }
        }
        families.iter().for_each(Family::check);
        Self(families)
    }

    /// The value of the one sample with this name and these labels among its own.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.all(name, labels);
        let value = found.next().map(|sample| sample.value);
        assert!(found.next().is_none(), "{name} {labels:?} is several");
        value
    }

    /// All values with this name and these labels added up.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).map(|sample| sample.value).sum()
    }

    fn all(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Sample> {
        let samples = self.0.iter().flat_map(|family| &family.samples);
        let has = |sample: &Sample, (key, value): &(&str, &str)| {
            sample.labels.get(*key).is_some_and(|v| v == value)
        };
        samples.filter(move |sample| sample.name == name && labels.iter().all(|label| has(sample, label)))
    }

    /// Every value of a label that occurs.
    pub(crate) fn values_of(&self, label: &str) -> BTreeSet<&str> {
        let samples = self.0.iter().flat_map(|family| &family.samples);
        samples.filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect()
    }

    /// The names of all families.
    pub(crate) fn families(&self) -> Vec<&str> {
        self.0.iter().map(|family| &*family.name).collect()
    }
}

fn describe(line: &str, families: &mut Vec<Family>) {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_else(|| panic!("`# {line}` is not whole")).to_owned();
    let (what, name, rest) = (word(), word(), word());
    if what == "HELP" {
        assert!(families.iter().all(|family| family.name != name), "{name} is described twice");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        assert!(rest.ends_with('.') && !rest.ends_with(".."), "the help of {name} is no sentence: {rest}");
        families.push(Family { name, ..Family::default() });
        return;
    }
    let family = families.last_mut().filter(|family| family.name == name && family.samples.is_empty());
    let family = family.unwrap_or_else(|| panic!("`# {line}` stands where it does not belong"));
    match &*what {
        "TYPE" => family.kind = rest,
        "UNIT" => family.unit = Some(rest),
        _ => panic!("`# {line}` means nothing"),
    }
}

fn sample(line: &str) -> Sample {
    let split = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(split);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().unwrap_or_else(|| panic!("a label has no end: {line}")) {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next() {
                        Some((_, 'n')) => value.push('\n'),
                        Some((_, c @ ('\\' | '"'))) => value.push(c),
                        other => panic!("{other:?} is escaped in {line}"),
                    },
                    (_, c) => value.push(c),
                }
            };
            assert!(labels.insert(key.to_owned(), value).is_none(), "{key} is there twice: {line}");
            rest = after[end + 1..].strip_prefix(',').unwrap_or(&after[end + 1..]);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').and_then(|value| value.parse().ok());
    Sample { name: name.to_owned(), labels, value: value.unwrap_or_else(|| panic!("no value: {line}")) }
}

impl Family {
    fn suffixes(&self) -> &'static [&'static str] {
        match &*self.kind {
            "gauge" => &[""],
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{} is a {other}", self.name),
        }
    }

    fn owns(&self, sample: &Sample) -> bool {
        let suffix = sample.name.strip_prefix(&*self.name);
        suffix.is_some_and(|suffix| self.suffixes().contains(&suffix))
    }

    fn check(&self) {
        let Self { name, kind, unit, samples } = self;
        if let Some(unit) = unit {
            assert!(name.ends_with(&format!("_{unit}")), "{name} does not end in its unit, {unit}");
        }
        for (index, sample) in samples.iter().enumerate() {
            let same = |other: &&Sample| other.name == sample.name && other.labels == sample.labels;
            assert!(samples[index + 1..].iter().find(same).is_none(), "{sample:?} is there twice");
            assert!(kind == "gauge" || sample.value >= 0.0, "{sample:?} is negative");
        }
        if kind == "histogram" {
            self.check_histograms();
        }
    }

    fn check_histograms(&self) {
        let mut by_labels: BTreeMap<_, Vec<&Sample>> = BTreeMap::new();
        for sample in &self.samples {
            let mut labels = sample.labels.clone();
            labels.remove("le");
            by_labels.entry(labels).or_default().push(sample);
        }
        for (labels, samples) in by_labels {
            let of = |suffix: &str| {
                let name = format!("{}{suffix}", self.name);
                samples.iter().filter(move |sample| sample.name == name)
            };
            let bound = |sample: &&&Sample| sample.labels["le"].parse::<f64>().expect("a bound");
            let bounds: Vec<f64> = of("_bucket").map(|sample| bound(&sample)).collect();
            let counts: Vec<f64> = of("_bucket").map(|sample| sample.value).collect();
            assert!(bounds.is_sorted_by(|one, next| one < next), "{labels:?}: {bounds:?}");
            assert!(counts.is_sorted(), "{labels:?}: the buckets are not cumulative: {counts:?}");
            assert_eq!(bounds.last(), Some(&f64::INFINITY), "{labels:?}");
            assert_eq!(
                of("_count").map(|sample| sample.value).collect::<Vec<_>>(),
                counts[counts.len() - 1..]
            );
            assert_eq!(of("_sum").count(), 1, "{labels:?}");
        }
    }
}
