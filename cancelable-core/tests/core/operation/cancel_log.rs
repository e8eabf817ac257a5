//! The log lines of a cancel: the operation and the cause, for every way of cancelling (R49).

use crate::support::log_lines::{Line, lines_of};
use crate::support::{SECOND, open_on};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope};
use std::future::pending;

/// The lines about `scope`, as their texts before the place in the source.
fn about(lines: &[Line], scope: &Scope) -> Vec<String> {
    let id = scope.id().get().to_string();
    let own = lines
        .iter()
        .filter(|line| line.values.get("id") == Some(&id));
    own.map(|line| {
        assert_eq!(line.operation.as_deref(), Some(scope.name()), "{line:?}");
        let text = line.text.split(" (").next();
        text.unwrap_or_default().to_owned()
    })
    .collect()
}

#[test]
fn a_cancel_by_a_given_token_is_told_once_with_its_cause() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    let mut scope = None;
    let lines = lines_of(|| {
        let builder = Scope::builder("import").runtime(&manual.handle());
        let open = builder.token(&token).grace(SECOND).build();
        let open = open.expect("it is sound");
        let outcome = manual.block_on(open.run(async |op: Scope| {
            token.cancel_with("deploy");
            op.cancelled().await;
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        scope = Some(open);
    });
    let scope = scope.expect("it was built");
    let own = about(&lines, &scope);
    let asked = "import is being cancelled: cancel requested: deploy";
    let ended = "import is cancelled, cancel cause: cancel requested: deploy";
    assert_eq!(own[..3], ["import is pending", "import is running", asked]);
    assert_eq!(own.last().map(String::as_str), Some(ended), "{own:?}");
    assert_eq!(own.iter().filter(|line| *line == asked).count(), 1);
    let asked = lines
        .iter()
        .find(|line| line.text.starts_with(asked))
        .expect("it is there");
    assert_eq!(asked.values["reason"], "requested");
    assert_eq!(asked.values["inherited"], "true");
    assert!(asked.values["cause"].starts_with("cancel requested: deploy (at "));
}

#[test]
fn a_cancel_from_above_is_told_of_each_that_it_reaches() {
    let manual = ManualRuntime::new();
    let outer = open_on(&manual, "outer");
    let inner = outer.child("inner").build().expect("it is sound");
    let never = outer.child("never run").build().expect("it is sound");
    let lines = lines_of(|| {
        let (runtime, stopped) = (manual.handle(), outer.clone());
        let stops = runtime.spawn({
            let runtime = runtime.clone();
            async move {
                runtime.sleep(SECOND).await;
                stopped.cancel_with("enough");
            }
        });
        let outcome = manual.block_on(outer.run(async |op: Scope| {
            op.child("child")
                .spawn(move |_| pending::<()>())
                .expect("it is open");
            drop(inner.run(async |_| pending::<()>().await).await);
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        drop(stops);
    });
    let tail = |name: &str| format!("{name} is cancelled, cancel cause: cancel requested: enough");
    for scope in [&outer, &inner] {
        let own = about(&lines, scope);
        let asked = format!(
            "{} is being cancelled: cancel requested: enough",
            scope.name()
        );
        assert_eq!(
            own.iter().filter(|line| **line == asked).count(),
            1,
            "{own:?}"
        );
        assert_eq!(own.last(), Some(&tail(scope.name())));
    }
    assert!(
        lines
            .iter()
            .any(|line| line.text.starts_with(&tail("child")))
    );
    // It has not ended; what is left of it is told when it is dropped.
    let lines = lines_of(|| drop(never));
    let asked = lines
        .iter()
        .filter(|line| line.text.starts_with("never run is being cancelled"));
    assert_eq!(asked.count(), 1, "{lines:?}");
}

#[test]
fn a_token_of_an_operation_is_named_by_that_in_the_log_and_a_plain_one_is_not() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    let lines = lines_of(|| {
        let plain = CancellationToken::new();
        plain.cancel_with("plain");
        let made = open_on(&manual, "made");
        made.token().cancel_with("by its token");
        let below = Scope::builder("below").token(&token).build();
        below
            .expect("it is sound")
            .token()
            .cancel_with("by its token");
        open_on(&manual, "unmade").cancel_with("by itself");
        let part = made.child("part").build().expect("it is sound");
        drop(part.token().clone());
    });
    let tokens: Vec<_> = lines
        .iter()
        .filter(|line| line.text.starts_with("token"))
        .collect();
    let texts = tokens
        .iter()
        .map(|line| line.text.split(" (").next().unwrap_or_default());
    assert_eq!(
        texts.collect::<Vec<_>>(),
        [
            "token cancelled: cancel requested: plain",
            "token of made cancelled: cancel requested: by its token",
            "token of below cancelled: cancel requested: by its token",
            "token of unmade cancelled: cancel requested: by itself",
        ]
    );
    assert_eq!(tokens[0].operation, None);
    for (line, name) in tokens[1..].iter().zip(["made", "below", "unmade"]) {
        assert_eq!(line.operation.as_deref(), Some(name));
        assert!(line.values.contains_key("id"), "{line:?}");
        assert_eq!(line.values["reason"], "requested");
    }
}

#[test]
fn the_line_of_an_end_has_the_request_and_the_failure() {
    let manual = ManualRuntime::new();
    let lines = lines_of(|| {
        let done = open_on(&manual, "done");
        let outcome = manual.block_on(done.run(async |op: Scope| op.cancel_with("late")));
        assert!(outcome.is_completed());
        let failed = open_on(&manual, "torn");
        let run = failed.try_run(async |op: Scope| {
            op.cancel_with("late");
            Err::<(), _>("no paper")
        });
        drop(manual.block_on(run.with_error_text()));
    });
    let has = |text: &str| lines.iter().find(|line| line.text.starts_with(text));
    let done = has("done is completed, cancel cause: cancel requested: late (");
    assert_eq!(done.expect("it is there").values["reason"], "requested");
    let torn = has("torn is failed: no paper, cancel cause: cancel requested: late (");
    let torn = torn.expect("it is there");
    assert_eq!(torn.values["error"], "no paper");
    assert_eq!(torn.values["reason"], "requested");
}
