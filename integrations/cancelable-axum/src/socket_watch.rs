//! A second registration of a socket, which notices that the client has closed it although unread bytes are left.
//!
//! An HTTP/1 implementation that does not read a connection, because a request with unread bytes is being answered, does
//! not notice the end of the connection, but the kernel does. A duplicate of the socket is registered with the runtime
//! a second time, and the readiness shows whether the other side has closed. With a full receive window a reset is noticed, and an end is not.
//! Other systems than Unix have no such second registration: there the wait never ends.

use crate::guard::Busy;
use std::io;
#[cfg(unix)]
use std::time::Duration;
use tokio::net::TcpStream;

/// The time for which a handler runs before its socket is watched. Most handlers are shorter.
#[cfg(unix)]
const DELAY: Duration = Duration::from_millis(250);

/// The socket of a connection, for a watch.
#[cfg(unix)]
pub(crate) struct SocketWatch {
    socket: std::os::fd::OwnedFd,
    /// True if a client that only ends its side of the connection counts as gone.
    is_half_close_gone: bool,
}

#[cfg(unix)]
impl SocketWatch {
    pub(crate) fn of(stream: &TcpStream, is_half_close_gone: bool) -> io::Result<Self> {
        use std::os::fd::AsFd;
        Ok(Self {
            socket: stream.as_fd().try_clone_to_owned()?,
            is_half_close_gone,
        })
    }

    /// Waits until the client is gone while a handler runs.
    pub(crate) async fn client_is_gone(&self, busy: &Busy) {
        use tokio::io::Interest;
        use tokio::io::unix::AsyncFd;

        let mut changes = busy.changes();
        // Ends: each turn waits for the begin or the end of a handler.
        loop {
            changes.borrow_and_update();
            if !busy.is_busy() {
                if changes.changed().await.is_err() {
                    return std::future::pending().await;
                }
                continue;
            }
            if tokio::time::timeout(DELAY, changes.changed()).await.is_ok() {
                continue;
            }
            #[allow(
                deprecated,
                reason = "its replacement needs a version of Tokio less than a year old; an owned handle cannot be closed by other code"
            )]
            let watched = self.socket.try_clone().and_then(|socket| {
                AsyncFd::with_interest(socket, Interest::READABLE.add(Interest::ERROR))
            });
            let Ok(watched) = watched else {
                // No registration is left: the view of the HTTP implementation has to do.
                return std::future::pending().await;
            };
            tokio::select! {
                () = self.closed(&watched) => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                }
            }
        }
    }

    /// Waits until the other side has closed.
    async fn closed(&self, watched: &tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>) {
        if !self.is_half_close_gone {
            // A side that is closed stays ready for ever, so only an error is waited for, such as a reset.
            let _ = watched.ready(tokio::io::Interest::ERROR).await;
            return;
        }
        // Ends: the readiness is cleared after each look, so the next wait is for the next event of the socket.
        loop {
            let Ok(mut guard) = watched.readable().await else {
                return;
            };
            let ready = guard.ready();
            if ready.is_error() || ready.is_write_closed() || ready.is_read_closed() {
                return;
            }
            guard.clear_ready();
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct SocketWatch;

#[cfg(not(unix))]
impl SocketWatch {
    pub(crate) fn of(_: &TcpStream, _: bool) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn client_is_gone(&self, _: &Busy) {
        std::future::pending().await
    }
}
