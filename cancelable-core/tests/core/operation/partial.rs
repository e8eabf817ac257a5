//! Partial results: the value of a run is kept, whichever way the run ended, and no update is lost.

use crate::support::open;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{Outcome, Scope, Status};
use parking_lot::Mutex;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Waker};
use std::thread;

fn push(op: &Scope, row: u32) {
    op.partial()
        .update(|rows: &mut Vec<u32>| rows.push(row))
        .expect("they are rows");
}

fn run<T>(scope: &Scope, body: impl AsyncFnOnce(&Scope) -> T) -> Outcome<T> {
    ManualRuntime::new().block_on(scope.run(async |op| body(&op).await))
}

#[test]
fn r38_what_was_done_before_a_cancel_is_in_the_outcome() {
    let scope = open("import");
    let mut outcome = run(&scope, async |op| {
        push(op, 1);
        push(op, 2);
        op.cancel();
        pending::<()>().await;
    });
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.partial::<Vec<u32>>(), Some(&vec![1, 2]));
    assert_eq!(
        scope.partial().get::<Vec<u32>>(),
        None,
        "the outcome has it"
    );
    // Another type finds nothing and destroys nothing.
    assert_eq!(outcome.partial::<u32>(), None);
    assert_eq!(outcome.take_partial::<u32>(), None);
    assert_eq!(outcome.partial_type(), Some("alloc::vec::Vec<u32>"));
    assert_eq!(outcome.take_partial::<Vec<u32>>(), Some(vec![1, 2]));
    assert_eq!(outcome.take_partial::<Vec<u32>>(), None);
    assert_eq!(outcome.partial_type(), None);
}

#[test]
fn r38_it_is_there_for_values_and_errors_too_and_is_none_if_nothing_was_set() {
    let scope = open("value");
    let outcome = run(&scope, async |op| op.partial().set(7_u8));
    assert_eq!(
        (outcome.is_completed(), outcome.partial()),
        (true, Some(&7_u8))
    );
    let scope = open("error");
    let outcome = ManualRuntime::new().block_on(scope.try_run(async |op| {
        op.partial().set("half");
        Err::<(), _>("whole")
    }));
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(outcome.partial(), Some(&"half"));
    let outcome = run(&open("nothing"), async |_| ());
    assert_eq!(outcome.partial_type(), None);
    let outcome = run(&open("taken"), async |op| {
        op.partial().set(7_u8);
        op.partial().take::<u8>()
    });
    assert_eq!(outcome.partial_type(), None);
    assert_eq!(outcome.into_value(), Some(Some(7)));
}

#[test]
fn r38_a_blocking_run_has_it_too() {
    let outcome = open("crunch").run_blocking(|op| push(op, 3));
    assert_eq!(outcome.partial(), Some(&vec![3_u32]));
}

#[test]
fn r38_where_there_is_no_outcome_a_handle_has_it() {
    let scope = open("dropped");
    {
        let mut run = pin!(scope.run(async |op| {
            push(&op, 1);
            pending::<()>().await;
        }));
        assert!(
            run.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    assert_eq!(scope.status(), Status::Cancelled);
    assert_eq!(scope.partial().take(), Some(vec![1_u32]));
    let scope = open("panicked");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(&scope, async |op| {
            push(op, 2);
            panic!("boom");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(scope.partial().take(), Some(vec![2_u32]));
}

#[test]
fn r38_a_childs_is_its_own_and_its_handle_has_it() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("parent")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |op| {
        push(&op, 1);
        let child = op.child("child").spawn(async |op| {
            push(&op, 2);
            pending::<()>().await;
        });
        let child = child.expect("the scope runs");
        let handle = child.operation().clone();
        manual
            .handle()
            .spawn(ready(()))
            .await
            .expect("the child has begun");
        child.operation().cancel();
        assert!(child.await.is_err());
        handle.partial().take::<Vec<u32>>()
    }));
    assert_eq!(outcome.partial::<Vec<u32>>(), Some(&vec![1]));
    assert_eq!(outcome.into_value(), Some(Some(vec![2])));
}

#[test]
fn r38_a_value_of_another_type_is_neither_changed_nor_taken() {
    let scope = open("import");
    scope.partial().set(7_u64);
    let error = scope.partial().update(|_: &mut Vec<u32>| ()).unwrap_err();
    assert!(error.is_other_type() && !error.is_in_use());
    assert_eq!(
        error.to_string(),
        "scope import rejected an update of its partial result: it is of type u64, not alloc::vec::Vec<u32>"
    );
    assert_eq!(scope.partial().take::<u32>(), None);
    assert_eq!(scope.partial().get::<u32>(), None);
    let updated = scope.partial().update(|number: &mut u64| *number += 1);
    assert!(updated.is_ok());
    assert_eq!(scope.partial().get::<u64>(), Some(8));
    scope.partial().set("of a third type");
    assert_eq!(scope.partial().take::<u64>(), None);
    assert_eq!(scope.partial().take(), Some("of a third type"));
    let start = || 40_u64;
    let sum = scope.partial().update_from(start, |number| {
        *number += 2;
        *number
    });
    assert_eq!(sum.ok(), Some(42));
    assert_eq!(scope.partial().read(|number: &u64| number + 1), Some(43));
}

#[test]
fn r38_a_panic_in_an_update_loses_nothing() {
    let scope = open("import");
    push(&scope, 1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        scope.partial().update(|rows: &mut Vec<u32>| {
            rows.push(2);
            panic!("boom");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(scope.partial().get(), Some(vec![1_u32, 2]));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        scope.partial().read(|_: &Vec<u32>| panic!("boom"))
    }));
    assert!(panicked.is_err());
    push(&scope, 3);
    assert_eq!(scope.partial().get(), Some(vec![1_u32, 2, 3]));
}

#[test]
fn r38_r09_inside_an_update_its_operation_is_free_and_its_value_is_in_use() {
    let scope = open("import");
    push(&scope, 1);
    let partial = scope.partial();
    let updated = partial.update(|rows: &mut Vec<u32>| {
        let error = partial.update(|_: &mut Vec<u32>| ()).unwrap_err();
        assert!(error.is_in_use() && !error.is_other_type());
        assert_eq!(
            error.to_string(),
            "scope import rejected an update of its partial result: another update is in progress"
        );
        assert_eq!(partial.get::<Vec<u32>>(), None);
        assert_eq!(partial.take::<Vec<u32>>(), None);
        let snapshot = partial.snapshot().expect("it is there");
        assert_eq!(
            (snapshot.type_name(), snapshot.text()),
            ("alloc::vec::Vec<u32>", None)
        );
        assert!(scope.remaining().is_none() && scope.check().is_ok());
        rows.push(2);
    });
    assert!(updated.is_ok());
    assert_eq!(partial.get(), Some(vec![1_u32, 2]));
    // A value that is set inside comes after it.
    let updated = partial.update(|rows: &mut Vec<u32>| {
        partial.set(vec![9_u32]);
        rows.push(3);
    });
    assert!(updated.is_ok());
    assert_eq!(partial.get(), Some(vec![9_u32]));
}

/// Looks at its own operation when it is dropped, which would hang under a lock.
#[derive(Clone)]
struct Looks(Scope);

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(self.0.remaining().is_none());
        self.0.partial().set(1_u8);
    }
}

#[test]
fn r38_r09_a_value_is_dropped_with_no_lock_held() {
    let scope = open("import");
    scope.partial().set(Looks(scope.clone()));
    scope.partial().set(0_u8);
    assert_eq!(scope.partial().get(), Some(1_u8), "set by the drop");
    scope.partial().set(Looks(scope.clone()));
    let updated = scope
        .partial()
        .update_from(|| unreachable!(), |_: &mut Looks| scope.partial().set(0_u8));
    assert!(updated.is_ok());
    assert_eq!(scope.partial().take(), Some(1_u8));
}

#[test]
fn r38_an_update_that_meets_another_is_refused_and_its_closure_comes_back() {
    let scope = open("import");
    push(&scope, 1);
    let (inside, go_on) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|threads| {
        let updater = threads.spawn(|| {
            scope.partial().update(|rows: &mut Vec<u32>| {
                inside.wait();
                go_on.wait();
                rows.push(2);
            })
        });
        inside.wait();
        // None of these waits: the updater goes on only after them.
        let row = String::from("3");
        let update = move |rows: &mut Vec<u32>| rows.push(row.parse().expect("it is a number"));
        let refused = scope.partial().update(update).unwrap_err();
        assert!(refused.is_in_use() && !refused.is_other_type());
        let start = || vec![9_u32];
        let refused_too = scope.partial().update_from(start, |_| ()).unwrap_err();
        assert_eq!((refused_too.into_inner().0)(), [9]);
        assert_eq!(scope.partial().get::<Vec<u32>>(), None);
        assert_eq!(scope.partial().take::<Vec<u32>>(), None);
        let snapshot = scope.partial().snapshot().expect("it is there");
        assert_eq!(snapshot.text(), None);
        go_on.wait();
        assert!(updater.join().unwrap().is_ok());
        assert!(scope.partial().update(refused.into_inner()).is_ok());
    });
    assert_eq!(scope.partial().take(), Some(vec![1_u32, 2, 3]));
}

#[test]
fn r38_a_set_during_an_update_replaces_its_value() {
    let scope = open("import");
    push(&scope, 1);
    let updated = scope.partial().update(|rows: &mut Vec<u32>| {
        scope.partial().set(vec![5_u32]);
        assert_eq!(scope.partial().get(), Some(vec![5_u32]), "the newer one");
        assert_eq!(scope.partial().take::<Vec<u32>>(), None);
        rows.push(2);
    });
    assert!(updated.is_ok());
    assert_eq!(scope.partial().take(), Some(vec![5_u32]));
}

#[test]
fn r38_a_reader_is_in_the_way_of_nobody() {
    let scope = open("import");
    push(&scope, 1);
    let read = scope.partial().read(|rows: &Vec<u32>| {
        push(&scope, 2);
        assert_eq!(scope.partial().get(), Some(vec![1_u32, 2]));
        assert_eq!(scope.partial().take(), Some(vec![1_u32, 2]));
        push(&scope, 3);
        rows.clone()
    });
    assert_eq!(read, Some(vec![1]), "as it was");
    assert_eq!(scope.partial().get(), Some(vec![3_u32]));
    // So is a reader that reads while the run ends.
    let scope = open("import");
    push(&scope, 1);
    let outcome = scope
        .partial()
        .read(|_: &Vec<u32>| run(&scope, async |_| ()).take_partial());
    assert_eq!(outcome, Some(Some(vec![1_u32])));
}

#[test]
fn r38_several_writers_write_to_a_value_with_its_own_lock() {
    const THREADS: usize = 4;
    const ROUNDS: u64 = 500;
    let scope = open("import");
    let sum = Arc::new(Mutex::new(0_u64));
    scope.partial().set(Arc::clone(&sum));
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                for _ in 0..ROUNDS {
                    *sum.lock() += 1;
                }
            });
        }
    });
    let sum = scope.partial().take::<Arc<Mutex<u64>>>();
    assert_eq!(*sum.unwrap().lock(), THREADS as u64 * ROUNDS);
}

#[test]
fn r38_a_value_that_is_in_use_when_the_run_ends_comes_back_to_the_handle() {
    let scope = open("import");
    let (inside, go_on) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|threads| {
        let updater = threads.spawn(|| {
            scope.partial().update(|rows: &mut Vec<u32>| {
                inside.wait();
                go_on.wait();
                rows.push(2);
            })
        });
        inside.wait();
        let outcome = run(&scope, async |_| ());
        assert_eq!(outcome.partial_type(), None, "the end waits for nobody");
        go_on.wait();
        assert!(updater.join().unwrap().is_ok());
    });
    assert_eq!(scope.partial().take(), Some(vec![2_u32]));
}

#[test]
fn r38_a_snapshot_says_the_type_and_the_text_that_was_given_for_it() {
    let scope = open("import");
    let partial = scope.partial();
    assert_eq!(partial.snapshot(), None);
    partial.show(|rows: &Vec<u32>| format!("{} rows", rows.len()));
    assert_eq!(partial.snapshot(), None);
    push(&scope, 4);
    let snapshot = partial.snapshot().expect("it is there");
    assert_eq!(snapshot.type_name(), "alloc::vec::Vec<u32>");
    assert_eq!(snapshot.text(), Some("1 rows"));
    partial.set(7_u8);
    let snapshot = partial.snapshot().expect("it is there");
    assert_eq!((snapshot.type_name(), snapshot.text()), ("u8", None));
    partial.show(ToString::to_string as fn(&u8) -> String);
    assert_eq!(partial.snapshot().unwrap().text(), Some("7"));
    let before = isolated_panics();
    partial.show(|_: &u8| panic!("boom"));
    assert_eq!(partial.snapshot().unwrap().text(), None);
    assert!(isolated_panics() > before);
    assert_eq!(partial.get(), Some(7_u8));
}

#[test]
fn an_outcome_goes_where_it_went_before() {
    fn asserts<T: Send + Sync>() {}
    asserts::<Outcome<u8>>();
    let shared = Arc::new(run(&open("import"), async |op| op.partial().set(7_u8)));
    let other = Arc::clone(&shared);
    let read = thread::spawn(move || other.partial::<u8>().copied());
    assert_eq!(read.join().unwrap(), Some(7));
    assert!(format!("{shared:?}").contains("Value(\"u8\")"));
}
