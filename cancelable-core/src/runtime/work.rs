//! The types of work that an adapter receives.

use std::future::Future;
use std::pin::Pin;

/// A task for [`RuntimeAdapter::spawn`](super::RuntimeAdapter::spawn), which never panics and reports its own result.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A blocking function for [`RuntimeAdapter::spawn_blocking`](super::RuntimeAdapter::spawn_blocking), which
/// never panics and reports its own result.
pub type Job = Box<dyn FnOnce() + Send + 'static>;
