//! Keys of requests, with which another connection can stop a request.

use crate::left_work::LeftWork;
use cancelable_core::operation::WeakOperation;
use cancelable_core::{Cause, Operation, Reason};
use futures_channel::oneshot;
use http::header::HeaderName;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The header that carries the key of a request, in the request and in its response.
pub(crate) const REQUEST_KEY: HeaderName = HeaderName::from_static("x-request-key");

/// The least length of a key: 128 bits in base64.
const SHORTEST: usize = 22;
const LONGEST: usize = 128;

/// The open requests by key. A client that knows the key of a request stops it from another connection.
///
/// A client may bring a key in the header `x-request-key`: 22 to 128 letters, digits, `-` and `_`, which it makes
/// at random. A request with a key that is in use is answered with 409, and a request with a malformed key with
/// 400. A request without a key gets a key of 128 random bits. The head of the response has the key, which is early
/// only for a response that is streamed. So a client that may stop a slow answer sends its own key.
///
/// A request whose client has left may [wait for a later request](crate::ClientGone::Wait) that brings its key.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_tower::{Keys, Requests};
///
/// fn layer(server: &Scope, keys: &Keys) -> Requests {
///     Requests::of(server).keys(keys)
/// }
///
/// let keys = Keys::new();
/// assert!(!keys.stop("kFcdLhJ5SbWg1yVY1mHb9Q"), "no request has the key");
/// # let _ = layer;
/// ```
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
}

type Owner = Box<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

struct Shared {
    requests: Mutex<HashMap<Box<str>, Entry>>,
    owner: Option<Owner>,
}

struct Entry {
    /// The identity of this entry, which distinguishes it from a later entry with the same key.
    opening: Arc<()>,
    /// The operation of the request; `None` while the request is being opened.
    operation: Option<WeakOperation>,
    owner: Option<String>,
    method: Method,
    target: Option<PathAndQuery>,
    /// The way to ask for the work of a request whose client has left; `None` while it has a client.
    offer: Option<oneshot::Sender<Reply>>,
}

/// The way to hand over the work of a request to the request that has asked for it.
pub(crate) type Reply = oneshot::Sender<LeftWork>;

/// Where the work of a request is asked for.
pub(crate) type Asks = oneshot::Receiver<Reply>;

impl Entry {
    /// The operation of the request, if that is open.
    fn open(&self) -> Option<Operation> {
        let operation = self.operation.as_ref()?.upgrade()?;
        (!operation.status().is_terminal()).then_some(operation)
    }

    fn is_in_use(&self) -> bool {
        self.operation.is_none() || self.open().is_some()
    }

    /// Returns whether a later request is the same as this one, apart from its body.
    fn is_for(&self, later: &Self) -> bool {
        (&self.owner, &self.method, &self.target) == (&later.owner, &later.method, &later.target)
    }
}

impl Keys {
    /// Returns an empty set of keys, whose requests have no owners.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// Returns an empty set of keys. `owner` names the caller of a request, such as its user, from the head. Callers list
    /// their own requests, see [`owned`](Self::owned).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Keys;
    ///
    /// let keys = Keys::with_owner(|head| {
    ///     let user = head.headers.get("x-user")?;
    ///     Some(user.to_str().ok()?.to_owned())
    /// });
    /// assert!(keys.get("kFcdLhJ5SbWg1yVY1mHb9Q").is_none());
    /// ```
    #[must_use]
    pub fn with_owner(owner: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::with(Some(Box::new(owner)))
    }

    fn with(owner: Option<Owner>) -> Self {
        Self {
            shared: Arc::new(Shared {
                requests: Mutex::default(),
                owner,
            }),
        }
    }

    /// The operation of the open request with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Operation> {
        self.shared.requests.lock().get(key)?.open()
    }

    /// Cancels the request with this key. Returns whether an open request has it.
    pub fn stop(&self, key: &str) -> bool {
        // The lock is released before the cancel, which runs callbacks.
        let Some(operation) = self.get(key) else {
            return false;
        };
        let cause = Cause::new(Reason::Requested).with_message("stopped by its key");
        operation.cancel_with(cause);
        true
    }

    /// The open requests of the caller that made the request with this head: key and operation. Without
    /// [`with_owner`](Self::with_owner), and for a caller without a name, there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Keys;
    /// use http::Request;
    ///
    /// let keys = Keys::with_owner(|_| Some("ann".to_owned()));
    /// let (head, ()) = Request::new(()).into_parts();
    /// assert!(keys.owned(&head).is_empty(), "no request is open");
    /// ```
    #[must_use]
    pub fn owned(&self, parts: &Parts) -> Vec<(String, Operation)> {
        let Some(caller) = self.owner(parts) else {
            return Vec::new();
        };
        let requests = self.shared.requests.lock();
        let own = requests
            .iter()
            .filter(|(_, entry)| entry.owner.as_ref() == Some(&caller));
        own.filter_map(|(key, entry)| {
            let operation = entry.open()?;
            Some((key.to_string(), operation))
        })
        .collect()
    }

    fn owner(&self, parts: &Parts) -> Option<String> {
        let owner = self.shared.owner.as_ref()?;
        owner(parts)
    }

    /// Takes the key of a request, or makes one. A key whose request waits for a client gives the work of that request, to
    /// a request of the same owner with the same method and target.
    pub(crate) fn take(&self, parts: &Parts) -> Result<Taken, KeyProblem> {
        let key = match brought(&parts.headers)? {
            Some(key) => key,
            None => random_key().ok_or(KeyProblem::NoRandomness)?,
        };
        let entry = Entry {
            opening: Arc::default(),
            operation: None,
            owner: self.owner(parts),
            method: parts.method.clone(),
            target: parts.uri.path_and_query().cloned(),
            offer: None,
        };
        let opening = Arc::clone(&entry.opening);
        let mut requests = self.shared.requests.lock();
        if let Some(open) = requests.get_mut(&key).filter(|open| open.is_in_use()) {
            let is_same = open.is_for(&entry);
            let offer = is_same.then(|| open.offer.take()).flatten();
            // The lock is released before the waiting task is woken.
            drop(requests);
            let (reply, work) = oneshot::channel();
            let is_asked = offer.is_some_and(|offer| offer.send(reply).is_ok());
            return match is_asked {
                true => Ok(Taken::Over(work)),
                false => Err(KeyProblem::InUse),
            };
        }
        let before = requests.insert(key.clone(), entry);
        drop(requests);
        drop(before);
        Ok(Taken::New(TakenKey {
            keys: self.clone(),
            key,
            opening,
        }))
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys are secrets.
        f.debug_struct("Keys")
            .field("requests", &self.shared.requests.lock().len())
            .finish_non_exhaustive()
    }
}

/// The result of taking a key.
pub(crate) enum Taken {
    New(TakenKey),
    /// The key is that of a request without a client, whose work comes through this channel.
    Over(oneshot::Receiver<LeftWork>),
}

/// The reason for which a request gets no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    Malformed,
    InUse,
    NoRandomness,
}

/// The key that a request brings.
fn brought(headers: &HeaderMap) -> Result<Option<Box<str>>, KeyProblem> {
    let mut keys = headers.get_all(REQUEST_KEY).iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bytes = key.as_bytes();
    let is_long_enough = (SHORTEST..=LONGEST).contains(&bytes.len());
    match (keys.next(), key.to_str()) {
        (None, Ok(text)) if is_long_enough && bytes.iter().all(is_safe) => Ok(Some(text.into())),
        _ => Err(KeyProblem::Malformed),
    }
}

/// A key of 128 random bits; `None` if the system has no randomness.
fn random_key() -> Option<Box<str>> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    let hex = |byte: &u8| format!("{byte:02x}");
    Some(bits.iter().map(hex).collect::<String>().into())
}

/// A key in use, until this is dropped.
pub(crate) struct TakenKey {
    keys: Keys,
    key: Box<str>,
    opening: Arc<()>,
}

impl TakenKey {
    /// Sets the operation that the key stops.
    pub(crate) fn set_operation(&self, operation: &Operation) {
        // The key is not taken while its request is being opened.
        if let Some(entry) = self.keys.shared.requests.lock().get_mut(&self.key) {
            entry.operation = Some(operation.downgrade());
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.key
    }

    /// Lets a later request ask for the work of this one.
    pub(crate) fn offer(&self) -> Asks {
        let (offer, asks) = oneshot::channel();
        let before = self.set_offer(Some(offer));
        drop(before);
        asks
    }

    /// Takes the offer back. False if a later request has asked for the work already.
    pub(crate) fn withdraw(&self) -> bool {
        self.set_offer(None).is_some()
    }

    fn set_offer(&self, offer: Option<oneshot::Sender<Reply>>) -> Option<oneshot::Sender<Reply>> {
        let mut requests = self.keys.shared.requests.lock();
        // The key is another request's once this one has ended.
        let own = requests
            .get_mut(&self.key)
            .filter(|entry| Arc::ptr_eq(&entry.opening, &self.opening))?;
        std::mem::replace(&mut own.offer, offer)
    }
}

impl Drop for TakenKey {
    fn drop(&mut self) {
        let mut requests = self.keys.shared.requests.lock();
        let own = requests.get(&self.key);
        let is_own = own.is_some_and(|entry| Arc::ptr_eq(&entry.opening, &self.opening));
        let entry = is_own.then(|| requests.remove(&self.key));
        drop(requests);
        drop(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, REQUEST_KEY, Taken, TakenKey};
    use cancelable_core::Scope;
    use http::Request;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn take(keys: &Keys) -> TakenKey {
        let request = Request::get("/job").header(REQUEST_KEY, "kFcdLhJ5SbWg1yVY1mHb9Q");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match keys.take(&parts) {
            Ok(Taken::New(key)) => key,
            _ => panic!("the key is in use"),
        }
    }

    #[test]
    fn a_request_that_has_ended_does_not_touch_the_next_one_with_its_key() {
        let keys = Keys::new();
        let first = take(&keys);
        let scope = Scope::builder("first").build().unwrap();
        first.set_operation(&scope);
        let mut context = Context::from_waker(Waker::noop());
        let run = pin!(scope.run(async |_| ()));
        assert!(run.poll(&mut context).is_ready());
        let second = take(&keys);
        let _asks = second.offer();
        assert!(!first.withdraw());
        drop(first);
        assert!(
            second.withdraw(),
            "the offer of the second request is still there"
        );
    }
}
