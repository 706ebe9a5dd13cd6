//! Placeholders in definitions: `@port@` stands for a value that is known only when a contestant is started.

use std::collections::BTreeMap;

/// What the placeholders stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<&'static str, String>);

impl Places {
    /// Says what one stands for.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.insert(name, value.to_string());
        self
    }

    /// Puts the values in. A placeholder that nobody knows is a fault of the definition.
    pub(crate) fn fill(&self, text: &str) -> anyhow::Result<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let end = from[1..].find('@').map(|end| &from[1..=end]);
            match end.filter(|name| is_name(name)) {
                Some(name) => {
                    let value = self.0.get(name);
                    let known = || self.0.keys().map(|key| format!("@{key}@")).collect::<Vec<_>>().join(", ");
                    filled.push_str(value.ok_or_else(|| {
                        anyhow::anyhow!("`@{name}@` stands for nothing here; there are {}", known())
                    })?);
                    rest = &from[name.len() + 2..];
                }
                None => {
                    filled.push('@');
                    rest = &from[1..];
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Everything else between two `@` is just text, such as two addresses of mail.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_unknown_ones_are_faults() {
        let places = Places::default().with("port", 80).with("name", "a");
        assert_eq!(places.fill("x@port@@name@ m@x.y, n@x.y @ @").expect("known"), "x80a m@x.y, n@x.y @ @");
        let fault = places.fill("@prot@").expect_err("unknown").to_string();
        assert!(fault.contains("@prot@") && fault.contains("@port@"), "{fault}");
    }
}
