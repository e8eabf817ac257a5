//! Causes, and the error of cancelled work: their methods and texts.

use cancelable_core::{CancellationToken, Cancelled, Cause, Reason};
use std::error::Error;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

fn check(cause: impl Into<Cause>) -> Cancelled {
    let token = CancellationToken::new();
    token.cancel_with(cause);
    token.check().expect_err("it was cancelled")
}

#[test]
fn r02_a_cause_returns_the_values_it_was_given() {
    let place = here();
    let cause = Cause::new(Reason::Source)
        .with_message(String::from("words"))
        .with_location(place)
        .with_error(Arc::new(io::Error::other("inner")));
    assert_eq!(cause.reason(), &Reason::Source);
    assert_eq!(cause.message(), Some("words"));
    assert_eq!(cause.location(), place);
    assert_eq!(cause.error().unwrap().to_string(), "inner");
    assert!(cause.operation().is_none() && cause.time().is_none() && !cause.is_inherited());
    let copy = cause.clone();
    assert!(copy.is_same(&cause));
    let changed = copy.with_message("others");
    assert_eq!(
        (cause.message(), changed.message()),
        (Some("words"), Some("others"))
    );
    assert!(!changed.is_same(&cause));
}

#[test]
fn r40_every_cause_is_a_phrase_with_its_location() {
    let limit = Duration::from_secs(3);
    let phrases = [
        (Reason::Requested, "cancel requested (at F:L)"),
        (Reason::GuardDropped, "its drop guard was dropped (at F:L)"),
        (
            Reason::TimedOut { limit },
            "timed out (limit 3 s, set at F:L)",
        ),
        (Reason::DeadlineReached, "deadline reached (set at F:L)"),
        (
            Reason::Signal {
                number: 15,
                name: "SIGTERM",
            },
            "SIGTERM received (set at F:L)",
        ),
        (
            Reason::Condition,
            "a watched condition came true (set at F:L)",
        ),
        (Reason::Source, "a source fired (set at F:L)"),
        (
            Reason::Resource,
            "a resource went over its limit (set at F:L)",
        ),
        (Reason::File, "a watched file changed (set at F:L)"),
        (
            Reason::RunDropped,
            "the future that ran it was dropped (set at F:L)",
        ),
        (Reason::ChildFailed, "failure in the scope (set at F:L)"),
        (Reason::ShuttingDown, "shutting down (at F:L)"),
    ];
    let place = here();
    for (reason, phrase) in phrases {
        let cause = Cause::new(reason.clone()).with_location(place);
        let text = cause.to_string();
        let file_and_line = format!("{}:{}", place.file(), place.line());
        assert_eq!(text, phrase.replace("F:L", &file_and_line));
        let bare = phrase.replace(", set at F:L", "");
        let bare = bare.replace(" (set at F:L)", "").replace(" (at F:L)", "");
        assert_eq!(cause.without_location().to_string(), bare);
        assert_eq!(reason.as_str(), reason.as_str().to_lowercase());
        assert_eq!(
            reason.is_timeout(),
            text.contains("timed") || text.contains("deadline")
        );
    }
}

#[test]
fn r40_the_message_and_the_error_stand_between_the_reason_and_the_location() {
    let place = here();
    let cause = Cause::new(Reason::Requested)
        .with_message("deploy")
        .with_error(Arc::new(io::Error::other("build 71")))
        .with_location(place);
    let (file, line) = (place.file(), place.line());
    let expected = format!("cancel requested: deploy: build 71 (at {file}:{line})");
    assert_eq!(cause.to_string(), expected);
}

#[test]
fn r40_limits_are_written_as_people_write_them() {
    let limits = [
        (Duration::from_millis(3200), "3.2 s"),
        (Duration::from_secs(3), "3 s"),
        (Duration::from_millis(250), "250 ms"),
        (Duration::from_micros(1500), "1.5 ms"),
        (Duration::from_micros(7), "7 us"),
        (Duration::ZERO, "0 s"),
        (Duration::from_secs(125), "2 min 5 s"),
        (Duration::from_secs(7260), "2 h 1 min"),
    ];
    for (limit, text) in limits {
        let cause = Cause::new(Reason::TimedOut { limit }).to_string();
        assert!(
            cause.starts_with(&format!("timed out (limit {text}, set at ")),
            "{cause}"
        );
    }
    assert!(
        !Cause::new(Reason::TimedOut {
            limit: Duration::MAX
        })
        .to_string()
        .is_empty()
    );
}

// R40: the operation that decided a cancel is for users of a program too.
#[cfg(feature = "testing")]
#[test]
fn r40_a_cause_without_its_location_still_names_the_operation() {
    use cancelable_core::{Scope, testing::ManualRuntime};
    let manual = ManualRuntime::new();
    let scope = Scope::builder("janitor")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let token = CancellationToken::new();
    let outcome = manual.block_on(scope.run(async |_| token.cancel_with("too old")));
    assert!(outcome.is_completed());
    let cause = token.cause().unwrap();
    assert_eq!(
        cause.without_location().to_string(),
        "cancel requested: too old (by janitor)"
    );
    assert!(cause.to_string().ends_with(" by janitor)"), "{cause}");
}

#[test]
fn r19_check_is_an_error_every_time() {
    let token = CancellationToken::new().child_token();
    token.cancel_with("stop");
    for _ in 0..3 {
        let cancelled = token.check().unwrap_err();
        assert!(cancelled.cause().is_same(&token.cause().unwrap()));
    }
}

#[test]
fn the_error_of_a_token_is_a_sentence() {
    let place = here();
    let limit = Duration::from_secs(3);
    let cancelled = check(Cause::new(Reason::TimedOut { limit }).with_location(place));
    let (file, line) = (place.file(), place.line());
    let expected = format!("cancelled: timed out (limit 3 s, set at {file}:{line})");
    assert_eq!(cancelled.to_string(), expected);
    assert_eq!(
        cancelled.without_location().to_string(),
        "cancelled: timed out (limit 3 s)"
    );
    assert!(cancelled.is_timeout() && cancelled.reason() == &Reason::TimedOut { limit });
    assert!(cancelled.operation().is_none() && cancelled.elapsed().is_none());
    assert!(cancelled.source().is_none());
}

#[test]
fn r40_debug_of_the_error_is_its_sentence_and_alternate_debug_its_fields() {
    let cancelled = check(Cause::new(Reason::ShuttingDown).with_message("deploy"));
    assert_eq!(format!("{cancelled:?}"), cancelled.to_string());
    let parts = format!("{cancelled:#?}");
    assert!(
        parts.starts_with("Cancelled {\n    cause: Cause {\n"),
        "{parts}"
    );
    assert!(parts.contains("reason: ShuttingDown") && parts.contains("elapsed: None"));
}

#[test]
fn r21_a_cause_tells_a_timeout_from_other_reasons() {
    let limit = Duration::from_secs(1);
    assert!(Cause::new(Reason::TimedOut { limit }).is_timeout());
    assert!(Cause::new(Reason::DeadlineReached).is_timeout());
    assert!(!Cause::new(Reason::Requested).is_timeout());
}

#[test]
fn the_error_has_the_causes_error_as_its_source() {
    let cause = Cause::new(Reason::ChildFailed).with_error(Arc::new(io::Error::other("disk")));
    let cancelled = check(cause);
    assert_eq!(cancelled.source().unwrap().to_string(), "disk");
}

#[test]
fn the_error_becomes_an_io_error_that_carries_the_cause() {
    let limit = Duration::from_secs(1);
    let kinds = [
        (Reason::TimedOut { limit }, io::ErrorKind::TimedOut),
        (Reason::DeadlineReached, io::ErrorKind::TimedOut),
        (Reason::Requested, io::ErrorKind::Other),
        (Reason::ShuttingDown, io::ErrorKind::Other),
    ];
    for (reason, kind) in kinds {
        let cancelled = check(reason.clone());
        let text = cancelled.to_string();
        let error = io::Error::from(cancelled);
        assert_eq!((error.kind(), error.to_string()), (kind, text));
        let inner = error.get_ref().unwrap().downcast_ref::<Cancelled>();
        assert_eq!(inner.unwrap().reason(), &reason);
    }
}

/// The last owner of a user's error drops the error while no lock is held.
#[test]
fn r09_an_errors_drop_may_use_the_token_and_its_parent() {
    #[derive(Debug)]
    struct Asks(CancellationToken);
    impl std::fmt::Display for Asks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("asks")
        }
    }
    impl Error for Asks {}
    impl Drop for Asks {
        fn drop(&mut self) {
            let _ = (self.0.is_cancelled(), self.0.cause());
            self.0.on_cancel(|_| ()).detach();
            drop(self.0.child_token());
        }
    }
    let root = CancellationToken::new();
    let asks = || Cause::new(Reason::ChildFailed).with_error(Arc::new(Asks(root.clone())));
    let child = root.child_token();
    let leaf = child.child_token();
    child.cancel_with(asks());
    // The cause of the second cancel is dropped during that cancel.
    assert!(!child.cancel_with(asks()) && !leaf.cancel_with(asks()));
    drop((child, leaf));
    assert!(root.try_cancel());
}

#[test]
fn r40_a_reason_is_shown_as_its_word() {
    let reason = Reason::TimedOut {
        limit: Duration::from_secs(3),
    };
    assert_eq!(reason.to_string(), "timed_out");
    assert_eq!(
        format!(
            "[{:>9}]",
            Reason::Signal {
                number: 2,
                name: "SIGINT"
            }
        ),
        "[   signal]"
    );
}
