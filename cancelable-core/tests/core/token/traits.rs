//! The traits of the types: auto traits, equality, hash and `Debug` (R15).

use cancelable_core::error::InvalidArgument;
use cancelable_core::token::{
    AlreadyCancelled, CallbackRegistration, DropGuard, DropGuardRef, RunUntilCancelled,
    RunUntilCancelledOwned, WaitForCancellationFuture, WaitForCancellationFutureOwned,
    WeakCancellationToken,
};
use cancelable_core::{CancellationToken, Cancelled, Cause, Reason};
use std::collections::HashSet;
use std::fmt::Debug;
use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};

fn goes_anywhere<T: Send + Sync + Debug>() {}
fn survives_a_panic<T: UnwindSafe + RefUnwindSafe>() {}
fn owned<T: Clone + 'static>() {}

#[test]
fn r15_the_types_are_send_sync_unwind_safe_and_owned() {
    goes_anywhere::<CancellationToken>();
    goes_anywhere::<WeakCancellationToken>();
    goes_anywhere::<WaitForCancellationFuture<'_>>();
    goes_anywhere::<WaitForCancellationFutureOwned>();
    goes_anywhere::<DropGuard>();
    goes_anywhere::<DropGuardRef<'_>>();
    goes_anywhere::<CallbackRegistration>();
    goes_anywhere::<AlreadyCancelled<()>>();
    goes_anywhere::<RunUntilCancelled<'_, Ready<()>>>();
    goes_anywhere::<RunUntilCancelledOwned<Ready<()>>>();
    goes_anywhere::<InvalidArgument>();
    goes_anywhere::<Cause>();
    goes_anywhere::<Reason>();
    goes_anywhere::<Cancelled>();
    survives_a_panic::<CancellationToken>();
    survives_a_panic::<WaitForCancellationFuture<'_>>();
    survives_a_panic::<WaitForCancellationFutureOwned>();
    survives_a_panic::<DropGuard>();
    survives_a_panic::<DropGuardRef<'_>>();
    owned::<CancellationToken>();
    owned::<WeakCancellationToken>();
    owned::<Cause>();
}

#[test]
#[allow(clippy::mutable_key_type)] // The hash is of the identity, which does not change.
fn r15_tokens_are_equal_and_hashed_by_identity() {
    let token = CancellationToken::new();
    let clone = token.clone();
    let child = token.child_token();
    assert_eq!(token, clone);
    assert_ne!(token, child);
    assert_ne!(CancellationToken::new(), CancellationToken::default());
    let same_child = child.clone();
    let set: HashSet<_> = [&token, &clone, &child, &same_child].into();
    assert_eq!(set.len(), 2);
    assert!(set.contains(&token));
}

#[test]
fn r15_debug_shows_the_state_and_the_cause() {
    let token = CancellationToken::new();
    let live = format!("{token:?}");
    assert_eq!(live, "CancellationToken { is_cancelled: false }");
    assert_eq!(
        format!("{:?}", token.downgrade()),
        "WeakCancellationToken { node: (Weak) }"
    );
    for text in [
        format!("{:?}", token.cancelled()),
        format!("{:?}", token.clone().cancelled_owned()),
        format!("{:?}", token.run_until_cancelled(async {})),
        format!("{:?}", token.clone().run_until_cancelled_owned(async {})),
        format!("{:?}", token.on_cancel(|_| ())),
    ] {
        assert!(text.ends_with(" { .. }") || text.contains(&live), "{text}");
    }
    token.cancel_with("stop");
    let dead = format!("{token:?}");
    assert!(dead.starts_with("CancellationToken { is_cancelled: true, cause: Cause {"));
    assert!(dead.contains("stop") && dead.contains("traits.rs"));
    assert!(format!("{:#?}", token.try_on_cancel(|_| ())).contains("AlreadyCancelled"));
    assert!(format!("{:?}", token.drop_guard_ref()).contains("DropGuardRef"));
}

#[test]
fn r15_a_token_may_be_used_after_a_caught_panic() {
    let token = CancellationToken::new();
    let caught = std::panic::catch_unwind(|| {
        let _wait = token.cancelled();
        let _child = token.child_token();
        panic!("the work fails");
    });
    assert!(caught.is_err() && !token.is_cancelled());
    assert!(token.try_cancel());
}
