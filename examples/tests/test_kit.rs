//! Tests as a user writes them, by the test kit (the feature `testing` of `cancelable-core`).
//!
//! ```sh
//! cargo test -p examples-tokio --test test_kit
//! ```
//!
//! The time is moved by hand, so an hour takes no time, and each run is like the one before.

use cancelable_core::operation::Status;
use cancelable_core::testing::{ManualRuntime, Recorder, cancel_at_every_await, cancel_in};
use cancelable_core::{CancellationToken, Outcome, RuntimeHandle, Scope};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Code to test: asks a server that needs `time` for its answer, and gives up after an hour.
async fn ask(runtime: &RuntimeHandle, stop: &CancellationToken, time: Duration) -> Outcome<u32> {
    let ask = Scope::builder("ask")
        .runtime(runtime)
        .timeout(HOUR)
        .token(stop);
    let answer = ask.run(async |op: Scope| {
        if let Some(runtime) = op.runtime() {
            runtime.sleep(time).await;
        }
        42
    });
    answer.await
}

#[test]
fn a_server_is_given_up_after_an_hour() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let stop = CancellationToken::never();
    let outcome = manual.block_on(ask(&manual.handle(), &stop, 2 * HOUR));
    assert!(outcome.is_timeout());
    assert_eq!(manual.now() - start, HOUR);
}

#[test]
fn an_answer_in_time_counts() -> Result<(), Box<dyn Error>> {
    let manual = ManualRuntime::new();
    let stop = CancellationToken::never();
    let outcome = manual.block_on(ask(&manual.handle(), &stop, HOUR / 2));
    assert_eq!(outcome.complete()?, 42);
    Ok(())
}

#[test]
fn a_stop_from_outside_ends_the_wait_at_once() {
    let manual = ManualRuntime::new();
    let recorder = Recorder::new(&manual.handle());
    let stop = CancellationToken::new();
    cancel_in(&manual, &stop, Duration::from_secs(3));
    let outcome = manual.block_on(ask(&manual.handle(), &stop, HOUR));
    assert_eq!(outcome.status(), Status::Cancelled);

    // What happened, in order, with the time of each event.
    let events = recorder.events();
    let lines: Vec<_> = events.iter().map(|event| event.to_string()).collect();
    assert_eq!(lines[..2], ["ask is pending", "ask is running"]);
    assert!(
        lines[2].starts_with("ask is being cancelled: "),
        "{}",
        lines[2]
    );
    assert_eq!(events[2].at(), Duration::from_secs(3));
    assert_eq!(recorder.open_operations(), 0);
}

/// Two accounts.
#[derive(Default)]
struct Books {
    from: AtomicU32,
    to: AtomicU32,
}

impl Books {
    fn open(&self) {
        self.from.store(100, Relaxed);
        self.to.store(0, Relaxed);
    }

    fn check(&self) -> Result<(), String> {
        match self.from.load(Relaxed) + self.to.load(Relaxed) {
            100 => Ok(()),
            sum => Err(format!("{sum} are left of 100")),
        }
    }
}

/// Code to test: the two halves of a transfer, a second apart.
async fn transfer(runtime: &RuntimeHandle, books: &Books) {
    books.from.fetch_sub(10, Relaxed);
    runtime.sleep(Duration::from_secs(1)).await;
    books.to.fetch_add(10, Relaxed);
}

/// The kit drops the future at each of its await points in turn, and checks the books after each.
#[test]
fn the_kit_finds_the_await_at_which_a_transfer_is_cut_in_half() {
    let books = Books::default();
    let report = cancel_at_every_await(
        |runtime| {
            books.open();
            let books = &books;
            async move { transfer(&runtime, books).await }
        },
        |_| books.check(),
    );
    assert_eq!(report.broken().len(), 1);
    assert_eq!(report.broken()[0].error(), "90 are left of 100");
}

/// A finalizer is finished by the runtime although the run is dropped.
#[test]
fn a_transfer_in_a_finalizer_is_not_cut() -> Result<(), Box<dyn Error>> {
    let books = Arc::new(Books::default());
    let report = cancel_at_every_await(
        |runtime| {
            books.open();
            let books = books.clone();
            let scope = Scope::builder("payment").runtime(&runtime);
            scope.try_run(async move |op: Scope| {
                op.defer(async move { transfer(&runtime, &books).await })
            })
        },
        |manual| {
            // The runtime runs the finalizers of a run that was dropped.
            manual.advance(Duration::from_secs(1));
            books.check()
        },
    );
    report.into_result()?;
    Ok(())
}
