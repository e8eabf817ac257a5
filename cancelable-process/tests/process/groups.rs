//! The group of a process, and its number.

use crate::kit::{GRACE, SLOW, Talk, is_zombie, pid, shell, stubborn_child};
#[cfg(target_os = "linux")]
use crate::kit::{slow_child, until_dead};
use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use rustix::process::{getpgid, getpgrp};

#[test]
fn r25_it_leads_a_group_of_its_own() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, _talk) = Talk::start(shell("echo ready; read line"), &manual, &token);
    assert_eq!(getpgid(Some(pid(&process))), Ok(pid(&process)));
    assert_ne!(getpgrp(), pid(&process));
}

#[test]
fn r25_the_whole_group_is_killed() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    // The leader does not go by itself, so this is what the kill finds.
    let script = format!("trap : TERM; {}; while :; do wait; done", stubborn_child());
    let (process, mut talk) = Talk::start(shell(&script), &manual, &token);
    token.cancel();
    talk.hear("asked");
    manual.advance(GRACE);
    assert!(process.wait_blocking().unwrap().was_killed());
    assert_eq!(talk.rest(), "", "all that held the pipe have ended");
}

#[cfg(target_os = "linux")]
#[test]
fn r23_what_the_leader_left_behind_has_the_rest_of_the_grace_and_is_waited_for() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(&slow_child()), &manual, &token);
    token.cancel();
    talk.hear("asked");
    until_dead(&process);
    let outcome = std::thread::scope(|threads| {
        let ended = threads.spawn(|| process.wait_blocking().unwrap());
        assert!(is_zombie(&process), "its number is kept for signals");
        talk.say("go");
        ended.join().unwrap()
    });
    assert!(
        talk.waiting() > 0,
        "the last words were said before the end"
    );
    assert_eq!(talk.rest(), "bye\n");
    assert_eq!(outcome.code(), 128 + 15);
    assert!(!outcome.was_killed());
    assert!(!is_zombie(&process));
}

#[cfg(target_os = "linux")]
#[test]
fn r23_what_the_leader_left_behind_is_killed_at_the_end_of_the_grace() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(&stubborn_child()), &manual, &token);
    token.cancel();
    talk.hear("asked");
    until_dead(&process);
    talk.assert_alive();
    assert!(process.try_wait().is_none(), "not all have ended");
    assert!(is_zombie(&process), "its number is kept for signals");
    manual.advance(GRACE);
    let outcome = process.wait_blocking().unwrap();
    assert!(outcome.was_killed());
    assert_eq!(outcome.code(), 128 + 15, "the status is the leader's");
    assert_eq!(talk.rest(), "");
    assert!(!is_zombie(&process));
}

#[test]
fn r28_what_one_that_was_not_asked_leaves_behind_is_let_be() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = format!("exec 4<&0; ({SLOW}) <&4 &");
    let (process, mut talk) = Talk::start(shell(&script), &manual, &token);
    assert!(process.wait_blocking().unwrap().is_success());
    // The number is given back, so nothing is sent to it any more.
    assert!(!is_zombie(&process));
    token.cancel();
    assert!(!process.kill());
    talk.say("go");
    assert_eq!(talk.rest(), "bye\n");
}

#[test]
fn r28_no_zombie_is_left_also_of_those_that_are_asked_as_they_end() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let start = |code| shell(&format!("exit {code}")).spawn_on(&manual.handle(), &token);
    let processes: Vec<_> = (0..50).map(|code| start(code).unwrap()).collect();
    for process in &processes[25..] {
        process.terminate("stop");
    }
    for (number, process) in (0..).zip(&processes) {
        let outcome = process.wait_blocking().unwrap();
        match outcome.cause() {
            None => assert_eq!(outcome.code(), number),
            Some(_) => assert!([number, 128 + 15].contains(&outcome.code())),
        }
        assert!(!is_zombie(process));
    }
}

/// Returns whether any process of the group runs, by a check that ignores zombies: who reaps those is not known
/// here.
#[cfg(target_os = "linux")]
fn runs(group: rustix::process::Pid) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut stats = entries.flat_map(|entry| std::fs::read_to_string(entry.path().join("stat")));
    stats.any(|stat| {
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[0] != "Z" && fields[2] == group.as_raw_pid().to_string()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn r28_after_a_kill_nothing_of_the_group_runs_any_more() {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do \
        (while :; do :; done) & done; echo ready; wait";
    for ends_by_kill in [true, false, true, false, true, false] {
        let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
        // By the kill of the handle, and by a request without a grace.
        let (process, _talk) = Talk::start(
            shell(script).grace(std::time::Duration::ZERO),
            &manual,
            &token,
        );
        match ends_by_kill {
            true => assert!(process.kill()),
            false => token.cancel(),
        }
        let outcome = process.wait_blocking().unwrap();
        assert!(!runs(pid(&process)), "after the wait");
        assert!(outcome.was_killed());
    }
}
