//! What a branch is linked to, above it.

use super::branch::Branch;
use super::inline_list::Key;
use crate::sync::unmodelled::OnceLock;
use crate::sync::{AtomicBool, AtomicU32, AtomicUsize, Mutex, Ordering};
use std::sync::Arc;

/// The index of no input.
const NONE: usize = usize::MAX;

/// What a branch is linked to.
#[derive(Debug)]
pub(super) enum Above {
    /// Nothing: the branch of a root, or of a token that was cancelled when it got the branch.
    Nothing,
    /// The branch in which it has an entry. It is replaced when that one is orphaned, under the
    /// locks of both and of the node that shares the entry (invariant 9).
    One(Mutex<Link>),
    /// The inputs of a join.
    Inputs(Box<Inputs>),
}

/// A branch and the key of an entry in it; `NO_KEY` once that was taken out, see `Node::unlink`.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) branch: Arc<Branch>,
    pub(super) key: Key,
}

impl Above {
    pub(super) fn one(branch: Arc<Branch>, key: Key) -> Self {
        Self::One(Mutex::new(Link { branch, key }))
    }
}

/// The branches above a join.
#[derive(Debug)]
pub(super) struct Inputs {
    /// Each with its place among the tokens that were given.
    pub(super) given: Box<[(Arc<Branch>, usize)]>,
    /// The join's entry in each of them. They follow when all are linked; `NO_KEY` stands for an
    /// input that was not.
    pub(super) keys: OnceLock<Box<[Key]>>,
    /// The entries were taken out. Read and changed under the lock of the join's branch, so that every access
    /// is relaxed.
    pub(super) left: AtomicBool,
    /// How many more of them have to be cancelled. Read and changed under the lock of the join's
    /// branch, as is `by`, so that every access is relaxed.
    needed: AtomicU32,
    /// The place of the one that was the last needed, or `NONE`.
    by: AtomicUsize,
}

impl Inputs {
    pub(super) fn new(given: Box<[(Arc<Branch>, usize)]>, needed: u32) -> Self {
        Self {
            given,
            keys: OnceLock::new(),
            left: AtomicBool::new(false),
            needed: AtomicU32::new(needed),
            by: AtomicUsize::new(NONE),
        }
    }

    /// Notes that `from` is cancelled. True if that was the last one needed.
    pub(super) fn count(&self, from: Option<&Arc<Branch>>) -> bool {
        // Relaxed, here and below: see the field.
        let needed = self.needed.load(Ordering::Relaxed).saturating_sub(1);
        self.needed.store(needed, Ordering::Relaxed);
        if needed > 0 {
            return false;
        }
        // Looked up once, by the input that decides: an all-of of many inputs would else take a time
        // that grows with their number squared.
        let by = from.and_then(|from| {
            let (_, place) = self
                .given
                .iter()
                .find(|(input, _)| Arc::ptr_eq(input, from))?;
            Some(*place)
        });
        self.by.store(by.unwrap_or(NONE), Ordering::Relaxed);
        true
    }

    /// The place of the one that was the last needed.
    pub(super) fn decided_by(&self) -> Option<usize> {
        Some(self.by.load(Ordering::Relaxed)).filter(|place| *place != NONE)
    }
}
