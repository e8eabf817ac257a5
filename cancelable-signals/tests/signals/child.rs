//! The programs that are signalled. They report events in lines that begin with `child: `, and print `ready` when
//! the next signal may come.

#[cfg(unix)]
mod requests;
#[cfg(unix)]
mod unix;

use cancelable_core::{CancellationToken, Cause, Scope};
use cancelable_signals::{Escalation, Signal, SignalGuard, SignalSource, Step};
use cancelable_signals::{cancel_on_signal, ctrl_c, shutdown};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

/// Not a test: the entry of the programs. Does nothing unless it is told which.
#[test]
fn child() {
    let Ok(program) = std::env::var("CANCELABLE_SIGNALS_CHILD") else {
        return;
    };
    match program.as_str() {
        "ctrl_c" => once(&[Signal::INT]),
        "escalation" => escalation(),
        "hung" => hung(),
        "grace" => grace(),
        "at_once" => at_once(),
        "second_kills" => second_kills(),
        "restored" => restored(),
        "scope" => scope(),
        "scope_ended" => scope_ended(),
        #[cfg(unix)]
        other if requests::run(other) => {}
        #[cfg(unix)]
        other => unix::run(other),
        #[cfg(windows)]
        other => panic!("no program {other}"),
    }
    std::process::exit(0);
}

#[allow(clippy::print_stdout)] // The parent listens, and a test that is not heard has failed.
fn say(line: impl std::fmt::Display) {
    println!("child: {line}");
}

fn name_of(token: &CancellationToken) -> String {
    name_in(token.cause().as_ref())
}

fn name_in(cause: Option<&Cause>) -> String {
    match cause.map(Cause::reason) {
        Some(cancelable_core::Reason::Signal { number, name }) => {
            assert_eq!(Signal::try_from(*number).map(Signal::name), Ok(*name));
            (*name).to_string()
        }
        other => format!("{other:?}"),
    }
}

/// Waits for a line from the parent.
#[cfg(unix)]
fn listen() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim().to_string()
}

/// Lives until a signal ends it.
fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

fn watch(signals: &[Signal]) -> (CancellationToken, SignalGuard) {
    let token = CancellationToken::new();
    let guard = cancel_on_signal(&token, signals.iter().copied()).unwrap();
    // Tests send the next signal as soon as they have heard of the first.
    (token, guard.merge_within(Duration::ZERO))
}

fn once(signals: &[Signal]) {
    let (token, _guard) = watch(signals);
    say("ready");
    token.wait();
    say(name_of(&token));
}

fn second_kills() {
    let (token, _guard) = watch(&Signal::shutdown());
    say("ready");
    token.wait();
    say("asked");
    say("ready");
    stay();
}

fn restored() {
    let (_token, guard) = watch(&Signal::shutdown());
    drop(guard);
    say("ready");
    stay();
}

fn escalation() {
    let (ask, insist) = (CancellationToken::new(), CancellationToken::new());
    let _guard = Escalation::new(&ask)
        .second(Step::cancel(&insist))
        .merge_within(Duration::ZERO)
        .start()
        .unwrap();
    say("ready");
    ask.wait();
    assert!(!insist.is_cancelled());
    say(format_args!("asked-{}", name_of(&ask)));
    say("ready");
    insist.wait();
    say(format_args!("insisted-{}", name_of(&insist)));
    say("ready");
    stay();
}

/// A scope that does not come to its end in its grace, which is longer than anyone waits.
fn grace() {
    let builder = rt::scope("import");
    let scope = builder.grace(Duration::from_secs(86_400)).build().unwrap();
    let _guard = Escalation::new(scope.token())
        .second(Step::cancel_now(&scope))
        .merge_within(Duration::ZERO)
        .start()
        .unwrap();
    let outcome = rt::block_on(scope.run(async |op: Scope| {
        say("ready");
        op.cancelled().await;
        say(format_args!("asked-{}", name_of(op.token())));
        assert!(!op.grace_remaining().unwrap().is_zero());
        say("ready");
        std::future::pending::<()>().await;
    }));
    assert_eq!(outcome.stragglers().len(), 1);
    say(format_args!("ended-{}", name_in(outcome.cause())));
    say("ready");
    stay();
}

/// A scope of which nobody has asked anything before it is insisted on.
fn at_once() {
    let scope = Scope::builder("import").build().unwrap();
    let steps = Escalation::new(&CancellationToken::new()).first(Step::cancel_now(&scope));
    let _guard = steps.start().unwrap();
    say("ready");
    scope.token().wait();
    let cause = scope.cause().unwrap();
    assert_eq!(cause.location().file(), file!());
    say(name_in(Some(&cause)));
}

/// The work of the first signal never ends.
fn hung() {
    let ask = CancellationToken::new();
    ask.on_cancel(|_| {
        say("hanging");
        say("ready");
        stay();
    })
    .detach();
    let (insisted, insists) = mpsc::channel();
    let insist = move |_| insisted.send(()).unwrap();
    let _guard = Escalation::new(&ask)
        .second(Step::call(insist))
        .merge_within(Duration::ZERO)
        .start()
        .unwrap();
    say("ready");
    insists.recv().unwrap();
    say("insisted");
    say("ready");
    stay();
}

/// Lets a scope run until a signal ends it; the second signal finds nobody.
fn scope() {
    let outcome = block_on(scope_on(shutdown()).run(|_| async {
        say("ready");
        std::future::pending::<()>().await;
    }));
    let location = outcome.cause().map(|cause| cause.location().file());
    assert_eq!(location, Some(file!()));
    say(name_in(outcome.cause()));
    say("ready");
    stay();
}

/// A scope that no signal ended watches no longer.
fn scope_ended() {
    let outcome = block_on(scope_on(ctrl_c()).run(|_| async { 1 }));
    assert_eq!(outcome.value(), Some(&1));
    say("ready");
    stay();
}

fn scope_on(source: SignalSource) -> Scope {
    let source = source.merge_within(Duration::ZERO);
    Scope::builder("import").source(source).build().unwrap()
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}
