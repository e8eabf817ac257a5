//! The readiness of a server, for load balancers.

use http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The readiness of a server: ready until the server stops.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use cancelable_axum::Readiness;
///
/// let readiness = Readiness::new();
/// let route = readiness.clone();
/// let app: Router = Router::new().route("/ready", get(async move || route.status()));
/// # let _ = app;
/// ```
///
/// Give the same value to [`Serve::readiness`](crate::Serve::readiness), which sets it.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    is_unready: Arc<AtomicBool>,
}

impl Readiness {
    /// Returns a readiness that is ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether the server is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_unready.load(Ordering::Relaxed)
    }

    /// Returns 200 while the server is ready, and 503 from its stop request on.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::Readiness;
    ///
    /// let readiness = Readiness::new();
    /// assert!(readiness.is_ready());
    /// assert_eq!(readiness.status(), 200);
    /// ```
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.is_ready() {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn set_unready(&self) {
        self.is_unready.store(true, Ordering::Relaxed);
    }
}
