//! Sealed tokens: values that we hand to a client and must find unread and unchanged when they come back.
//!
//! A token is encrypted and authenticated (AES-256-GCM-SIV, RFC 8452), says when it expires, and opens only for the purpose
//! it was made for. SIV, because nonces are random and one that repeats must not give anything away.
//!
//! Where the configuration names the keys, other replicas have the same ones and open the same tokens; so do the gateway's
//! next lives.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::principal::Principal;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of the time of expiry, which is what the sealed text begins with: seconds since 1970, most significant first.
const EXPIRY: usize = 8;
/// A longer text is not looked at: no token of ours comes near it.
const LONGEST: usize = 4096;
/// How many nonces are drawn at once. To draw one alone takes longer than to seal.
const DRAWN: usize = 64;

/// A key that a configuration names. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY]);

impl Key {
    /// Reads 64 hexadecimal digits.
    pub fn parse(digits: &str) -> Option<Self> {
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut key = [0; KEY];
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != KEY || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// The seal in force, for everybody who seals: a reload may name other keys.
pub(crate) type Seals = Arc<ArcSwap<Seal>>;

/// Makes and opens tokens. The first key seals, all of them open, so that a key can be replaced without a break.
pub(crate) struct Seal {
    keys: Vec<LessSafeKey>,
    /// Those that were drawn and not used.
    nonces: Mutex<Vec<[u8; NONCE_LEN]>>,
}

/// What a token is for, and whose it is. One that was made for something or somebody else does not open, although neither is
/// part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purpose<'a> {
    what: &'static str,
    of: [&'a str; 2],
}

impl<'a> Purpose<'a> {
    /// The `requestState` of a call of this virtual server that waits for its client.
    pub(crate) fn request_state(backend: &'a str) -> Self {
        Self { what: "requestState", of: [backend, ""] }
    }

    /// The id of a session of this principal's with this virtual server.
    pub(crate) fn session(backend: &'a str, principal: &'a Principal) -> Self {
        Self { what: "session", of: [backend, principal.as_str()] }
    }

    /// Each part with its length, so that no two purposes are spelled the same.
    fn spelled(&self) -> Vec<u8> {
        let length: usize = self.of.iter().map(|part| size_of::<u64>() + part.len()).sum();
        let mut spelled = Vec::with_capacity(self.what.len() + length);
        spelled.extend_from_slice(self.what.as_bytes());
        for part in self.of {
            spelled.extend_from_slice(&(part.len() as u64).to_be_bytes());
            spelled.extend_from_slice(part.as_bytes());
        }
        spelled
    }
}

/// Why a token does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// It is not ours, not for this purpose, or was changed: these cannot be told apart.
    Foreign,
    /// It is ours, and its time is over.
    Expired,
}

impl Seal {
    /// A seal with a key of its own. Its tokens are worth nothing after a restart and to other processes.
    pub(crate) fn random() -> Self {
        let mut key = [0u8; KEY];
        match getrandom::fill(&mut key) {
            Ok(()) => Self::with(&[key]),
            Err(error) => {
                tracing::error!("the system has no randomness, so nothing can be sealed: {error}");
                Self::with(&[])
            }
        }
    }

    /// The seal of a configuration: one of its own if it names no keys.
    pub(crate) fn of(keys: &[Key]) -> Self {
        match keys {
            [] => Self::random(),
            keys => Self::with(&keys.iter().map(|Key(key)| *key).collect::<Vec<_>>()),
        }
    }

    /// The same, to be shared.
    pub(crate) fn shared(self) -> Seals {
        Arc::new(ArcSwap::from_pointee(self))
    }

    /// A seal with these keys.
    fn with(keys: &[[u8; KEY]]) -> Self {
        let keys = keys.iter().filter_map(|key| UnboundKey::new(&AES_256_GCM_SIV, key).ok());
        Self { keys: keys.map(LessSafeKey::new).collect(), nonces: Mutex::default() }
    }

    /// How many bytes of text a token has room for that is this many characters long.
    pub(crate) fn room(length: usize) -> usize {
        (length / 4 * 3).saturating_sub(NONCE_LEN + EXPIRY + AES_256_GCM_SIV.tag_len())
    }

    /// A token that says `text`, in characters that need no quoting anywhere. `None` without a key or without randomness.
    pub(crate) fn seal(&self, purpose: Purpose<'_>, text: &[u8], expires: SystemTime) -> Option<String> {
        let (key, nonce) = (self.keys.first()?, self.nonce()?);
        let mut token = Vec::with_capacity(NONCE_LEN + EXPIRY + text.len() + AES_256_GCM_SIV.tag_len());
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&seconds(expires).to_be_bytes());
        token.extend_from_slice(text);
        let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(purpose.spelled()));
        let tag = key.seal_in_place_separate_tag(nonce, aad, &mut token[NONCE_LEN..]).ok()?;
        token.extend_from_slice(tag.as_ref());
        Some(URL_SAFE_NO_PAD.encode(token))
    }

    /// A nonce that was not used. `None` without randomness.
    fn nonce(&self) -> Option<[u8; NONCE_LEN]> {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.is_empty() {
            let mut drawn = vec![[0; NONCE_LEN]; DRAWN];
            getrandom::fill(drawn.as_flattened_mut()).ok()?;
            *nonces = drawn;
        }
        nonces.pop()
    }

    /// What a token says.
    pub(crate) fn open(
        &self,
        purpose: Purpose<'_>,
        token: &str,
        now: SystemTime,
    ) -> Result<Vec<u8>, Unopened> {
        if token.len() > LONGEST {
            return Err(Unopened::Foreign);
        }
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| Unopened::Foreign)?;
        let (nonce, sealed) = token.split_first_chunk::<NONCE_LEN>().ok_or(Unopened::Foreign)?;
        let opened = self.keys.iter().find_map(|key| {
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            key.open_in_place(nonce, Aad::from(purpose.spelled()), &mut sealed).ok().map(|text| text.to_vec())
        });
        let opened = opened.ok_or(Unopened::Foreign)?;
        let (expiry, text) = opened.split_first_chunk::<EXPIRY>().ok_or(Unopened::Foreign)?;
        if seconds(now) >= u64::from_be_bytes(*expiry) {
            return Err(Unopened::Expired);
        }
        Ok(text.to_vec())
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests;
