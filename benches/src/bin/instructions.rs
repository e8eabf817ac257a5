//! The hot paths of tokens and scopes, each run a thousand times in a function of its own, whose instructions
//! `ci/instructions.sh` counts. Prints the names of the paths in their order; code outside of `measured` is not
//! counted. With an argument only the paths with that text in their name run, for a profile:
//!
//! ```sh
//! valgrind --tool=callgrind --toggle-collect=instructions::measured target/release/instructions 'new, dropped'
//! callgrind_annotate callgrind.out.*
//! ```

#![allow(clippy::print_stdout)] // The names are what it is for.

use cancelable_core::{CancellationToken, Scope};
use std::future::{Future, pending, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

/// The number of runs of each path. The script divides by it.
const TIMES: usize = 1000;

/// The function for which the script turns the counter on. Not inlined, so that the counter finds
/// it.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}

/// Names a path and counts it, if it is selected.
fn count(name: &str, work: impl FnOnce()) {
    if std::env::args()
        .nth(1)
        .is_none_or(|asked| name.contains(&asked))
    {
        println!("{name}");
        measured(work);
    }
}

/// Runs `once` a few times, so that lazily made state exists, and then counts.
fn path(name: &str, mut once: impl FnMut()) {
    (0..10).for_each(|_| once());
    count(name, || (0..TIMES).for_each(|_| once()));
}

fn poll<F: Future>(future: Pin<&mut F>) {
    let _ = black_box(future.poll(&mut Context::from_waker(Waker::noop())));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokens();
    cancels();
    scopes();
    scopes_on_tokio()
}

fn tokens() {
    let root = CancellationToken::new();
    let child = root.child_token();
    path("is_cancelled() of a child", || {
        let _ = black_box(black_box(&child).is_cancelled());
    });
    path("new, dropped", || drop(black_box(CancellationToken::new())));
    path("clone, dropped", || {
        drop(black_box(black_box(&root).clone()));
    });
    path("child, dropped", || {
        drop(black_box(black_box(&root).child_token()));
    });
    path("wait, polled, dropped", || poll(pin!(root.cancelled())));
    let mut wait = pin!(root.cancelled());
    poll(wait.as_mut());
    path("wait, polled again", || poll(wait.as_mut()));
    path("child, wait on it, dropped", || {
        let child = root.child_token();
        poll(pin!(child.cancelled()));
    });
    path("run_until_cancelled(ready)", || {
        poll(pin!(root.run_until_cancelled(ready(()))));
    });
    path("callback, unregistered", || drop(root.on_cancel(|_| ())));
    path("new, cancelled, dropped", || {
        black_box(CancellationToken::new()).cancel();
    });
}

/// Cancels each of a thousand tokens.
fn cancels() {
    let mut chain = vec![CancellationToken::new()];
    for above in 0..TIMES {
        chain.push(chain[above].child_token());
    }
    count("cancel of a chain, a level", || {
        assert!(chain[0].try_cancel());
    });

    let root = CancellationToken::new();
    let children: Vec<_> = (0..TIMES).map(|_| root.child_token()).collect();
    let mut waits: Vec<_> = children.iter().map(CancellationToken::cancelled).collect();
    waits.iter_mut().for_each(|wait| poll(Pin::new(wait)));
    count("cancel of waiting children, one", || {
        assert!(root.try_cancel());
    });

    let root = CancellationToken::new();
    let children: Vec<_> = (0..TIMES).map(|_| root.child_token()).collect();
    children
        .iter()
        .for_each(|child| poll(pin!(child.cancelled())));
    let mut waits: Vec<_> = children.iter().map(CancellationToken::cancelled).collect();
    waits.iter_mut().for_each(|wait| poll(Pin::new(wait)));
    count("cancel of children that wait again, one", || {
        assert!(root.try_cancel());
    });
}

fn scope(builder: cancelable_core::scope::ScopeBuilder) -> Scope {
    builder.build().expect("the bench's scopes are sound")
}

fn scopes() {
    path("scope, ready", || {
        poll(pin!(scope(Scope::builder("path")).run(|_| ready(()))));
    });
    let token = CancellationToken::new();
    path("scope with a token, polled, dropped", || {
        let scope = scope(Scope::builder("path").token(&token));
        poll(pin!(scope.run(|_| pending::<()>())));
    });
    let scope = scope(Scope::builder("path").token(&token));
    let mut run = pin!(scope.run(|_| pending::<()>()));
    poll(run.as_mut());
    path("scope with a token, polled again", || poll(run.as_mut()));
}

fn scopes_on_tokio() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _inside = runtime.enter();
    let handle = cancelable_tokio::current()?;
    path("scope with a timeout, ready", || {
        let builder = Scope::builder("path").runtime(&handle);
        let scope = scope(builder.timeout(Duration::from_secs(60)));
        poll(pin!(scope.run(|_| ready(()))));
    });
    Ok(())
}
