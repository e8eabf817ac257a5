//! The policy of one request, which its handler changes.

use crate::client_gone::ClientGone;
use crate::exchange::Exchange;
use http::Extensions;
use std::fmt;

/// The policy of one request for a client that leaves, for a handler that changes it while it runs.
///
/// # Examples
///
/// ```
/// use cancelable_tower::{ClientGone, RequestPolicy};
/// use http::{Request, Response};
/// use std::convert::Infallible;
///
/// async fn pay<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
///     // Until here, a client that leaves ends the request: nothing was paid. From here on the payment is finished.
///     if let Some(policy) = RequestPolicy::of(request.extensions()) {
///         policy.client_gone(ClientGone::Finish);
///     }
///     Ok(Response::new("paid".to_owned()))
/// }
/// # let _ = pay::<()>;
/// ```
#[derive(Clone)]
pub struct RequestPolicy {
    exchange: Exchange,
}

impl RequestPolicy {
    /// Returns the policy of the request with these extensions; `None` if no layer [`Requests`](crate::Requests) has seen the
    /// request.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        let exchange = extensions.get::<Exchange>()?.clone();
        Some(Self { exchange })
    }

    /// Sets the policy, in place of that of the route. A span of [`ClientGone::Tell`] ends with the
    /// [grace](crate::Requests::grace) of the server. Set [`ClientGone::Wait`] before the handler answers: a body that was
    /// handed over under another policy can not be taken over.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{ClientGone, RequestPolicy};
    /// use http::request::Parts;
    ///
    /// fn finish(head: &Parts) {
    ///     if let Some(policy) = RequestPolicy::of(&head.extensions) {
    ///         policy.client_gone(ClientGone::Finish);
    ///     }
    /// }
    /// # let _ = finish;
    /// ```
    pub fn client_gone(&self, policy: ClientGone) {
        self.exchange.set_client_gone(policy);
    }
}

impl fmt::Debug for RequestPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestPolicy")
            .field("client_gone", &self.exchange.client_gone())
            .finish_non_exhaustive()
    }
}
