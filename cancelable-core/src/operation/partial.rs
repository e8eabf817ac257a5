//! The partial result of an operation: the value that is left when it does not come to its end.

use crate::cause::OperationLabel;
use crate::record::Record;
use crate::record::partial_slot::{Refusal, Slot};
use crate::report::{PartialSnapshot, Value};
use crate::sync::isolate;
use std::any::type_name;
use std::error::Error;
use std::fmt;

/// The partial result of an operation, from [`Operation::partial`](crate::Operation::partial): one value of any type, or none.
///
/// The outcome has it whichever way the run ended ([`Outcome::partial`](crate::Outcome::partial)). Where there
/// is no outcome, because the run was dropped or belongs to a spawned child, it stays with the operation, for
/// [`take`](Self::take). A child has a partial result of its own.
///
/// An update takes the value out, changes it with no lock held, and puts it back. Until then an update, a read
/// or a take on another thread waits, so no update is lost. The closure of an update must not ask for the value
/// again: on the same thread an update is an error, and a read finds nothing. Two closures on two threads that
/// each ask for the other's partial result wait for each other for ever. [`set`](Self::set) and
/// [`snapshot`](Self::snapshot) never wait.
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
/// assert_eq!(outcome.partial(), Some(&vec![1_u32, 2, 3]));
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
    /// Replaces the value, of whichever type it was. An update that runs at the same time counts as made
    /// before.
    pub fn set<P: Send + Sync + 'static>(&self, value: P) {
        let value = Value::new(value);
        let replaced = self.record.with_partial(|slot| slot.set(value));
        drop(replaced);
    }

    /// Changes the value in place. Starts from the default where there is none.
    ///
    /// A panic of `update` goes on to the caller. The value is put back as `update` left it.
    ///
    /// # Errors
    ///
    /// The value is of another type, and stays; or the call is made inside another update of the same
    /// operation.
    pub fn update<P, R>(&self, update: impl FnOnce(&mut P) -> R) -> Result<R, PartialError>
    where
        P: Default + Send + Sync + 'static,
    {
        self.update_from(P::default, update)
    }

    /// [`update`](Self::update) that starts from the result of `start` where there is no value.
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
        let error = |refusal| PartialError::new::<P>(self.record.label.clone(), &refusal);
        let mut out = TakenOut::take(self.record, Some(Value::is::<P>)).map_err(error)?;
        let value = out.value.get_or_insert_with(|| Value::new(start()));
        // Its type was checked when it was taken out, so the error only replaces a panic.
        let other_type = Refusal::OtherType(value.type_name());
        let value = value.get_mut().ok_or_else(|| error(other_type))?;
        Ok(update(value))
    }

    /// Calls `read` with the value. `None` if there is none, if it is of another type, or inside an update.
    pub fn read<P, R>(&self, read: impl FnOnce(&P) -> R) -> Option<R>
    where
        P: Send + Sync + 'static,
    {
        let out = TakenOut::take(self.record, Some(Value::is::<P>)).ok()?;
        out.value.as_ref()?.get().map(read)
    }

    /// A clone of the value; `None` as for [`read`](Self::read).
    #[must_use]
    pub fn get<P: Clone + Send + Sync + 'static>(&self) -> Option<P> {
        self.read(P::clone)
    }

    /// Takes the value; `None` as for [`read`](Self::read). A value of another type stays.
    #[must_use]
    pub fn take<P: Send + Sync + 'static>(&self) -> Option<P> {
        let mut out = TakenOut::take(self.record, Some(Value::is::<P>)).ok()?;
        out.value.take()?.into_inner().ok()
    }

    /// Sets how a value of this type is written in a [`snapshot`](Self::snapshot), now and later.
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

    /// A description of the value, for people; `None` if there is none. It has no text while the value is in
    /// use.
    #[must_use]
    pub fn snapshot(&self) -> Option<PartialSnapshot> {
        let slot = |slot: &mut Slot| (slot.type_name(), slot.shown());
        let (type_name, show) = self.record.on_partial(slot)?;
        let mut snapshot = PartialSnapshot {
            type_name: type_name?,
            text: None,
        };
        if let Some(show) = show {
            if let Some(out) = TakenOut::try_take(self.record) {
                let value = out.value.as_ref()?;
                snapshot.type_name = value.type_name();
                isolate("the text of a partial result", || {
                    snapshot.text = show(value.as_any());
                });
            }
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

/// The value of a record while user code has it. Its drop puts the value back.
struct TakenOut<'a> {
    record: &'a Record,
    value: Option<Value>,
}

impl<'a> TakenOut<'a> {
    /// Takes the value out, if it is of a wanted type. Waits while another thread has it.
    ///
    /// # Errors
    ///
    /// The value is of another type, or this thread has it.
    fn take(record: &'a Record, is_wanted: Option<fn(&Value) -> bool>) -> Result<Self, Refusal> {
        // Ends: a turn follows only when another thread has put the value back.
        loop {
            match record.with_partial(|slot| slot.take_out(is_wanted)) {
                Ok(value) => return Ok(Self { record, value }),
                Err(Refusal::Wait(back)) => back.wait(),
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// [`take`](Self::take) of any type, without a wait and without making a slot.
    fn try_take(record: &'a Record) -> Option<Self> {
        let value = record.on_partial(|slot| slot.take_out(None))?.ok()?;
        Some(Self { record, value })
    }
}

/// A drop, so that a panic puts the value back too.
impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        let value = self.value.take();
        let (old, back) = self.record.with_partial(|slot| slot.put_back(value));
        if let Some(back) = back {
            back.set();
        }
        if old.is_some() {
            isolate("the drop of a partial result", || drop(old));
        }
    }
}

/// The refusal of an update: the partial result is of another type, or in use by the code that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialError {
    operation: OperationLabel,
    asked: &'static str,
    /// The type of the value; `None` if it is in use.
    held: Option<&'static str>,
}

impl PartialError {
    fn new<P>(operation: OperationLabel, refusal: &Refusal) -> Self {
        let held = match refusal {
            Refusal::OtherType(held) => Some(*held),
            Refusal::InUse | Refusal::Wait(_) => None,
        };
        Self {
            operation,
            asked: type_name::<P>(),
            held,
        }
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Whether the value is of another type than the update.
    #[must_use]
    pub fn is_other_type(&self) -> bool {
        self.held.is_some()
    }

    /// Whether the update was made inside another update of the same operation.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.held.is_none()
    }

    /// The name of the value's type, if that is the reason.
    #[must_use]
    pub fn held_type(&self) -> Option<&'static str> {
        self.held
    }
}

impl fmt::Display for PartialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the partial result of {} ", self.operation)?;
        match self.held {
            Some(held) => write!(f, "is of type {held}, not {}", self.asked),
            None => f.write_str("is in use by the code that asks for it"),
        }
    }
}

impl Error for PartialError {}
