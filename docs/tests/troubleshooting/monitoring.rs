//! The operations that are open: listed, and printed at a signal.

use crate::page::shows;
use crate::programs::{Running, command, say};
use cancelable_core::registry::Filter;
use cancelable_core::{Registry, Scope};
use std::time::Duration;

const MONITOR: &str = "Monitor active operations: list, dump, a signal";

/// An import inside a server, which prints what is open at SIGUSR1.
pub(crate) fn dump() {
    rt::dump_on_signal(Registry::global()).unwrap().detach();
    let run = async {
        let runtime = rt::current().unwrap();
        let server = rt::scope("server").register().build().unwrap();
        let run = server.run(async |op: Scope| {
            let import = op.child("import").timeout(Duration::from_secs(30));
            let body = import.run(async |_| {
                for line in Registry::global().list(&Filter::new()) {
                    say(line);
                }
                say("ready");
                runtime.sleep(Duration::from_secs(86_400)).await;
            });
            body.await
        });
        run.await
    };
    drop(rt::block_on(run));
}

#[test]
fn what_is_open_is_listed_and_printed_at_a_signal() {
    let mut program = Running::start(command("dump"));
    loop {
        let line = program.line();
        assert!(!line.is_empty(), "the program has ended");
        if line == "ready\n" {
            break;
        }
        shows(MONITOR, &line);
    }
    program.signal("USR1");
    for _ in 0..3 {
        let line = program.line();
        assert!(!line.is_empty(), "the program has ended");
        shows(MONITOR, &line);
    }
}
