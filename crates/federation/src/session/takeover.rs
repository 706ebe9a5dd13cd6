//! How sessions begin and are found: here, or where their ids say that another replica began them.

use std::sync::Arc;
use std::time::SystemTime;

use protocol::Kind;
use upstream::settings::Sharing;
use upstream::{Target, Tie, Transport};

use super::links::Tenure;
use super::passport::Passport;
use super::prepared::Prepared;
use super::store::list_changed;
use super::{Birth, Handshake, Session};
use crate::backend::Shared;
use crate::error::Error;
use crate::principal::Principal;
use crate::seal::Purpose;

impl Shared {
    /// Begins a session for a client that has shaken hands.
    pub(crate) fn begin_session(
        &self,
        handshake: Handshake,
        principal: &Principal,
        prepared: Vec<Prepared>,
    ) -> Result<Arc<Session>, Error> {
        let carried = prepared.iter().filter_map(Prepared::carried).collect();
        let passport = Passport::new(handshake, carried);
        let books = self.books();
        let purpose = Purpose::session(&books.key, principal);
        let id =
            passport.seal(&self.seal.load(), purpose, SystemTime::now()).ok_or_else(Error::no_randomness)?;
        let Passport { handshake, carried } = passport;
        let birth = Birth { is_fresh: true, handshake: Some(handshake), ..Birth::new(id, principal.clone()) };
        let session = self.sessions.enter(birth, self.settings().sessions.most)?;
        for prepared in prepared {
            let is_named = carried.iter().any(|carried| carried.is_from(&prepared.target.settings()));
            let tenure = if is_named { Tenure::Carried } else { Tenure::Own };
            if let Some((target, link, heard)) = prepared.take() {
                session.install(&target, (link, heard), tenure);
            }
        }
        Ok(session)
    }

    /// The session of this id, if it is this principal's: one that is here, or one that can go on here.
    pub(crate) fn session(&self, id: &str, principal: &Principal) -> Result<Arc<Session>, Error> {
        match self.sessions.find(id) {
            Some(session) if session.principal == *principal => Ok(session),
            Some(_) => Err(Error::unknown_session()),
            None => self.take_over(id, principal),
        }
    }

    /// Whether this server has given out an id to this principal, here or elsewhere.
    pub(crate) fn has_given_out(&self, id: &str, principal: &Principal) -> bool {
        self.sessions.find(id).is_some() || self.read(id, principal).is_some()
    }

    fn read(&self, id: &str, principal: &Principal) -> Option<Passport> {
        let books = self.books();
        let purpose = Purpose::session(&books.key, principal);
        Passport::open(&self.seal.load(), purpose, id, SystemTime::now())
    }

    /// Goes on with a session that another replica began, or this one before it ended it as idle. Nothing is asked of the client
    /// again. Where a target may have kept something for the client that cannot be reached from here, the session is unknown,
    /// so that the client begins again and knows that it did.
    fn take_over(&self, id: &str, principal: &Principal) -> Result<Arc<Session>, Error> {
        if self.settings().stateless {
            return Err(Error::unknown_session());
        }
        let passport = self.read(id, principal).ok_or_else(Error::unknown_session)?;
        let roster = self.roster.borrow().clone();
        let targets = || roster.iter().map(|member| &member.target);
        if let Some(target) = targets().find(|target| !can_move(target)) {
            tracing::debug!(
                "a session begins again: what target `{}` keeps for it stays behind",
                target.name()
            );
            return Err(Error::unknown_session());
        }
        let adoptable = passport.carried.iter().filter_map(|carried| {
            let target = targets().find(|target| carried.is_from(&target.settings()))?;
            Some((target.clone(), carried.id.clone()))
        });
        // What is counted elsewhere, from 0 or from another random number, does not meet what is counted here.
        let origin = u64::from(getrandom::u32().map_err(|_| Error::no_randomness())?) << 20;
        let birth = Birth {
            handshake: Some(passport.handshake),
            origin,
            adoptable: adoptable.collect(),
            ..Birth::new(id.into(), principal.clone())
        };
        let session = self.sessions.enter(birth, self.settings().sessions.most)?;
        session.initialized();
        // What was announced meanwhile, the client did not hear here.
        let catalog = self.catalog();
        let offered: Vec<_> =
            Kind::ALL.iter().copied().filter(|kind| catalog.offers(kind.capability())).collect();
        list_changed(&offered).into_iter().for_each(|message| session.mailbox.post(message));
        tracing::debug!("took over a session that began elsewhere or earlier");
        Ok(session)
    }
}

/// Whether a session can leave what it has at a target: it is nothing, or another replica can name it.
fn can_move(target: &Target) -> bool {
    let settings = target.settings();
    match target.ready_link() {
        _ if settings.sharing == Sharing::Shared => true,
        Some(link) => link.tie() != Tie::Connection,
        None => matches!(settings.transport, Transport::Http(_)),
    }
}
