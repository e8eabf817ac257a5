//! The dump of open operations.

use crate::support::{SECOND, at_most};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope};
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// The dump's lines without numbers of operations and of lines in the source.
fn lines(registry: &Registry) -> Vec<String> {
    let text = registry.dump();
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut plain = String::new();
        let mut rest = line.chars().peekable();
        let mut last = ' ';
        while let Some(next) = rest.next() {
            let is_number = last == '#' || (last == ':' && next.is_ascii_digit());
            if is_number {
                plain.push('_');
                while rest.peek().is_some_and(char::is_ascii_digit) {
                    rest.next();
                }
            } else {
                plain.push(next);
            }
            last = next;
        }
        lines.push(plain.replace(file!(), "FILE"));
    }
    lines
}

fn step(future: Pin<&mut impl Future>) {
    assert!(
        future
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
}

#[test]
fn r35_a_dump_says_of_everything_what_it_waits_for() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    assert_eq!(lines(&registry), ["no operation is open"]);
    let runtime = manual.handle();
    let sync = Scope::builder("sync")
        .runtime(&runtime)
        .register_in(&registry)
        .timeout(10 * SECOND)
        .grace(4 * SECOND)
        .concurrency(at_most(1))
        .build()
        .unwrap();
    let mut run = Box::pin(sync.run(async |op: Scope| {
        op.child("first").spawn(|_| pending::<()>()).unwrap();
        op.child("second").spawn(|_| pending::<()>()).unwrap();
        let inner = op.child("inner").timeout(SECOND).build().unwrap();
        let shielded = inner.run(async |inner: Scope| inner.shield(pending::<()>()).await);
        drop(shielded.await);
    }));
    let idle = Scope::builder("idle")
        .register_in(&registry)
        .build()
        .unwrap();
    step(run.as_mut());
    manual.run_until_idle();
    manual.advance(2 * SECOND);
    step(run.as_mut());
    assert_eq!(
        lines(&registry),
        [
            "5 operations are open",
            "#_ sync: running for 2 s, 8 s left; in its body, 2 children open; \
             under the shield opened at FILE:_ 2 s ago; opened at FILE:_",
            "  #_ first: running for 2 s, 8 s left; in its body; opened at FILE:_",
            "  #_ second: pending for 2 s, 8 s left; waiting for a permit, held by #_ first; opened at FILE:_ 2 s ago",
            "  #_ inner: running for 2 s, 1 s over, \
             cancel cause: timed out (limit 1 s, set at FILE:_); in its body; cancelled 0 s ago; \
             under the shield opened at FILE:_ 2 s ago; opened at FILE:_",
            "#_ idle: pending; not run yet; opened at FILE:_",
        ]
    );
    sync.cancel_with("deploy");
    manual.advance(SECOND);
    let lines = lines(&registry);
    assert_eq!(lines.len(), 4, "the children have no grace");
    assert_eq!(
        lines[1],
        "#_ sync: running for 3 s, 7 s left, cancel cause: cancel requested: deploy (at FILE:_); \
         in its body; cancelled 1 s ago; 3 s of its grace left; \
         under the shield opened at FILE:_ 3 s ago; opened at FILE:_"
    );
    drop(run);
    drop(idle);
}

#[test]
fn r35_a_dump_tells_the_age_where_it_reads_as_another_time() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let builder = Scope::builder("job").runtime(&manual.handle());
    let scope = builder.register_in(&registry).build().unwrap();
    manual.advance(Duration::from_millis(40));
    let mut run = Box::pin(scope.run(async |_| pending::<()>().await));
    step(run.as_mut());
    manual.advance(Duration::from_millis(3210));
    assert!(
        lines(&registry)[1].ends_with("running for 3.2 s; in its body; opened at FILE:_"),
        "3.25 s and 3.21 s read alike: {}",
        registry.dump()
    );
    manual.advance(Duration::from_millis(60));
    assert!(
        lines(&registry)[1].ends_with("running for 3.2 s; in its body; opened at FILE:_ 3.3 s ago"),
        "{}",
        registry.dump()
    );
    drop(run);
}

#[test]
fn r35_a_dump_names_joins_and_finalizers() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let runtime = manual.handle();
    let scope = Scope::builder("job")
        .runtime(&runtime)
        .register_in(&registry)
        .build()
        .unwrap();
    let mut run = Box::pin(scope.run(async |op: Scope| {
        op.spawn(runtime.sleep(SECOND)).unwrap();
        let flush = runtime.clone();
        let flush = async move { flush.sleep(SECOND).await };
        op.defer_named("flush", flush).ok().unwrap();
    }));
    step(run.as_mut());
    let first = lines(&registry);
    assert!(
        first[1].contains("running for 0 s; done with its body, joins 1 child; opened at"),
        "{first:?}"
    );
    assert_eq!(first.len(), 3);
    manual.run_until_idle();
    manual.advance(SECOND);
    manual.run_until_idle();
    step(run.as_mut());
    let second = lines(&registry);
    assert!(
        second[1].contains("running for 1 s; in finalizer flush; opened at"),
        "{second:?}"
    );
    assert_eq!(second.len(), 2);
    manual.advance(SECOND);
    assert!(manual.block_on(run).is_completed());
    assert_eq!(lines(&registry), ["no operation is open"]);
}

#[test]
fn r35_a_dump_shows_a_blocking_call() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let inside = registry.clone();
    let scope = Scope::builder("job")
        .runtime(&manual.handle())
        .register_in(&registry)
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let call = op.spawn_blocking(move |_| lines(&inside)).unwrap();
        call.await.unwrap()
    }));
    let seen = outcome.into_value().unwrap();
    assert!(
        seen[2].contains("blocking call: running for 0 s; on a blocking thread; opened at"),
        "{seen:?}"
    );
}

#[test]
fn r12_r35_a_deep_tree_is_dumped_on_a_small_stack() {
    const DEPTH: usize = 20_000;
    let deep = || {
        let registry = Registry::new();
        let mut scopes = vec![
            Scope::builder("level")
                .register_in(&registry)
                .build()
                .unwrap(),
        ];
        for above in 0..DEPTH {
            scopes.push(scopes[above].child("level").build().unwrap());
        }
        let text = registry.dump();
        assert_eq!(text.lines().count(), DEPTH + 2);
        assert!(
            text.lines()
                .last()
                .unwrap()
                .contains(&format!("({DEPTH} deep) #"))
        );
        let tree = registry.tree();
        assert_eq!(tree.entries().len(), DEPTH + 1);
        assert_eq!(tree.subtree(scopes[DEPTH].id()).len(), 1);
        scopes.reverse();
    };
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(deep).unwrap().join().unwrap();
}

#[test]
fn r35_a_dump_says_how_long_ago_a_deadline_passed_and_ends_its_lines() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let builder = Scope::builder("late").runtime(&manual.handle());
    let builder = builder
        .timeout(Duration::from_secs(1))
        .register_in(&registry);
    let scope = builder.build().expect("it is sound");
    let text = manual.block_on(scope.run(async |_| {
        manual.advance(Duration::from_millis(2300));
        registry.dump()
    }));
    let text = text.into_value().expect("it computes");
    assert!(
        text.contains(": running for 2.3 s, 1.3 s over; in its body"),
        "{text}"
    );
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
    assert_eq!(text.lines().count(), 2);
    assert_eq!(registry.dump(), "no operation is open\n");
}

#[test]
fn r25_a_dump_says_who_has_the_places_that_a_child_waits_for() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .concurrency(at_most(1));
    let scope = builder.register_in(&registry).build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let first = op
            .child("first")
            .spawn(move |_| pending::<()>())
            .expect("it runs");
        op.child("second")
            .spawn(move |_| pending::<()>())
            .expect("it runs");
        manual.handle().sleep(Duration::from_secs(1)).await;
        let text = registry.dump();
        let queued = format!(
            "waiting for a permit, held by {} first",
            first.operation().id()
        );
        assert!(text.contains(&queued), "{text}");
        op.cancel();
    }));
    assert!(outcome.is_completed());
}
