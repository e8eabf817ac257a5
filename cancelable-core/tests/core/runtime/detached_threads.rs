//! Threads for calls that may never return.

use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolated_panics;
use std::collections::HashSet;
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

/// Only a run that fails waits this long.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn r31_calls_that_hang_take_no_others_place() {
    const HUNG: usize = 40;
    let threads = DetachedThreads::new("hung");
    let (enter, entered) = mpsc::channel();
    let mut releases = Vec::new();
    for _ in 0..HUNG {
        let (release, released) = mpsc::channel::<()>();
        let enter = enter.clone();
        let job = move || {
            enter.send(()).unwrap();
            let _ = released.recv();
        };
        threads.run(Box::new(job)).unwrap();
        releases.push(release);
    }
    let (answer, answered) = mpsc::channel();
    threads
        .run(Box::new(move || answer.send(7).unwrap()))
        .unwrap();
    // None of those before it has ended.
    assert_eq!(answered.recv_timeout(LIMIT), Ok(7));
    for _ in 0..HUNG {
        assert_eq!(entered.recv_timeout(LIMIT), Ok(()));
    }
    drop(releases);
}

#[test]
fn r31_quick_calls_share_few_threads() {
    const CALLS: usize = 2000;
    let threads = DetachedThreads::new("quick");
    let (enter, entered) = mpsc::channel();
    let mut seen = HashSet::new();
    for _ in 0..CALLS {
        let enter = enter.clone();
        let job = move || enter.send(thread::current().id()).unwrap();
        threads.run(Box::new(job)).unwrap();
        seen.insert(entered.recv_timeout(LIMIT).unwrap());
    }
    // Four as a rule; more only where the system did not let them run for a while.
    assert!(seen.len() < CALLS / 20, "{} threads", seen.len());
}

#[test]
fn r10_a_call_that_panics_leaves_its_thread_to_the_next() {
    let threads = DetachedThreads::new("panics");
    let before = isolated_panics();
    // More than there are threads at once.
    for _ in 0..8 {
        let panics = || panic!("a call of the test's");
        threads.run(Box::new(panics)).unwrap();
    }
    // Other tests of this process count there too.
    while isolated_panics() < before + 8 {
        thread::yield_now();
    }
    let (answer, answered) = mpsc::channel();
    threads
        .run(Box::new(move || answer.send(7).unwrap()))
        .unwrap();
    assert_eq!(answered.recv_timeout(LIMIT), Ok(7));
}

#[test]
fn r09_a_call_may_start_others() {
    static THREADS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("nested"));
    let (answer, answered) = mpsc::channel();
    let outer = move || {
        let inner = move || answer.send(7).unwrap();
        THREADS.run(Box::new(inner)).unwrap();
    };
    THREADS.run(Box::new(outer)).unwrap();
    assert_eq!(answered.recv_timeout(LIMIT), Ok(7));
}
