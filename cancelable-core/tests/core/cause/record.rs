//! Owned causes, and causes that come from other processes (R40, R49).

use cancelable_core::cause::CauseRecord;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cause, Reason};
use std::io;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn r40_a_record_has_the_facts_of_its_cause() {
    let now = ManualRuntime::new().now();
    let cause = Cause::new(Reason::Resource)
        .with_message("512 MB")
        .with_error(Arc::new(io::Error::other("full")))
        .with_time(now);
    let record = cause.record(now + 2 * SECOND);
    assert_eq!(record.kind(), "resource");
    assert_eq!(
        (record.message(), record.error()),
        (Some("512 MB"), Some("full"))
    );
    assert_eq!(record.location(), cause.location().to_string());
    assert_eq!(record.age(), Some(2 * SECOND));
    assert_eq!(
        (record.node(), record.operation(), record.operation_id()),
        (None, None, None)
    );
    assert_eq!(record.to_string(), cause.to_string());

    let limit = Reason::TimedOut { limit: 3 * SECOND };
    let record = CauseRecord::new(&limit);
    assert!(record.is_timeout());
    assert_eq!((record.limit(), record.age()), (Some(3 * SECOND), None));
    let signal = Reason::Signal {
        number: 15,
        name: "SIGTERM",
    };
    assert_eq!(CauseRecord::new(&signal).signal(), Some((15, "SIGTERM")));
    assert!(CauseRecord::new(&Reason::DeadlineReached).is_timeout());
}

#[test]
fn r40_the_phrase_of_a_record_is_that_of_its_cause() {
    let reasons = [
        Reason::GuardDropped,
        Reason::TimedOut { limit: 3 * SECOND },
        Reason::DeadlineReached,
        Reason::Signal {
            number: 15,
            name: "SIGTERM",
        },
        Reason::Condition,
        Reason::Source,
        Reason::Resource,
        Reason::File,
        Reason::RunDropped,
        Reason::ChildFailed,
        Reason::Disconnected,
        Reason::Remote,
        Reason::PeerLost,
        Reason::Requested,
        Reason::ShuttingDown,
        Reason::ScopeEnded,
    ];
    for reason in reasons {
        let cause = Cause::new(reason);
        let record = cause.record(ManualRuntime::new().now());
        let phrase = |text: String| {
            text.replace("(at ", "(set at ")
                .replace("(opened at ", "(set at ")
        };
        assert_eq!(record.to_string(), phrase(cause.to_string()));
    }
}

#[test]
fn r40_a_remote_cause_is_shown_with_its_node() {
    let record = CauseRecord::new(&Reason::Requested)
        .with_message("deploy of build 71")
        .with_location("src/main.rs:14:5");
    let token = CancellationToken::new();
    token.cancel_with(Cause::remote(record.clone(), "b7"));
    let cause = token.cause().expect("it is cancelled");
    assert_eq!(
        cause.to_string(),
        "cancel requested: deploy of build 71, on node b7 (set at src/main.rs:14)"
    );
    assert_eq!(
        cause.without_location().to_string(),
        "cancel requested: deploy of build 71, on node b7"
    );
    assert_eq!(cause.reason(), &Reason::Remote);
    assert_eq!(cause.message(), Some("deploy of build 71"));
    assert_eq!(cause.location().file(), file!());
    let origin = cause.origin().expect("it is remote");
    assert_eq!((origin.kind(), origin.node()), ("requested", Some("b7")));
    assert!(Cause::from("x").origin().is_none());
    // A message of its own replaces that of the record.
    let own = Cause::remote(record, "b7").with_message("own");
    assert_eq!(own.message(), Some("own"));
    assert!(
        own.to_string()
            .starts_with("cancel requested: own, on node b7 (")
    );
}

#[test]
fn r40_a_record_that_is_passed_on_keeps_its_node_and_grows_older() {
    let now = ManualRuntime::new().now();
    let first = Cause::new(Reason::ShuttingDown)
        .with_time(now)
        .record(now + SECOND);
    let second = Cause::remote(first, "b7").with_time(now + 5 * SECOND);
    let passed = second.record(now + 7 * SECOND);
    assert_eq!(
        (passed.kind(), passed.node()),
        ("shutting_down", Some("b7"))
    );
    assert_eq!(passed.age(), Some(3 * SECOND));
    let third = Cause::remote(passed, "c8");
    assert_eq!(third.origin().and_then(CauseRecord::node), Some("b7"));
}

#[test]
fn r49_text_of_another_process_is_escaped() {
    let foreign = "a\nb\u{202e}\u{1b}[2K";
    let shown = "a\\nb\\u{202e}\\u{1b}[2K";
    let record = CauseRecord::new(&Reason::Requested)
        .with_message(foreign)
        .with_location(foreign);
    let cause = Cause::remote(record, foreign);
    let text = format!("cancel requested: {shown}, on node {shown} (set at {shown})");
    assert_eq!(cause.to_string(), text);
    assert_eq!(cause.message(), Some(foreign));
    assert_eq!(cause.origin().and_then(CauseRecord::node), Some(foreign));
}

#[test]
fn r40_a_cause_keeps_its_size() {
    assert_eq!(size_of::<Cause>(), 2 * size_of::<usize>());
}

#[cfg(feature = "serde")]
mod serial {
    use super::*;
    use serde_json::json;

    fn read(json: serde_json::Value) -> Result<CauseRecord, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn r40_a_record_is_read_back() {
        let now = ManualRuntime::new().now();
        let reasons = [
            Reason::ShuttingDown,
            Reason::TimedOut { limit: 3 * SECOND },
            Reason::Signal {
                number: 15,
                name: "SIGTERM",
            },
        ];
        for reason in reasons {
            let cause = Cause::new(reason).with_message("x").with_time(now);
            let cause = Cause::remote(cause.record(now + SECOND), "b7");
            let record = cause.record(now);
            let json = serde_json::to_value(&record).expect("it is serialised");
            assert_eq!(
                (&json["node"], &json["age_seconds"]),
                (&json!("b7"), &json!(1.0))
            );
            assert_eq!(read(json).expect("it is read"), record);
            let mut bytes = Vec::new();
            ciborium::into_writer(&record, &mut bytes).expect("it is serialised");
            let again: CauseRecord = ciborium::from_reader(&bytes[..]).expect("it is read");
            assert_eq!(again, record);
        }
    }

    #[test]
    fn r40_a_serialised_cause_is_read_as_a_record() {
        let cause = Cause::new(Reason::TimedOut { limit: 3 * SECOND }).with_message("x");
        let json = serde_json::to_value(&cause).expect("it is serialised");
        let record = read(json).expect("it is read");
        assert_eq!(record, cause.record(ManualRuntime::new().now()));
        let remote = Cause::remote(record, "b7");
        let json = serde_json::to_value(&remote).expect("it is serialised");
        assert_eq!(json["reason"], json!({"kind": "remote"}));
        assert_eq!(json["origin"]["node"], "b7");
        assert_eq!(json["origin"]["reason"]["kind"], "timed_out");
    }

    #[test]
    fn r49_a_record_of_a_newer_or_hostile_peer_is_read_or_refused() {
        let of = |kind: &str| json!({"reason": {"kind": kind}, "location": ""});
        let record = read(of("tired\n")).expect("it is read");
        assert_eq!(record.kind(), "tired\n");
        assert_eq!(
            Cause::remote(record, "").to_string(),
            "tired\\n, on node \"\""
        );
        for kind in ["timed_out", "signal", "scope_ended", ""] {
            let record = read(of(kind)).expect("it is read");
            assert!(!record.to_string().is_empty(), "{kind}");
        }
        for age in [json!(-1.0), json!(1e300), json!("x")] {
            let mut json = of("requested");
            json["age_seconds"] = age;
            assert!(read(json).is_err());
        }
        assert!(read(json!({"location": ""})).is_err());
    }
}
