//! The serialised form for other processes, to the letter (R40).

use crate::support::SECOND;
use cancelable_core::cause::OperationId;
use cancelable_core::operation::Metadata;
use cancelable_core::registry::{Filter, Statistics};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Reason, Registry, Scope, Status};
use serde::Serialize;
use serde_json::{Value, json};
use std::num::{NonZeroU64, NonZeroUsize};

fn value(of: impl Serialize) -> Value {
    serde_json::to_value(of).expect("it can be told as JSON")
}

#[test]
fn r40_a_snapshot_is_this_json() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let outer = Scope::builder("outer")
        .runtime(&manual.handle())
        .register_in(&registry)
        .build()
        .unwrap();
    let inner = outer
        .child("inner")
        .timeout(5 * SECOND)
        .metadata("tenant", "blue")
        .build()
        .unwrap();
    let runtime = manual.handle();
    let outcome = manual.block_on(inner.try_run(async |op: Scope| {
        runtime.sleep(1500 * SECOND / 1000).await;
        op.progress().set_total(4);
        op.progress().advance(1);
        op.progress().set_message("page 1");
        op.progress().set_field("bytes", 7_u64);
        op.partial().show(|rows: &Vec<u8>| format!("{} rows", rows.len()));
        op.partial().set(vec![1_u8, 2]);
        op.cancel_with(Cause::new(Reason::ShuttingDown).with_message("deploy"));
        let json = value(op.snapshot());
        let line = json["location"].as_str().unwrap();
        assert!(line.starts_with(file!()) && line.split(':').count() == 3, "{line}");
        let place = json["cause"]["location"].as_str().unwrap();
        let short = place.rsplit_once(':').unwrap().0;
        assert_eq!(
            json,
            json!({
                "id": op.id().get(),
                "name": "inner",
                "parent": {"id": outer.id().get(), "name": "outer"},
                "status": "running",
                "location": line,
                "age_seconds": 1.5,
                "elapsed_seconds": 1.5,
                "remaining_seconds": 3.5,
                "stopping_seconds": 0.0,
                "cause": {
                    "reason": {"kind": "shutting_down"},
                    "message": "deploy",
                    "location": place,
                    "operation": {"id": op.id().get(), "name": "inner"},
                    "error": null,
                    "inherited": false,
                    "text": format!("shutting down: deploy (at {short} by inner)"),
                },
                "error": null,
                "progress": {
                    "own": {"position": 1, "total": 4, "fraction": 0.25, "per_second": null, "eta_seconds": null},
                    "overall": {"position": 1, "total": 4, "fraction": 0.25, "per_second": null, "eta_seconds": null},
                    "message": "page 1",
                    "fields": {"bytes": 7},
                },
                "partial": {"type_name": "alloc::vec::Vec<u8>", "text": "2 rows"},
                "metadata": {"tenant": "blue"},
            })
        );
        Err::<(), _>("torn")
    }).with_error_text());
    assert!(!outcome.is_completed());
    let ended = value(&registry.history(&Filter::new())[0]);
    assert_eq!(
        (&ended["status"], &ended["error"]),
        (&json!("failed"), &json!("torn"))
    );
    drop(outer);
}

#[test]
fn r40_an_operation_that_says_nothing_has_the_same_keys() {
    let scope = Scope::builder("bare").build().unwrap();
    let json = value(scope.snapshot());
    assert_eq!(
        json,
        json!({
            "id": scope.id().get(),
            "name": "bare",
            "parent": null,
            "status": "pending",
            "location": json["location"],
            "age_seconds": null,
            "elapsed_seconds": null,
            "remaining_seconds": null,
            "stopping_seconds": null,
            "cause": null,
            "error": null,
            "progress": null,
            "partial": null,
            "metadata": {},
        })
    );
}

#[test]
fn r40_reasons_have_their_facts() {
    let of = |reason: Reason| value(&reason);
    assert_eq!(of(Reason::Requested), json!({"kind": "requested"}));
    let limit = 1500 * SECOND / 1000;
    assert_eq!(
        of(Reason::TimedOut { limit }),
        json!({"kind": "timed_out", "limit_seconds": 1.5})
    );
    let signal = Reason::Signal {
        number: 2,
        name: "SIGINT",
    };
    assert_eq!(
        of(signal),
        json!({"kind": "signal", "number": 2, "name": "SIGINT"})
    );
    let scope = Scope::builder("job").build().unwrap();
    scope.cancel_with("x");
    let json = value(scope.check().unwrap_err());
    assert_eq!(json["operation"]["name"], "job");
    assert_eq!(json["elapsed_seconds"], Value::Null);
    assert_eq!(json["cause"]["message"], "x");
    assert!(
        json["text"]
            .as_str()
            .unwrap()
            .starts_with("job cancelled: cancel requested: x")
    );
}

#[test]
fn r40_events_and_trees_are_told_with_their_operations() {
    let registry = Registry::new();
    let mut events = registry.events_with_capacity(NonZeroUsize::new(2).unwrap());
    let scope = Scope::builder("job")
        .register_in(&registry)
        .build()
        .unwrap();
    let tree = value(registry.tree());
    assert_eq!(
        (&tree[0]["depth"], &tree[0]["operation"]["name"]),
        (&json!(0), &json!("job"))
    );
    scope.cancel_with("x");
    drop(scope);
    let mut next = || value(events.try_next().unwrap());
    assert_eq!(next(), json!({"event": "missed", "count": 1}));
    let asked = next();
    assert_eq!(asked["event"], "cancel_requested");
    assert_eq!(
        (&asked["operation"]["name"], &asked["cause"]["message"]),
        (&json!("job"), &json!("x"))
    );
    let ended = next();
    assert_eq!(
        (&ended["event"], &ended["operation"]["status"]),
        (&json!("ended"), &json!("never_run"))
    );
    assert_eq!(ended.as_object().unwrap().len(), 2);
}

#[test]
fn r40_every_event_has_as_many_fields_as_it_says() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let mut events = registry.events_with_capacity(NonZeroUsize::new(4).unwrap());
    for _ in 0..2 {
        let builder = Scope::builder("job").runtime(&manual.handle());
        let scope = builder.register_in(&registry).build().unwrap();
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            op.progress().advance(1);
            op.cancel();
        }));
        drop(outcome);
    }
    let mut told = Vec::new();
    while let Some(event) = events.try_next() {
        let mut bytes = Vec::new();
        ciborium::into_writer(&event, &mut bytes).unwrap();
        // A map says how long it is, and what comes next is taken for a part of it.
        let mut rest = &bytes[..];
        let value: ciborium::Value = ciborium::from_reader(&mut rest).unwrap();
        assert!(rest.is_empty(), "{event}");
        told.push((event.as_str(), value.as_map().unwrap().len()));
    }
    assert_eq!(
        told,
        [
            ("missed", 2),
            ("started", 2),
            ("progress", 2),
            ("cancel_requested", 3),
            ("ended", 2)
        ]
    );
}

#[test]
fn r40_what_says_all_by_itself_is_read_back() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let runtime = manual.handle();
    let scope = Scope::builder("job")
        .runtime(&runtime)
        .register_in(&registry)
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |_| runtime.sleep(2 * SECOND).await));
    assert!(outcome.is_completed());
    let statistics = registry.statistics();
    let json = value(&statistics);
    assert_eq!(
        json,
        json!({
            "pending": 0, "running": 0, "completed": 1, "cancelled": 0, "failed": 0, "never_run": 0,
            "durations": {
                "count": 1, "mean_seconds": 2.0, "max_seconds": 2.0,
                "p50_seconds": json["durations"]["p50_seconds"],
                "p99_seconds": json["durations"]["p50_seconds"],
            },
            "stopping": {},
        })
    );
    assert_eq!(
        serde_json::from_value::<Statistics>(json).unwrap(),
        statistics
    );

    let id: OperationId = serde_json::from_str("7").unwrap();
    assert_eq!(id, OperationId::from(NonZeroU64::new(7).unwrap()));
    assert!(serde_json::from_str::<OperationId>("0").is_err());
    let status: Status = serde_json::from_str("\"failed\"").unwrap();
    assert_eq!(status, Status::Failed);
    assert!(serde_json::from_str::<Status>("\"done\"").is_err());
    let metadata: Metadata = serde_json::from_str(r#"{"b": "2", "a": "1"}"#).unwrap();
    assert_eq!(metadata.to_string(), "a=1, b=2");
}

#[test]
fn r40_statistics_that_come_from_elsewhere_add_up_without_an_overflow() {
    let most = u64::MAX;
    let json = json!({
        "pending": most, "running": most, "completed": most, "cancelled": most, "failed": most,
        "never_run": most, "durations": null,
    });
    let read = serde_json::from_value::<Statistics>(json).expect("it is read");
    assert_eq!((read.open(), read.total()), (most, most));
}
