//! The list of timers, and the threads of tasks.

use cancelable_core::token::isolated_panics;
use cancelable_thread as rt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn poll(future: Pin<&mut impl Future>, waker: &Waker) -> bool {
    future.poll(&mut Context::from_waker(waker)).is_ready()
}

#[test]
fn r44_a_timer_fires_before_one_that_was_registered_earlier_and_is_due_later() {
    let runtime = rt::current().unwrap();
    let mut far = pin!(runtime.sleep(HOUR));
    assert!(!poll(far.as_mut(), Waker::noop()));
    let start = runtime.now();
    rt::block_on(runtime.sleep(20 * MILLISECOND));
    assert!(runtime.now() >= start + 20 * MILLISECOND);
    let near = runtime.now() + MILLISECOND;
    far.reset(near);
    rt::block_on(far);
    assert!(runtime.now() >= near);
}

#[test]
fn r25_each_task_and_each_blocking_call_has_a_thread_of_its_own() {
    let runtime = rt::current().unwrap();
    let here = thread::current().id();
    let task = runtime.spawn(async { thread::current().id() });
    let work = runtime.spawn_blocking(|| thread::current().id());
    let (task, work) = rt::block_on(async { (task.await.unwrap(), work.await.unwrap()) });
    assert!(here != task && here != work && task != work);
}

/// A waker that panics at its wake and at its drop.
struct Hostile;

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        panic!("a wake of the test's");
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a drop of the test's");
        }
    }
}

#[test]
fn r10_a_waker_that_panics_stops_no_other_timer() {
    let runtime = rt::current().unwrap();
    let before = isolated_panics();
    let mut woken = pin!(runtime.sleep(MILLISECOND));
    let mut dropped = Box::pin(runtime.sleep(HOUR));
    {
        let waker = Waker::from(Arc::new(Hostile));
        assert!(!poll(woken.as_mut(), &waker));
        // The list has the only reference.
        std::mem::forget(waker.clone());
        drop(waker);
        let waker = Waker::from(Arc::new(Hostile));
        assert!(!poll(dropped.as_mut(), &waker));
        drop(waker);
    }
    drop(dropped);
    rt::block_on(runtime.sleep(20 * MILLISECOND));
    assert!(isolated_panics() >= before + 2);
    rt::block_on(woken);
}

#[test]
fn r12_a_timer_that_is_gone_keeps_no_waker() {
    struct Unused;
    impl Wake for Unused {
        fn wake(self: Arc<Self>) {}
    }
    let runtime = rt::current().unwrap();
    let task = Arc::new(Unused);
    let waker = Waker::from(Arc::clone(&task));
    let mut sleep = Box::pin(runtime.sleep(HOUR));
    // The second waker replaces the first.
    assert!(!poll(sleep.as_mut(), &waker));
    assert!(!poll(sleep.as_mut(), &waker));
    assert_eq!(Arc::strong_count(&task), 3);
    drop(sleep);
    assert_eq!(Arc::strong_count(&task), 2);
}
