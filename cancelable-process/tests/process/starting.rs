//! The errors of a process that was not started.

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope};
use cancelable_process::Command;

/// It would be another error if it were tried.
const MISSING: &str = "/no/such/program";

#[test]
fn a_program_that_is_not_there_is_not_found() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let error = Command::new(MISSING)
        .spawn_on(&manual.handle(), &token)
        .unwrap_err();
    assert!(error.is_not_found() && error.is_not_started());
    let text = error.to_string();
    let expected = "cannot start /no/such/program: ";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(format!("{error:?}"), text);
    assert!(format!("{error:#?}").starts_with("ProcessError {\n"));
}

#[test]
fn r19_nothing_is_started_for_a_cancelled_token() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    token.cancel_with("over");
    let error = Command::new(MISSING)
        .spawn_on(&manual.handle(), &token)
        .unwrap_err();
    assert!(error.is_not_started() && !error.is_not_found());
    let cause = error.cancellation().unwrap().cause();
    assert_eq!(cause.message(), Some("over"));
}

#[test]
fn r29_a_scope_without_a_runtime_starts_nothing() {
    let scope = Scope::builder("bare").build().unwrap();
    let error = Command::new(MISSING).spawn(&scope).unwrap_err();
    let text = error.to_string();
    assert!(error.is_not_started(), "{text}");
    assert!(text.contains("scope bare"), "{text}");
    assert!(text.contains("has no runtime"), "{text}");
    let manual = ManualRuntime::new();
    let output = Command::new(MISSING).output(&scope);
    let error = manual.block_on(output).unwrap_err();
    assert!(error.is_not_started() && !error.is_not_found());
    drop(manual.block_on(scope.run(async |_| ())));
}

#[test]
fn r29_a_scope_that_has_ended_starts_nothing() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("over")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    drop(manual.block_on(scope.run(async |_| ())));
    let error = Command::new(MISSING).spawn(&scope).unwrap_err();
    let text = error.to_string();
    assert!(error.is_not_started() && !error.is_not_found(), "{text}");
    assert!(text.contains("scope over"), "{text}");
    assert!(text.contains("has ended"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_cannot_be_sent_is_told_at_the_start() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let signal: cancelable_process::StopSignal = "RTMIN+3".parse().unwrap();
    let error = Command::new(MISSING)
        .stop_signal(signal)
        .spawn_on(&manual.handle(), &token)
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("SIGRTMIN+3 cannot be sent"), "{text}");
}
