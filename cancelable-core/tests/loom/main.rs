//! Models of the core's protocols: every interleaving of two or three threads, a folder per room.
//!
//! Run with `ci/loom.sh`. Without `--cfg cancelable_loom` this file is empty: the models replace the locks and
//! atomics of the whole crate. A task is taken from its runtime and polled by hand, so a
//! model has no more threads than it needs.
#![cfg(all(cancelable_loom, feature = "scope"))]
#![allow(missing_docs)]

mod operation {
    mod finished;
    mod partial;
    mod shield;
    mod token;
}

mod progress {
    mod updates;
}

mod registry {
    mod cancel;
    mod events;
}

mod runtime {
    mod join;
}

mod scope {
    mod children;
    mod teardown;
}

mod source {
    mod cancel_on;
}

mod support;

mod token {
    mod callback;
    mod cancel;
    mod join;
    mod sharded_waiters;
    mod tree;
    mod unlink;
    mod wait;
}
