//! The log, line by line (spec section 3): the target, the levels, the keys and their values. A binary of its
//! own, because a process has one logger.
#![cfg(feature = "testing")]
#![allow(missing_docs)]

use cancelable_core::operation::Hooks;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Registry, Scope};
use futures_util::FutureExt;
use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

#[derive(Debug, PartialEq)]
struct Line {
    target: String,
    level: Level,
    text: String,
    keys: BTreeMap<String, String>,
}

struct Capture(Mutex<Vec<Line>>);

static CAPTURE: Capture = Capture(Mutex::new(Vec::new()));

struct Keys<'a>(&'a mut BTreeMap<String, String>);

impl<'kvs> VisitSource<'kvs> for Keys<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.insert(key.to_string(), value.to_string());
        Ok(())
    }
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut keys = BTreeMap::new();
        record
            .key_values()
            .visit(&mut Keys(&mut keys))
            .expect("they can be read");
        self.0.lock().push(Line {
            target: record.target().to_owned(),
            level: record.level(),
            text: record.args().to_string(),
            keys,
        });
    }

    fn flush(&self) {}
}

fn take() -> Vec<Line> {
    std::mem::take(&mut CAPTURE.0.lock())
}

/// The values of a key in lines about an operation.
fn statuses(lines: &[Line], operation: &str) -> Vec<String> {
    let about = lines.iter().filter(|line| {
        line.keys
            .get("operation")
            .is_some_and(|own| own == operation)
    });
    about
        .filter_map(|line| line.keys.get("status").cloned())
        .collect()
}

/// One test: the logger is the process's.
#[test]
fn all_changes_of_state_are_told_with_key_values_and_nothing_above_debug_in_normal_use() {
    log::set_logger(&CAPTURE).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let runtime = manual.handle();

    // Normal use: values, errors, cancels, timeouts, children, hooks, a registry that is read.
    let mut events = registry.events();
    let scope = Scope::builder("outer")
        .runtime(&runtime)
        .register_in(&registry)
        .timeout(Duration::from_secs(3))
        .hooks(Hooks::new().on_end(|_| ()))
        .build()
        .unwrap();
    let id = scope.id().get().to_string();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let failing = op.child("failing").build().unwrap();
        drop(
            failing
                .try_run(async |_| Err::<(), _>("torn"))
                .with_error_text()
                .await,
        );
        op.spawn(pending::<()>()).unwrap();
        op.defer(async {}).ok().unwrap();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    while events.try_next().is_some() {}
    assert_eq!(registry.dump(), "no operation is open\n");
    let token = CancellationToken::new();
    token.cancel();
    let lines = take();
    assert!(!lines.is_empty());
    for line in &lines {
        assert_eq!(line.target, "cancelable", "{line:?}");
        assert!(line.level >= Level::Debug, "{line:?}");
        assert!(!line.keys.is_empty(), "{line:?}");
    }
    assert_eq!(
        statuses(&lines, "outer"),
        ["pending", "running", "cancelled"]
    );
    assert_eq!(
        statuses(&lines, "failing"),
        ["pending", "running", "failed"]
    );
    assert_eq!(
        statuses(&lines, "child"),
        ["pending", "running", "cancelled"]
    );
    let asked = lines
        .iter()
        .find(|line| {
            line.text
                .starts_with("outer is being cancelled: timed out (limit 3 s")
        })
        .unwrap();
    assert_eq!(asked.keys["reason"], "timed_out");
    assert_eq!(asked.keys["id"], id);
    assert!(lines.iter().any(|line| {
        line.keys
            .get("reason")
            .is_some_and(|own| own == "requested")
    }));
    let failed = lines
        .iter()
        .find(|line| {
            line.keys
                .get("status")
                .is_some_and(|status| status == "failed")
        })
        .unwrap();
    assert_eq!(failed.keys["error"], "torn");
    // The line of the end of a cancelled operation has the cause, whatever the origin of the cancel.
    for name in ["outer", "child"] {
        let is_end = |line: &&Line| {
            let keys = &line.keys;
            let status = keys.get("status").map(String::as_str);
            keys["operation"] == name && status == Some("cancelled")
        };
        let about: Vec<_> = lines
            .iter()
            .filter(|line| line.keys.contains_key("operation"))
            .collect();
        let end = about.into_iter().find(is_end).unwrap();
        assert_eq!(end.keys["reason"], "timed_out");
        assert!(
            end.keys["cause"].starts_with("timed out (limit 3 s"),
            "{end:?}"
        );
        let text = format!("{name} is cancelled, cancel cause: timed out (limit 3 s");
        assert!(end.text.starts_with(&text), "{end:?}");
    }
    assert_eq!(failed.text, "failing is failed: torn");

    // Abnormal events have a higher level.
    drop(Scope::builder("left").build().unwrap());
    let lines = take();
    let left = lines.last().unwrap();
    assert_eq!(
        (left.level, &*left.keys["status"]),
        (Level::Warn, "never_run")
    );
    assert!(left.keys["location"].starts_with(file!()));
    let scope = Scope::builder("hooked")
        .runtime(&runtime)
        .hooks(Hooks::new().on_start(|_| panic!("boom")))
        .build()
        .unwrap();
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    let lines = take();
    let hook = lines
        .iter()
        .find(|line| line.level == Level::Error)
        .unwrap();
    assert_eq!(
        (&*hook.keys["what"], &*hook.keys["panic"]),
        ("a start hook", "boom")
    );

    // So is a run that is held and not polled, in the body or in another task.
    for is_in_the_body in [true, false] {
        let scope = Scope::builder("around").runtime(&runtime);
        let scope = scope.timeout(Duration::from_secs(1)).build().unwrap();
        let elsewhere = RefCell::new(None);
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let inner = op.child("held").build().unwrap();
            let mut run = Box::pin(inner.run(|op| async move {
                op.defer(async {}).ok().unwrap();
                pending::<()>().await;
            }));
            if is_in_the_body {
                assert!((&mut run).now_or_never().is_none());
                pending::<()>().await;
                drop(run);
            } else {
                let task = async move {
                    assert!((&mut run).now_or_never().is_none());
                    Some(run)
                };
                *elsewhere.borrow_mut() = runtime.spawn(task).await.unwrap();
                pending::<()>().await;
            }
        }));
        assert!(outcome.is_cancelled());
        let warned = take().into_iter().filter(|line| line.level == Level::Warn);
        let warned: Vec<_> = warned.collect();
        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(warned[0].text.contains("operation held, opened at "));
        assert!(
            warned[0]
                .text
                .contains("; not polled since it was woken 100 ms ago")
        );
        assert_eq!(warned[0].keys["operation"], "around");
    }

    // A level that is off is not told.
    log::set_max_level(LevelFilter::Info);
    let scope = Scope::builder("quiet").build().unwrap();
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    assert_eq!(take(), []);
}
