//! The tests of `cancelable-core`: a folder per room and a file per noun, mirroring `src`.

mod cause {
    mod answers;
    #[cfg(feature = "testing")]
    mod escapes;
    #[cfg(feature = "testing")]
    mod names;
    #[cfg(feature = "testing")]
    mod panicking_display;
    #[cfg(feature = "testing")]
    mod time_limit;
}

#[cfg(feature = "io")]
mod io {
    mod until_cancelled;
}

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

mod runtime {
    mod detached_threads;
    #[cfg(feature = "testing")]
    mod join;
    #[cfg(feature = "testing")]
    mod sleep_and_timeout;
    #[cfg(feature = "testing")]
    mod spare_timers;
}

mod scope {
    #[cfg(feature = "testing")]
    mod after_end;
    #[cfg(feature = "testing")]
    mod attempt;
    #[cfg(feature = "testing")]
    mod blocking;
    #[cfg(feature = "testing")]
    mod child_report;
    #[cfg(feature = "testing")]
    mod children;
    mod concurrent;
    #[cfg(feature = "testing")]
    mod deadline;
    #[cfg(feature = "testing")]
    mod defer;
    #[cfg(feature = "testing")]
    mod endings;
    mod final_poll;
    #[cfg(feature = "testing")]
    mod grace;
    #[cfg(feature = "testing")]
    mod method_chain;
    #[cfg(feature = "testing")]
    mod orphans;
    #[cfg(all(feature = "io", feature = "testing"))]
    mod own_errors;
    #[cfg(feature = "testing")]
    mod panicking_drops;
    #[cfg(feature = "testing")]
    mod panicking_wakers;
    #[cfg(feature = "testing")]
    mod refusals;
    mod requests;
    #[cfg(feature = "testing")]
    mod run;
    #[cfg(feature = "testing")]
    mod server;
    mod unpolled_runs;
}

#[cfg(feature = "testing")]
mod source {
    mod cancel_elsewhere;
    mod kinds;
}

#[cfg(feature = "testing")]
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
