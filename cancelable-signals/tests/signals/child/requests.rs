//! Programs whose scope receives a signal while it is not polled, or when it cannot use the signal.
//!
//! A body that blocks its thread until the scope's token is cancelled is in its last poll: the run is not polled
//! meanwhile. A program that waits for its parent continues after the signal was sent, which may be before or
//! after the signal is read. The assertions hold in both cases.

use super::{block_on, listen, name_in, say, scope_on, stay};
use cancelable_core::source::{
    self, Source, SourceContext, SourceError, SourceFuture, all_of, any_of,
};
use cancelable_core::{Scope, Status};
use cancelable_signals::{SignalSource, ctrl_c, terminate};
use std::borrow::Cow;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// False for a program that is not here.
pub(super) fn run(program: &str) -> bool {
    match program {
        "last_poll" => last_poll(ctrl_c()),
        "last_poll_of_any" => last_poll(any_of(ctrl_c()).or(never())),
        "last_poll_of_all" => {
            last_poll(all_of(ctrl_c()).and(terminate().unwrap()));
        }
        "check" => check(),
        "selected_away" => selected_away(),
        "finalizer" => finalizer(),
        "finalizer_after_a_cancel" => finalizer_after_a_cancel(),
        "finalizer_of_a_dropped_run" => finalizer_of_a_dropped_run(),
        "nested" => nested(),
        "group_not_fired" => not_given(all_of(ctrl_c()).and(never())),
        "wrapped" => not_given(Wrapped(ctrl_c())),
        "wrapped_and_polled" => wrapped_and_polled(),
        _ => return false,
    }
    true
}

fn never() -> impl Source {
    source::future(pending::<()>())
}

/// A source of a user's that watches by another one.
struct Wrapped(SignalSource);

impl Source for Wrapped {
    fn name(&self) -> Cow<'static, str> {
        "wrapped".into()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        Box::new(self.0).start(context)
    }
}

fn scope_of(source: impl Source) -> Scope {
    Scope::builder("import").source(source).build().unwrap()
}

/// Its first poll is its last, and the signal comes in it.
fn last_poll(source: impl Source) {
    let outcome = block_on(scope_of(source).run(async |op: Scope| {
        say("ready");
        op.token().wait();
        7
    }));
    assert_eq!(outcome.status(), Status::Completed);
    say(name_in(outcome.cause()));
}

/// Work that asks and does not yield.
fn check() {
    let outcome = block_on(scope_on(ctrl_c()).run(async |op: Scope| {
        say("ready");
        while op.check().is_ok() {
            std::thread::yield_now();
        }
    }));
    say(name_in(outcome.cause()));
}

/// The run is dropped after the signal, and before its next poll.
fn selected_away() {
    let scope = scope_on(ctrl_c());
    {
        let mut run = pin!(scope.run(|_| pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut context).is_pending());
        say("ready");
        scope.token().wait();
    }
    say(name_in(scope.cause().as_ref()));
}

/// The body is done, and what it has deferred goes on for as long as nobody asks.
fn finalizer() {
    let outcome = block_on(scope_on(ctrl_c()).run(async |op: Scope| {
        let token = op.token().clone();
        let deferred = op.defer(async move {
            say("ready");
            token.cancelled().await;
            say("cleaned");
        });
        assert!(deferred.is_ok());
    }));
    assert_eq!(outcome.status(), Status::Completed);
    say(name_in(outcome.cause()));
    say("ready");
    stay();
}

/// The scope stops for something else when the signal comes.
fn finalizer_after_a_cancel() {
    let outcome = block_on(scope_on(ctrl_c()).run(async |op: Scope| {
        op.cancel();
        let deferred = op.defer(async {
            say("ready");
            listen();
            say("cleaned");
        });
        assert!(deferred.is_ok());
    }));
    // The signal is not lost, so this is not for long.
    drop(outcome);
    stay();
}

fn finalizer_of_a_dropped_run() {
    let scope = rt::scope("import").source(ctrl_c()).build().unwrap();
    rt::block_on(async {
        let mut run = pin!(scope.run(async |op: Scope| {
            let deferred = op.defer(async {
                say("ready");
                listen();
                say("cleaned");
            });
            assert!(deferred.is_ok());
            pending::<()>().await;
        }));
        poll_fn(|context| {
            assert!(run.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    });
    stay();
}

/// Both scopes watch, and the inner one ends when the signal has come.
fn nested() {
    let outcome = block_on(scope_on(ctrl_c()).run(async |outer: Scope| {
        let inner = outer.child("part").source(ctrl_c()).build().unwrap();
        let inside = inner.run(async |op: Scope| {
            say("ready");
            op.token().wait();
        });
        say(name_in(inside.await.cause()));
    }));
    say(name_in(outcome.cause()));
    listen();
}

/// The source has received the signal when it is dropped, and was not polled since, or could not decide.
fn not_given(source: impl Source) {
    let outcome = block_on(scope_of(source).run(async |_| {
        say("ready");
        listen();
        say("done");
    }));
    // One that was polled since has it on record.
    if outcome.cause().is_none() {
        stay();
    }
    say(name_in(outcome.cause()));
}

fn wrapped_and_polled() {
    let outcome = block_on(scope_of(Wrapped(ctrl_c())).run(async |_| {
        say("ready");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    say(name_in(outcome.cause()));
}
