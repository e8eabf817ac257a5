//! The link of a branch to its parent objects.

use super::branch::Branch;
use super::inline_list::Key;
use crate::sync::unmodelled::OnceLock;
use crate::sync::{AtomicBool, AtomicU32, AtomicUsize, Mutex, Ordering};
use std::sync::Arc;

/// The index of no input.
const NONE: usize = usize::MAX;

/// The parent objects of a branch: none, a branch, or the inputs of a join.
#[derive(Debug)]
pub(super) enum Above {
    /// Nothing: the branch of a root, or of a token that was cancelled before it got the branch.
    Nothing,
    /// The branch that has an entry for this branch. Replaced when that branch is orphaned, under the locks of
    /// both branches and of the node that shares the entry (invariant 9).
    One(Mutex<Link>),
    /// The inputs of a join.
    Inputs(Box<Inputs>),
}

/// A branch and the key of an entry in it; `NO_KEY` after the entry was removed, see `Node::unlink`.
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
    /// The inputs' branches, each with the index of its token among the tokens given by the caller.
    pub(super) branches: Box<[(Arc<Branch>, usize)]>,
    /// The keys of the join's entries in the inputs. Set once the join is linked to all inputs; `NO_KEY` for
    /// an input without an entry.
    pub(super) keys: OnceLock<Box<[Key]>>,
    /// True once the entries were removed. Read and written under the lock of the join's branch, so every
    /// access is relaxed.
    pub(super) unlinked: AtomicBool,
    /// The number of inputs that still have to be cancelled. Read and written under the lock of the join's
    /// branch, as is `last`, so every access is relaxed.
    needed: AtomicU32,
    /// The index of the last input that was needed, or `NONE`.
    last: AtomicUsize,
}

impl Inputs {
    pub(super) fn new(branches: Box<[(Arc<Branch>, usize)]>, needed: u32) -> Self {
        Self {
            branches,
            keys: OnceLock::new(),
            unlinked: AtomicBool::new(false),
            needed: AtomicU32::new(needed),
            last: AtomicUsize::new(NONE),
        }
    }

    /// Records that the input `from` is cancelled. Returns whether it was the last input needed.
    pub(super) fn note_cancelled(&self, from: Option<&Arc<Branch>>) -> bool {
        // Relaxed, here and below: see the field.
        let needed = self.needed.load(Ordering::Relaxed).saturating_sub(1);
        self.needed.store(needed, Ordering::Relaxed);
        if needed > 0 {
            return false;
        }
        // Looked up once, for the input that decides: a look-up for each input of an all-of would take
        // quadratic time.
        let last = from.and_then(|from| {
            let (_, index) = self
                .branches
                .iter()
                .find(|(input, _)| Arc::ptr_eq(input, from))?;
            Some(*index)
        });
        self.last.store(last.unwrap_or(NONE), Ordering::Relaxed);
        true
    }

    /// Returns the index of the last input that was needed.
    pub(super) fn last_needed(&self) -> Option<usize> {
        Some(self.last.load(Ordering::Relaxed)).filter(|index| *index != NONE)
    }
}
