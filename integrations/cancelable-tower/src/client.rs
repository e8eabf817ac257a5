//! The client of a request, as its server knows it.

use cancelable_core::operation::WeakOperation;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{CancellationToken, Cause, Operation, Reason};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;

/// The client of a request, as its server knows it: an extension of the request, which a server adds.
///
/// A server that adds it distinguishes a client that left from a layer that drops a request, and can end a request
/// before the HTTP implementation notices that its client is gone. `cancelable-axum` adds it.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_tower::Client;
/// use http::Request;
///
/// let connection = CancellationToken::new();
/// let client = Client::below(&connection);
/// let mut request = Request::get("/").body(())?;
/// request.extensions_mut().insert(client.clone());
/// // The connection is gone, and with it the clients of all its requests.
/// connection.cancel();
/// assert!(client.has_left());
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    left: CancellationToken,
    /// The operation of the request, once the layer has opened it.
    operation: Arc<Mutex<Option<WeakOperation>>>,
}

impl Client {
    /// Returns the client of one request on a connection. The client has left once `connection` is cancelled, or
    /// once [`leave`](Self::leave) was called.
    #[must_use]
    pub fn below(connection: &CancellationToken) -> Self {
        Self {
            left: connection.child_token(),
            operation: Arc::default(),
        }
    }

    /// Declares that the client of this request has left, and the others of the connection have not.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_tower::Client;
    ///
    /// let connection = CancellationToken::new();
    /// let (first, second) = (Client::below(&connection), Client::below(&connection));
    /// first.leave();
    /// assert!(first.has_left() && !second.has_left());
    /// ```
    pub fn leave(&self) {
        self.left.cancel_with(Cause::new(Reason::Disconnected));
    }

    /// Returns whether the client has left.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.left.is_cancelled()
    }

    /// The operation of the request; `None` before the layer [`Requests`](crate::Requests) has seen the request, and
    /// once nothing keeps the operation.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.operation.lock().as_ref()?.upgrade()
    }

    /// Sets the operation of the request, for a server that opens it itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_tower::Client;
    ///
    /// let request = rt::scope("GET /orders").build()?;
    /// let client = Client::below(&CancellationToken::new());
    /// client.set_operation(&request);
    /// assert_eq!(client.operation().map(|operation| operation.id()), Some(request.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_operation(&self, operation: &Operation) {
        *self.operation.lock() = Some(operation.downgrade());
    }

    /// The cause for which the client counts as gone.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.left
            .cause()
            .filter(|cause| *cause.reason() == Reason::Disconnected)
    }

    pub(crate) fn left(&self) -> WaitForCancellationFutureOwned {
        self.left.clone().cancelled_owned()
    }
}

/// Returns whether the wait for a client that leaves is over; without a wait, it is not. The waker of `cx` is stored.
pub(crate) fn has_left(
    left: &mut Option<WaitForCancellationFutureOwned>,
    cx: &mut Context<'_>,
) -> bool {
    let left = left.as_mut();
    left.is_some_and(|left| Pin::new(left).poll(cx).is_ready())
}
