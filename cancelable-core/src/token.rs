//! The cancellation token: one flag in a tree, with its cause, its waiters and its callbacks.
//!
//! [`CancellationToken`] is a thin handle. Behind it stand two kinds of object:
//!
//! - a **node** for each token: its own state, its waiters and its callbacks;
//! - a **branch** for each token that has had a child: the flag that its children read and the
//!   list of those below it that have to be told (its *members*).
//!
//! ```text
//!   node A ──owns──► branch of A ◄──reads── node B ──owns──► branch of B ◄──reads── node C
//!                      │ members: [ B if it waits, branch of B ]      │ members: [ C if it waits ]
//!                      ▲──────────────── up (strong) ────────────────┘
//! ```
//!
//! A child that nobody waits on costs its parent nothing: it is in no list and reads its parent's
//! branch. It becomes a member when something has to be *done* at its cancellation: a waiter or a
//! callback is registered, or it gets a branch of its own. The first waiter is a member in its stead,
//! so that a token with one wait in its life is never looked at by whoever cancels its parent.
//!
//! Where several threads wait on one token at once, its waiters are a **sharded_waiters**: several lists, each with
//! a lock on cache lines of its own.
//!
//! # Invariants
//!
//! 1. A state never goes back: a node or a branch that is cancelled stays so, with its cause.
//! 2. The cause is set under the object's lock before the state says cancelled, and read after. The state
//!    is stored with `Release` and read with `Acquire`: who sees it sees every write made before `cancel`.
//!    An object that was told from above may leave the cause to what told it: a node to its parent's
//!    branch, a branch to the one it is linked to. That one is cancelled before, is kept by the strong
//!    reference (7), and stays where it is, because an entry moves only between live branches.
//! 3. A state changes to cancelled only under its own object's lock.
//! 4. A token is cancelled iff its own node or its parent's branch is. Nothing further up is read.
//! 5. A node that has a waiter or a callback is a member (or has no parent), or its one waiter is a
//!    member in its stead: then the node is *linked_waiter*, has no list, no callback and no branch that is
//!    linked, and its home (9) is its parent's branch. A branch is a member of the branch above it (or
//!    has none above it). What was cancelled itself, and not from above, leaves the list with its branch once
//!    all below it says cancelled ("Overlapping cancels"), and so does a join leave its other inputs.
//! 6. A cancelled branch has no members: they were taken, all at once, when it became cancelled,
//!    and whoever took them tells each of them in the same pass. It keeps that pass's *marking*, or a
//!    branch above does (2). A cancelled node has no waiters, by the same rule; those of its sharded_waiters are
//!    taken list by list, in the same pass. So a key into any of these is good exactly until then.
//! 7. Strong references go up only (node → branch of its parent → branch above). Members are weak.
//!    A node's strong count is the number of its handles; it is dropped with the last.
//! 8. A branch outlives its token for as long as a descendant lives, so that cancelling an
//!    ancestor still reaches that descendant. A branch whose token is gone is *orphaned*; nobody
//!    can cancel it but those above. What is linked to it is handed up to the branch above it, and
//!    a new branch is linked above all live orphans. So an orphan stays only for those that read
//!    it, and handing a token down for ever (`token = token.child_token()`) does not grow.
//! 9. A node has its entry where its own branch is linked, if it has one: its *home*, which may be
//!    further up than its parent's branch. It may find its home cancelled a moment before that
//!    branch is; it then settles itself. An entry moves only with its node and its branch held.
//! 10. A node gets its branch, and the states up to LINKED change, under the lock of the parent's branch;
//!     from when its own branch is linked elsewhere, under its home's and its own. So who holds the parent's
//!     branch and finds a node alone or linked_waiter, and without a branch, has it to itself.
//!
//! # Locks
//!
//! One lock for each node and each branch, one for the link of a branch, and one for each list of a sharded_waiters.
//! They are taken only in the order *branch above, then node or branch below it* (a node's own branch is
//! below it), which follows the tree and has no cycle, so no two threads can wait for each other. At most
//! three are held, a link's besides. A link's lock comes last, and a sharded_waiters's list is locked with no other
//! held: nothing is locked under either. Under a lock there are list operations and moves, and nothing of
//! a user's: wakers are cloned, woken and dropped outside, as are callbacks and the clock.
//!
//! # No lost wake-up
//!
//! A waiter is stored under the node's lock after the state has been read again under that lock.
//! A canceller stores the state under the same lock and takes the waiters there. Whichever comes
//! second sees the other: either the waiter reads the state and does not sleep, or the canceller
//! takes its waker.
//!
//! A waiter of a sharded_waiters does the same under the lock of its list, which the canceller takes after the state is
//! stored. The sharded_waiters is made under the node's lock while the state says live, so the canceller, who stores
//! the state under that lock, finds it. Waiters that are in the node's list by then stay there.
//!
//! A waiter that is a member in its node's stead is stored under the lock of the parent's branch, after the
//! states of both have been read there. The branch's canceller takes it with the other members. The token's
//! own canceller holds that lock too ("One cause") and takes it out of there. When a second waiter comes, or a
//! callback, or the node gets a branch, the first moves to the node's list with both locks held.
//!
//! A waiter that is polled again takes no lock if the waker is the same one, by what `will_wake` compares: while
//! it is stored it is alive, so nothing else can be taken for it; and once it was taken the state had been set,
//! and whoever took it wakes the task for one more poll.
//!
//! For a node that is told from above, the waiter made the node a member (5) after
//! reading the branch's state under the branch's lock, and the canceller stores that state and
//! takes the members under the same lock; the same argument holds one level up, and by induction to
//! the token that was cancelled.
//!
//! # One cause
//!
//! A token is seen as cancelled by its own state or by the branch of its parent (4). `cancel` on a
//! child therefore holds the parent's branch while it sets its own state: it finds the branch
//! cancelled and changes nothing, or it is first and the child keeps its own cause. Under the same lock
//! of the node the node's branch is cancelled too, so what hangs below, joins included, has the cause
//! that the token has. Where that branch is linked past an orphan it may have been told from above
//! before the parent's branch was; then the token takes that cause, and this `cancel` came second.
//!
//! # Overlapping cancels
//!
//! When `cancel` returns, true or false, everything below says cancelled. A call that meets a branch
//! which another call has cancelled goes on without it, and so must wait until that one has marked
//! what it took; likewise a call that answers false.
//!
//! Each call's first pass has a *marking*, which is set in each branch that it cancels or in one of the few
//! above it (2), under that branch's lock. A call notes the markings of the branches that it passes by. When its
//! own pass has ended it says so (the marking's gate opens), and only then waits for the gates of
//! those noted, and of those that these have noted, and so on. A call that answers false waits in the same
//! way for the marking in its own branch. If that is not cancelled yet, its token was told by the pass
//! that cancelled the branch to which the own one is linked, or else the parent's: between the two are
//! orphans only, which nothing but that pass can cancel.
//!
//! *It reaches all.* A branch below was cancelled by this pass, or by one that took it as a member of
//! a branch that this pass or a noted one met. By induction down the tree each is covered.
//!
//! *Who leaves.* A token that was cancelled itself takes its entry out of the list above it, and a join that
//! one input has cancelled takes those out of the others. Each does so when all below it is marked, and so its
//! marking is over: a pass that would have met it there has nothing to wait for.
//!
//! *No deadlock.* A pass takes locks of nodes and branches and waits for nothing else; who waits at a
//! gate holds no lock and has ended its own pass. So each gate is opened by a thread that waits for
//! no gate, also where two calls meet each other's branches by way of joins. Nor can a thread wait for
//! itself: nothing of a user runs inside a pass. A handle that the walk was the last to hold is dropped
//! after it (that may drop a cause, and an error of a user's in it), and wakers and callbacks come
//! after the wait, so they find every descendant cancelled.
//!
//! *Orderings.* Once all that it waited for is done, the marking is stored as *over* with `Release`.
//! Who reads that with `Acquire` need not wait: every mark is visible. So a cancel that overlaps with none
//! costs one lock without contention more, and one of a token without children nothing.
//!
//! Helping the other call instead of waiting for it would need members that stay in the list until they
//! are told: a second visit to each of them for the sake of a race. It would also have callbacks of one
//! tree run by two threads, a child's perhaps before its parent's.

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

pub use crate::sync::{isolate, isolated_panics};
pub use callback::{AlreadyCancelled, CallbackRegistration, Removed};
pub(crate) use deadline_check::{DeadlineCheck, Pacing};
pub use future_ext::FutureExt;
pub use guard::{DropGuard, DropGuardRef};
pub use handle::CancellationToken;
pub use join::EmptyJoin;
pub use run_until::{RunUntilCancelled, RunUntilCancelledOwned};
pub(crate) use wait::Wait;
pub use wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};
pub use weak::WeakCancellationToken;
