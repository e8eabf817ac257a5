//! What cancels an operation: its own token, which is made when it is first asked for, and the token above
//! it, of which its own is a child. One that is made by a cancel of the operation is below nothing: it has
//! its cause, and nothing above can change that.
//!
//! Most operations are never asked for their token: they run, and end. Until then the token above
//! says all there is to say, and where there is none nothing can cancel. The one above is that of an
//! operation or a join, never a user's, which a handle here would keep: below that the own token is there
//! from the start.
//!
//! # Invariants
//!
//! 1. There is one own token at most, and once it is there every answer is its. So what was said
//!    of the cancel before it was made has to hold for it: only "no" is said from above. A "yes"
//!    is the own token's, which is made for it, and is cancelled from the start because the one
//!    above is.
//! 2. A run that answers pending waits on the own token if that is there. Otherwise it waits on
//!    the token above, and is *parked*: whoever makes the own token calls it.
//!
//! # Wakes
//!
//! The run leaves its waker (`runner.rs`), sets the mark, and then looks for the token. Whoever makes
//! the token puts it in its place, and then takes the mark. Both go to the mark by an exchange, so one
//! of them comes first. If it is the run's, the maker finds the mark and calls the run. If it is the
//! maker's, the run reads what that exchange or a later one wrote, and sees the token.
//!
//! A poll takes the mark off, as the run is about to look anyway. It writes only where it finds the mark,
//! which is its own: what it may overwrite is then the exchange of a maker that has found it as well.
//! To overwrite one that has not would hide the token from the run's next exchange.

use super::record::Record;
use crate::cause::Cause;
use crate::source::Decide;
use crate::sync::{AtomicBool, OnceLock, Ordering};
use crate::token::CancellationToken;

pub(crate) struct Stop {
    above: Option<CancellationToken>,
    own: OnceLock<CancellationToken>,
    /// The run waits and has not seen an own token.
    parked: AtomicBool,
}

impl Stop {
    /// `own` is the operation's token.
    pub(crate) fn by(own: CancellationToken) -> Self {
        Self {
            own: OnceLock::from(own),
            ..Self::below(None)
        }
    }

    /// `above` is what the operation is cancelled with, if there is anything.
    pub(crate) fn below(above: Option<CancellationToken>) -> Self {
        Self {
            above,
            own: OnceLock::new(),
            parked: AtomicBool::new(false),
        }
    }

    fn make(&self) -> CancellationToken {
        CancellationToken::of_operation(self.above.as_ref())
    }
}

impl Record {
    /// The operation's token.
    #[inline]
    pub(crate) fn token(&self) -> &CancellationToken {
        match self.made_token() {
            Some(token) => token,
            None => self.make_token(),
        }
    }

    #[cold]
    fn make_token(&self) -> &CancellationToken {
        // Made before it is put in place, not meanwhile: it takes locks. One that comes too late is dropped.
        let made = self.stop.make();
        let token = self.stop.own.get_or_init(move || made);
        self.call_parked();
        token
    }

    /// Cancels the operation. True if this call did it, and no other before.
    pub(super) fn cancel_token(&self, cause: Cause) -> bool {
        if let Some(token) = self.made_token() {
            return token.cancel_with(cause);
        }
        // A token that is not there yet has nobody to tell but the run.
        match self.stop.own.set(CancellationToken::born_cancelled(cause)) {
            Ok(()) => {
                self.call_parked();
                self.token().report_cancel();
                true
            }
            Err(late) => late
                .cause()
                .is_some_and(|cause| self.token().cancel_with(cause)),
        }
    }

    /// Waits until everything below a cancelled operation says cancelled.
    ///
    /// To be called with no lock held. It waits for no code of a user's, so whoever is called by a cancel
    /// may cancel again; see "Overlapping cancels" in the header of the token's module.
    pub(crate) fn wait_below(&self) {
        // Without a token of its own there is nothing below.
        if let Some(token) = self.made_token() {
            token.wait_below();
        }
    }

    /// Calls the run if it is parked, for whoever has put the token in its place.
    fn call_parked(&self) {
        // AcqRel: "Wakes" in the module's header.
        if self.stop.parked.swap(false, Ordering::AcqRel) {
            self.call_runner();
        }
    }

    /// The operation's token, if anyone has asked for it.
    #[inline]
    pub(crate) fn made_token(&self) -> Option<&CancellationToken> {
        self.stop.own.get()
    }

    /// The token that the operation is cancelled with, if there is one.
    pub(crate) fn token_above(&self) -> Option<&CancellationToken> {
        self.stop.above.as_ref()
    }

    /// Whether the operation is cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        match (self.made_token(), &self.stop.above) {
            (Some(token), _) => token.is_cancelled(),
            (None, None) => false,
            // Invariant 1.
            (None, Some(above)) => above.is_cancelled() && self.token().is_cancelled(),
        }
    }

    /// Why the operation is cancelled, if it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.is_cancelled() {
            true => self.token().cause(),
            false => None,
        }
    }

    /// Marks the run as parked. False if there is a token of the operation's own to wait on.
    ///
    /// To be called after the run has left its waker.
    pub(crate) fn park(&self) -> bool {
        // AcqRel: "Wakes" in the module's header.
        self.stop.parked.swap(true, Ordering::AcqRel);
        self.made_token().is_none()
    }

    /// Takes the mark off, at the beginning of a poll of the run that has entered, and of its drop.
    pub(crate) fn unpark(&self) {
        // Relaxed, both: see the module's header for what the store may overwrite.
        if self.stop.parked.load(Ordering::Relaxed) {
            self.stop.parked.store(false, Ordering::Relaxed);
        }
    }
}

/// A source that decides cancels the operation on whichever thread it hears of its event.
///
/// Whether the request is on record is settled by the record's lock: the run that closes looks at the
/// token under it (`closing.rs`). Who cancels before that is seen there, and who looks at the status after
/// the cancel and finds that the operation has not ended is before it.
impl Decide for Record {
    fn decide(&self, cause: Cause) -> bool {
        if self.status().is_closed() || !self.cancel(cause) {
            return false;
        }
        let inner = self.inner.lock();
        !self.status().is_closed() || inner.ended_cancelled
    }
}
