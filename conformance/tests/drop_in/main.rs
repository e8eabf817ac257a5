//! R15: one source file, compiled against tokio-util's token and against this project's. Only
//! the `use` lines differ, and all observations are equal.

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
