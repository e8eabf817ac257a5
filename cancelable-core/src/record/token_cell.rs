//! The token of an operation, made on demand, and the marks beside it.
//!
//! Most operations end without a call for their token. Until the *own* token is made, the *inherited* token is
//! used in its place; without an inherited token, nothing can cancel the operation. The inherited token belongs
//! to an operation or to a join. The inherited token is never a token of the user, because the cell would keep
//! that token alive: a child of such a token is made at once.
//!
//! The cell knows neither the operation nor its run. A caller that stores a token calls
//! [`take_parked`](TokenCell::take_parked) after that, and wakes the run if it is parked. That caller is
//! `cancel.rs`, which has the invariants.
//!
//! # Wakes
//!
//! The run registers its waker (`run_waker.rs`), sets the mark `parked`, and then checks for the token. The maker
//! of the token stores it, and then takes the mark. Both access the mark by an exchange, so one of them comes
//! first. If the run is first, the maker finds the mark and wakes the run. If the maker is first, the run reads
//! the value of that exchange or of a later one, and sees the token.
//!
//! A poll removes the mark, because the run is about to check for the token. The poll writes only if it finds its own
//! mark. So the write can replace only the exchange of a maker that has found the mark too. If the write replaced the
//! exchange of a maker that has not found the mark, the run's next exchange would not see the token.

use crate::cause::OperationLabel;
use crate::sync::{AtomicBool, AtomicU32, OnceLock, Ordering};
use crate::token::{CancellationToken, DeadlineCheck};
use std::sync::Arc;

/// The relation of an operation to tokens that cancel it and belong to none of its ancestors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    /// An ancestor has such a token.
    Inherited,
    Own,
}

pub(crate) struct TokenCell {
    inherited: Option<CancellationToken>,
    own: OnceLock<CancellationToken>,
    /// True if the run waits and has seen no own token.
    parked: AtomicBool,
    /// True if user code may wait for the own token. Written under the record's lock.
    is_handed_out: AtomicBool,
    /// True if the operation has ended without a cancel. Its token may be cancelled nevertheless. Written under
    /// the record's lock.
    ended_uncancelled: AtomicBool,
    /// The number of operations and streams inside that may outlive the end. Small, so that it fits beside the
    /// marks.
    dependents: AtomicU32,
    link: Link,
}

impl TokenCell {
    /// Returns the cell of an operation whose token is `own`, a child of a token that belongs to no ancestor.
    pub(crate) fn with_own(own: CancellationToken) -> Self {
        Self {
            link: Link::Own,
            own: OnceLock::from(own),
            ..Self::inheriting(None)
        }
    }

    /// Returns the cell of an operation that is cancelled with `join`, which joins tokens that belong to no
    /// ancestor.
    pub(crate) fn inheriting_join(join: Option<CancellationToken>) -> Self {
        Self {
            link: Link::Own,
            ..Self::inheriting(join)
        }
    }

    /// Records whether an ancestor is linked. `parent` is the cell of the parent.
    pub(super) fn linked_as(mut self, parent: Option<&Self>) -> Self {
        if self.link == Link::None && parent.is_some_and(Self::is_linked) {
            self.link = Link::Inherited;
        }
        self
    }

    /// Returns the cell of an operation that is cancelled with `inherited`, if there is such a token.
    pub(crate) fn inheriting(inherited: Option<CancellationToken>) -> Self {
        Self {
            inherited,
            own: OnceLock::new(),
            parked: AtomicBool::new(false),
            is_handed_out: AtomicBool::new(false),
            ended_uncancelled: AtomicBool::new(false),
            dependents: AtomicU32::new(0),
            link: Link::None,
        }
    }

    /// Returns the operation's own token, if it was made.
    #[inline]
    pub(crate) fn own(&self) -> Option<&CancellationToken> {
        self.own.get()
    }

    /// Returns the inherited token, if there is one.
    #[inline]
    pub(crate) fn inherited(&self) -> Option<&CancellationToken> {
        self.inherited.as_ref()
    }

    /// Returns whether the operation or an ancestor is cancelled by a token that belongs to none of its ancestors.
    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.link != Link::None
    }

    /// Returns the deadline check of such a token of the operation itself.
    pub(super) fn linked_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        if self.link != Link::Own {
            return None;
        }
        match &self.inherited {
            Some(join) => join.deadline_check(),
            None => self.own()?.deadline_check_above(),
        }
    }

    /// Returns a token that may be stored as the own token.
    pub(super) fn make(&self, label: &OperationLabel) -> CancellationToken {
        let made = match &self.inherited {
            Some(inherited) => inherited.child_token(),
            None => CancellationToken::new(),
        };
        made.of_operation(label)
    }

    /// Stores the own token, under the record's lock. To be followed by [`take_parked`](Self::take_parked), with
    /// no lock held.
    ///
    /// # Errors
    ///
    /// There is an own token; `token` is returned for a drop after the lock.
    pub(super) fn put(&self, token: CancellationToken) -> Result<(), CancellationToken> {
        self.own.set(token)
    }

    /// Marks the run as parked. Returns false if there is an own token to wait on.
    ///
    /// To be called after the run has registered its waker.
    pub(crate) fn park(&self) -> bool {
        // AcqRel: "Wakes" in the header of this file.
        self.parked.swap(true, Ordering::AcqRel);
        self.own().is_none()
    }

    /// Removes the mark, at the beginning of a poll of a run that has entered, and of its drop.
    pub(crate) fn unpark(&self) {
        // Relaxed, both: the header of this file has the values that the store may overwrite.
        if self.parked.load(Ordering::Relaxed) {
            self.parked.store(false, Ordering::Relaxed);
        }
    }

    /// Returns whether the run is parked and has to be woken, for the caller that has stored the token.
    pub(super) fn take_parked(&self) -> bool {
        // AcqRel: "Wakes" in the header of this file.
        self.parked.swap(false, Ordering::AcqRel)
    }

    #[inline]
    pub(super) fn is_handed_out(&self) -> bool {
        // Relaxed: set under the lock, so before the end, or by a caller that sees the end.
        self.is_handed_out.load(Ordering::Relaxed)
    }

    /// To be called under the record's lock.
    pub(super) fn set_handed_out(&self) {
        self.is_handed_out.store(true, Ordering::Relaxed);
    }

    /// Returns whether the operation has ended without a cancel. Called after the status was seen to be an end,
    /// or under the record's lock.
    #[inline]
    pub(super) fn ended_uncancelled(&self) -> bool {
        // Relaxed: as for `is_handed_out`.
        self.ended_uncancelled.load(Ordering::Relaxed)
    }

    /// Fixes whether the operation was cancelled. Called under the record's lock, where the status becomes an end.
    pub(super) fn fix(&self) {
        let token = self.own().or(self.inherited());
        let is_cancelled = token.is_some_and(CancellationToken::is_cancelled);
        self.ended_uncancelled
            .store(!is_cancelled, Ordering::Relaxed);
    }

    /// Counts an operation or a stream inside that may outlive the end.
    pub(super) fn add_dependent(&self) {
        // Relaxed: it is opened before the operation ends, or by another dependent.
        self.dependents.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a dependent. Returns whether it was the last.
    pub(super) fn remove_dependent(&self) -> bool {
        // AcqRel: see `to_end`.
        self.dependents.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Returns the token that has to be cancelled for the end, after the status has become an end: a token that
    /// was handed out and is not cancelled, if there are no dependents.
    pub(super) fn to_end(&self) -> Option<&CancellationToken> {
        // AcqRel: the end of a dependent lowers the count by an exchange too. If the dependent's exchange comes later,
        // the dependent sees the status. If it comes earlier, this exchange sees the lower count.
        if !self.is_handed_out() || self.dependents.fetch_add(0, Ordering::AcqRel) > 0 {
            return None;
        }
        self.own().filter(|token| !token.is_cancelled())
    }
}
