//! A logger that panics wherever it can (R10). Its own binary, because a process has one logger.
#![allow(missing_docs)]

use cancelable_core::CancellationToken;
use cancelable_core::token::isolated_panics;
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

/// Panics when it is asked, and when it is told.
struct Panics;

static ASKED: AtomicBool = AtomicBool::new(false);
/// What the waiters had been told when the first line came.
static WOKEN_BEFORE_THE_LINE: AtomicUsize = AtomicUsize::new(0);
static WOKEN: AtomicUsize = AtomicUsize::new(0);

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        panic!("the logger was asked");
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() == log::Level::Debug && !ASKED.swap(true, SeqCst) {
            WOKEN_BEFORE_THE_LINE.store(WOKEN.load(SeqCst), SeqCst);
        }
        panic!("the logger was told");
    }

    fn flush(&self) {}
}

struct Counts;

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        WOKEN.fetch_add(1, SeqCst);
    }
}

struct Hostile;

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        panic_any(Bomb);
    }
}

/// A payload whose drop panics: while the logger's panic unwinds, that would abort.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload was dropped");
    }
}

#[test]
fn r10_a_logger_that_panics_stops_nobody_and_is_told_after_the_waiters() {
    log::set_logger(&Panics).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let root = CancellationToken::new();
    let child = root.child_token();
    let wakers = [
        Waker::from(Arc::new(Counts)),
        Waker::from(Arc::new(Hostile)),
        Waker::from(Arc::new(Counts)),
    ];
    let _waits = wakers.map(|waker| {
        let mut wait = child.clone().cancelled_owned();
        let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        wait
    });
    let runs = Arc::new(AtomicUsize::new(0));
    for panics in [false, true, false] {
        let runs = runs.clone();
        child
            .on_cancel(move |_| {
                runs.fetch_add(1, SeqCst);
                if panics {
                    panic_any(Bomb);
                }
            })
            .detach();
    }
    let before = isolated_panics();
    assert!(root.cancel());
    assert!(child.is_cancelled());
    assert_eq!((WOKEN.load(SeqCst), runs.load(SeqCst)), (2, 3));
    assert_eq!(WOKEN_BEFORE_THE_LINE.load(SeqCst), 2);
    // The waker, the callback, and the logger at the line about the cancel.
    assert_eq!(isolated_panics(), before + 3);
}
