//! Troubles of async code: what is not polled, not awaited, not joined.

use crate::page::shows;
use crate::programs::{printed, say};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope, stream};
use futures_util::future::{Either, join, select};
use futures_util::{FutureExt, StreamExt};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const SECOND: Duration = Duration::from_secs(1);

const YIELDS: &str = "A timeout is late: a body that never yields";
const BLOCKS: &str = "Everything is slow: blocking calls in async code";
const KEPT: &str = "A timeout is late: a run that is kept and not polled";
const SKIPPED: &str = "A page was skipped by its timeout: whose limit was it?";
const DROPPED: &str = "A run was dropped: no outcome, and cleanup runs later";
const PARTIAL: &str = "A partial result passes for a whole one";

fn import(manual: &ManualRuntime) -> cancelable_core::scope::ScopeBuilder {
    Scope::builder("import")
        .runtime(&manual.handle())
        .timeout(3 * SECOND)
}

#[test]
fn a_body_that_never_yields_is_late_and_one_that_checks_is_not() {
    let manual = ManualRuntime::new();
    // The clock moves while the body computes, ten seconds long.
    let deaf = manual.block_on(import(&manual).run(async |_| {
        for _ in 0..10 {
            manual.advance(SECOND);
        }
    }));
    shows(YIELDS, &deaf.complete().unwrap_err().to_string());
    let checks = manual.block_on(import(&manual).try_run(async |op: Scope| {
        for _ in 0..10 {
            op.check()?;
            manual.advance(SECOND);
        }
        Ok::<_, cancelable_core::Cancelled>(())
    }));
    assert_eq!(checks.elapsed(), Some(3 * SECOND));
    shows(YIELDS, &checks.complete().unwrap_err().to_string());
}

#[test]
fn a_limit_of_the_scope_times_its_children_out_and_a_check_tells() {
    let manual = ManualRuntime::new();
    let (mut skipped, mut told) = (Vec::new(), Vec::new());
    let outcome = manual.block_on(import(&manual).run(async |op: Scope| {
        loop {
            let page = op.child("page").timeout(2 * SECOND);
            let page = page.run(async |_| pending::<()>().await);
            let error = page.await.complete().unwrap_err();
            assert!(error.is_timeout());
            match op.check() {
                Ok(()) => skipped.push(error.to_string()),
                Err(cancelled) => break told.push((error.to_string(), cancelled)),
            }
        }
    }));
    // The first page had its own two seconds, the second the third second of the scope.
    assert!(outcome.cause().is_some_and(|cause| cause.is_timeout()));
    assert_eq!((skipped.len(), told.len()), (1, 1));
    assert!(!skipped[0].contains("by import"));
    shows(SKIPPED, &format!("skipped: {}", told[0].0));
}

#[test]
fn a_blocking_call_delays_what_its_thread_has_to_poll() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let fetch = Scope::builder("fetch").runtime(&runtime).timeout(SECOND);
    let fetch = fetch.run(async |_| pending::<()>().await);
    let blocking = async {
        runtime.sleep(SECOND / 2).await;
        // In place of `std::thread::sleep`: the clock moves, and nothing else is polled.
        manual.advance(10 * SECOND);
    };
    let (outcome, ()) = manual.block_on(join(fetch, blocking));
    assert_eq!(outcome.elapsed(), Some(10 * SECOND + SECOND / 2));
    shows(BLOCKS, &outcome.complete().unwrap_err().to_string());
}

/// Loses the first number if it is dropped at the second wait.
async fn pair(numbers: &mut mpsc::UnboundedReceiver<u32>) -> Option<(u32, u32)> {
    Some((numbers.recv().await?, numbers.recv().await?))
}

#[test]
fn a_future_that_is_dropped_in_a_loop_loses_what_it_has_and_one_that_is_kept_does_not() {
    let (sender, mut numbers) = mpsc::unbounded_channel();
    sender.send(1).unwrap();
    // The other arm wins.
    assert!(pair(&mut numbers).now_or_never().is_none());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(pair(&mut numbers).now_or_never().unwrap(), Some((2, 3)));

    sender.send(4).unwrap();
    let mut kept = pin!(pair(&mut numbers));
    assert!(kept.as_mut().now_or_never().is_none());
    sender.send(5).unwrap();
    assert_eq!(kept.now_or_never().unwrap(), Some((4, 5)));
}

#[test]
fn a_run_that_is_kept_and_not_polled_is_cut_and_named() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let outcome = manual.block_on(import(&manual).run(async |op: Scope| {
        let page = op.child("page").build().unwrap();
        let mut page = Box::pin(page.run(async |op: Scope| {
            op.defer(async {}).unwrap();
            pending::<()>().await;
        }));
        let tick = pin!(runtime.sleep(SECOND));
        // The tick wins, and `page` is kept.
        assert!(matches!(
            select(page.as_mut(), tick).await,
            Either::Right(_)
        ));
        runtime.sleep(60 * SECOND).await;
    }));
    assert!(outcome.is_timeout());
    shows(KEPT, &outcome.stragglers()[0].to_string());
}

pub(crate) fn dropped_run() {
    env_logger::init();
    rt::block_on(async {
        let runtime = rt::current().unwrap();
        let server = rt::scope("server").build().unwrap();
        let (go, goes) = oneshot::channel();
        let outcome = server.run(async |op: Scope| {
            let page = op.child("page").run(async |op: Scope| {
                let release = async {
                    goes.await.unwrap();
                    say("the lock is released");
                };
                op.defer(release).unwrap();
                pending::<()>().await;
            });
            let timeout = runtime.timeout(Duration::from_millis(10), page);
            assert!(timeout.await.is_err());
            say("the timeout is over");
            go.send(()).unwrap();
        });
        assert!(outcome.await.is_completed());
    });
}

#[test]
fn a_dropped_run_is_cancelled_and_its_scope_above_waits_for_its_cleanup() {
    let printed = printed("dropped_run", "cancelable=debug");
    let timeout = printed.find("the timeout is over").unwrap();
    assert!(timeout < printed.find("the lock is released").unwrap());
    let cancelled = printed
        .lines()
        .find(|line| line.contains("page is being cancelled"));
    shows(DROPPED, cancelled.unwrap());
    shows(DROPPED, "the timeout is over\nthe lock is released");
}

#[test]
fn a_callback_runs_under_the_lock_of_the_caller_of_cancel() {
    let (token, jobs) = (CancellationToken::new(), Arc::new(Mutex::new(3)));
    let is_locked = Arc::new(AtomicBool::new(false));
    let (shared, seen) = (jobs.clone(), is_locked.clone());
    // `lock()` in place of `try_lock()` would wait for itself.
    let _registration = token.on_cancel(move |_| {
        seen.store(shared.try_lock().is_none(), SeqCst);
    });
    let guard = jobs.lock();
    token.cancel();
    drop(guard);
    assert!(is_locked.load(SeqCst));
}

#[test]
fn a_task_of_tokio_survives_its_scope_and_a_child_does_not() {
    rt::block_on(async {
        let (sender, mut alive) = mpsc::unbounded_channel::<()>();
        let task = RefCell::new(None);
        let child_alive = sender.clone();
        let outcome = rt::scope("import").run(async |op: Scope| {
            *task.borrow_mut() = Some(tokio::spawn(pending::<()>()));
            let child = async move {
                let _alive = child_alive;
                pending::<()>().await;
            };
            drop(op.spawn(child).unwrap());
            op.cancel();
        });
        assert!(outcome.await.cause().is_some());
        drop(sender);
        // The child is gone, and its sender with it.
        assert_eq!(
            alive.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        );
        let task = task.into_inner().unwrap();
        assert!(!task.is_finished());
        task.abort();
    });
}

#[test]
fn a_stream_that_was_cut_ends_and_only_some_ways_to_read_it_tell() {
    let manual = ManualRuntime::new();
    let outcome = manual.block_on(Scope::builder("import").run(async |op: Scope| {
        let rows = stream::iter(1..=5).inspect(|row| {
            if *row == 2 {
                op.cancel_with("enough");
            }
        });
        op.stream(rows).collect::<Vec<_>>().await
    }));
    // The body has returned: its value is that of a completed body.
    assert!(outcome.is_completed());
    let rows = outcome.value().unwrap().clone();
    shows(PARTIAL, &format!("{rows:?}"));
    shows(PARTIAL, &outcome.complete().unwrap_err().to_string());
}
