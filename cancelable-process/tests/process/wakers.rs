//! Wakers that panic or poll at once (R9, R10), in waits for the end of a process.

use crate::kit::{Talk, shell};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{CancellationToken, Scope};
use cancelable_process::{Process, ProcessError, ProcessOutcome};
use parking_lot::Mutex;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

/// Ends when it is told to.
const WAITS: &str = "echo ready; read line; exit 3";

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the test's");
    }
}

/// Polls once, with a waker that panics.
fn poll_with_a_waker_that_panics<F: Future + ?Sized>(future: Pin<&mut F>) {
    let waker = Waker::from(Arc::new(Panics));
    let polled = future.poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
}

/// The end is there before those who wait for it are woken.
fn until_isolated(before: u64) {
    while isolated_panics() == before {
        thread::yield_now();
    }
}

#[test]
fn r10_r28_a_panicking_waker_of_one_wait_holds_up_neither_the_others_nor_the_scope() {
    let manual = ManualRuntime::new();
    let _hold = manual.hold_time();
    let before = isolated_panics();
    let scope = Scope::builder("work").runtime(&manual.handle());
    let outcome = manual.block_on(scope.build().unwrap().run(async |op| {
        let (process, mut talk) = Talk::in_scope(shell(WAITS), &op);
        let mut wait = Box::pin(process.wait());
        poll_with_a_waker_that_panics(wait.as_mut());
        talk.say("go");
        let ended = process.wait().await.unwrap();
        assert_eq!(wait.await.unwrap().code(), 3, "also for who waited with it");
        ended.code()
    }));
    assert_eq!(outcome.into_value(), Some(3));
    until_isolated(before);
}

#[test]
fn r10_a_panicking_waker_takes_no_output_with_it() {
    let manual = ManualRuntime::new();
    let _hold = manual.hold_time();
    let before = isolated_panics();
    let scope = Scope::builder("work").runtime(&manual.handle());
    let outcome = manual.block_on(scope.build().unwrap().run(async |op| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let command = shell("read line; echo out").stdin(OwnedFd::from(theirs));
        let mut output = Box::pin(command.output(&op));
        poll_with_a_waker_that_panics(output.as_mut());
        // The end of its input.
        drop(ours);
        until_isolated(before);
        output.await.unwrap().into_stdout()
    }));
    assert_eq!(outcome.into_value().as_deref(), Some(&b"out\n"[..]));
}

/// A wait that is polled on the thread that wakes it, before `wake` returns.
struct AtOnce {
    wait: Mutex<Option<Wait>>,
    code: Sender<i32>,
}

type Wait = Pin<Box<dyn Future<Output = Result<ProcessOutcome, ProcessError>> + Send>>;

impl AtOnce {
    fn start(process: Arc<Process>, code: Sender<i32>) {
        let wait: Wait = Box::pin(async move {
            drop(process.wait().await?);
            process.wait().await
        });
        let wait = Mutex::new(Some(wait));
        Arc::new(Self { wait, code }).wake();
    }
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        let Some(mut wait) = self.wait.lock().take() else {
            return;
        };
        let waker = Waker::from(self.clone());
        match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ended) => self.code.send(ended.unwrap().code()).unwrap(),
            Poll::Pending => *self.wait.lock() = Some(wait),
        }
    }
}

#[test]
fn r09_who_is_polled_by_its_wake_may_wait_for_a_process() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(WAITS), &manual, &token);
    let (code, codes) = channel();
    AtOnce::start(Arc::new(process), code);
    talk.say("go");
    assert_eq!(codes.recv(), Ok(3));
}
