//! Logs, spans, and the states of tokens and operations.

use crate::page::shows;
use crate::programs::{printed, say};
use cancelable_core::{CancellationToken, Scope, Status};
use std::time::Duration;

const ENV_LOGGER: &str = "Switch debug logs on: `RUST_LOG` and `env_logger`";
const TRACING: &str = "Debug logs and spans with `tracing`";
const STUCK: &str = "A scope does not stop: what it waits for";
const STATE: &str = "The state of a token and of an operation";

/// Drives a future on a clock that moves when nothing else is to be done.
fn drive<F: Future>(future: F) -> F::Output {
    let mut tokio = tokio::runtime::Builder::new_current_thread();
    let tokio = tokio.enable_time().start_paused(true).build().unwrap();
    tokio.block_on(future)
}

/// An import with a limit and a child.
fn import() {
    let outcome = drive(async {
        let runtime = rt::current().unwrap();
        let import = rt::scope("import").timeout(Duration::from_secs(3));
        let run = import.run(async |op: Scope| {
            let page = op.child("page").spawn(async |_| "page 1").unwrap();
            assert_eq!(page.await.unwrap(), "page 1");
            runtime.sleep(Duration::from_secs(60)).await;
        });
        run.await
    });
    assert!(outcome.is_timeout());
}

/// An import whose limit passes during a long commit.
pub(crate) fn commit() {
    env_logger::init();
    let outcome = drive(async {
        let runtime = rt::current().unwrap();
        let import = rt::scope("import").timeout(Duration::from_secs(3));
        let import = import.watchdog(Duration::from_secs(10)).build().unwrap();
        let (operation, observer) = (import.operation().clone(), runtime.clone());
        let asked = runtime.spawn(async move {
            observer.sleep(Duration::from_secs(5)).await;
            for straggler in operation.unfinished() {
                say(straggler);
            }
        });
        let run = import.run(async |op: Scope| {
            op.shield(runtime.sleep(Duration::from_secs(15))).await;
        });
        let outcome = run.await;
        asked.await.unwrap();
        outcome
    });
    assert!(outcome.is_timeout());
}

pub(crate) fn logs() {
    env_logger::init();
    import();
}

pub(crate) fn spans() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    import();
}

#[test]
fn env_logger_prints_every_change_at_debug_and_nothing_by_default() {
    let lines = printed("logs", "cancelable=debug");
    assert!(lines.contains("import is running"), "{lines}");
    shows(ENV_LOGGER, &lines);
    assert_eq!(printed("logs", "info"), "");
}

#[test]
fn tracing_prints_the_lines_inside_the_spans_of_their_operations() {
    let lines = printed("spans", "cancelable=debug");
    assert!(lines.contains("operation{id="), "{lines}");
    shows(TRACING, &lines);
}

#[test]
fn what_a_scope_waits_for_is_told_on_request_and_by_the_watchdog() {
    let lines = printed("commit", "warn");
    assert!(lines.contains("import has not stopped"), "{lines}");
    shows(STUCK, &lines);
}

#[test]
fn a_token_and_an_operation_tell_their_state() {
    let token = CancellationToken::new();
    assert!(token.cause().is_none());
    token.cancel_with("deploy of build 71");
    let cause = token.cause().unwrap();
    for text in [
        format!("{}", token.is_cancelled()),
        format!("{:?}", cause.reason()),
        format!("{:?}", token.message()),
        format!("{cause}"),
        format!("{}", token.check().unwrap_err()),
    ] {
        shows(STATE, &text);
    }

    rt::block_on(async {
        let import = rt::scope("import").token(&token).build().unwrap();
        shows(STATE, &import.snapshot().to_string());
        let outcome = import.run(async |_| ()).await;
        assert!(outcome.is_cancelled());
        shows(STATE, &import.snapshot().to_string());
        assert_eq!(import.status(), Status::Cancelled);
    });
}
