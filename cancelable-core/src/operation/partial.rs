//! What an operation has so far: a value that is found when it did not come to its end.

mod error;
mod out;
mod slot;
mod snapshot;
mod value;

pub use error::PartialError;
pub(super) use slot::Slot;
pub use snapshot::PartialSnapshot;
pub(crate) use value::Value;

use super::{Operation, Record};
use out::Out;
use std::fmt;

/// The partial result of an operation, from [`Operation::partial`]: one value of any type, or none.
///
/// The outcome has it whichever way the run ended ([`Outcome::partial`](crate::Outcome::partial)).
/// It stays with the operation, for [`take`](Self::take), where there is no outcome: where the run
/// was dropped, and in a spawned child. A child's is its own.
///
/// An update takes the value out, changes it with no lock held, and puts it back. Whoever wants to
/// update, read or take it on another thread meanwhile waits until it is back, so no update is
/// lost. The closure itself must not ask for it again: on its own thread an update is an error and a
/// read finds nothing. Two closures on two threads that each ask for the other's partial result
/// wait for each other for ever. [`set`](Self::set) and [`snapshot`](Self::snapshot) never wait.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::Scope;
/// use cancelable_core::testing::ManualRuntime;
///
/// let scope = Scope::builder("import").build().expect("it is sound");
/// let outcome = ManualRuntime::new().block_on(scope.run(async |op| {
///     for row in 1.. {
///         op.partial().update(|rows: &mut Vec<u32>| rows.push(row)).expect("they are rows");
///         if row == 3 {
///             op.cancel();
///             op.cancelled().await;
///             std::future::pending::<()>().await;
///         }
///     }
/// }));
/// assert!(outcome.is_cancelled());
/// assert_eq!(outcome.into_partial::<Vec<u32>>(), Some(vec![1, 2, 3]));
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Partial<'a> {
    record: &'a Record,
}

impl Operation {
    /// What it has so far, for writing and reading.
    #[must_use]
    pub fn partial(&self) -> Partial<'_> {
        Partial {
            record: &self.record,
        }
    }
}

impl Partial<'_> {
    /// Puts `value` in the place of whatever there was, of whichever type. An update that runs just
    /// now counts as made before it.
    pub fn set<P: Send + Sync + 'static>(&self, value: P) {
        let value = Value::new(value);
        let replaced = self.record.with_partial(|slot| slot.set(value));
        drop(replaced);
    }

    /// Changes the value in place, and starts from the default where there is none.
    ///
    /// A panic of `update` goes on to the caller; the value is put back as `update` left it.
    ///
    /// # Errors
    ///
    /// There is a value of another type, which stays, or this is called from inside another update
    /// of the same operation.
    pub fn update<P, R>(&self, update: impl FnOnce(&mut P) -> R) -> Result<R, PartialError>
    where
        P: Default + Send + Sync + 'static,
    {
        self.update_from(P::default, update)
    }

    /// [`update`](Self::update) that starts from what `start` gives where there is no value.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update).
    pub fn update_from<P, R>(
        &self,
        start: impl FnOnce() -> P,
        update: impl FnOnce(&mut P) -> R,
    ) -> Result<R, PartialError>
    where
        P: Send + Sync + 'static,
    {
        let mut out = Out::take(self.record, Some(Value::is::<P>))
            .map_err(|refusal| PartialError::new::<P>(self.record.label.clone(), &refusal))?;
        let value = out.value.get_or_insert_with(|| Value::new(start()));
        match value.get_mut() {
            Some(value) => Ok(update(value)),
            // Its type was asked for when it was taken out; this only spares a panic.
            None => Err(PartialError::other_type::<P>(
                self.record.label.clone(),
                value.type_name(),
            )),
        }
    }

    /// Looks at the value. `None` if there is none, if it is of another type, or inside an update.
    pub fn read<P, R>(&self, read: impl FnOnce(&P) -> R) -> Option<R>
    where
        P: Send + Sync + 'static,
    {
        let out = Out::take(self.record, Some(Value::is::<P>)).ok()?;
        out.value.as_ref()?.get().map(read)
    }

    /// A copy of the value; `None` as for [`read`](Self::read).
    #[must_use]
    pub fn get<P: Clone + Send + Sync + 'static>(&self) -> Option<P> {
        self.read(P::clone)
    }

    /// Takes the value away; `None` as for [`read`](Self::read). One of another type stays.
    #[must_use]
    pub fn take<P: Send + Sync + 'static>(&self) -> Option<P> {
        let mut out = Out::take(self.record, Some(Value::is::<P>)).ok()?;
        out.value.take()?.into_inner().ok()
    }

    /// Says how a value of this type reads in a [`snapshot`](Self::snapshot), now and later.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let scope = Scope::builder("import").build().expect("it is sound");
    /// scope.partial().show(|rows: &Vec<u32>| format!("{} rows", rows.len()));
    /// scope.partial().set(vec![1_u32, 2, 3]);
    /// let snapshot = scope.partial().snapshot().expect("there is a value");
    /// assert_eq!(snapshot.text(), Some("3 rows"));
    /// ```
    pub fn show<P: Send + Sync + 'static>(
        &self,
        show: impl Fn(&P) -> String + Send + Sync + 'static,
    ) {
        let replaced = self.record.with_partial(|slot| slot.show(show));
        drop(replaced);
    }

    /// What there is, for people; `None` if there is nothing. While the value is in use elsewhere
    /// it has no text.
    #[must_use]
    pub fn snapshot(&self) -> Option<PartialSnapshot> {
        snapshot::of(self.record)
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

impl Record {
    /// Acts on the slot, which is made if there is none. Nothing of a user's may run in there.
    fn with_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        act(self.inner.lock().partial.get_or_insert_default())
    }

    /// Acts on the slot, if there is one. The same holds.
    fn on_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        Some(act(self.inner.lock().partial.as_mut()?))
    }

    pub(super) fn partial_snapshot(&self) -> Option<PartialSnapshot> {
        snapshot::of(self)
    }

    /// Takes the value away for an outcome. One that is in use comes back to the record later.
    pub(crate) fn take_partial(&self) -> Option<Value> {
        self.on_partial(Slot::take)?
    }
}
