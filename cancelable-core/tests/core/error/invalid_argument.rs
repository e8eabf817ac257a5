//! Invalid arguments: the name of the argument, the sentence, and the kind of `io::Error`.

use cancelable_core::CancellationToken;
use cancelable_core::error::InvalidArgument;
use std::error::Error;
use std::io;

fn check(error: InvalidArgument, argument: &str, text: &str) {
    assert_eq!(error.argument(), argument);
    assert_eq!(error.to_string(), text);
    assert_eq!(error, error.clone());
    assert!(error.source().is_none());
    let io = io::Error::from(error.clone());
    assert_eq!(io.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(io.to_string(), text);
    let inner = io.into_inner().and_then(|inner| inner.downcast().ok());
    assert_eq!(inner, Some(Box::new(error)));
}

#[test]
fn r13_an_invalid_argument_is_named_in_a_sentence() {
    let custom = InvalidArgument::new("retries", "is zero: give at least 1");
    let text = "the argument `retries` is zero: give at least 1";
    check(custom, "retries", text);
    let nothing = || Vec::<CancellationToken>::new();
    let text = "the argument `tokens` is empty: give at least one";
    for join in [
        CancellationToken::any_of(nothing()),
        CancellationToken::all_of(nothing()),
    ] {
        check(join.unwrap_err(), "tokens", text);
    }
}

#[cfg(feature = "scope")]
#[test]
fn r30_a_source_names_its_invalid_argument() {
    use cancelable_core::source::{condition, condition_async, condition_blocking};
    use std::future::ready;
    use std::time::Duration;
    for refused in [
        condition(Duration::ZERO, || true),
        condition_async(Duration::ZERO, || ready(true)),
        condition_blocking(Duration::ZERO, || true),
    ] {
        assert_eq!(refused.unwrap_err().argument(), "interval");
    }
}
