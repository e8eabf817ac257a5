//! The attribute `cancelable` of [`cancelable-core`](https://docs.rs/cancelable-core), which has it
//! under the feature `macros`: an async function that runs in a scope of its own.
//!
//! ```
//! use cancelable_core::cancelable;
//! use cancelable_core::scope::RunError;
//! # use cancelable_core::testing::ManualRuntime;
//! # mod rt {
//! #     pub fn current() -> Result<cancelable_core::RuntimeHandle, cancelable_core::runtime::NoRuntime> {
//! #         Err(cancelable_core::runtime::NoRuntime::new("none"))
//! #     }
//! # }
//!
//! #[cancelable(timeout = "30s", rt = rt)]
//! async fn answer() -> u32 {
//!     42
//! }
//!
//! # let manual = ManualRuntime::new();
//! # let runtime = manual.handle();
//! # manual.block_on(async {
//! # let outer = cancelable_core::Scope::builder("outer").runtime(&runtime).build().expect("built");
//! # let outcome = outer.run(async |_| {
//! let found: Result<u32, RunError> = answer().await;
//! assert_eq!(found.expect("it took less than 30 seconds"), 42);
//! # });
//! # assert!(outcome.await.is_completed());
//! # });
//! ```
//!
//! What the attribute takes and what becomes of the function is told at [`macro@cancelable`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod args;
mod expand;
mod function;
mod signal;
mod span;

use proc_macro::TokenStream;

/// Runs an async function or method in a scope of its own: whenever it is called, its body is
/// bounded by what is said here, and dropped when one of that fires.
///
/// # Errors
///
/// What is written as `Result<T, E>` stays as it is: an error of the body is returned as it is, and
/// `E` has to be `From<RunError>`, for the case that the scope was cancelled or could not run.
/// `Box<dyn Error>`, `std::io::Error` and `RunError` itself are. By whatever other name a type goes
/// than `Result`, the function returns `Result<T, RunError>` instead of it; a function that returns `!`
/// returns `Result<Infallible, RunError>`.
///
/// It goes below an `#[async_trait]` of the trait and of its implementation. What a method returns has to
/// be a `Result` there, because the trait says so too.
///
/// # Cancel safety
///
/// Dropping the future of the function drops the body and cancels the scope.
///
/// # Examples
///
/// ```ignore
/// #[cancelable(timeout = "30s", signals(SIGINT, SIGTERM))]
/// async fn import(path: &Path, #[scope] op: &Scope) -> Result<u64, ImportError> {
///     // Called as `import(path)`. The scope has the name "import".
///     op.defer(remove_lock())?;
///     read(path).await
/// }
/// ```
///
/// | key | the scope |
/// |---|---|
/// | `name = ".."` | is called so, and else like the function; any expression |
/// | `timeout = "1m30s"` | has this limit: `d`, `h`, `m`, `s`, `ms`, `us`, `ns`, the large ones first; or an expression of a `Duration` |
/// | `deadline = expr` | ends at that `Instant` of its runtime |
/// | `grace = "5s"`, `cleanup_budget = "5s"` | winds down as the methods of the builder say |
/// | `signals(SIGINT, ..)` | is cancelled by these, with the feature `signals` of the adapter |
/// | `condition = expr`, `every = "1s"` | is cancelled when the closure answers true; it is asked once in a second unless it is said otherwise |
/// | `sources(expr, ..)` | is cancelled by these; each is a source or a `Result` of one |
/// | `token = expr` | is cancelled with this `&CancellationToken` |
/// | `parent = expr` | is a part of this `&Operation` or `&Scope` and not of the one that runs |
/// | `detached` | is a part of nothing |
/// | `register` | is listed in the global registry |
/// | `rt = path` | takes its runtime and its signals from the adapter of that name, in place of `::rt` |
/// | `runtime = expr` | has this `&RuntimeHandle` |
/// | `inherit_runtime` | has the runtime of what it is a part of, and needs no adapter: for libraries |
/// | `crate = path` | is one of `cancelable_core` under another name |
///
/// Expressions are evaluated when the function is called, before its body, and may use its
/// arguments.
///
/// The runtime is that of the operation that the scope is a part of. Where there is none it is what
/// `current()` of the adapter gives, which is expected under the fixed local name `rt`. A function
/// with none of `timeout`, `deadline`, `grace`, `cleanup_budget`, `signals`, `condition` and
/// `sources` needs no adapter.
///
/// A parameter that is marked by `#[scope]` is filled in and no parameter of the function any more.
/// Its type is `Scope`, `&Scope` or `&Operation`.
#[proc_macro_attribute]
pub fn cancelable(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::cancelable(args.into(), item.into()).into()
}
