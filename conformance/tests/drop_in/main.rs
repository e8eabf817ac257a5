//! R15: one source file, compiled against tokio-util and against this project's token with nothing
//! but the `use` lines changed, and the same in all that it observes.

mod tokio_util_token {
    use tokio_util::future::FutureExt;
    use tokio_util::sync::{
        CancellationToken, DropGuard, DropGuardRef, WaitForCancellationFuture,
        WaitForCancellationFutureOwned,
    };

    include!("program.rs");
}

mod our_token {
    use cancelable_core::token::FutureExt;
    use cancelable_core::token::{
        CancellationToken, DropGuard, DropGuardRef, WaitForCancellationFuture,
        WaitForCancellationFutureOwned,
    };

    include!("program.rs");
}
