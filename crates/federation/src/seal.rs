//! Sealed tokens: values that we hand to a client and must find unread and unchanged when they come back.
//!
//! A token is encrypted and authenticated (AES-256-GCM-SIV, RFC 8452), says when it expires, and opens only for the purpose
//! it was made for. SIV, because nonces are random and one that repeats must not give anything away.

use std::time::{Duration, SystemTime};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of the time of expiry, which is what the sealed text begins with: seconds since 1970, most significant first.
const EXPIRY: usize = 8;
/// A longer text is not looked at: no token of ours comes near it.
const LONGEST: usize = 4096;

/// Makes and opens tokens. The first key seals, all of them open, so that a key can be replaced without a break.
pub(crate) struct Seal {
    keys: Vec<RandomizedNonceKey>,
}

/// What a token is for. One that was made for something else does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purpose(&'static str);

impl Purpose {
    /// The `requestState` of a call that waits for its client.
    pub(crate) const REQUEST_STATE: Self = Self("requestState");
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

    /// A seal with these keys.
    fn with(keys: &[[u8; KEY]]) -> Self {
        let keys = keys.iter().filter_map(|key| RandomizedNonceKey::new(&AES_256_GCM_SIV, key).ok());
        Self { keys: keys.collect() }
    }

    /// A token that says `text`, in characters that need no quoting anywhere. `None` without a key or without randomness.
    pub(crate) fn seal(&self, purpose: Purpose, text: &[u8], expires: SystemTime) -> Option<String> {
        let key = self.keys.first()?;
        let mut sealed = Vec::with_capacity(EXPIRY + text.len() + AES_256_GCM_SIV.tag_len());
        sealed.extend_from_slice(&seconds(expires).to_be_bytes());
        sealed.extend_from_slice(text);
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose.0), &mut sealed).ok()?;
        let mut token = nonce.as_ref().to_vec();
        token.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(token))
    }

    /// What a token says.
    pub(crate) fn open(&self, purpose: Purpose, token: &str, now: SystemTime) -> Result<Vec<u8>, Unopened> {
        if token.len() > LONGEST {
            return Err(Unopened::Foreign);
        }
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| Unopened::Foreign)?;
        let (nonce, sealed) = token.split_first_chunk::<NONCE_LEN>().ok_or(Unopened::Foreign)?;
        let opened = self.keys.iter().find_map(|key| {
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            key.open_in_place(nonce, Aad::from(purpose.0), &mut sealed).ok().map(|text| text.to_vec())
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
