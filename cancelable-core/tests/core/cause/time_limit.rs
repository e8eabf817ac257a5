//! The message of a time limit, and the sentence of a timeout whose limit was moved.

use crate::support::SECOND;
use cancelable_core::source::{Limit, all_of, any_of};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Scope};
use std::future::pending;

/// Returns the sentence of a scope's end, up to the location.
fn sentence(scope: &Scope, manual: &ManualRuntime, after: impl AsyncFnOnce(&Scope)) -> String {
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        after(&op).await;
        pending::<()>().await;
    }));
    let error = outcome.into_result().expect_err("it runs into its limit");
    assert!(matches!(
        error.cause().map(|cause| cause.reason()),
        Some(Reason::TimedOut { .. })
    ));
    let text = error.to_string();
    let place = text
        .find(", set at ")
        .expect("it says where the limit was set");
    text[..place].to_owned()
}

#[test]
fn r21_a_limit_may_have_a_message_wherever_it_is_set() {
    let manual = ManualRuntime::new();
    let builder = || Scope::builder("import").runtime(&manual.handle());
    let slow = || Limit::after(SECOND).with_message(format!("{} is slow", "upstream"));
    let source = || Limit::after(SECOND).with_message("upstream is slow");
    let scopes = [
        builder().timeout(slow()).timeout(2 * SECOND),
        builder().timeout(2 * SECOND).timeout(slow()),
        builder()
            .timeout(Limit::at(manual.now() + 9 * SECOND))
            .source(source()),
        builder().source(any_of(source())),
        builder().source(all_of(source())),
    ];
    for scope in scopes {
        let manual = &manual;
        let scope = scope.build().expect("it has a runtime");
        let text = sentence(&scope, manual, async |_| ());
        assert_eq!(
            text,
            "import cancelled after 1 s: timed out: upstream is slow (limit 1 s"
        );
    }
    assert_eq!(slow().message(), Some("upstream is slow"));
    let earlier = builder()
        .timeout(slow())
        .timeout(SECOND / 2)
        .build()
        .expect("it has a runtime");
    let text = sentence(&earlier, &manual, async |_| ());
    assert_eq!(
        text,
        "import cancelled after 500 ms: timed out (limit 500 ms"
    );
}

#[test]
fn r21_after_a_move_the_sentence_names_the_new_limit_and_its_start() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = || {
        Scope::builder("import")
            .runtime(&runtime)
            .timeout(3 * SECOND)
    };

    let scope = builder().build().expect("it has a runtime");
    let text = sentence(&scope, &manual, async |op| {
        runtime.sleep(SECOND).await;
        let limit = Limit::after(10 * SECOND).with_message("one more file");
        op.set_timeout(limit).expect("it is running");
    });
    assert_eq!(
        text,
        "import cancelled after 11 s: timed out: one more file (limit 10 s counted from 1 s on"
    );

    // A limit that was moved before the entry, or at it, starts at the entry, as the first limit did.
    let scope = builder().build().expect("it has a runtime");
    scope.set_timeout(2 * SECOND).expect("it is open");
    manual.advance(SECOND);
    let text = sentence(&scope, &manual, async |_| ());
    assert_eq!(text, "import cancelled after 2 s: timed out (limit 2 s");
    let scope = builder().build().expect("it has a runtime");
    let text = sentence(&scope, &manual, async |op| {
        op.set_timeout(2 * SECOND).expect("it is running");
    });
    assert_eq!(text, "import cancelled after 2 s: timed out (limit 2 s");
}
