//! Progress (R38): the figures of an operation, the sums of its ancestors, and the notified hooks.

use crate::support::{SECOND, open};
use cancelable_core::operation::{
    FieldValue, ProgressRegistration, ProgressSnapshot, ProgressUpdate,
};
use cancelable_core::registry::Filter;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{Operation, Registry, Scope, Status};
use parking_lot::Mutex;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, OnceLock};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

fn inside(parent: &Scope, name: &'static str) -> Scope {
    parent.child(name).build().expect("it is sound")
}

/// Runs `scope` to its end.
fn end(scope: &Scope) {
    assert!(
        ManualRuntime::new()
            .block_on(scope.run(async |_| ()))
            .is_completed()
    );
}

/// Position and total over all.
fn overall(operation: &Operation) -> (u64, Option<u64>) {
    let snapshot = operation.progress().snapshot();
    (snapshot.overall().position(), snapshot.overall().total())
}

/// The changes that a hook has received: who made it, what stood then over all, whether it was the last.
type Told = Arc<Mutex<Vec<(String, u64, bool)>>>;

fn listen(operation: &Operation) -> (Told, ProgressRegistration) {
    let told = Told::default();
    let registration = operation.on_progress({
        let told = Arc::clone(&told);
        move |update| {
            let by = update.made_by().name().to_owned();
            let position = update.snapshot().overall().position();
            told.lock().push((by, position, update.is_last()));
        }
    });
    (told, registration)
}

fn take(told: &Told) -> Vec<(String, u64, bool)> {
    std::mem::take(&mut told.lock())
}

fn said(by: &str, position: u64) -> (String, u64, bool) {
    (by.to_owned(), position, false)
}

fn last(by: &str, position: u64) -> (String, u64, bool) {
    (by.to_owned(), position, true)
}

#[test]
fn r38_a_snapshot_has_what_was_said() {
    let scope = open("import");
    assert_eq!(scope.snapshot().progress(), None, "nobody asked for it");
    let progress = scope.progress();
    assert_eq!(
        scope.snapshot().progress(),
        Some(&ProgressSnapshot::default())
    );
    progress.set_total(8);
    progress.advance(1);
    progress.clone().advance(1);
    progress.set_message("first half");
    progress.set_field("file", "a.csv");
    progress.set_field("rows", 7_u32);
    progress.set_field("rows", 8_u32);
    progress.set_field("dropped", true);
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.position(), snapshot.total()), (2, Some(8)));
    assert_eq!(snapshot.fraction(), Some(0.25));
    assert_eq!(snapshot.message(), Some("first half"));
    let fields: Vec<_> = snapshot
        .fields()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(fields, ["dropped=true", "file=a.csv", "rows=8"]);
    assert_eq!(snapshot.field("rows"), Some(&FieldValue::U64(8)));
    assert_eq!((snapshot.rate(), snapshot.eta()), (None, None), "no clock");
    progress.set_position(1);
    progress.clear_total();
    progress.clear_message();
    progress.remove_field("file");
    assert_eq!((progress.position(), progress.total()), (1, None));
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.message(), snapshot.field("file")), (None, None));
    assert_eq!(snapshot.fraction(), None);
}

#[test]
fn r38_a_position_may_pass_the_total_and_stops_at_the_largest_number() {
    let scope = open("import");
    let progress = scope.progress();
    progress.set_total(3);
    progress.advance(5);
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.position(), snapshot.fraction()), (5, Some(1.0)));
    progress.advance(u64::MAX);
    progress.advance(0);
    assert_eq!(progress.position(), u64::MAX);
}

#[test]
fn r38_a_position_at_the_largest_number_is_never_seen_below() {
    let scope = open("import");
    let progress = scope.progress().clone();
    progress.set_position(u64::MAX);
    let over = AtomicBool::new(false);
    let lowest = thread::scope(|threads| {
        threads.spawn(|| {
            (0..500_000).for_each(|_| progress.advance(1));
            over.store(true, SeqCst);
        });
        let mut lowest = u64::MAX;
        while !over.load(SeqCst) {
            lowest = lowest.min(progress.position());
        }
        lowest
    });
    assert_eq!(lowest, u64::MAX);
}

#[test]
fn r38_a_parent_has_its_own_figures_and_the_sum_of_all_below() {
    let root = open("sync");
    let upload = inside(&root, "upload");
    let file = inside(&upload, "file");
    file.progress().set_total(10);
    file.progress().advance(4);
    root.progress().set_total(5);
    root.progress().advance(1);
    let snapshot = root.progress().snapshot();
    assert_eq!((snapshot.position(), snapshot.total()), (1, Some(5)));
    assert_eq!(overall(&root), (5, Some(15)));
    assert_eq!(overall(&upload), (4, Some(10)));
    assert_eq!(upload.progress().snapshot().position(), 0);
    // An operation that advances without a total makes the overall total unknown.
    upload.progress().advance(1);
    assert_eq!(overall(&root), (6, None));
    upload.progress().set_total(1);
    assert_eq!(overall(&root), (6, Some(16)));
}

#[test]
fn r38_what_has_ended_stays_in_the_sum_and_leaves_nothing_else() {
    let root = open("sync");
    for round in 1..=3 {
        let file = inside(&root, "file");
        file.progress().set_total(10);
        file.progress().advance(4);
        assert_eq!(root.progress().children().len(), 1);
        end(&file);
        assert_eq!(overall(&root), (4 * round, Some(10 * round)));
        assert!(root.progress().children().is_empty());
        // Too late to count, wherever one looks.
        file.progress().advance(100);
        file.progress().set_total(1);
        assert_eq!(
            (file.progress().position(), file.progress().total()),
            (4, Some(10))
        );
        assert_eq!(overall(&root), (4 * round, Some(10 * round)));
    }
    let never_run = inside(&root, "never run");
    let handle = never_run.operation().clone();
    handle.progress().advance(1);
    drop(never_run);
    assert_eq!((handle.status(), overall(&root).0), (Status::NeverRun, 13));
    assert!(root.progress().children().is_empty(), "abandoned");
}

#[test]
fn r38_whatever_order_a_tree_ends_in_the_sum_is_the_same() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let root = open("root");
        // The last two would be cancelled with the one above them, were their tokens not apart.
        let middle = inside(&root, "middle");
        let late = inside(&middle, "late");
        let parts = [inside(&middle, "left"), inside(&middle, "right"), middle];
        for (at, part) in parts.iter().enumerate() {
            part.progress().set_total(100);
            part.progress().advance(1 << at);
        }
        for at in order {
            end(&parts[at]);
            assert_eq!(overall(&root), (7, Some(300)), "{order:?}");
        }
        assert!(root.progress().children().is_empty(), "{order:?}");
        // What begins below the end of another counts above it.
        late.progress().advance(8);
        assert_eq!(overall(&root).0, 15);
        assert_eq!(root.progress().children()[0].name(), "late");
    }
}

#[test]
fn r38_the_sum_of_what_has_ended_is_closed_with_the_last_of_it() {
    let root = open("root");
    let middle = inside(&root, "middle");
    let parts = ["early", "late"].map(|name| inside(&middle, name));
    let between = inside(&middle, "between");
    middle.progress().advance(1);
    parts[0].progress().advance(2);
    end(&middle);
    // Something below is open still, so its sum is.
    between.progress().advance(4);
    drop(between);
    assert_eq!((overall(&middle).0, overall(&root).0), (7, 7));
    end(&parts[0]);
    assert_eq!((overall(&middle).0, overall(&root).0), (7, 7));
    // Nothing was any more, when this one began.
    parts[1].progress().advance(8);
    assert_eq!((overall(&middle).0, overall(&root).0), (7, 15));
}

#[test]
fn r38_a_look_at_a_whole_tree_sums_up_as_a_look_at_each() {
    let registry = Registry::new();
    let builder = Scope::builder("root").register_in(&registry);
    let root = builder.build().expect("it is sound");
    let mut scopes = vec![root];
    for number in 0..60_usize {
        let above = &scopes[number * 3 / 4];
        let builder = above.child("part");
        let builder = match number % 20 {
            19 => builder.unregistered(),
            _ => builder,
        };
        let part = builder.build().expect("it is sound");
        // Some say nothing of themselves, and some have parts before they do.
        if number % 3 != 0 {
            part.progress().advance(number as u64);
            part.progress().set_total(100);
        }
        scopes.push(part);
    }
    for number in (1..60).step_by(7) {
        end(&scopes[number]);
    }
    let all = Filter::new();
    let listed = registry.list(&all);
    let tree = registry.tree();
    assert!(listed.len() > 30 && tree.entries().len() == listed.len());
    let shown = tree.entries().iter().map(|entry| entry.operation());
    for snapshot in shown.chain(&listed) {
        let operation = registry.get(snapshot.id()).expect("it is open");
        let alone = operation.snapshot();
        let alone = alone.progress().map(|progress| *progress.overall());
        let together = snapshot.progress().map(|progress| *progress.overall());
        assert_eq!(together, alone, "{snapshot}");
    }
}

#[test]
fn r38_progress_that_is_asked_for_after_the_end_stands_still() {
    let root = open("root");
    let early = inside(&root, "early");
    end(&early);
    early.progress().advance(1);
    assert_eq!(early.progress().position(), 0);
    assert!(root.progress().children().is_empty());
}

#[test]
fn r38_rate_and_time_left_come_from_the_clock_of_the_runtime() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let progress = scope.progress();
    progress.set_total(100);
    manual.advance(SECOND);
    assert_eq!(progress.snapshot().rate(), None, "nothing moved");
    progress.advance(10);
    let snapshot = progress.snapshot();
    assert_eq!(snapshot.rate(), Some(10.0));
    assert_eq!(snapshot.eta(), Some(9 * SECOND));
    assert_eq!(snapshot.overall().rate(), Some(10.0));
    // The recent past counts, not the time since the start.
    for _ in 0..4 {
        manual.advance(5 * SECOND);
        progress.advance(5);
        let _ = progress.snapshot();
    }
    let snapshot = progress.snapshot();
    assert_eq!(snapshot.rate(), Some(1.0));
    assert_eq!(snapshot.eta(), Some(70 * SECOND));
    manual.advance(20 * SECOND);
    let _ = progress.snapshot();
    manual.advance(20 * SECOND);
    let snapshot = progress.snapshot();
    assert_eq!(
        (snapshot.rate(), snapshot.eta()),
        (Some(0.0), None),
        "it stands"
    );
    progress.set_position(100);
    assert_eq!(progress.snapshot().eta(), Some(Duration::ZERO));
}

#[test]
fn r38_the_rate_stands_when_the_operation_has_ended() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    scope.progress().set_total(100);
    let outcome = manual.block_on(scope.run(async |op| {
        manual.advance(SECOND);
        op.progress().advance(10);
        op.cancel();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    manual.advance(60 * SECOND);
    for _ in 0..2 {
        let snapshot = scope.progress().snapshot();
        assert_eq!(snapshot.rate(), Some(10.0));
        assert_eq!(snapshot.eta(), None, "it will not get there");
    }
}

#[test]
fn r38_what_was_done_before_counts_in_the_position_and_not_in_the_rate() {
    let manual = ManualRuntime::new();
    let root = Scope::builder("sync").runtime(&manual.handle());
    let root = root.build().unwrap();
    let _ = root.progress();
    let file = inside(&root, "file");
    let progress = file.progress();
    progress.set_total(120);
    // Finding out what is done already takes its time, in which nothing else is done.
    manual.advance(3 * SECOND);
    progress.start_at(40);
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.position(), snapshot.total()), (40, Some(120)));
    assert_eq!((snapshot.rate(), snapshot.eta()), (None, None));
    manual.advance(SECOND);
    assert_eq!(progress.snapshot().rate(), None, "nothing moved since");
    manual.advance(SECOND);
    progress.advance(20);
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.position(), snapshot.fraction()), (60, Some(0.5)));
    assert_eq!(snapshot.rate(), Some(10.0));
    assert_eq!(snapshot.eta(), Some(6 * SECOND));
    assert_eq!(snapshot.overall(), snapshot.own());
    // Above, the clock has run for five seconds.
    let above = root.progress().snapshot();
    assert_eq!(
        (above.overall().position(), above.overall().rate()),
        (60, Some(4.0))
    );
    // The clock is not set back where others are at work, or have been.
    for is_over in [false, true] {
        if is_over {
            end(&file);
        }
        root.progress().start_at(7);
        let above = root.progress().snapshot();
        assert_eq!((above.position(), above.rate()), (7, None));
        assert_eq!(above.overall().position(), 67);
        assert_eq!(above.overall().rate(), Some(4.0));
    }
}

#[test]
fn r38_who_starts_again_does_again_what_was_done_before() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy").runtime(&manual.handle());
    let scope = scope.build().unwrap();
    let progress = scope.progress();
    progress.start_at(100);
    progress.set_position(0);
    assert_eq!(progress.snapshot().rate(), None);
    manual.advance(SECOND);
    progress.advance(30);
    assert_eq!(progress.snapshot().rate(), Some(30.0));
    // From the middle of the work: what came until now is before the start.
    manual.advance(SECOND);
    progress.start_at(200);
    manual.advance(SECOND);
    progress.advance(1);
    assert_eq!(progress.snapshot().rate(), Some(1.0));
}

#[test]
fn r38_several_changes_are_one() {
    let root = open("root");
    let told = Arc::new(Mutex::new(Vec::new()));
    let _registration = root.on_progress({
        let told = Arc::clone(&told);
        move |update| told.lock().push(update.snapshot())
    });
    let change = root.progress().change().start_at(10).set_position(40);
    let change = change.set_total(120).set_message("copying");
    change.set_field("file", "a.csv").apply();
    let last = {
        let told = told.lock();
        assert_eq!(told.len(), 1, "one call for all of it");
        told[0].clone()
    };
    assert_eq!((last.position(), last.total()), (40, Some(120)));
    assert_eq!(last.message(), Some("copying"));
    assert_eq!(
        last.field("file").and_then(FieldValue::as_str),
        Some("a.csv")
    );
    let change = root.progress().change().clear_total().clear_message();
    change.remove_field("file").apply();
    let snapshot = root.progress().snapshot();
    assert_eq!((snapshot.position(), snapshot.total()), (40, None));
    assert_eq!((snapshot.message(), snapshot.fields().count()), (None, 0));
    root.progress().change().apply();
    end(&root);
    root.progress().change().set_position(1).apply();
    assert_eq!(root.progress().position(), 40, "it stands still");
}

#[test]
fn r38_it_reads_as_one_line() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy").runtime(&manual.handle());
    let scope = scope.build().unwrap();
    let progress = scope.progress();
    let line = || progress.snapshot().to_string();
    assert_eq!(line(), "0");
    progress.set_message("looking");
    progress.advance(20);
    assert_eq!(line(), "20: looking");
    manual.advance(SECOND);
    progress.set_total(63);
    progress.set_message("copying");
    assert_eq!(line(), "20 of 63 (31 %), 2.1 s to go: copying");
    assert_eq!(
        scope.snapshot().to_string(),
        format!(
            "{} copy: pending, at 20 of 63 (31 %), 2.1 s to go: copying",
            scope.id()
        )
    );
    // Descendants count, as they do in the line of the operation.
    let part = inside(&scope, "part");
    part.progress()
        .change()
        .set_position(42)
        .set_total(43)
        .apply();
    progress.clear_message();
    let snapshot = progress.snapshot();
    assert_eq!(snapshot.own().to_string(), "20 of 63 (31 %), 2.1 s to go");
    assert_eq!(snapshot.to_string(), "62 of 106 (58 %), 709.6 ms to go");
    part.progress().set_position(43);
    for (position, line) in [
        (62, "62 of 63 (98 %)"),
        (63, "63 of 63 (100 %)"),
        (64, "64 of 63 (100 %)"),
    ] {
        progress.set_position(position);
        assert!(progress.snapshot().own().to_string().starts_with(line));
    }
    progress.change().set_position(0).set_total(0).apply();
    assert_eq!(progress.snapshot().own().to_string(), "0 of 0 (100 %)");
}

#[test]
fn r38_a_hook_is_told_of_each_change_here_and_below_and_of_the_end() {
    let root = open("root");
    let (told, _registration) = listen(&root);
    let file = inside(&root, "file");
    file.progress().advance(2);
    root.progress().set_total(9);
    file.progress().set_message("half");
    root.progress().set_position(1);
    assert_eq!(
        take(&told),
        [
            said("file", 2),
            said("root", 2),
            said("file", 2),
            said("root", 3)
        ]
    );
    end(&file);
    assert!(take(&told).is_empty(), "the end of a part is no progress");
    file.progress().advance(1);
    assert!(take(&told).is_empty(), "nor is what comes too late");
    end(&root);
    assert_eq!(take(&told), [last("root", 3)]);
    root.progress().advance(1);
    assert!(take(&told).is_empty());
    let (told, _registration) = listen(&root);
    assert_eq!(
        take(&told),
        [last("root", 3)],
        "who comes late is told at once"
    );
}

#[test]
fn r38_a_hook_below_hears_nothing_of_what_is_above_or_beside() {
    let root = open("root");
    let left = inside(&root, "left");
    let right = inside(&root, "right");
    let (told, _registration) = listen(&left);
    right.progress().advance(1);
    root.progress().advance(1);
    assert!(take(&told).is_empty());
    left.progress().advance(1);
    assert_eq!(take(&told), [said("left", 1)]);
}

#[test]
fn r38_every_hook_is_told_and_one_that_is_dropped_is_not() {
    let root = open("root");
    let (first, registration) = listen(&root);
    let (second, kept) = listen(&root);
    root.progress().advance(1);
    drop(registration);
    root.progress().advance(1);
    assert_eq!(take(&first), [said("root", 1)]);
    assert_eq!(Arc::strong_count(&first), 1, "the hook is gone");
    assert_eq!(take(&second), [said("root", 1), said("root", 2)]);
    kept.detach();
    end(&root);
    assert_eq!(take(&second), [last("root", 2)]);
    assert_eq!(
        Arc::strong_count(&second),
        1,
        "it is not kept after the end"
    );
}

#[test]
fn r38_with_an_interval_there_is_one_call_in_it_and_the_last_one() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let told = Told::default();
    let registration = scope.on_progress_every(SECOND, {
        let told = Arc::clone(&told);
        move |update| {
            let entry = (
                update.made_by().name().to_owned(),
                update.snapshot().position(),
                update.is_last(),
            );
            told.lock().push(entry);
        }
    });
    registration.expect("it has a runtime").detach();
    let outcome = manual.block_on(scope.run(async |op| {
        for _ in 0..25 {
            op.progress().advance(1);
            manual.advance(SECOND / 10);
        }
    }));
    assert!(outcome.is_completed());
    assert_eq!(
        take(&told),
        [
            said("copy", 1),
            said("copy", 11),
            said("copy", 21),
            last("copy", 25)
        ]
    );
}

#[test]
fn r38_an_interval_of_zero_tells_each_change_and_one_without_a_clock_is_refused() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        move |_: &ProgressUpdate| {
            calls.fetch_add(1, SeqCst);
        }
    };
    let _registration = scope.on_progress_every(Duration::ZERO, count(&calls));
    (0..3).for_each(|_| scope.progress().advance(1));
    assert_eq!(calls.load(SeqCst), 3);
    let error = open("plain")
        .on_progress_every(SECOND, count(&calls))
        .unwrap_err();
    assert_eq!(error.operation().name(), "plain");
    assert_eq!(
        error.to_string(),
        "scope plain rejected an interval for a progress hook: it has no runtime; build it with one"
    );
    assert_eq!(Arc::strong_count(&calls), 3, "it comes back");
    drop(error.into_inner());
    assert_eq!(Arc::strong_count(&calls), 2);
}

#[test]
fn r38_r10_a_hook_that_panics_stops_nobody() {
    let root = open("root");
    let _panics = root.on_progress(|_| panic!("boom"));
    let (told, _registration) = listen(&root);
    let before = isolated_panics();
    root.progress().advance(1);
    root.progress().advance(1);
    assert!(isolated_panics() >= before + 2);
    assert_eq!(take(&told), [said("root", 1), said("root", 2)]);
    end(&root);
    assert_eq!(root.status(), Status::Completed);
}

#[test]
fn r38_r09_a_hook_may_do_all_that_a_user_may() {
    let root = open("root");
    let own = Arc::new(OnceLock::<Mutex<Option<ProgressRegistration>>>::new());
    let calls = Arc::new(AtomicUsize::new(0));
    let registration = root.on_progress({
        let (root, own, calls) = (
            root.operation().clone(),
            Arc::clone(&own),
            Arc::clone(&calls),
        );
        move |update| {
            assert_eq!(update.snapshot(), root.progress().snapshot());
            assert_eq!(update.maker_snapshot().position(), 1);
            root.progress().set_message("told after this call");
            drop(root.on_progress(|_| ()));
            assert!(root.progress().children().is_empty() && root.check().is_ok());
            if calls.load(SeqCst) == 1 {
                // Itself, while it runs.
                drop(own.get().expect("it is set").lock().take());
            }
            // Not reached where something above panics, which is isolated.
            calls.fetch_add(1, SeqCst);
        }
    });
    assert!(own.set(Mutex::new(Some(registration))).is_ok());
    root.progress().advance(1);
    assert_eq!(
        calls.load(SeqCst),
        2,
        "once for what the first call changed"
    );
    root.progress().advance(1);
    assert_eq!(calls.load(SeqCst), 2);
    assert_eq!(Arc::strong_count(&calls), 1, "the hook is gone");
}

#[test]
fn r38_many_threads_advance_one_meter_and_the_hook_sees_it_rise() {
    const THREADS: u64 = 4;
    const STEPS: u64 = 500;
    let root = open("root");
    let running = Arc::new(AtomicUsize::new(0));
    let overlaps = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let _registration = root.on_progress({
        let (running, seen) = (Arc::clone(&running), Arc::clone(&seen));
        let overlaps = Arc::clone(&overlaps);
        move |update| {
            overlaps.fetch_add(running.fetch_add(1, SeqCst), SeqCst);
            seen.lock().push(update.snapshot().overall().position());
            running.fetch_sub(1, SeqCst);
        }
    });
    let start = Barrier::new(THREADS as usize);
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                let part = inside(&root, "part");
                start.wait();
                for _ in 0..STEPS {
                    root.progress().advance(1);
                    part.progress().advance(1);
                }
                end(&part);
            });
        }
    });
    assert_eq!(overall(&root).0, 2 * THREADS * STEPS);
    let seen = seen.lock();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(
        seen.last(),
        Some(&(2 * THREADS * STEPS)),
        "the last change was told"
    );
    assert_eq!(overlaps.load(SeqCst), 0, "one call at a time");
}

#[test]
fn r38_a_sum_never_falls_while_children_come_and_go() {
    let root = open("root");
    let stop = AtomicUsize::new(0);
    thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut seen = 0;
            while stop.load(SeqCst) < 2 {
                let position = overall(&root).0;
                assert!(position >= seen, "{position} after {seen}");
                seen = position;
            }
        });
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..300 {
                    let part = inside(&root, "part");
                    inside(&part, "leaf").progress().advance(1);
                    part.progress().advance(1);
                    end(&part);
                }
                stop.fetch_add(1, SeqCst);
            });
        }
        reader.join().expect("the sum rises");
    });
    assert_eq!(overall(&root).0, 1200);
    assert!(root.progress().children().is_empty());
}

#[test]
fn r38_a_run_that_is_dropped_ends_its_progress() {
    let root = open("root");
    let (told, _registration) = listen(&root);
    {
        let mut run = pin!(root.run(async |op| {
            op.progress().advance(1);
            pending::<()>().await;
        }));
        assert!(
            run.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    assert_eq!(take(&told), [said("root", 1), last("root", 1)]);
}

#[test]
fn r12_r38_a_long_line_of_operations_has_progress_on_a_small_stack() {
    let thread = thread::Builder::new().stack_size(256 * 1024);
    let line = thread.spawn(|| {
        let root = open("root");
        let mut line = vec![root.clone()];
        for _ in 0..20_000 {
            let last = line.last().expect("the root");
            line.push(
                Scope::builder("link")
                    .parent(last)
                    .build()
                    .expect("it is sound"),
            );
        }
        let leaf = line.last().expect("the leaf").clone();
        leaf.progress().advance(1);
        assert_eq!(overall(&root).0, 1);
        let held = leaf.progress().clone();
        drop((leaf, line));
        assert_eq!(overall(&root).0, 1);
        drop(root);
        drop(held);
    });
    line.expect("a thread starts").join().expect("no recursion");
}
