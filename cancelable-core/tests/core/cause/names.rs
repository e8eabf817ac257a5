//! Names in lines and sentences: a foreign name forges no line, and work without a name is shown by its kind or
//! location.

use crate::support::log_lines::{Line, lines_of};
use cancelable_core::registry::Event;
use cancelable_core::scope::ChildHandle;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope};
use std::future::{pending, ready};
use std::io;
use std::time::Duration;

const FORGED: &str = "a\n#1 admin: running\u{1b}[2K\u{2028}\u{85}é";
const SHOWN: &str = "a\\n#1 admin: running\\u{1b}[2K\\u{2028}\\u{85}é";

#[test]
fn r35_a_foreign_name_stays_in_its_line() {
    let registry = Registry::new();
    let mut events = registry.events();
    let mut scope = None;
    let lines = lines_of(|| {
        let builder = Scope::builder(FORGED).register_in(&registry);
        let open = builder.build().expect("it is sound");
        open.progress().set_message("one\ntwo");
        open.set_metadata("user", "x\r\ny");
        open.cancel_with("three\nfour");
        scope = Some(open);
    });
    let scope = scope.expect("it was built");
    assert_eq!(scope.name(), FORGED, "the name itself is raw");
    assert_eq!(scope.label().to_string(), SHOWN);
    for line in [
        registry.tree().to_string(),
        scope.snapshot().to_string(),
        scope.progress().snapshot().to_string(),
        events.try_next().as_ref().map(Event::to_string).unwrap(),
    ] {
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            !line.contains(['\u{1b}', '\u{2028}', '\r', '\u{85}']),
            "{line}"
        );
    }
    assert_eq!(registry.dump().lines().count(), 2);
    let is_own = |line: &&Line| line.operation.is_some();
    let own: Vec<_> = lines.iter().filter(is_own).collect();
    assert!(own.iter().all(|line| line.text.contains(SHOWN)), "{own:?}");
    assert_eq!(own[0].text.lines().count(), 1);
    assert_eq!(own[0].operation.as_deref(), Some(SHOWN));
    let cancelled = scope.check().unwrap_err().to_string();
    assert!(
        cancelled.starts_with(&format!("{SHOWN} cancelled")),
        "{cancelled}"
    );
    let error = Scope::builder(FORGED)
        .timeout(Duration::from_secs(1))
        .build()
        .unwrap_err();
    assert!(error.to_string().starts_with(&format!("scope {SHOWN} ")));
    assert_eq!(error.scope(), FORGED);
}

#[test]
fn r34_an_empty_name_is_visible() {
    let scope = Scope::builder("").build().expect("it is sound");
    assert_eq!(scope.name(), "");
    scope.cancel();
    let cancelled = scope.check().unwrap_err().to_string();
    assert!(cancelled.starts_with("\"\" cancelled: "), "{cancelled}");
    let line = scope.snapshot().to_string();
    assert!(
        line.starts_with(&format!("{} \"\": pending", scope.id())),
        "{line}"
    );
}

fn line_of<T>(child: &ChildHandle<T>) -> String {
    let place = child.location();
    format!("{}:{}", place.file(), place.line())
}

#[test]
fn r25_a_failed_child_is_shown_by_its_name_or_location() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("s").runtime(&manual.handle()).collect_all();
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let boom = || ready(Err::<(), _>(io::Error::other("boom")));
        let unnamed = op.try_spawn(boom()).expect("it is running");
        let place = line_of(&unnamed);
        let text = unnamed.await.unwrap_err().to_string();
        assert_eq!(text, format!("child opened at {place} failed: boom"));
        let named = op.child("fetch").try_spawn(move |_| boom());
        let text = named.expect("it is running").await.unwrap_err().to_string();
        assert_eq!(text, "child fetch failed: boom");
        let call = op.try_spawn_blocking(|_| Err::<(), _>(io::Error::other("full")));
        let call = call.expect("it is running");
        let call_place = line_of(&call);
        let text = call.await.unwrap_err().to_string();
        assert_eq!(
            text,
            format!("blocking call opened at {call_place} failed: full")
        );
        (place, call_place)
    }));
    let failures = outcome.child_failures().iter();
    let failures: Vec<_> = failures.map(ToString::to_string).collect();
    let (place, call_place) = outcome.into_value().expect("it has come to its end");
    assert_eq!(
        failures,
        [
            format!("child opened at {place} failed: boom"),
            "child fetch failed: boom".into(),
            format!("blocking call opened at {call_place} failed: full"),
        ]
    );
}

#[test]
fn r23_r24_work_without_a_name_is_shown_by_its_kind_once() {
    const SECOND: Duration = Duration::from_secs(1);
    let manual = ManualRuntime::new();
    let builder = Scope::builder("s").runtime(&manual.handle());
    let builder = builder.grace(SECOND).cleanup_budget(SECOND);
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.defer(pending::<()>()).expect("it is open");
        op.cancel();
        let child = op
            .child("child")
            .grace(SECOND)
            .build()
            .expect("it is sound");
        drop(child.run(async |_| pending::<()>().await).await);
    }));
    let child = outcome.stragglers().last().expect("it was dropped");
    assert!(!child.to_string().contains("child child"), "{child}");
    let [error] = outcome.cleanup_errors() else {
        panic!("the finalizer was dropped");
    };
    let text = error.to_string();
    assert!(text.starts_with("finalizer, deferred at "), "{text}");
}
