//! A wait for the next finding, with a waker that panics or that calls back at once.

use super::super::findings::Findings;
use cancelable_core::token::isolated_panics;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

struct Act<F>(F);

impl<F: Fn() + Send + Sync> Wake for Act<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn waker(act: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Act(act)))
}

fn poll(wait: impl Future<Output = ()>, waker: &Waker) -> Poll<()> {
    pin!(wait).poll(&mut Context::from_waker(waker))
}

#[test]
fn r10_a_panicking_waker_does_not_unwind_into_the_thread_of_the_events() {
    let findings = Findings::default();
    let before = isolated_panics();
    let mut next = pin!(findings.next());
    assert!(poll(next.as_mut(), &waker(|| panic!("a waker of the test's"))).is_pending());
    findings.record(|seen| seen.written = true);
    // The future is woken on another thread.
    while isolated_panics() == before {
        thread::yield_now();
    }
    assert!(poll(next, Waker::noop()).is_ready());
    assert!(findings.take().written);
}

#[test]
fn r09_a_waker_may_look_and_wait_for_the_next_note() {
    let (findings, looked) = (Arc::new(Findings::default()), Arc::new(AtomicUsize::new(0)));
    let waker = waker({
        let (findings, looked) = (findings.clone(), looked.clone());
        move || {
            assert!(findings.take().appeared);
            assert!(poll(findings.next(), Waker::noop()).is_pending());
            looked.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut next = pin!(findings.next());
    assert!(poll(next.as_mut(), &waker).is_pending());
    findings.record(|seen| seen.appeared = true);
    while looked.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    assert!(poll(next, &waker).is_ready());
}

#[test]
fn r30_a_note_that_comes_before_the_first_poll_of_the_wait_is_heard() {
    let findings = Findings::default();
    let next = findings.next();
    findings.record(|_| ());
    assert!(poll(next, Waker::noop()).is_ready());
    assert!(poll(findings.next(), Waker::noop()).is_pending());
}

#[test]
fn r12_a_wait_that_is_dropped_leaves_no_waker_behind() {
    let (findings, probe) = (Findings::default(), Arc::new(()));
    let kept = probe.clone();
    let waker = waker(move || {
        let _ = &kept;
    });
    assert!(poll(findings.next(), &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&probe), 1);
}

/// The thread that events come on serves every file of the process.
#[test]
fn r09_a_waker_that_blocks_holds_up_no_other_note() {
    let (findings, other) = (Findings::default(), Findings::default());
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let hangs = waker(move || {
        let _ = released.lock().recv();
    });
    let (tell, told) = mpsc::channel();
    let tells = waker(move || tell.send(()).unwrap());
    let (mut one, mut two) = (pin!(findings.next()), pin!(other.next()));
    assert!(poll(one.as_mut(), &hangs).is_pending());
    assert!(poll(two.as_mut(), &tells).is_pending());
    findings.record(|_| ());
    other.record(|_| ());
    assert!(told.recv().is_ok());
    drop(release);
}
