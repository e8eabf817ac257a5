//! The cause of a cancellation: reason, message, time and source location.
//!
//! A caller of [`cancel_with`](crate::CancellationToken::cancel_with) makes a [`Cause`]. The first token that is
//! cancelled with it adds the time and the running operation. That token and its descendants keep the cause for
//! ever, and [`CancellationToken::cause`](crate::CancellationToken::cause) returns it.

pub(crate) mod ambient;
mod child_name;
pub(crate) use child_name::ChildName;
mod display;
mod label;
mod mark;
pub(crate) use mark::{Mark, MarkCell};
mod one_line;
pub(crate) use one_line::{Named, OneLine, one_line};
mod phrase;
pub(crate) use phrase::{HumanDuration, LocationShown};
mod reason;
mod recorded;
#[cfg(feature = "serde")]
pub(crate) mod serial;

pub use crate::sync::escaped;
pub use label::{OperationId, OperationLabel};
pub use reason::Reason;
pub use recorded::CauseRecord;

use crate::sync::isolate;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The cause of a cancellation: its reason, message, time, source location, and the operation that requested it. A
/// clone costs one reference count.
///
/// [`Display`](fmt::Display) writes a phrase for people, such as `timed out (limit 3 s, set at src/main.rs:14)`.
///
/// # Examples
///
/// ```
/// use cancelable_core::{CancellationToken, Cause, Reason};
///
/// let token = CancellationToken::new();
/// token.cancel_with(Cause::new(Reason::ShuttingDown).with_message("deploy of build 71"));
/// let cause = token.cause().ok_or("not cancelled")?;
/// assert_eq!(cause.reason(), &Reason::ShuttingDown);
/// assert_eq!(cause.message(), Some("deploy of build 71"));
/// assert!(cause.to_string().starts_with("shutting down: deploy of build 71 (at "));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
pub struct Cause {
    facts: Arc<Facts>,
    inherited: bool,
}

/// The content of a cause, shared by every token that it reached.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    reason: Reason,
    message: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
    /// The time of the cancel; `None` until a token is cancelled with this cause, unless the caller has set the
    /// time.
    at: Option<Instant>,
    stamp: Stamp,
    operation: Option<OperationLabel>,
    /// The time between the entry of the operation and the start of the limit; `None` if the limit starts at the
    /// entry.
    counted_from: Option<Duration>,
    /// Behind an `Arc`, because few causes have rare facts and every cause is moved.
    rare: Option<Arc<Rare>>,
}

/// The facts that few causes have.
#[derive(Clone, Debug, Default)]
struct Rare {
    error: Option<Underlying>,
    /// The cause in another process.
    origin: Option<CauseRecord>,
}

/// The source of a cause's time. The first cancel sets the time and the operation, if the cause lacks them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stamp {
    Missing,
    /// The time was given, or was read from the clock of a runtime.
    Set,
    /// The time was read from the system's clock, because no runtime was known.
    BySystem,
}

/// The error that led to a cause. `Some` until it is dropped.
#[derive(Clone, Debug)]
struct Underlying(Option<Arc<dyn Error + Send + Sync>>);

/// A canceller may drop the last reference to the error, whose drop is user code. A panic of that drop is caught,
/// so no cancel unwinds.
impl Drop for Underlying {
    fn drop(&mut self) {
        let error = self.0.take();
        isolate("the drop of a cause's error", || drop(error));
    }
}

impl Cause {
    /// Creates a cause with this reason and the caller's location.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    ///
    /// let cause = Cause::new(Reason::Requested);
    /// assert_eq!(cause.location().file(), file!());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(reason: Reason) -> Self {
        let facts = Facts {
            reason,
            message: None,
            location: Location::caller(),
            at: None,
            stamp: Stamp::Missing,
            operation: None,
            counted_from: None,
            rare: None,
        };
        Self {
            facts: Arc::new(facts),
            inherited: false,
        }
    }

    /// Creates a cause with [`Reason::Remote`] from the record of a cause in another process, `node`. The location is
    /// the caller's.
    ///
    /// The record stays readable by [`origin`](Self::origin). A record that names a node already was passed on by
    /// `node`, and keeps its name. [`Display`](fmt::Display) writes the phrase of the record and the node, with escapes
    /// for all text that comes from outside:
    /// `cancel requested: deploy of build 71, on node b7 (set at src/main.rs:14)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Cause, Reason};
    /// use std::time::Instant;
    ///
    /// // On node b7, which sends the record.
    /// let record = Cause::from("deploy of build 71").record(Instant::now());
    /// // On this node, which has received the record.
    /// let token = CancellationToken::new();
    /// token.cancel_with(Cause::remote(record, "b7"));
    /// let cause = token.cause().ok_or("not cancelled")?;
    /// assert_eq!(cause.reason(), &Reason::Remote);
    /// assert_eq!(cause.message(), Some("deploy of build 71"));
    /// let phrase = "cancel requested: deploy of build 71, on node b7";
    /// assert_eq!(cause.without_location().to_string(), phrase);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn remote(record: CauseRecord, node: impl Into<String>) -> Self {
        let mut cause = Self::new(Reason::Remote);
        cause.edit_rare().origin = Some(record.on_node(node.into()));
        cause
    }

    /// Returns an owned copy of this cause for another process, with its age at `now`, by the clock of the runtime
    /// that cancelled.
    ///
    /// The record of a [remote](Self::remote) cause is the record that it was made of; its age has grown by the time
    /// since the cancel in this process.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use std::time::{Duration, Instant};
    ///
    /// let decided = Instant::now();
    /// let cause = Cause::new(Reason::ShuttingDown).with_message("deploy").with_time(decided);
    /// let record = cause.record(decided + Duration::from_secs(2));
    /// assert_eq!(record.kind(), "shutting_down");
    /// assert_eq!(record.message(), Some("deploy"));
    /// assert_eq!(record.age(), Some(Duration::from_secs(2)));
    /// ```
    #[must_use]
    pub fn record(&self, now: Instant) -> CauseRecord {
        let age = self.time().map(|at| now.saturating_duration_since(at));
        let message = self.message().map(str::to_owned);
        if let Some(origin) = self.origin() {
            return CauseRecord {
                message,
                age: origin.age.map_or(age, |before| {
                    Some(before.saturating_add(age.unwrap_or_default()))
                }),
                ..origin.clone()
            };
        }
        let operation = self.operation();
        CauseRecord {
            message,
            error: self.error().map(crate::sync::raw_text),
            location: self.location().to_string(),
            operation: operation.map(|own| (own.id().get(), own.name().to_owned())),
            age,
            ..CauseRecord::new(self.reason())
        }
    }

    /// Sets the message for people.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    ///
    /// let cause = Cause::new(Reason::Resource).with_message("512 MB of memory");
    /// assert_eq!(cause.message(), Some("512 MB of memory"));
    /// ```
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.edit().message = Some(message.into());
        self
    }

    /// Sets the source location at which the cancellation was requested. The default is the location at which the
    /// cause was made. For a time limit it is the location at which the limit was set.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use std::panic::Location;
    ///
    /// #[track_caller]
    /// fn quota_exceeded() -> Cause {
    ///     Cause::new(Reason::Resource).with_location(Location::caller())
    /// }
    ///
    /// let line = line!() + 1;
    /// assert_eq!(quota_exceeded().location().line(), line);
    /// ```
    #[must_use]
    pub fn with_location(mut self, location: &'static Location<'static>) -> Self {
        self.edit().location = location;
        self
    }

    /// Sets the operation that decided the cancellation. The default is the operation that runs on this thread when
    /// the token is cancelled, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let import = rt::scope("import").build()?;
    /// let cause = Cause::new(Reason::Requested).with_operation(import.label().clone());
    /// assert_eq!(cause.operation().map(|operation| operation.name()), Some("import"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_operation(mut self, operation: OperationLabel) -> Self {
        self.edit().operation = Some(operation);
        self
    }

    /// Sets the time at which the cancellation was decided, on the clock of a runtime. The default is the time at
    /// which the first token is cancelled with this cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use std::time::Instant;
    ///
    /// let decided = Instant::now();
    /// let cause = Cause::new(Reason::Requested).with_time(decided);
    /// assert_eq!(cause.time(), Some(decided));
    /// ```
    #[must_use]
    pub fn with_time(mut self, at: Instant) -> Self {
        let facts = self.edit();
        facts.at = Some(at);
        if facts.stamp == Stamp::BySystem {
            facts.stamp = Stamp::Set;
        }
        self
    }

    /// Sets the time between the entry of the operation and the start of the limit, if there is any.
    pub(crate) fn counted_from(mut self, counted_from: Option<Duration>) -> Self {
        if counted_from.is_some() {
            self.edit().counted_from = counted_from;
        }
        self
    }

    /// Sets the error that led to the cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use std::io;
    /// use std::sync::Arc;
    ///
    /// let lost = Arc::new(io::Error::other("the connection was lost"));
    /// let cause = Cause::new(Reason::Source).with_error(lost);
    /// assert_eq!(cause.error().map(ToString::to_string).as_deref(), Some("the connection was lost"));
    /// ```
    #[must_use]
    pub fn with_error(mut self, error: Arc<dyn Error + Send + Sync>) -> Self {
        self.edit_rare().error = Some(Underlying(Some(error)));
        self
    }

    /// Returns the reason: the kind of this cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    ///
    /// assert_eq!(Cause::from("the user left").reason(), &Reason::Requested);
    /// ```
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.facts.reason
    }

    /// Returns whether time ran out: a limit or a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    ///
    /// assert!(Cause::new(Reason::DeadlineReached).is_timeout());
    /// assert!(!Cause::new(Reason::Requested).is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.reason().is_timeout()
    }

    /// Returns the message, if there is one. The message of a [remote](Self::remote) cause is that of its record.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Cause;
    ///
    /// assert_eq!(Cause::from("the user left").message(), Some("the user left"));
    /// ```
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let own = self.facts.message.as_deref();
        own.or_else(|| self.origin()?.message())
    }

    /// Returns the time at which the cancellation was requested; `None` until a token is cancelled with this
    /// cause, unless the time was [given](Self::with_time).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Cause};
    ///
    /// let cause = Cause::from("the user left");
    /// assert_eq!(cause.time(), None);
    /// let token = CancellationToken::new();
    /// token.cancel_with(cause);
    /// assert!(token.cause().is_some_and(|cause| cause.time().is_some()));
    /// ```
    #[must_use]
    pub fn time(&self) -> Option<Instant> {
        self.facts.at
    }

    /// Returns the source location at which the cancellation was requested.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let line = line!() + 1;
    /// token.cancel();
    /// assert_eq!(token.cause().map(|cause| cause.location().line()), Some(line));
    /// ```
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.facts.location
    }

    /// Returns the operation that decided the cancellation, if there was one.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = CancellationToken::new();
    /// rt::block_on(async {
    ///     let scope = rt::scope("watch").build()?;
    ///     scope.run(async |_| token.cancel()).await;
    ///     let cause = token.cause().ok_or("not cancelled")?;
    ///     assert_eq!(cause.operation().map(|operation| operation.name()), Some("watch"));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn operation(&self) -> Option<&OperationLabel> {
        self.facts.operation.as_ref()
    }

    /// Returns the error that led to the cancellation, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use std::io;
    /// use std::sync::Arc;
    ///
    /// let full = io::Error::from(io::ErrorKind::StorageFull);
    /// let cause = Cause::new(Reason::Resource).with_error(Arc::new(full));
    /// let error = cause.error().and_then(|error| error.downcast_ref::<io::Error>());
    /// assert_eq!(error.map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.facts.rare.as_ref()?.error.as_ref()?.0.as_deref()
    }

    /// Returns the record of the cause in the process that requested the cancellation, for a cause that was made by
    /// [`remote`](Self::remote).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::cause::CauseRecord;
    /// use cancelable_core::{Cause, Reason};
    ///
    /// let cause = Cause::remote(CauseRecord::new(&Reason::ShuttingDown), "b7");
    /// let origin = cause.origin().ok_or("a local cause")?;
    /// assert_eq!(origin.kind(), "shutting_down");
    /// assert_eq!(origin.node(), Some("b7"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn origin(&self) -> Option<&CauseRecord> {
        self.facts.rare.as_ref()?.origin.as_ref()
    }

    /// Returns whether the token that returned this cause was cancelled by an ancestor, and not by a call on the
    /// token itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let parent = CancellationToken::new();
    /// let child = parent.child_token();
    /// parent.cancel();
    /// assert!(parent.cause().is_some_and(|cause| !cause.is_inherited()));
    /// assert!(child.cause().is_some_and(|cause| cause.is_inherited()));
    /// ```
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Returns whether both causes come from the same cancellation, whichever tokens returned them.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let parent = CancellationToken::new();
    /// let child = parent.child_token();
    /// parent.cancel();
    /// let causes = parent.cause().zip(child.cause());
    /// assert!(causes.is_some_and(|(above, below)| above.is_same(&below)));
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }

    /// Returns the cause with which an operation's token is cancelled once the operation has ended.
    pub(crate) fn scope_ended(
        scope: &OperationLabel,
        location: &'static Location<'static>,
    ) -> Self {
        Self::new(Reason::ScopeEnded)
            .with_location(location)
            .with_operation(scope.clone())
    }

    /// Returns whether the cause is the end of this operation, which is not a cancellation.
    pub(crate) fn is_end_of(&self, scope: &OperationLabel) -> bool {
        *self.reason() == Reason::ScopeEnded
            && self
                .operation()
                .is_some_and(|ended| ended.id() == scope.id())
    }

    #[inline]
    fn fill(mut self, at: Instant, operation: Option<OperationLabel>, stamp: Stamp) -> Self {
        let facts = self.edit();
        facts.at = Some(at);
        facts.stamp = stamp;
        // A signal and a remote cancel come from outside, and their source may run on the scope's task. So the
        // operation that runs on this thread did not request the cancel.
        let is_from_outside = matches!(facts.reason, Reason::Signal { .. })
            || facts
                .rare
                .as_ref()
                .is_some_and(|rare| rare.origin.is_some());
        if facts.operation.is_none() && !is_from_outside {
            facts.operation = operation;
        }
        self
    }

    /// Returns whether a token was cancelled with this cause, or with a cause from which it was made.
    pub(crate) fn is_stamped(&self) -> bool {
        self.facts.stamp != Stamp::Missing
    }

    /// Returns whether the time was read from the system's clock, which may differ from the caller's clock.
    pub(crate) fn is_timed_by_system(&self) -> bool {
        self.facts.stamp == Stamp::BySystem
    }

    pub(crate) fn into_facts(self) -> Arc<Facts> {
        self.facts
    }

    pub(crate) fn from_facts(facts: Arc<Facts>, inherited: bool) -> Self {
        Self { facts, inherited }
    }

    /// Returns the same cause, marked as inherited from another token.
    pub(crate) fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// Returns the facts for changing. Shared facts are copied first, so no other holder sees the change.
    fn edit(&mut self) -> &mut Facts {
        Arc::make_mut(&mut self.facts)
    }

    /// [`edit`](Self::edit) for the rare facts.
    fn edit_rare(&mut self) -> &mut Rare {
        Arc::make_mut(self.edit().rare.get_or_insert_default())
    }
}

impl From<Reason> for Cause {
    #[track_caller]
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<&'static str> for Cause {
    #[track_caller]
    fn from(message: &'static str) -> Self {
        Self::new(Reason::Requested).with_message(message)
    }
}

impl From<String> for Cause {
    #[track_caller]
    fn from(message: String) -> Self {
        Self::new(Reason::Requested).with_message(message)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause")
            .field("reason", &self.facts.reason)
            .field("message", &self.facts.message)
            .field("location", &format_args!("{}", self.facts.location))
            .field("at", &self.facts.at)
            .field("operation", &self.facts.operation)
            .field("error", &self.error())
            .field("origin", &self.origin())
            .field("inherited", &self.inherited)
            .finish()
    }
}

// Unwind safe: the facts are never changed, and an error in them is only read.
impl std::panic::UnwindSafe for Facts {}
impl std::panic::RefUnwindSafe for Facts {}
