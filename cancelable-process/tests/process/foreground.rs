//! A process in the group of this program.

use crate::kit::{Talk, pid, shell, slow_child};
use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use rustix::process::{getpgid, getpgrp};

#[test]
fn r25_it_stays_in_this_group_and_is_asked_alone() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(&slow_child()).foreground(), &manual, &token);
    assert_eq!(getpgid(Some(pid(&process))), Ok(getpgrp()));
    token.cancel();
    let outcome = process.wait_blocking().unwrap();
    assert_eq!(outcome.code(), 128 + 15);
    // Its child was not asked, and is not waited for.
    talk.say("go");
    assert_eq!(talk.rest(), "bye\n");
}
