//! The keys that end the body.

use crate::inside;
use cancelable_core::scope::RunError;
use cancelable_core::{
    CancellationToken, Cause, Operation, Reason, Scope, cancelable, current, source,
};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn cause<T>(result: Result<T, RunError>) -> Cause {
    let error = result.err().unwrap();
    error.cancellation().unwrap().cause().clone()
}

#[test]
fn r20_a_timeout_is_read_from_the_text() {
    #[cancelable(timeout = "1m30s")]
    async fn sleeper() {
        pending().await
    }

    inside(async |outer| {
        let start = outer.elapsed().unwrap();
        let result = sleeper().await;
        assert_eq!(outer.elapsed().unwrap() - start, SECOND * 90);
        let text = result.unwrap_err().to_string();
        assert!(
            text.starts_with("sleeper cancelled after 90 s: timed out (limit 90 s, set at "),
            "{text}"
        );
        assert!(text.contains("bounds.rs:"), "{text}");
    });
}

#[test]
fn r20_a_timeout_or_a_deadline_is_an_expression_of_the_arguments() {
    #[cancelable(timeout = limit * 2, name = format!("step {step}"))]
    async fn limited(step: u32, limit: Duration) {
        pending().await
    }

    #[cancelable(deadline = until)]
    async fn until(until: Instant) {
        pending().await
    }

    inside(async |outer| {
        let error = limited(7, SECOND).await.unwrap_err();
        let cancelled = error.cancellation().unwrap();
        assert_eq!(cancelled.operation().unwrap().name(), "step 7");
        assert_eq!(*cancelled.reason(), Reason::TimedOut { limit: SECOND * 2 });
        let point = outer.runtime().unwrap().now() + SECOND;
        assert_eq!(*cause(until(point).await).reason(), Reason::DeadlineReached);
        assert_eq!(outer.runtime().unwrap().now(), point);
    });
}

#[test]
fn r23_grace_lets_the_body_end_by_itself() {
    #[cancelable(timeout = "1s", grace = "5s", cleanup_budget = "1m")]
    async fn winds_down(#[scope] op: &Operation) -> &'static str {
        op.cancelled().await;
        "wound down"
    }

    inside(async |_| assert_eq!(winds_down().await.unwrap(), "wound down"));
}

#[test]
fn r30_a_condition_is_asked_in_its_interval() {
    #[cancelable(condition = move || count.fetch_add(1, Ordering::SeqCst) == 3, every = "250ms")]
    async fn watching(count: Arc<AtomicU32>) {
        pending().await
    }

    /// Once in a second.
    #[cancelable(condition = || Err::<bool, _>("not known"), timeout = "3s", name = "asking")]
    async fn asking() {
        pending().await
    }

    inside(async |outer| {
        let count = Arc::new(AtomicU32::new(0));
        let start = outer.elapsed().unwrap();
        let cause = cause(watching(count.clone()).await);
        assert_eq!(*cause.reason(), Reason::Condition);
        assert_eq!(count.load(Ordering::SeqCst), 4);
        assert_eq!(outer.elapsed().unwrap() - start, SECOND * 3 / 4);
        assert!(
            asking()
                .await
                .unwrap_err()
                .to_string()
                .starts_with("asking cancelled after 3 s")
        );
    });
}

#[test]
fn r30_sources_and_tokens_cancel_with_their_cause() {
    #[cancelable(
        token = token,
        sources(
            source::Limit::after(SECOND),
            source::condition(Duration::ZERO, || true),
        ),
    )]
    async fn zero_interval(token: &CancellationToken) {
        pending().await
    }

    #[cancelable(token = token, sources(source::Limit::after(SECOND), source::future(pending::<()>())))]
    async fn many(token: &CancellationToken) {
        pending().await
    }

    inside(async |_| {
        let token = CancellationToken::new();
        assert!(cause(many(&token).await).reason().is_timeout());
        // An invalid source is an error at the entry of the scope.
        let error = zero_interval(&token).await.unwrap_err();
        assert!(matches!(error, RunError::SourceFailed(_)));
        assert_eq!(
            error.to_string(),
            "scope zero_interval did not start, because its source failed to start: the argument \
             `interval` is zero: give the time between two checks"
        );
        token.cancel_with("deploy");
        assert_eq!(cause(many(&token).await).message(), Some("deploy"));
    });
}

#[cfg(unix)]
#[test]
fn r33_signals_cancel() {
    #[cancelable(signals(SIGUSR1, SIGWINCH))]
    async fn until_resized() {
        // To the whole process: no other test here watches the signal, whose default action is none.
        let this = rustix::process::getpid();
        rustix::process::kill_process(this, rustix::process::Signal::WINCH).unwrap();
        pending().await
    }

    let result = rt::block_on(until_resized());
    let cause = cause(result);
    assert!(
        matches!(
            cause.reason(),
            Reason::Signal {
                name: "SIGWINCH",
                ..
            }
        ),
        "{cause}"
    );
    assert!(cause.location().file().ends_with("bounds.rs"));
}

#[test]
fn r27_the_scope_is_a_part_of_what_runs_unless_it_is_said_otherwise() {
    #[cancelable]
    async fn here() -> Option<String> {
        current()
            .unwrap()
            .parent()
            .map(|parent| parent.name().to_owned())
    }

    #[cancelable(detached)]
    async fn apart() -> Option<String> {
        current()
            .unwrap()
            .parent()
            .map(|parent| parent.name().to_owned())
    }

    #[cancelable(parent = scope)]
    async fn below(scope: &Scope) -> Option<String> {
        current()
            .unwrap()
            .parent()
            .map(|parent| parent.name().to_owned())
    }

    inside(async |outer| {
        assert_eq!(here().await.unwrap().as_deref(), Some("outer"));
        assert_eq!(apart().await.unwrap(), None);
        let other = outer.child("other").build().unwrap();
        assert_eq!(below(&other).await.unwrap().as_deref(), Some("other"));
        other.cancel();
        assert!(below(&other).await.unwrap_err().is_cancelled());
    });
}
