//! Every way in which a scope ends while a process of its runs: the row of the table in
//! `docs/semantics.md`, cell by cell.

use crate::kit::{GRACE, SLOW, STUBBORN, Talk, is_gone, pid, shell};
use cancelable_core::testing::{ManualRuntime, TimeGuard};
use cancelable_core::{Reason, Scope, Status};
use cancelable_process::Command;
use parking_lot::Mutex;
use rustix::process::Pid;
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Return,
    Error,
    Panic,
    Cancel,
    Deadline,
    /// The `run` future is dropped.
    Drop,
    /// The task that polls it is aborted.
    Abort,
}

const WAYS: [Way; 7] = [
    Way::Return,
    Way::Error,
    Way::Panic,
    Way::Cancel,
    Way::Deadline,
    Way::Drop,
    Way::Abort,
];

impl Way {
    fn status(self) -> Status {
        match self {
            Self::Return => Status::Completed,
            Self::Error | Self::Panic => Status::Failed,
            Self::Cancel | Self::Deadline | Self::Drop | Self::Abort => Status::Cancelled,
        }
    }
}

/// A scope with a process open in its body.
struct Open {
    manual: ManualRuntime,
    scope: Scope,
    /// The time stands still: what ends does not end by it.
    _hold: TimeGuard,
    /// The turn to move the time, or to begin to drive the runtime. One thread at a time has the turn, because
    /// only one thread can drive the runtime.
    turn: Mutex<()>,
}

/// The process, for others than the body that has its handle.
type Opened = Receiver<(Pid, Talk)>;

impl Open {
    fn new() -> Self {
        let manual = ManualRuntime::new();
        let builder = Scope::builder("work").runtime(&manual.handle());
        Self {
            scope: builder.build().unwrap(),
            _hold: manual.hold_time(),
            manual,
            turn: Mutex::new(()),
        }
    }

    /// The run, which ends in that way as soon as the process is there.
    fn run(
        &self,
        way: Way,
        script: Command,
    ) -> (impl Future<Output = Status> + Send + use<>, Opened) {
        let (opened, process) = channel();
        let scope = self.scope.clone();
        let run = async move {
            let run = scope.try_run(async |op| {
                let (process, talk) = Talk::in_scope(script, &op);
                opened.send((pid(&process), talk)).unwrap();
                match way {
                    Way::Return => return Ok(()),
                    Way::Error => return Err(fmt::Error),
                    Way::Panic => panic!("on purpose"),
                    Way::Cancel => drop(op.cancel_with(Reason::Requested)),
                    Way::Deadline => op.set_timeout(Duration::ZERO).unwrap(),
                    Way::Drop | Way::Abort => {}
                }
                pending().await
            });
            run.await.status()
        };
        (run, process)
    }

    /// Ends the run from outside, where nothing can wait.
    fn give_up(&self, way: Way, run: impl Future<Output = Status> + Send + 'static) {
        let mut run = Box::pin(run);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
        if way == Way::Abort {
            let mut tokio = tokio::runtime::Builder::new_current_thread();
            let aborted = async {
                let task = tokio::spawn(run);
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            };
            tokio.build().unwrap().block_on(aborted);
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        let turn = self.turn.lock();
        self.manual.block_on(async {
            drop(turn);
            future.await
        })
    }

    fn advance(&self, by: Duration) {
        let _turn = self.turn.lock();
        self.manual.advance(by);
    }

    /// Runs it to its end.
    fn finish(&self, way: Way, run: impl Future<Output = Status>) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.block_on(run)));
        match way {
            Way::Panic => assert!(ended.is_err()),
            _ => assert_eq!(ended.unwrap(), way.status()),
        }
    }

    fn assert_closed(&self, way: Way) {
        assert_eq!(self.block_on(self.scope.finished()), way.status());
        assert_eq!(self.scope.status(), way.status());
    }
}

#[test]
fn r25_every_ending_with_a_process_open() {
    for way in WAYS {
        let open = Open::new();
        let (run, opened) = open.run(way, shell(SLOW));
        let (pid, mut talk) = if matches!(way, Way::Drop | Way::Abort) {
            open.give_up(way, run);
            let (pid, mut talk) = opened.recv().unwrap();
            talk.hear("asked");
            assert!(!is_gone(pid), "{way:?}: nothing waited for it");
            talk.say("go");
            (pid, talk)
        } else {
            let answer = thread::spawn(move || {
                let (pid, mut talk) = opened.recv().unwrap();
                talk.hear("asked");
                talk.say("go");
                (pid, talk)
            });
            open.finish(way, run);
            let (pid, talk) = answer.join().unwrap();
            assert!(is_gone(pid), "{way:?}: the run ended first");
            (pid, talk)
        };
        open.assert_closed(way);
        assert!(is_gone(pid), "{way:?}");
        assert_eq!(talk.rest(), "bye\n", "{way:?}");
    }
}

#[test]
fn r23_every_ending_with_a_stubborn_process_open() {
    for way in WAYS {
        let open = Open::new();
        let (run, opened) = open.run(way, shell(STUBBORN));
        let is_over = AtomicBool::new(false);
        let (open, is_over) = (&open, &is_over);
        thread::scope(|threads| {
            let clock = threads.spawn(move || {
                let (pid, mut talk) = opened.recv().unwrap();
                talk.hear("asked");
                talk.assert_alive();
                assert!(!is_gone(pid));
                // Again, for the period of grace may begin after it was heard that it was asked.
                while !is_over.load(Ordering::Acquire) {
                    open.advance(GRACE);
                    thread::yield_now();
                }
                assert!(is_gone(pid), "{way:?}");
                assert_eq!(talk.rest(), "", "{way:?}");
            });
            // A check that fails in here must not leave the clock running for ever.
            let ended = catch_unwind(AssertUnwindSafe(|| {
                if matches!(way, Way::Drop | Way::Abort) {
                    open.give_up(way, run);
                } else {
                    open.finish(way, run);
                    assert!(open.scope.status().is_terminal());
                }
                open.assert_closed(way);
            }));
            is_over.store(true, Ordering::Release);
            clock.join().unwrap();
            ended.unwrap();
        });
    }
}
