//! The cancellation token: one flag in a tree, with its cause, its waiters and its callbacks.
//!
//! A [`CancellationToken`] is cloned into everything that has to stop together. A
//! [child](CancellationToken::child_token) is cancelled with its parent, and can be cancelled alone.
//!
//! | to ... | use |
//! |---|---|
//! | cancel | [`cancel`](CancellationToken::cancel), [`cancel_with`](CancellationToken::cancel_with), a [`DropGuard`] |
//! | cancel a part of the work alone | [`child_token`](CancellationToken::child_token) |
//! | check in a loop | [`check`](CancellationToken::check), [`is_cancelled`](CancellationToken::is_cancelled) |
//! | wait in async code | [`cancelled`](CancellationToken::cancelled), [`run_until_cancelled`](CancellationToken::run_until_cancelled), [`FutureExt`] |
//! | wait on a thread | [`wait`](CancellationToken::wait), [`wait_timeout`](CancellationToken::wait_timeout) |
//! | run code at the cancel | [`on_cancel`](CancellationToken::on_cancel) |
//! | join several tokens | [`any_of`](CancellationToken::any_of), [`all_of`](CancellationToken::all_of) |
//! | read the reason | [`cause`](CancellationToken::cause), [`reason`](CancellationToken::reason) |
//!
//! # Examples
//!
//! ```
//! use cancelable_core::CancellationToken;
//!
//! let server = CancellationToken::new();
//! let request = server.child_token();
//! server.cancel_with("shutting down");
//!
//! let cancelled = request.check().unwrap_err();
//! assert_eq!(cancelled.cause().message(), Some("shutting down"));
//! ```

// The design: the objects behind a token, their invariants, and the proofs that no cancel and no wake-up is lost.
//
// # Objects
//
// [`CancellationToken`] is a thin handle. Behind it stand two kinds of object:
//
// - a **node** for each token: its own state, its waiters and its callbacks;
// - a **branch** for each token that has had a child: the flag that its children read and the
//   list of the objects below it that have to be notified (its *members*).
//
// ```text
//   node A ──owns──► branch of A ◄──reads── node B ──owns──► branch of B ◄──reads── node C
//                      │ members: [ B if it waits, branch of B ]      │ members: [ C if it waits ]
//                      ▲──────────────── up (strong) ────────────────┘
// ```
//
// A child without waiters costs its parent nothing: it is in no list and reads its parent's branch. A child
// becomes a member when something has to be *done* at its cancellation: a waiter or a callback is
// registered, or the child gets a branch of its own. The first waiter is a member in place of the child, so that
// the parent's canceller never touches a token that is waited on once in its life.
//
// Where several threads wait on one token at once, its waiters are **sharded**: they stand in several lists,
// each with a lock on cache lines of its own.
//
// # Invariants
//
// 1. A state never goes back: a node or a branch that is cancelled stays so, with its cause.
// 2. The cause is set under the object's lock before the state is set to cancelled, and read after. The state
//    is stored with `Release` and read with `Acquire`: a thread that sees it sees every write made before
//    `cancel`. An object that was cancelled from above may leave the cause to the branch that notified it: a
//    node to its parent's branch, a branch to the branch that it is linked to. The branch above was cancelled
//    before, is kept by the strong reference (7), and keeps its place, because an entry moves only between live
//    branches.
// 3. A state changes to cancelled only under its own object's lock.
// 4. A token is cancelled iff its own node or its parent's branch is. Nothing further up is read.
// 5. A node that has a waiter or a callback is LINKED, that is a member (or has no parent), or its only
//    waiter is a member in its place. Then the node is WAITER_LINKED: it has no list, no callback and no
//    branch that is linked, and its home (9) is its parent's branch. A branch is a member of the branch above
//    it, if there is one. A node that was cancelled itself, and not from above, removes its entry with
//    its branch once everything below it is marked ("Overlapping cancels"), and so a join removes its entries
//    in its other inputs.
// 6. A cancelled branch has no members: they were taken, all at once, when it became cancelled, and the
//    call that took them notifies each of them in the same pass. The branch stores that *cancel pass*, or a
//    branch above does (2). A cancelled node has no waiters, by the same rule; its sharded waiters are taken
//    list by list, in the same pass. So a key into any of these lists is valid exactly until the cancel.
// 7. Strong references go up only (node → branch of its parent → branch above). Members are weak.
//    A node's strong count is the number of its handles; it is dropped with the last.
// 8. A branch outlives its token for as long as a descendant lives, so that cancelling an
//    ancestor still reaches that descendant. A branch whose token is gone is *orphaned*; only the branches
//    above can cancel it. The branches linked to an orphan move to the branch above it, and a new branch is linked
//    above all live orphans. So an orphan stays only for the nodes that read it, and replacing a token by
//    its child for ever (`token = token.child_token()`) uses constant memory.
// 9. A node has its entry where its own branch is linked, if it has one: its *home*, which may be
//    further up than its parent's branch. A node may find its home cancelled a moment before its parent's
//    branch is; the node then marks itself. An entry moves only with its node and its branch locked.
// 10. A node gets its branch, and the states up to LINKED change, under the lock of the parent's branch;
//     once its own branch is linked elsewhere, under its home's lock and its own. So a thread that holds the
//     lock of the parent's branch, and finds a node UNLINKED or WAITER_LINKED and without a branch, has
//     exclusive access to it.
//
// # Locks
//
// One lock for each node and each branch, one for the link of a branch, and one for each shard of waiters.
// Locks are taken only in the order *branch above, then node or branch below it* (a node's own branch is
// below it), which follows the tree and has no cycle, so no two threads can wait for each other. At most
// three are held, besides that of a link. The lock of a link comes last, and a shard is locked with no other
// lock held: nothing is locked under either. Under a lock there are list operations and moves, and no user
// code: wakers are cloned, woken and dropped, callbacks run, and the clock is read with no lock held.
//
// # No lost wake-up
//
// A waiter is stored under the node's lock after the state has been read again under that lock.
// A canceller stores the state under the same lock and takes the waiters there. Whichever comes
// second sees the other: either the waiter reads the state and does not sleep, or the canceller
// takes its waker.
//
// A sharded waiter does the same under the lock of its shard, which the canceller takes after it has stored
// the state. The shards are made under the node's lock while the state is live, so the canceller, which
// stores the state under that lock, finds them. Waiters in the node's list stay there.
//
// A waiter in its node's place is stored under the lock of the parent's branch, after the states of both
// have been read there. The branch's canceller takes it with the other members. The token's own canceller
// holds that lock too ("One cause") and removes it. When a second waiter comes, or a callback, or the node
// gets a branch, the first waiter moves to the node's list with both locks held.
//
// A waiter that is polled again takes no lock if the waker is the same one, by what `will_wake` compares:
// while the waker is stored it is alive, so no other waker has its identity; and after it was taken the state
// had been set, and the canceller that took it wakes the task for one more poll.
//
// For a node that is notified from above, the waiter made the node a member (5) after
// reading the branch's state under the branch's lock, and the canceller stores that state and
// takes the members under the same lock; the same argument holds one level up, and by induction to
// the token that was cancelled.
//
// # One cause
//
// A token is seen as cancelled by its own state or by the branch of its parent (4). `cancel` on a
// child therefore holds the lock of the parent's branch while it sets its own state: it finds the branch
// cancelled and changes nothing, or it is first and the child keeps its own cause. Under the same lock
// of the node the node's branch is cancelled too, so everything below, joins included, has the token's
// cause. Where that branch is linked past an orphan, it may have been cancelled from above before the
// parent's branch was; then the token takes that cause, and this `cancel` came second.
//
// # Overlapping cancels
//
// When `cancel` returns, true or false, everything below is marked as cancelled. A call that meets a branch
// which another call has cancelled skips it, and so must wait until that call has marked what it took;
// likewise a call that returns false.
//
// Each call's first pass has a *cancel pass*, an object that is stored in each branch which the call cancels
// or in one of the few above it (2), under that branch's lock. A call notes the cancel passes of the branches
// that it skips. When its own pass has marked everything, it sets the event of its cancel pass, and only
// then waits for the events of the passes noted, and of those that these have noted, and so on. A call
// that returns false waits in the same way for the cancel pass in its own branch. If that branch is not
// cancelled yet, its token was notified by the pass that cancelled the branch to which the own one is linked,
// or else the parent's: between the two are orphans only, which nothing but that pass can cancel.
//
// *It reaches all.* A branch below was cancelled by this pass, or by a pass that took it as a member of
// a branch that this pass or a noted one met. By induction down the tree each is covered.
//
// *Removed entries.* A token that was cancelled itself removes its entry from the list above it, and a join
// that one input has cancelled removes its entries in the other inputs. An entry is removed when everything below is
// marked, and so the cancel pass is finished: a pass that would have met it there has nothing to wait for.
//
// *No deadlock.* A pass takes locks of nodes and branches and waits for nothing else; a thread that waits for
// an event holds no lock and has ended its own pass. So each event is set by a thread that waits for no
// event, also where two calls meet each other's branches by way of joins. Nor can a thread wait for
// itself: no user code runs inside a pass. A handle that the walk was the last to hold is dropped
// after it (that may drop a cause, and a user's error in it), and wakers and callbacks come
// after the wait, so they find every descendant cancelled.
//
// *Orderings.* Once everything that it waited for is done, the cancel pass is stored as *finished* with
// `Release`. A thread that reads *finished* with `Acquire` need not wait: every mark is visible. So a cancel
// without overlap costs one uncontended lock more, and one of a token without children nothing.
//
// Helping the other call instead of waiting for it would need members that stay in the list until they
// are notified: a second visit to each member for the sake of a race. Callbacks of one tree would also run on
// two threads, a child's perhaps before its parent's.

mod branch;
mod callback;
mod cancel;
mod cancel_pass;
mod deadline_check;
mod entry;
mod future_ext;
mod guard;
mod handle;
mod inline_list;
mod join;
mod link;
mod member;
mod node;
mod run_until;
mod sharded_waiters;
mod slab;
mod wait;
mod waiters;
mod weak;

#[doc(hidden)]
pub use crate::sync::isolate;
pub use crate::sync::isolated_panics;
pub use callback::{AlreadyCancelled, CallbackRegistration, Unregistered};
pub(crate) use deadline_check::{
    Checked, DeadlineCheck, Pacing, check_deadlines, check_linked_deadlines,
};
pub use future_ext::FutureExt;
pub use guard::{DropGuard, DropGuardRef};
pub use handle::CancellationToken;
pub use run_until::{RunUntilCancelled, RunUntilCancelledOwned};
pub(crate) use wait::Wait;
pub use wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};
pub use weak::WeakCancellationToken;
