//! The error of a handler that uses `?`.

use crate::request_body::BodyStalled;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use cancelable_core::current;
use cancelable_tower::cancelled_response;
use http::StatusCode;
use http::header::CONNECTION;
use std::error::Error;
use std::fmt;

/// The error of a handler that uses `?`: every error converts into it.
///
/// The response is that of the [table](cancelable_tower#answers) if the request is cancelled, such as 504 for a deadline,
/// since `check()` and work below the request fail then. The status is 408 if the client [stalled](crate::Stalls::body) in the
/// body of the request, and 500 for every other error. The text of the error is in the log and not in the response.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use cancelable_axum::{HandlerError, RequestScope};
///
/// async fn report(RequestScope(request): RequestScope) -> Result<String, HandlerError> {
///     let mut report = String::new();
///     for page in 1..=20 {
///         request.check()?;
///         report += &std::fs::read_to_string(format!("page-{page}"))?;
///     }
///     Ok(report)
/// }
/// # let _: Router = Router::new().route("/report", get(report));
/// ```
pub struct HandlerError(Box<dyn Error + Send + Sync>);

impl HandlerError {
    /// The error inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::HandlerError;
    /// use std::io;
    ///
    /// let error = HandlerError::from(io::Error::other("the disk is full"));
    /// assert!(error.get_ref().is::<io::Error>());
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.0.as_ref()
    }

    /// Returns whether the client stalled in the body of the request.
    fn is_stalled(&self) -> bool {
        let mut error: Option<&(dyn Error + 'static)> = Some(self.get_ref());
        // Ends: with the chain of sources.
        while let Some(one) = error {
            if one.is::<BodyStalled>() {
                return true;
            }
            error = one.source();
        }
        false
    }
}

// `HandlerError` is no `Error`: this conversion would then overlap with that of the core library.
impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for HandlerError {
    fn into_response(self) -> Response {
        // A handler's error becomes a response in the poll of the handler, so the operation is that of the request.
        match current().and_then(|request| request.cause()) {
            Some(cause) => cancelled_response(&cause).map(Body::from),
            None if self.is_stalled() => {
                log::info!(target: "cancelable::request", "a body is incomplete: {self}");
                (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")]).into_response()
            }
            None => {
                log::error!(target: "cancelable::request", "a handler failed: {self}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandlerError").field(&self.0).finish()
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
