//! The partial result of an operation: the value that is left when the work is cut short.

use crate::error::{Refusal, RefusalReason, Rejected};
use crate::record::Record;
use crate::record::partial_slot::{Slot, UpdateRefusal};
use crate::report::{PartialSnapshot, Value};
use crate::sync::{IsolatedDrop, isolate};
use std::any::type_name;
use std::fmt;
use std::sync::Arc;

/// The partial result of an operation, from [`Operation::partial`](crate::Operation::partial): one value of any
/// type, or none.
///
/// The outcome has the value whichever way the run ended ([`Outcome::partial`](crate::Outcome::partial)). A run
/// that was dropped and the run of a spawned child have no outcome: there the value stays with the operation, for
/// [`take`](Self::take). A child has a partial result of its own.
///
/// A partial result has one writer and any number of readers. No method waits, and no lock is held while a closure
/// runs:
///
/// - An update that meets another update in progress is refused, and the error contains its closure.
/// - During an update, [`read`](Self::read), [`get`](Self::get) and [`take`](Self::take) find no value.
/// - Readers share the value. An update of a value that is being read changes a clone. For that reason update and
///   take need `Clone`.
///
/// Several writers [set](Self::set) a value that has a lock of its own, such as `Arc<Mutex<Vec<Row>>>`, and write
/// to the value under its lock. Or each child keeps a partial result of its own.
///
/// # Examples
///
/// ```
/// use std::future::pending;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let outcome = rt::block_on(scope.try_run(async |op| {
///     for row in 1..=3 {
///         op.partial().update(move |rows: &mut Vec<u32>| rows.push(row))?;
///     }
///     op.cancel();
///     pending::<Result<(), Box<dyn std::error::Error>>>().await
/// }));
/// assert!(outcome.is_cancelled());
/// assert_eq!(outcome.partial(), Some(&vec![1_u32, 2, 3]));
/// # Ok(())
/// # }
/// ```
///
/// Several writers:
///
/// ```
/// use futures_util::future::join;
/// use std::sync::{Arc, Mutex, PoisonError};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let rows = Arc::new(Mutex::new(Vec::new()));
/// let write = async |row: u32| rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
/// let outcome = rt::block_on(scope.run(async |op| {
///     op.partial().set(Arc::clone(&rows));
///     join(write(1), write(2)).await
/// }));
/// assert!(outcome.partial::<Arc<Mutex<Vec<u32>>>>().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Partial<'a> {
    record: &'a Record,
}

impl<'a> Partial<'a> {
    pub(crate) fn new(record: &'a Record) -> Self {
        Self { record }
    }
}

impl Partial<'_> {
    /// Replaces the value, also a value of another type. A value that is set during an update replaces the value of
    /// that update.
    pub fn set<P: Send + Sync + 'static>(&self, value: P) {
        let value = Value::new(Arc::new(value));
        let replaced = self.record.with_partial(|slot| slot.set(value));
        drop(replaced);
    }

    /// Changes the value in place, and returns the result of `update`. Without a value, `update` starts from the
    /// default.
    ///
    /// The value is cloned first if it is being read at that moment. A panic of `update` unwinds to the caller, and
    /// the value stays as `update` left it.
    ///
    /// # Errors
    ///
    /// Another update of the same operation is in progress, on another thread or around this call; or the value is
    /// of another type, and stays. The error contains the closure.
    pub fn update<P, R, F>(&self, update: F) -> Result<R, Rejected<F>>
    where
        P: Default + Clone + Send + Sync + 'static,
        F: FnOnce(&mut P) -> R,
    {
        match Update::begin(self.record) {
            Ok(value) => Ok(value.apply(P::default, update)),
            Err(refusal) => Err(refusal.with(update)),
        }
    }

    /// Updates the value as [`update`](Self::update) does. If there is no value, the update starts from the
    /// result of `start`.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update). The error contains both closures.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// let start = || Vec::with_capacity(100);
    /// let count = scope.partial().update_from(start, |rows| {
    ///     rows.push("row");
    ///     rows.len()
    /// })?;
    /// assert_eq!(count, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_from<P, R, S, F>(&self, start: S, update: F) -> Result<R, Rejected<(S, F)>>
    where
        P: Clone + Send + Sync + 'static,
        S: FnOnce() -> P,
        F: FnOnce(&mut P) -> R,
    {
        match Update::begin(self.record) {
            Ok(value) => Ok(value.apply(start, update)),
            Err(refusal) => Err(refusal.with((start, update))),
        }
    }

    /// Calls `read` with the value, and returns the result. `None` if there is no value, if the value is of another
    /// type, and during an update.
    pub fn read<P: 'static, R>(&self, read: impl FnOnce(&P) -> R) -> Option<R> {
        // A reader may have the last reference, also while a panic of `read` unwinds.
        let value = IsolatedDrop::new(self.record.on_partial(|slot| slot.share())??);
        value.get()?.get().map(read)
    }

    /// Returns a clone of the value; `None` as for [`read`](Self::read).
    #[must_use]
    pub fn get<P: Clone + 'static>(&self) -> Option<P> {
        self.read(P::clone)
    }

    /// Takes the value; `None` as for [`read`](Self::read). A value of another type stays.
    #[must_use]
    pub fn take<P: Clone + Send + Sync + 'static>(&self) -> Option<P> {
        let value = self.record.on_partial(Slot::take_of)??;
        Some(Arc::unwrap_or_clone(value))
    }

    /// Sets the function that writes a value of type `P` as text in a [`snapshot`](Self::snapshot).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// scope.partial().show(|rows: &Vec<u32>| format!("{} rows", rows.len()));
    /// scope.partial().set(vec![1_u32, 2, 3]);
    /// let snapshot = scope.partial().snapshot().ok_or("nothing was set")?;
    /// assert_eq!(snapshot.text(), Some("3 rows"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn show<P: 'static>(&self, show: impl Fn(&P) -> String + Send + Sync + 'static) {
        let replaced = self.record.with_partial(|slot| slot.show(show));
        drop(replaced);
    }

    /// Returns a description of the value, for people; `None` if there is no value. During an update the
    /// description has no text.
    #[must_use]
    pub fn snapshot(&self) -> Option<PartialSnapshot> {
        let parts = |slot: &mut Slot| (slot.type_name(), slot.share(), slot.shown());
        let (type_name, value, show) = self.record.on_partial(parts)?;
        let value = value.map(IsolatedDrop::new);
        let mut snapshot = PartialSnapshot {
            type_name: type_name?,
            text: None,
        };
        let value = value.as_ref().and_then(IsolatedDrop::get);
        if let (Some(value), Some(show)) = (value, show) {
            isolate("the text of a partial result", || {
                snapshot.text = show(value.as_any());
            });
        }
        Some(snapshot)
    }
}

impl fmt::Debug for Partial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let type_name = self.record.on_partial(|slot| slot.type_name()).flatten();
        f.debug_struct("Partial")
            .field("operation", &self.record.label)
            .field("type_name", &type_name)
            .finish_non_exhaustive()
    }
}

/// An update in progress, which has taken the value out of the record. The drop puts the value back, also after a
/// panic.
struct Update<'a, P: Send + Sync + 'static> {
    record: &'a Record,
    value: Option<Arc<P>>,
}

impl<'a, P: Clone + Send + Sync + 'static> Update<'a, P> {
    fn begin(record: &'a Record) -> Result<Self, Refusal> {
        match record.with_partial(Slot::begin_update) {
            Ok(value) => Ok(Self { record, value }),
            Err(refusal) => Err(Refusal {
                operation: record.label.clone(),
                request: "an update of its partial result",
                reason: match refusal {
                    UpdateRefusal::InUse => RefusalReason::InUse,
                    UpdateRefusal::OtherType(held) => RefusalReason::OtherType {
                        held,
                        requested: type_name::<P>(),
                    },
                },
            }),
        }
    }

    fn apply<R>(mut self, start: impl FnOnce() -> P, update: impl FnOnce(&mut P) -> R) -> R {
        let value = self.value.get_or_insert_with(|| Arc::new(start()));
        // Clones a value that a reader shares.
        update(Arc::make_mut(value))
    }
}

impl<P: Send + Sync + 'static> Drop for Update<'_, P> {
    fn drop(&mut self) {
        let value = self.value.take().map(Value::new);
        let replaced = self.record.with_partial(|slot| slot.end_update(value));
        if replaced.is_some() {
            isolate("the drop of a partial result", || drop(replaced));
        }
    }
}
