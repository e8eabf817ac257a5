//! Checks that read the clock themselves, because their thread is busy or waits.

use cancelable_core::{CancellationToken, Cause, Scope};
use cancelable_thread as rt;
use std::thread;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The README's example, by the system's clock. Not each short step reads the clock.
#[test]
fn r46_fast_calls_see_it_too() {
    let scope = rt::scope("sum").timeout(20 * STEP).build().unwrap();
    let outcome = rt::block_on(scope.run(async |op: Scope| {
        let mut sum = 0_u64;
        while op.token().check().is_ok() {
            sum += 1;
        }
        sum
    }));
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
}

#[test]
fn r46_a_thread_that_waits_for_the_token_in_its_own_run_is_told_of_the_deadline() {
    let open = || rt::scope("wait").timeout(STEP);
    let blocking = [
        |token: &CancellationToken| token.wait(),
        |token: &CancellationToken| assert!(token.wait_timeout(HOUR)),
        |token: &CancellationToken| token.child_token().wait(),
    ];
    for wait in blocking {
        let scope = open().build().unwrap();
        let outcome = rt::block_on(scope.run(async |op: Scope| wait(op.token())));
        assert!(outcome.cause().is_some_and(Cause::is_timeout));
    }
    let scope = open().build().unwrap();
    let outcome = rt::block_on(scope.run(async |op: Scope| {
        let token = op.token().clone();
        thread::spawn(move || token.wait()).join()
    }));
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
}
