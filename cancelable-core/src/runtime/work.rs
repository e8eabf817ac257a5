//! Work as a runtime receives it.

use std::future::Future;
use std::pin::Pin;

/// A future as a runtime receives it: it never panics and reports its own result.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A blocking function as a runtime receives it: it never panics and reports its own result.
pub type Job = Box<dyn FnOnce() + Send + 'static>;
