//! Sizes and durations as people write them.

use std::time::Duration;

/// A number of bytes: `4MiB`, `500 kB` or plain digits.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A duration: `10s`, `500ms` or `1h30m`. A number without a unit is none.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while {
        let (number, after) = split(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = after.trim_start();
        !rest.is_empty()
    } {}
    // Far enough for every purpose, and near enough to be added to any clock.
    (total <= LONGEST).then_some(total)
}

/// A duration in the form that [`duration`] reads, with the largest units that fit: `1h30m`, `1s500ms`.
pub fn spelled(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A duration, or a number of seconds.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)).filter(|duration| *duration <= LONGEST),
        Err(_) => duration(text),
    }
}

const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4194304", 4 << 20),
            ("4MiB", 4 << 20),
            ("4 mib", 4 << 20),
            ("3kB", 3000),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in
            ["", "MiB", "-1", "4M", "4Mi", "1.5MiB", "4MiB2", "99999999999999999999", "99999999999GiB"]
        {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("0s", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(duration(&spelled(Duration::from_millis(millis))), duration(text), "{text}");
        }
        let spell = |millis| spelled(Duration::from_millis(millis));
        assert_eq!([0, 1, 5_400_000, 61_500].map(spell), ["0s", "1ms", "1h30m", "1m1s500ms"]);
        for text in ["", "10", "s", "10 s", "10 seconds", "-1s", "1.5s", "10sx", "99999999999999d", "1h30"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(seconds("600"), Some(Duration::from_secs(600)));
        assert_eq!(seconds("10m"), Some(Duration::from_secs(600)));
    }
}
