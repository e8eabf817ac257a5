//! The policy for a client that leaves before its response is complete.

use std::time::Duration;

/// The policy for the work of a request whose client leaves before the response is complete.
///
/// A server drops the future of the response when it notices that the client is gone. By default that drops the handler
/// where it awaits. The other policies move the handler to a task of the server's runtime. The server's scope waits for
/// that task, and its deadline and the server's end still hold.
///
/// # Examples
///
/// ```
/// use cancelable_tower::{ClientGone, Limits};
/// use std::time::Duration;
///
/// // A report may clean up for 5 seconds; a payment is finished in any case.
/// let report = Limits::new().client_gone(ClientGone::Tell(Duration::from_secs(5)));
/// let payment = Limits::new().client_gone(ClientGone::Finish);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientGone {
    /// The handler is dropped where it awaits. Nothing is spawned.
    #[default]
    Drop,
    /// The operation is cancelled, and the handler has this long to end: it sees the cancellation by `check()` and
    /// `cancelled()`, and shields hold. Then it is dropped.
    Tell(Duration),
    /// The handler continues to its end, and is not cancelled.
    Finish,
    /// The handler and the body continue for this long. Then the operation is cancelled, as if the client had left only
    /// then, unless the response is complete.
    ///
    /// With [`Requests::keys`](crate::Requests::keys), a later request takes the response over, without a call of the
    /// handler: a request with the same `x-request-key`, method, path and query, and of the same owner. Its body begins
    /// behind the bytes that were sent before, whose number is in the header `x-request-offset` of the response. A client
    /// that has fewer bytes sends their number in this header, and gets the rest; the last 64 KiB are kept. Without a client,
    /// up to 64 KiB of the body are read in advance. The handler and the layers inside do not see the later request.
    Wait(Duration),
}
