//! The settings of a [`Requests`](crate::Requests) layer, and the count of the work that clients left behind.

use crate::{ClientGone, DeadlineHeaders, Keys};
use bytes::Bytes;
use cancelable_core::source::Limit;
use cancelable_core::{Cause, Scope};
use http::Response;
use http::request::Parts;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The name of a request's operation.
pub(crate) type Name = Arc<dyn Fn(&Parts) -> Cow<'static, str> + Send + Sync>;

/// The address of the client of a request.
pub(crate) type Peer = Arc<dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync>;

/// The answer to a cancelled request; `None` for the answer in the table.
pub(crate) type Answer = Arc<dyn Fn(&Cause) -> Option<Response<Bytes>> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) server: Scope,
    /// The place where the layer was made.
    pub(crate) location: &'static Location<'static>,
    /// The limit of a request: its span, and as a limit of the core with its text and its place.
    pub(crate) timeout: Option<(Duration, Limit)>,
    pub(crate) longest: Option<Duration>,
    pub(crate) deadline_headers: DeadlineHeaders,
    pub(crate) ignores_malformed_deadlines: bool,
    pub(crate) client_gone: ClientGone,
    /// The longest grace that a policy may give.
    pub(crate) grace: Duration,
    pub(crate) is_outermost: bool,
    pub(crate) most_left_behind: NonZeroUsize,
    pub(crate) left_behind: Arc<AtomicUsize>,
    pub(crate) has_warned: Arc<AtomicBool>,
    pub(crate) name: Name,
    pub(crate) peer: Option<Peer>,
    pub(crate) answer: Option<Answer>,
    pub(crate) keys: Option<Keys>,
}

impl Settings {
    pub(crate) fn new(server: Scope, location: &'static Location<'static>) -> Self {
        Self {
            server,
            location,
            timeout: None,
            longest: None,
            deadline_headers: DeadlineHeaders::default(),
            ignores_malformed_deadlines: false,
            client_gone: ClientGone::Drop,
            grace: Duration::ZERO,
            is_outermost: false,
            most_left_behind: const { NonZeroUsize::new(1000).unwrap() },
            left_behind: Arc::default(),
            has_warned: Arc::default(),
            name: Arc::new(|parts| parts.method.as_str().to_owned().into()),
            peer: None,
            answer: None,
            keys: None,
        }
    }

    /// The address of the client of a request, as text.
    pub(crate) fn peer_of(&self, parts: &Parts) -> Option<String> {
        let peer = self.peer.as_ref()?;
        Some(peer(parts)?.to_string())
    }

    /// Logs once that a route's span of [`ClientGone::Tell`] is cut to the grace of the server.
    pub(crate) fn warn_if_longer_than_grace(&self, span: Duration) {
        // Relaxed: only the number of log lines depends on it.
        if span > self.grace && !self.has_warned.swap(true, Ordering::Relaxed) {
            log::warn!(
                target: "cancelable::request",
                "a route gives its handler {span:?} after its client has left, and the server {:?}: \
                 set `Requests::grace` to the longest span",
                self.grace
            );
        }
    }

    /// Returns whether so much work was left behind that no request is taken.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: a bound that a few requests may pass at once.
        self.left_behind.load(Ordering::Relaxed) >= self.most_left_behind.get()
    }

    /// Counts work that was left behind, until the guard is dropped.
    pub(crate) fn leave_behind(&self) -> LeftBehind {
        self.left_behind.fetch_add(1, Ordering::Relaxed);
        LeftBehind(Arc::clone(&self.left_behind))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("server", self.server.label())
            .field("timeout", &self.timeout)
            .field("longest", &self.longest)
            .field("deadline_headers", &self.deadline_headers)
            .field("client_gone", &self.client_gone)
            .field("left_behind", &self.left_behind)
            .finish_non_exhaustive()
    }
}

/// A place in the count of the work that was left behind.
pub(crate) struct LeftBehind(Arc<AtomicUsize>);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
