//! The attribute of [`cancelable-core`](https://docs.rs/cancelable-core): an async function that runs in a scope of its
//! own.
//!
//! ```no_run
//! use cancelable_core::{Operation, cancelable};
//!
//! #[cancelable(timeout = "1m30s", grace = "5s", signals(SIGINT, SIGTERM))]
//! async fn import(rows: u32, #[scope] op: &Operation) -> std::io::Result<u32> {
//!     for row in 0..rows {
//!         op.check()?;
//!         println!("row {row}");
//!     }
//!     Ok(rows)
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     // Callers do not pass the marked parameter.
//!     let rows = rt::block_on(import(10))?;
//!     println!("{rows} rows imported");
//!     Ok(())
//! }
//! ```
//!
//! # Guides
//!
//! [scopes], [sources], [all guarantees].
//!
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [sources]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/sources/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # Keys
//!
//! `cancelable-core` exports the attribute under the feature `macros`. The page of [`macro@cancelable`] lists all keys.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod args;
mod duration;
mod expand;
mod function;
mod signal;

use proc_macro::TokenStream;

/// Runs the body of an async function or method in a scope of its own.
///
/// Each call opens a scope with the settings of the attribute. The body is dropped where it awaits when the scope is
/// cancelled.
///
/// | key | effect |
/// |---|---|
/// | `name = ".."` | sets the name of the scope, instead of the name of the function; any expression |
/// | `timeout = "1m30s"` | sets a time limit: `d`, `h`, `m`, `s`, `ms`, `us`, `ns`, large units first; or an expression of type `Duration` |
/// | `deadline = expr` | cancels at that `Instant` of the runtime |
/// | `grace = "5s"`, `cleanup_budget = "5s"` | as the methods of the builder |
/// | `signals(SIGINT, ..)` | cancels at these signals; requires the feature `signals` of the adapter |
/// | `condition = expr`, `every = "1s"` | cancels when the closure returns true; the default interval is one second |
/// | `sources(expr, ..)` | cancels when a source fires; each is a source or a `Result` of a source |
/// | `token = expr` | cancels with this `&CancellationToken` |
/// | `parent = expr` | sets the parent, an `&Operation` or `&Scope`, instead of the current operation |
/// | `detached` | sets no parent |
/// | `register` | lists the scope in the global registry |
/// | `rt = path` | sets the adapter for the runtime and the signals, instead of `::rt` |
/// | `runtime = expr` | sets the runtime, a `&RuntimeHandle` |
/// | `inherit_runtime` | takes the runtime of the parent and needs no adapter: for libraries |
/// | `crate = path` | sets another path of `cancelable_core` |
///
/// Expressions are evaluated at the call of the function, before the body, and may use the arguments.
///
/// The runtime is that of the parent. Without one it is the `current()` of the adapter, which has the fixed local name
/// `rt`. A function with none of `timeout`, `deadline`, `grace`, `cleanup_budget`, `signals`, `condition` and `sources`
/// needs no adapter.
///
/// A parameter with the mark `#[scope]` gets the scope, and callers do not pass it. Its type is `Scope`, `&Scope` or
/// `&Operation`.
///
/// Write the attribute below an `#[async_trait]`, of the trait and of its implementation. The return type of a
/// method is a `Result` there, as in the trait.
///
/// # Errors
///
/// A return type `Result<T, E>` stays. An error of the body is returned as it is. `E` has to be `From<RunError>`, for a
/// scope that was cancelled or could not run: `Box<dyn Error>`, `std::io::Error` and `RunError` itself are. Any other
/// return type `T`, also an alias of `Result` by another name, becomes `Result<T, RunError>`. The return type `!` becomes
/// `Result<Infallible, RunError>`.
///
/// # Cancel safety
///
/// Dropping the future of the function drops the body and cancels the scope.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Operation, cancelable};
/// use std::io;
///
/// #[cancelable(timeout = "1m30s", grace = "5s", signals(SIGINT))]
/// async fn import(rows: u32, #[scope] op: &Operation) -> io::Result<u32> {
///     for _ in 0..rows {
///         op.check()?;
///     }
///     Ok(rows)
/// }
///
/// # fn main() -> io::Result<()> {
/// let imported = rt::block_on(import(10))?;
/// assert_eq!(imported, 10);
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn cancelable(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::cancelable(args.into(), item.into()).into()
}
