//! The recorder of operation events.

use crate::support::SECOND;
use cancelable_core::testing::{Change, ManualRuntime, Recorder};
use cancelable_core::{CancellationToken, Scope, Status};
use std::future::pending;
use std::thread;
use std::time::Duration;

/// The events as lines, without places.
fn lines(recorder: &Recorder) -> Vec<String> {
    let line = |event: String| event.split(" (").next().unwrap_or_default().to_owned();
    let events = recorder.take();
    events.iter().map(|event| line(event.to_string())).collect()
}

#[test]
fn r44_the_life_of_a_tree_of_operations_is_on_record_in_order() {
    let manual = ManualRuntime::new();
    let recorder = Recorder::new(&manual.handle());
    let outer = Scope::builder("outer")
        .runtime(&manual.handle())
        .timeout(3 * SECOND)
        .build()
        .unwrap();
    let outcome = manual.block_on(outer.run(async |op: Scope| {
        let quick = op.child("quick").build().unwrap();
        assert!(quick.run(async |_| ()).await.is_completed());
        let slow = op.child("slow").build().unwrap();
        assert!(slow.run(|_| pending::<()>()).await.is_cancelled());
    }));
    // The body of `outer` went on after `slow` was cancelled, and came to its value.
    assert!(outcome.is_completed());
    assert_eq!(recorder.open_operations(), 0);
    let times: Vec<_> = recorder.events().iter().map(|event| event.at()).collect();
    assert_eq!(
        lines(&recorder),
        [
            "outer is pending",
            "outer is running",
            "quick is pending",
            "quick is running",
            "quick is completed",
            "slow is pending",
            "slow is running",
            "outer is being cancelled: timed out",
            "slow is being cancelled: timed out",
            "slow is cancelled",
            "outer is completed",
        ]
    );
    assert_eq!(times[6..8], [Duration::ZERO, 3 * SECOND]);
    assert!(recorder.events().is_empty());
}

#[test]
fn r44_a_cancel_is_recorded_however_it_comes_and_once() {
    let manual = ManualRuntime::new();
    let recorder = Recorder::new(&manual.handle());
    let above = CancellationToken::new();
    let scope = Scope::builder("job")
        .runtime(&manual.handle())
        .token(&above)
        .build()
        .unwrap();
    let operation = scope.label().clone();
    scope.token().cancel_with("straight at its token");
    above.cancel_with("and again");
    scope.cancel_with("and again");
    drop(scope);
    let events = recorder.events();
    let asked = events.iter().filter_map(|event| match event.change() {
        Change::CancelRequested(cause) => cause.message(),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["straight at its token"]);
    let last = events.last().unwrap();
    assert_eq!(last.operation(), &operation);
    assert!(matches!(last.change(), Change::Status(Status::NeverRun)));
    assert_eq!(recorder.open_operations(), 0);
}

#[test]
fn r44_a_recorder_keeps_to_its_runtime_and_without_one_to_its_thread() {
    let (manual, other) = (ManualRuntime::new(), ManualRuntime::new());
    let recorder = Recorder::new(&manual.handle());
    let run = |name: &'static str, on: Option<&ManualRuntime>| {
        let mut builder = Scope::builder(name);
        if let Some(on) = on {
            builder = builder.runtime(&on.handle());
        }
        let scope = builder.build().unwrap();
        let outcome = ManualRuntime::new().block_on(scope.run(async |_| ()));
        assert!(outcome.is_completed());
    };
    run("of another runtime", Some(&other));
    run("of none", None);
    thread::scope(|threads| {
        threads.spawn(|| run("of none elsewhere", None));
        threads.spawn(|| run("of this elsewhere", Some(&manual)));
    });
    let events = recorder.events();
    let mut names: Vec<_> = events
        .iter()
        .map(|event| event.operation().name())
        .collect();
    names.dedup();
    assert_eq!(names, ["of none", "of this elsewhere"]);
}

#[test]
fn r44_a_recorder_that_comes_late_records_from_then_on() {
    let manual = ManualRuntime::new();
    let early = Recorder::new(&manual.handle());
    let scope = Scope::builder("job")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    assert_eq!(early.open_operations(), 1);
    drop(early);
    let late = Recorder::new(&manual.handle());
    scope.cancel();
    assert!(manual.block_on(scope.run(async |_| ())).is_cancelled());
    assert_eq!(
        lines(&late),
        [
            "job is running",
            "job is being cancelled: cancel requested",
            "job is cancelled"
        ]
    );
}

#[test]
fn r44_an_event_is_one_line_whatever_the_name() {
    let manual = ManualRuntime::new();
    let recorder = Recorder::new(&manual.handle());
    let builder = Scope::builder("a\nb is running").runtime(&manual.handle());
    let scope = builder.build().unwrap();
    assert_eq!(lines(&recorder), ["a\\nb is running is pending"]);
    drop(scope);
}
