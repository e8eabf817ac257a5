//! The tests of `cancelable-core`: a folder per room and a file per noun, mirroring `src`.

mod cause {
    mod answers;
    #[cfg(feature = "testing")]
    mod escapes;
    #[cfg(feature = "testing")]
    mod names;
    #[cfg(feature = "testing")]
    mod panicking_display;
    #[cfg(all(feature = "stream", feature = "testing"))]
    mod time_limit;
}

mod error {
    mod invalid_argument;
    #[cfg(feature = "testing")]
    mod rejected;
}

#[cfg(all(feature = "io", feature = "testing"))]
mod io {
    mod until_cancelled;
}

#[cfg(feature = "scope")]
mod operation {
    #[cfg(feature = "testing")]
    mod cancel_log;
    #[cfg(feature = "testing")]
    mod handle;
    #[cfg(feature = "testing")]
    mod hold;
    #[cfg(all(feature = "io", feature = "testing"))]
    mod inline_deadline;
    #[cfg(feature = "testing")]
    mod partial;
    #[cfg(feature = "testing")]
    mod pending;
    #[cfg(all(feature = "testing", feature = "serde"))]
    mod serial;
    #[cfg(feature = "testing")]
    mod shield;
    mod unwind_safety;
}

#[cfg(feature = "testing")]
mod progress {
    mod updates;
}

#[cfg(feature = "testing")]
mod registry {
    mod dump;
    mod events;
    mod hooks;
    mod pages;
    mod queries;
    mod reentrancy;
}

#[cfg(feature = "scope")]
mod runtime {
    mod detached_threads;
    #[cfg(feature = "testing")]
    mod join;
    #[cfg(feature = "testing")]
    mod sleep_and_timeout;
    #[cfg(feature = "testing")]
    mod spare_timers;
}

#[cfg(feature = "testing")]
mod scope {
    mod after_end;
    mod blocking;
    mod child_report;
    mod children;
    #[cfg(feature = "stream")]
    mod concurrent;
    mod deadline;
    mod defer;
    mod endings;
    mod final_poll;
    mod grace;
    mod method_chain;
    mod orphans;
    #[cfg(feature = "io")]
    mod own_errors;
    mod panicking_drops;
    mod panicking_wakers;
    mod refusals;
    mod requests;
    mod run;
    mod server;
    mod try_run_until;
    #[cfg(feature = "stream")]
    mod unpolled_runs;
}

#[cfg(feature = "testing")]
mod source {
    mod cancel_elsewhere;
    mod kinds;
}

#[cfg(all(feature = "stream", feature = "testing"))]
mod stream {
    mod collect;
    mod feed;
    mod steps;
    mod until_cancelled;
}

mod support;

#[cfg(feature = "testing")]
mod testing {
    mod await_points;
    #[cfg(feature = "stream")]
    mod await_points_of_own_futures;
    mod cancel_schedule;
    mod manual_runtime;
    mod recorder;
}

mod token {
    mod callback;
    mod cancel;
    mod depth;
    mod join;
    mod model;
    mod order;
    mod panics;
    mod race;
    mod reentrancy;
    mod run_until;
    mod traits;
    mod tree;
    mod wait;
}
