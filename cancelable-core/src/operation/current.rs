//! The current operation of a thread.

use super::Operation;
use crate::record::Record;

/// Returns the innermost operation that the caller runs in; `None` outside every operation.
///
/// The operation follows the polls of a task: code below a scope's `run` finds the scope's operation here, on any
/// runtime and any thread.
///
/// # Examples
///
/// ```
/// use cancelable_core::current;
///
/// fn log(line: &str) -> String {
///     let operation = current().map(|operation| operation.name().to_owned());
///     format!("[{}] {line}", operation.as_deref().unwrap_or("-"))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(log("start"), "[-] start");
/// let scope = rt::scope("import").build()?;
/// let outcome = rt::block_on(scope.run(async |_| log("first row")));
/// assert_eq!(outcome.into_value().as_deref(), Some("[import] first row"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn current() -> Option<Operation> {
    Record::current().map(Operation::new)
}
