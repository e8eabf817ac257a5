//! The names that move, and where they move to.

/// The types of `tokio_util::sync` that `cancelable_core::token` has too.
const TYPES: [&str; 5] = [
    "CancellationToken",
    "DropGuard",
    "DropGuardRef",
    "WaitForCancellationFuture",
    "WaitForCancellationFutureOwned",
];

/// The extension trait of `tokio_util::future`, of which `cancelable_core::token` has a part.
pub(crate) const TRAIT: &str = "FutureExt";

/// The methods of the trait that move, and those that stay.
pub(crate) const MOVED_METHODS: [&str; 2] =
    ["with_cancellation_token", "with_cancellation_token_owned"];
pub(crate) const KEPT_METHODS: [&str; 2] = ["timeout", "timeout_at"];

/// The methods of the token that tokio-util's token has not. A test of the workspace keeps the list equal to the one in
/// the guide.
pub(crate) const NEW_METHODS: [&str; 16] = [
    "all_of",
    "any_of",
    "cancel_with",
    "cancelled_at",
    "cancelled_input",
    "cause",
    "check",
    "message",
    "never",
    "on_cancel",
    "reason",
    "try_cancel",
    "try_on_cancel",
    "wait",
    "wait_timeout",
    "downgrade",
];

/// Returns true for a type that moves.
pub(crate) fn is_type(module: &[String], name: &str) -> bool {
    module == ["sync"] && TYPES.contains(&name)
}

/// Returns true for the extension trait.
pub(crate) fn is_trait(module: &[String], name: &str) -> bool {
    module == ["future"] && name == TRAIT
}

/// Returns the path of a name that moves.
pub(crate) fn new_path(name: &str) -> String {
    match name {
        "CancellationToken" => format!("cancelable_core::{name}"),
        _ => format!("cancelable_core::token::{name}"),
    }
}
