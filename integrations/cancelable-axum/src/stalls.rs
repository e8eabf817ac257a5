//! The limits for clients that neither send nor read.

use std::time::Duration;

/// The limits for clients that stall. The connection of a client that exceeds a limit is cut, and the cause of its
/// requests is [`Reason::Disconnected`](cancelable_core::Reason::Disconnected).
///
/// # Examples
///
/// ```
/// use cancelable_axum::Stalls;
/// use std::time::Duration;
///
/// let stalls = Stalls::new()
///     .head(Duration::from_secs(10))
///     .body(Duration::from_secs(30))
///     .write(Duration::from_secs(30));
/// # let _ = stalls;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    pub(crate) head: Duration,
    pub(crate) body: Option<Duration>,
    pub(crate) write: Option<Duration>,
}

impl Stalls {
    /// Returns the default limits: 30 seconds for the head of a request, none for bodies.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: None,
            write: None,
        }
    }

    /// Sets the time that a client may take for the head of a request on an HTTP/1 connection, and for the first bytes of
    /// every connection, by which HTTP/1 and HTTP/2 are told apart.
    #[must_use]
    pub const fn head(mut self, limit: Duration) -> Self {
        self.head = limit;
        self
    }

    /// Sets the time for which a client may send nothing while the handler waits for more of the request's body.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::Stalls;
    /// use std::time::Duration;
    ///
    /// let stalls = Stalls::new().body(Duration::from_secs(30));
    /// assert_ne!(stalls, Stalls::new());
    /// ```
    #[must_use]
    pub const fn body(mut self, limit: Duration) -> Self {
        self.body = Some(limit);
        self
    }

    /// Sets the time for which a client may read nothing while the server has bytes to write.
    #[must_use]
    pub const fn write(mut self, limit: Duration) -> Self {
        self.write = Some(limit);
        self
    }
}

impl Default for Stalls {
    fn default() -> Self {
        Self::new()
    }
}
