//! A scope that watches a file, run by hand: its time stands still unless it is moved, so that what
//! wakes it is the system's event or nothing.

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Scope, Source};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

struct Woken {
    flag: AtomicBool,
    thread: Thread,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

pub(crate) struct Drive {
    pub(crate) manual: ManualRuntime,
    run: Pin<Box<dyn Future<Output = Cause>>>,
    woken: Arc<Woken>,
}

impl Drive {
    /// Enters a scope with that source, and goes on until its first look is made.
    pub(crate) fn new(source: impl Source) -> Self {
        let manual = ManualRuntime::new();
        let builder = Scope::builder("watching").runtime(&manual.handle());
        let scope = builder.source(source).build().expect("it has a runtime");
        let run = Box::pin(async move {
            let outcome = scope.run(|_| pending::<()>()).await;
            outcome.cause().expect("it is cancelled").clone()
        });
        let woken = Arc::new(Woken {
            flag: AtomicBool::new(true),
            thread: thread::current(),
        });
        Self { manual, run, woken }
    }

    /// Polls for as long as something is due. The cause, once there is one.
    pub(crate) fn step(&mut self) -> Option<Cause> {
        while self.woken.flag.swap(false, Ordering::SeqCst) {
            let waker = Waker::from(self.woken.clone());
            if let Poll::Ready(cause) = self.run.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(cause);
            }
            self.manual.run_until_idle();
        }
        None
    }

    /// Waits for the system until the scope is cancelled. After each turn the time is moved `by` so
    /// much.
    pub(crate) fn told(&mut self, by: Duration) -> Cause {
        loop {
            if let Some(cause) = self.step() {
                return cause;
            }
            self.manual.advance(by);
            if let Some(cause) = self.step() {
                return cause;
            }
            thread::park();
        }
    }

    /// Moves the time, without waiting for anything.
    pub(crate) fn after(&mut self, by: Duration) -> Option<Cause> {
        self.manual.advance(by);
        self.step()
    }
}
