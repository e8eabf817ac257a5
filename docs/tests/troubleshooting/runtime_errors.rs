//! Common runtime errors.

use crate::page::shows;
use crate::programs::{command, printed, say};
use cancelable_core::{Registry, Scope};
use futures_util::FutureExt;
use std::error::Error;
use std::time::Duration;

const NOT_CLOSED: &str = "A scope was not closed: dropped without being run";
const REJECTED: &str = "A child was rejected: the scope has not started, or has ended";
const NO_RUNTIME: &str = "A scope has no runtime";
const SIGNALS: &str = "A signal handler does not work: Ctrl+C, SIGTERM, SIGKILL";

/// Opens a scope, and returns before it runs the scope.
pub(crate) fn not_closed() {
    fn import(rows: &[u32]) -> Result<(), Box<dyn Error>> {
        let scope = rt::scope("import")
            .timeout(Duration::from_secs(30))
            .register()
            .build()?;
        if rows.is_empty() {
            say(Registry::global().dump().trim_end());
            return Ok(());
        }
        rt::block_on(scope.run(async |_| ())).complete()?;
        Ok(())
    }
    env_logger::init();
    rt::block_on(async { import(&[]) }).unwrap();
}

#[test]
fn a_scope_that_is_dropped_without_a_run_is_reported_by_name_and_place() {
    let warned = printed("not_closed", "warn");
    assert!(warned.contains("was dropped without being run"), "{warned}");
    shows(NOT_CLOSED, &warned);
    // The level of a program that sets none is `error`.
    let output = command("not_closed").output().unwrap();
    let silent = String::from_utf8(output.stderr).unwrap();
    assert!(!silent.contains("was dropped"), "{silent}");
}

#[test]
fn a_scope_refuses_work_before_and_after_its_run_and_a_second_run() {
    rt::block_on(async {
        let scope = rt::scope("import").build().unwrap();
        let early = scope.spawn(async {}).unwrap_err().to_string();
        let outcome = scope.run(async |_| ()).await;
        assert!(outcome.is_completed());
        let late = scope.spawn(async {}).unwrap_err().to_string();
        let again = scope.run(async |_| ()).await.into_result().unwrap_err();
        let child = scope.child("page").build().unwrap_err();
        for text in [early, late, again.to_string(), child.to_string()] {
            shows(REJECTED, &text);
        }
    });
}

#[test]
fn a_limit_or_a_child_needs_a_runtime() {
    // Outside `block_on` the thread has no runtime.
    let limit = rt::scope("import").timeout(Duration::from_secs(3)).build();
    shows(NO_RUNTIME, &limit.unwrap_err().to_string());
    let core_alone = Scope::builder("import").timeout(Duration::from_secs(3));
    shows(NO_RUNTIME, &core_alone.build().unwrap_err().to_string());
    let run = Scope::builder("import").run(async |op: Scope| {
        let refused = op.spawn(async {}).unwrap_err();
        shows(NO_RUNTIME, &refused.to_string());
    });
    assert!(run.now_or_never().unwrap().is_completed());
    shows(NO_RUNTIME, &rt::current().unwrap_err().to_string());
}

/// Watches Ctrl+C, and says so in its log.
pub(crate) fn signals() {
    env_logger::init();
    let outcome = rt::block_on(rt::scope("import").source(rt::ctrl_c()).run(async |_| ()));
    assert!(outcome.is_completed());
}

#[test]
fn a_signal_that_cannot_be_watched_is_an_error_with_its_reason() {
    let kill = "SIGKILL".parse::<rt::Signal>().unwrap_err();
    let term = rt::terminate();
    if cfg!(windows) {
        shows(SIGNALS, &term.unwrap_err().to_string());
    } else {
        shows(SIGNALS, &kill.to_string());
        assert!(term.is_ok());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_log_names_a_signal_that_is_ignored_since_the_start() {
    let run = |before: &str| {
        let program = command("signals");
        let mut shell = std::process::Command::new("sh");
        let script = format!("{before} exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(program.get_program());
        shell.args(program.get_args());
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let output = shell.env("RUST_LOG", "cancelable=debug").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let ignored = run("trap '' INT;");
    let line = ignored.lines().find(|line| line.contains("SIGINT"));
    let (_, text) = line.unwrap().split_once("] ").unwrap();
    shows(SIGNALS, text);
    let watched = run("trap - INT;");
    assert!(
        watched.contains("SIGINT is watched") || watched.contains("ignores it"),
        "{watched}"
    );
}
