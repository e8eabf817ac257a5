//! The client of a request, as its server knows it.

use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{CancellationToken, Cause, Reason};

/// The client of a request, as its server knows it: an extension of the request, which a server adds.
///
/// A server that adds it tells a client that left apart from a layer that drops a request, and can end a request before
/// the HTTP implementation notices that its client is gone. `cancelable-axum` adds it.
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
}

impl Client {
    /// Returns the client of one request on a connection. It has left once `connection` is cancelled, or once
    /// [`leave`](Self::leave) was called.
    #[must_use]
    pub fn below(connection: &CancellationToken) -> Self {
        Self {
            left: connection.child_token(),
        }
    }

    /// Declares that the client of this request has left, and the others of the connection have not.
    pub fn leave(&self) {
        self.left.cancel_with(Cause::new(Reason::Disconnected));
    }

    /// Returns whether the client has left.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.left.is_cancelled()
    }

    pub(crate) fn left(&self) -> WaitForCancellationFutureOwned {
        self.left.clone().cancelled_owned()
    }
}
