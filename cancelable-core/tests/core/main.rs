//! The tests of `cancelable-core`: one file per noun, mirroring `src`.

#[cfg(feature = "testing")]
mod adoption;
#[cfg(feature = "testing")]
mod attempt;
#[cfg(feature = "testing")]
mod await_points;
#[cfg(feature = "testing")]
mod await_points_own;
#[cfg(feature = "testing")]
mod blocking;
#[cfg(feature = "testing")]
mod cancel_elsewhere;
#[cfg(feature = "testing")]
mod cancel_log;
#[cfg(feature = "testing")]
mod cancel_schedule;
#[cfg(feature = "testing")]
mod child_report;
#[cfg(feature = "testing")]
mod children;
#[cfg(feature = "testing")]
mod clockwork;
#[cfg(all(feature = "stream", feature = "testing"))]
mod concurrent;
#[cfg(feature = "testing")]
mod defer;
#[cfg(feature = "scope")]
mod detached_threads;
#[cfg(feature = "testing")]
mod endings;
#[cfg(feature = "testing")]
mod escaping;
#[cfg(feature = "testing")]
mod grace;
#[cfg(all(feature = "stream", feature = "testing"))]
mod held;
#[cfg(feature = "testing")]
mod hold;
#[cfg(feature = "testing")]
mod hostile_drops;
#[cfg(feature = "testing")]
mod hostile_wakers;
#[cfg(feature = "testing")]
mod hostile_words;
#[cfg(feature = "testing")]
mod in_one_chain;
#[cfg(all(feature = "io", feature = "testing"))]
mod inline;
#[cfg(all(feature = "io", feature = "testing"))]
mod io;
#[cfg(feature = "testing")]
mod join;
#[cfg(feature = "testing")]
mod kept_timers;
#[cfg(feature = "testing")]
mod last_look;
#[cfg(all(feature = "stream", feature = "testing"))]
mod limit;
#[cfg(feature = "testing")]
mod manual_runtime;
#[cfg(feature = "testing")]
mod names;
#[cfg(feature = "testing")]
mod operation;
#[cfg(feature = "testing")]
mod operation_log;
#[cfg(feature = "testing")]
mod partial;
#[cfg(feature = "testing")]
mod pending;
mod probe;
#[cfg(feature = "testing")]
mod progress;
#[cfg(feature = "testing")]
mod recorder;
#[cfg(feature = "testing")]
mod refusals;
#[cfg(feature = "testing")]
mod registry;
#[cfg(feature = "testing")]
mod registry_dump;
#[cfg(feature = "testing")]
mod registry_events;
#[cfg(feature = "testing")]
mod registry_hooks;
#[cfg(feature = "testing")]
mod registry_pages;
#[cfg(feature = "testing")]
mod registry_within;
#[cfg(feature = "testing")]
mod requests;
#[cfg(feature = "testing")]
mod runtime;
#[cfg(feature = "testing")]
mod scope;
#[cfg(feature = "testing")]
mod scope_deadline;
#[cfg(feature = "testing")]
mod scope_end;
#[cfg(all(feature = "testing", feature = "serde"))]
mod serial;
#[cfg(feature = "testing")]
mod server;
#[cfg(feature = "testing")]
mod shield;
#[cfg(feature = "testing")]
mod source;
#[cfg(all(feature = "io", feature = "testing"))]
mod stopped;
#[cfg(all(feature = "stream", feature = "testing"))]
mod stream;
#[cfg(all(feature = "stream", feature = "testing"))]
mod stream_collect;
#[cfg(all(feature = "stream", feature = "testing"))]
mod stream_hand;
#[cfg(all(feature = "stream", feature = "testing"))]
mod stream_steps;
mod token_callback;
mod token_cancel;
mod token_cause;
mod token_depth;
mod token_hand;
mod token_join;
mod token_model;
mod token_order;
mod token_panics;
mod token_probes;
mod token_race;
mod token_run_until;
mod token_tree;
mod token_type;
mod token_wait;
#[cfg(feature = "scope")]
mod unwind;
