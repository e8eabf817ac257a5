//! Joins: tokens that are cancelled by the first, or by the last, of several input tokens.
//!
//! A join is a branch with several branches above it and one child, the token that users get. A join is linked as any
//! branch is. So the first pass of an input's cancel marks the join before any callback runs, and the join unlinks
//! itself when the last token below it is dropped.

use super::branch::Branch;
use super::cancel;
use super::deadline_check::AllOf;
use super::handle::CancellationToken;
use super::inline_list::{Key, NO_KEY};
use super::link::{self, Above};
use super::member::Member;
use super::node::Node;
use crate::cause::Cause;
use crate::error::InvalidArgument;
use std::borrow::Borrow;
use std::sync::Arc;

/// A join without inputs is more often a mistake than the wish for a token that is never, or at once, cancelled.
const NO_TOKENS: InvalidArgument = InvalidArgument::new("tokens", "is empty: give at least one");

impl CancellationToken {
    /// Creates a token that is cancelled with the first of `tokens`, with the same cause.
    ///
    /// A token that is given twice counts once, and a token that [cannot be cancelled](Self::never) does not count.
    /// Cancelling the result cancels none of `tokens`. Dropping the result leaves nothing behind in `tokens`.
    ///
    /// # Errors
    ///
    /// There are no tokens.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let (user, server) = (CancellationToken::new(), CancellationToken::new());
    /// let either = CancellationToken::any_of([&user, &server])?;
    /// server.cancel_with("shutdown");
    /// assert_eq!(either.cancelled_input(), Some(1));
    /// assert_eq!(either.message().as_deref(), Some("shutdown"));
    /// # Ok::<(), cancelable_core::error::InvalidArgument>(())
    /// ```
    pub fn any_of<I>(tokens: I) -> Result<Self, InvalidArgument>
    where
        I: IntoIterator,
        I::Item: Borrow<Self>,
    {
        let inputs = Inputs::collect(tokens)?;
        Ok(match inputs.distinct.is_empty() {
            true => Self::never(),
            false => inputs.join(1),
        })
    }

    /// Creates a token that is cancelled when all of `tokens` are, with the cause of the last.
    ///
    /// A token that is given twice counts once. If one of `tokens` [cannot be cancelled](Self::never), only a cancel
    /// of the result itself cancels the result.
    ///
    /// # Errors
    ///
    /// There are no tokens.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let (left, right) = (CancellationToken::new(), CancellationToken::new());
    /// let both = CancellationToken::all_of([&left, &right])?;
    /// left.cancel();
    /// assert!(!both.is_cancelled());
    /// right.cancel_with("the second reader left");
    /// assert_eq!(both.message().as_deref(), Some("the second reader left"));
    /// # Ok::<(), cancelable_core::error::InvalidArgument>(())
    /// ```
    pub fn all_of<I>(tokens: I) -> Result<Self, InvalidArgument>
    where
        I: IntoIterator,
        I::Item: Borrow<Self>,
    {
        let inputs = Inputs::collect(tokens)?;
        Ok(match inputs.any_never {
            true => Self::new(),
            false => {
                // Fits: the branches of the inputs are in memory.
                let needed = inputs.distinct.len() as u32;
                inputs.join(needed)
            }
        })
    }

    /// Returns the index of the input that cancelled a token made by [`any_of`](Self::any_of) or
    /// [`all_of`](Self::all_of). `None` before that, if the token was cancelled itself, and for any other token.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let (user, server) = (CancellationToken::new(), CancellationToken::new());
    /// let either = CancellationToken::any_of([&user, &server])?;
    /// assert_eq!(either.cancelled_input(), None);
    /// user.cancel();
    /// assert_eq!(either.cancelled_input(), Some(0));
    /// # Ok::<(), cancelable_core::error::InvalidArgument>(())
    /// ```
    #[must_use]
    pub fn cancelled_input(&self) -> Option<usize> {
        let cause = self.cause().filter(|cause| cause.is_inherited())?;
        let branch = self.node().parent()?;
        cause
            .is_same(&Cause::from_facts(branch.cause()?, true))
            .then(|| branch.cancelled_input())?
    }
}

/// The inputs of a join, without repetition and without tokens that can't be cancelled.
struct Inputs {
    /// The tokens, each with its index among those given by the caller.
    distinct: Vec<(CancellationToken, usize)>,
    any_never: bool,
}

impl Inputs {
    fn collect<I>(tokens: I) -> Result<Self, InvalidArgument>
    where
        I: IntoIterator,
        I::Item: Borrow<CancellationToken>,
    {
        let mut given: Vec<(CancellationToken, usize)> = tokens
            .into_iter()
            .enumerate()
            .map(|(index, token)| (token.borrow().clone(), index))
            .collect();
        if given.is_empty() {
            return Err(NO_TOKENS);
        }
        let before = given.len();
        given.retain(|(token, _)| !token.node().is_never());
        let any_never = given.len() < before;
        given.sort_by_key(|(token, index)| (Arc::as_ptr(token.node()), *index));
        given.dedup_by(|later, first| later.0 == first.0);
        given.sort_by_key(|(_, index)| *index);
        Ok(Self {
            distinct: given,
            any_never,
        })
    }

    fn join(self, needed: u32) -> CancellationToken {
        let inputs: Box<[_]> = self
            .distinct
            .iter()
            .map(|(token, index)| (token.node().own_branch(), *index))
            .collect();
        let above = Above::Inputs(Box::new(link::Inputs::new(inputs, needed)));
        let join = Branch::new(above);
        let checks = self.distinct.iter();
        let checks = checks.filter_map(|(token, _)| token.node().deadline_check().cloned());
        let mut checks: Vec<_> = checks.collect();
        match checks.len() {
            0 => {}
            1 => join.set_deadline_check(checks.remove(0)),
            _ => join.set_deadline_check(Arc::new(AllOf(checks))),
        }
        let join = Arc::new(join);
        link(&join);
        if needed == 1 {
            self.recheck(&join);
        }
        CancellationToken::from_node(Node::below(join))
    }

    /// Cancels an any-of join through an input that is cancelled but whose branch the canceller has not reached
    /// yet, so that the join is cancelled from the start. An all-of join counts its inputs, so only the canceller
    /// may notify it.
    fn recheck(&self, join: &Arc<Branch>) {
        for (token, _) in &self.distinct {
            if let (Some(cause), Some(input)) = (token.cause(), token.node().branch()) {
                cancel::cancel_branch(join, cause.into_facts(), input);
            }
        }
    }
}

/// Makes `join` a member of each input, and cancels it through the inputs that are already cancelled.
///
/// No cancel is lost: under an input's lock the join becomes a member, which will be notified, or the input
/// is found cancelled, and this notifies the join.
fn link(join: &Arc<Branch>) {
    let Above::Inputs(inputs) = join.above() else {
        return;
    };
    let linked: Box<[Key]> = inputs
        .branches
        .iter()
        .map(|(input, _)| link_one(join, input))
        .collect();
    join.set_keys(inputs, linked);
}

fn link_one(join: &Arc<Branch>, input: &Arc<Branch>) -> Key {
    if join.is_cancelled() {
        return NO_KEY;
    }
    if let Some(mut open) = input.open() {
        return open.insert(Member::branch(Arc::downgrade(join)));
    }
    if let Some(cause) = input.cause() {
        cancel::cancel_branch(join, cause, input);
    }
    NO_KEY
}
