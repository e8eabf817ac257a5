//! Hooks of a scope and of a registry.

use cancelable_core::operation::Hooks;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{CancellationToken, Registry, Scope};
use parking_lot::Mutex;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }

    /// Hooks that write down everything, each line with `prefix`.
    fn hooks(&self, prefix: &'static str) -> Hooks {
        let note = |what: &'static str| {
            let diary = self.clone();
            move |text: String| diary.note(format!("{prefix}{what}{text}"))
        };
        let (start, done, end) = (note("start "), note("completed "), note("end "));
        let (asked, cancelled, failed) = (note("asked "), note("cancelled "), note("failed "));
        Hooks::new()
            .on_start(move |op| start(op.name().into()))
            .on_cancel_requested(move |op, cause| {
                asked(format!("{} {}", op.name(), cause.message().unwrap_or("-")));
            })
            .on_completed(move |op| done(op.name().into()))
            .on_cancelled(move |op, cause| {
                cancelled(format!("{} {}", op.name(), cause.message().unwrap_or("-")));
            })
            .on_failed(move |op, error| failed(format!("{} {error}", op.name())))
            .on_end(move |op| end(format!("{} {}", op.name(), op.status())))
    }
}

#[test]
fn r39_each_hook_of_a_scope_is_called_in_its_place() {
    let (manual, diary) = (ManualRuntime::new(), Diary::default());
    let open = |name: &'static str| Scope::builder(name).hooks(diary.hooks("")).build().unwrap();
    assert!(
        manual
            .block_on(open("a").run(async |_| diary.note("body")))
            .is_completed()
    );
    assert_eq!(
        diary.take(),
        ["start a", "body", "completed a", "end a completed"]
    );
    drop(
        manual.block_on(
            open("b")
                .try_run(async |_| Err::<(), _>("torn"))
                .with_error_text(),
        ),
    );
    assert_eq!(diary.take(), ["start b", "failed b torn", "end b failed"]);
    let outcome = manual.block_on(open("c").run(async |op: Scope| {
        op.cancel_with("enough");
        diary.note("after the request");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(
        diary.take(),
        [
            "start c",
            "asked c enough",
            "after the request",
            "cancelled c enough",
            "end c cancelled"
        ]
    );
    drop(open("d"));
    assert_eq!(diary.take(), ["end d never run"]);
}

#[test]
fn r39_each_hook_of_a_scope_is_called() {
    let (manual, diary) = (ManualRuntime::new(), Diary::default());
    let d = || diary.clone();
    let (d1, d2, d3, d4, d5, d6) = (d(), d(), d(), d(), d(), d());
    let hooks = Hooks::new()
        .on_start(move |_| d1.note("start"))
        .on_cancel_requested(move |_, _| d2.note("asked"))
        .on_completed(move |_| d3.note("completed"))
        .on_cancelled(move |_, _| d4.note("cancelled"))
        .on_failed(move |_, _| d5.note("failed"))
        .on_end(move |_| d6.note("end"));
    let scope = Scope::builder("a").hooks(hooks).build().unwrap();
    scope.cancel();
    assert!(manual.block_on(scope.run(async |_| ())).is_cancelled());
    assert_eq!(diary.take(), ["asked", "start", "cancelled", "end"]);
}

#[test]
fn r39_the_request_is_told_on_the_thread_that_asks_and_once() {
    let above = CancellationToken::new();
    let threads = Arc::new(Mutex::new(Vec::new()));
    let seen = threads.clone();
    let scope = Scope::builder("job")
        .token(&above)
        .hooks(Hooks::new().on_cancel_requested(move |op, cause| {
            assert!(op.is_cancelled() && cause.is_inherited());
            seen.lock().push(thread::current().id());
        }))
        .build()
        .unwrap();
    let asker = thread::spawn(move || {
        above.cancel();
        thread::current().id()
    });
    let asker = asker.join().unwrap();
    assert_eq!(*threads.lock(), [asker]);
    drop(scope);
    assert_eq!(threads.lock().len(), 1);
}

#[test]
fn r39_hooks_of_a_registry_see_all_of_it_and_go_with_their_guard() {
    let (manual, diary, registry) = (ManualRuntime::new(), Diary::default(), Registry::new());
    let open = |name: &'static str| Scope::builder(name).register_in(&registry).build().unwrap();
    let early = open("early");
    let asked = open("asked");
    asked.cancel_with("before");
    let guard = registry.add_hooks(diary.hooks("r "));
    assert_eq!(diary.take(), ["r asked asked before"]);
    early.cancel_with("after");
    assert_eq!(diary.take(), ["r asked early after"]);
    drop((early, asked));
    assert_eq!(
        diary.take(),
        ["r end early never run", "r end asked never run"]
    );
    let scope = Scope::builder("both")
        .hooks(diary.hooks("s "))
        .register_in(&registry)
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        // A descendant has the registry's hooks, and not those of the scope.
        let inner = op.child("inner").build().unwrap();
        inner.run(async |_| ()).await.status()
    }));
    assert!(outcome.is_completed());
    assert_eq!(
        diary.take(),
        [
            "r start both",
            "s start both",
            "r start inner",
            "r completed inner",
            "r end inner completed",
            "r completed both",
            "r end both completed",
            "s completed both",
            "s end both completed",
        ]
    );
    drop(guard);
    drop(open("unseen"));
    assert!(diary.take().is_empty());
    registry.add_hooks(diary.hooks("kept ")).detach();
    drop(open("seen"));
    assert_eq!(diary.take(), ["kept end seen never run"]);
}

#[test]
fn r35_r39_detached_hooks_hear_of_every_part_when_the_registry_has_no_handle() {
    const PARTS: usize = 64;
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let hooks = Hooks::new().on_start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    registry.add_hooks(hooks).detach();
    let scope = Scope::builder("root").runtime(&manual.handle());
    let scope = scope.register_in(&registry).build().unwrap();
    drop(registry);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        for _ in 0..PARTS {
            let part = op.child("part").build().unwrap();
            let inner = part.run(async |part: Scope| {
                assert!(part.snapshot().age().is_some());
                part.child("inner").build().unwrap().run(async |_| ()).await
            });
            assert!(inner.await.into_value().unwrap().is_completed());
        }
    }));
    assert!(outcome.is_completed());
    assert_eq!(started.load(Ordering::SeqCst), 1 + 2 * PARTS);
}

#[test]
fn r39_a_hook_that_panics_stops_nobody() {
    let (manual, diary, registry) = (ManualRuntime::new(), Diary::default(), Registry::new());
    let bad = || {
        Hooks::new()
            .on_start(|_| panic!("start"))
            .on_cancel_requested(|_, _| panic!("asked"))
            .on_cancelled(|_, _| panic!("cancelled"))
            .on_end(|_| panic!("end"))
    };
    let _guard = registry.add_hooks(bad().and_all(diary.hooks("r ")));
    let scope = Scope::builder("job")
        .hooks(bad().and_all(diary.hooks("s ")))
        .register_in(&registry)
        .build()
        .unwrap();
    let before = isolated_panics();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        assert!(op.cancel_with("x"));
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert!(isolated_panics() >= before + 8);
    let lines = diary.take();
    assert_eq!(lines.len(), 8, "{lines:?}");
    assert!(registry.is_empty());
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a hook's own drop");
    }
}

#[test]
fn r39_a_hook_that_panics_when_it_is_dropped_stops_nobody() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let dropped = Arc::new(());
    let hooks = || {
        let (first, second, last) = (Bomb, Bomb, dropped.clone());
        Hooks::new()
            .on_start(move |_| hold(&first))
            .on_end(move |_| hold(&second))
            .on_end(move |_| hold(&last))
    };
    let before = isolated_panics();
    let guard = registry.add_hooks(hooks());
    let scope = Scope::builder("job")
        .hooks(hooks())
        .register_in(&registry)
        .build()
        .unwrap();
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    drop(scope);
    drop(guard);
    drop(Scope::builder("not built").hooks(hooks()));
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert!(isolated_panics() >= before + 6);
}

/// Has a hook hold `value`.
fn hold<T>(_value: &T) {}

#[test]
fn r09_r39_a_hook_may_use_the_operation_and_the_registry() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let own = registry.clone();
    let hooks = Hooks::new()
        .on_start(|op| {
            op.set_metadata("seen", "start");
            op.cancel_with("by its hook");
        })
        .on_cancel_requested({
            let registry = own.clone();
            move |op, _| {
                assert!(registry.get(op.id()).is_some());
                assert!(registry.cancel(op.id()).cause().is_some());
            }
        })
        .on_end(move |op| {
            assert!(own.get(op.id()).is_none());
            own.clear();
            let more = own.add_hooks(Hooks::new());
            drop(own.events());
            drop(more);
        });
    // The hooks hold the registry that holds them: this takes them out again.
    let _guard = registry.add_hooks(hooks);
    let scope = Scope::builder("job")
        .register_in(&registry)
        .build()
        .unwrap();
    let operation = scope.operation().clone();
    let outcome = manual.block_on(scope.run(async |_| ()));
    assert!(
        outcome.is_cancelled(),
        "cancelled before its body was started"
    );
    assert_eq!(operation.metadata().get("seen"), Some("start"));
}

#[test]
fn r38_r39_progress_hooks_of_a_scope_hear_what_is_below_and_those_of_a_registry_each_once() {
    let (diary, registry) = (Diary::default(), Registry::new());
    let (own, all) = (diary.clone(), diary.clone());
    let outer = Scope::builder("outer")
        .register_in(&registry)
        .hooks(Hooks::new().on_progress(move |op, update| {
            let last = if update.is_last() { " last" } else { "" };
            own.note(format!(
                "{} by {}{last}",
                op.name(),
                update.made_by().name()
            ));
        }))
        .build()
        .unwrap();
    let inner = outer.child("inner").build().unwrap();
    inner.progress().advance(1);
    let hooks = Hooks::new().on_progress(move |op, _| all.note(format!("all: {}", op.name())));
    registry.add_hooks(hooks).detach();
    inner.progress().advance(1);
    outer.progress().advance(1);
    drop(inner);
    drop(outer);
    assert_eq!(
        diary.take(),
        [
            "outer by inner",
            "all: inner",
            "outer by inner",
            "all: outer",
            "outer by outer",
            "outer by outer last",
        ]
    );
}
