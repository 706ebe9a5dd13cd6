//! Sessions of legacy clients: their keys, and how long they last.

use federation::Key;

use super::super::Session;
use super::super::document as said;
use super::super::fault::Fault;
use super::super::yaml::Kind;
use super::{At, Check};

const HOW: &str =
    "`openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here";

impl Check {
    pub(super) fn session(&mut self, session: Option<&said::Session>, at: &At<'_>) -> Option<Session> {
        let (key, idle) = match session {
            Some(said::Session { key, idle_timeout }) => (key.as_ref(), idle_timeout.as_deref()),
            None => (None, None),
        };
        let keys = key.map(|said::Texts(keys)| self.keys(keys, &at.key("key"))).unwrap_or_default();
        let at = at.key("idleTimeout");
        let idle = self.duration(idle, said::DEFAULT_SESSION_IDLE, &at)?;
        if idle.is_zero() {
            self.fault(&at, "a session that may not be idle is over at once", "write a duration like `30m`");
        }
        Some(Session { keys, idle })
    }

    /// Nothing of a key is shown, also where it is wrong.
    fn keys(&mut self, keys: &[String], at: &At<'_>) -> Vec<Key> {
        let is_list = at.node.is_some_and(|node| matches!(node.kind, Kind::List(_)));
        let mut meant = Vec::new();
        for (index, text) in keys.iter().enumerate() {
            let at = if is_list { at.index(index) } else { at.clone() };
            let key = Key::parse(text);
            let message = match &key {
                None if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    "the key holds something that is not a hexadecimal digit".to_owned()
                }
                None => format!("the key has {} hexadecimal digits, and needs 64", text.len()),
                Some(key) if meant.contains(key) => "this key is in the list already".to_owned(),
                Some(_) => {
                    meant.extend(key);
                    continue;
                }
            };
            self.faults.push(Fault::at(at.place, at.path, message).hint(HOW).secret());
        }
        meant
    }
}
