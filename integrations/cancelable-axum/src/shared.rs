//! The state that the connections of one server share.

use cancelable_core::operation::Straggler;
use cancelable_core::{CancellationToken, Cause, Operation};
use cancelable_tower::Client;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::watch;

/// The phase of a server. A later phase is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Ready,
    Unready,
    Draining,
    Asked,
    Cut,
}

/// The server as its connections know it. The value is an extension of each request.
#[derive(Clone)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    #[cfg(feature = "ws")]
    scope: cancelable_core::Scope,
    phase: watch::Sender<Phase>,
    open: Mutex<Open>,
    /// The channel that changes whenever a request ends.
    ended: watch::Sender<()>,
    refused: AtomicUsize,
    /// The number of connections whose first request is still to come.
    arriving: AtomicUsize,
    /// The number of connections that have not begun to end. A request that such a connection has received may not be open
    /// yet.
    staying: AtomicUsize,
}

#[derive(Default)]
struct Open {
    next: u64,
    clients: HashMap<u64, Client>,
}

impl Server {
    pub(crate) fn new(#[cfg(feature = "ws")] scope: cancelable_core::Scope) -> Self {
        Self {
            shared: Arc::new(Shared {
                #[cfg(feature = "ws")]
                scope,
                phase: watch::Sender::new(Phase::Ready),
                open: Mutex::default(),
                ended: watch::Sender::new(()),
                refused: AtomicUsize::new(0),
                arriving: AtomicUsize::new(0),
                staying: AtomicUsize::new(0),
            }),
        }
    }

    /// The scope whose children sockets are.
    #[cfg(feature = "ws")]
    pub(crate) fn scope(&self) -> &cancelable_core::Scope {
        &self.shared.scope
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.shared.phase.borrow()
    }

    pub(crate) fn phases(&self) -> watch::Receiver<Phase> {
        self.shared.phase.subscribe()
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.shared.phase.send_replace(phase);
    }

    /// Records a request that was answered with 503.
    pub(crate) fn refuse(&self) {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Opens a request, or a socket, below a connection.
    pub(crate) fn open(&self, connection: &CancellationToken) -> OpenRequest {
        let client = Client::below(connection);
        let mut open = self.shared.open.lock();
        let number = open.next;
        open.next += 1;
        open.clients.insert(number, client.clone());
        OpenRequest {
            server: self.clone(),
            client,
            number,
        }
    }

    /// Forgets a request that has ended.
    fn close(&self, number: u64) {
        let client = self.shared.open.lock().clients.remove(&number);
        drop(client);
        self.shared.ended.send_replace(());
    }

    /// The number of open requests and sockets. A request that was taken over from another counts once with it.
    pub(crate) fn count(&self) -> usize {
        let open: Vec<Client> = self.shared.open.lock().clients.values().cloned().collect();
        let mut known = HashSet::new();
        let operations = open.iter().map(Client::operation);
        operations
            .filter(|one| one.as_ref().is_none_or(|one| known.insert(one.id())))
            .count()
    }

    fn has_none_open(&self) -> bool {
        self.shared.open.lock().clients.is_empty()
    }

    /// Notes a connection that was accepted.
    pub(crate) fn arrive(&self) -> Arrival {
        self.shared.arriving.fetch_add(1, Ordering::AcqRel);
        self.shared.staying.fetch_add(1, Ordering::AcqRel);
        Arrival {
            server: self.clone(),
            is_over: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
        }
    }

    /// Waits until all connections have begun to end, no request is open, and none is on its way on a connection that was just
    /// accepted.
    pub(crate) async fn idle(&self) {
        let mut ended = self.shared.ended.subscribe();
        let Shared {
            arriving, staying, ..
        } = &*self.shared;
        let is_zero = |count: &AtomicUsize| count.load(Ordering::Acquire) == 0;
        // In this order: a connection opens its request before it begins to end.
        let is_idle = || is_zero(staying) && is_zero(arriving) && self.has_none_open();
        // Ends: each turn waits for the end of a request, and the caller bounds the wait.
        while !is_idle() {
            if ended.changed().await.is_err() {
                return;
            }
        }
    }

    /// The operations of the open requests. A request that was taken over from another has the same operation, which is
    /// in the list once.
    fn operations(&self) -> Vec<Operation> {
        let clients: Vec<Client> = self.shared.open.lock().clients.values().cloned().collect();
        let mut operations: Vec<Operation> = clients.iter().filter_map(Client::operation).collect();
        operations.sort_unstable_by_key(|operation| operation.id());
        operations.dedup_by_key(|operation| operation.id());
        operations
    }

    /// Cancels all open requests. Returns their number.
    pub(crate) fn cancel_all(&self, cause: &Cause) -> usize {
        let mut count = 0;
        for operation in self.operations() {
            count += usize::from(operation.cancel_with(cause.clone()));
        }
        count
    }

    /// Returns the unfinished work of the open requests.
    pub(crate) fn unfinished(&self) -> Vec<Straggler> {
        let operations = self.operations();
        operations
            .iter()
            .flat_map(|operation| operation.unfinished())
            .collect()
    }
}

/// A connection, as far as the end of the server waits for it.
pub(crate) struct Arrival {
    server: Server,
    /// True once the first request has come.
    is_over: AtomicBool,
    /// True once the connection has begun to end.
    is_leaving: AtomicBool,
}

impl Arrival {
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Returns whether the first request is still to come.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_over.load(Ordering::Acquire)
    }

    /// Notes the first request, which is open by now, or that it is not waited for.
    pub(crate) fn end(&self) {
        if !self.is_over.swap(true, Ordering::AcqRel) {
            self.server.shared.arriving.fetch_sub(1, Ordering::AcqRel);
            self.server.shared.ended.send_replace(());
        }
    }

    /// Notes that the connection has begun to end: it takes no request after those that are open.
    pub(crate) fn leave(&self) {
        if !self.is_leaving.swap(true, Ordering::AcqRel) {
            self.server.shared.staying.fetch_sub(1, Ordering::AcqRel);
            self.server.shared.ended.send_replace(());
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.end();
        self.leave();
    }
}

/// A request that is open, or a socket. Its drop is its end.
pub(crate) struct OpenRequest {
    server: Server,
    client: Client,
    number: u64,
}

impl OpenRequest {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        // The handler may continue without its client, and children and finalizers may: the request is open until its
        // operation has finished.
        let operation = self.client.operation().filter(|it| !it.is_finished());
        match (operation, tokio::runtime::Handle::try_current()) {
            (Some(operation), Ok(runtime)) => {
                let (server, number) = (self.server.clone(), self.number);
                runtime.spawn(async move {
                    operation.finished().await;
                    server.close(number);
                });
            }
            _ => self.server.close(self.number),
        }
    }
}
