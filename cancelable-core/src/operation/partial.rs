//! What an operation has so far: a value that is found when it did not come to its end.

use crate::cause::OperationLabel;
use crate::record::Record;
use crate::record::partial_slot::Refusal;
use crate::report::{PartialSnapshot, Value};
use crate::sync::isolate;
use std::any::type_name;
use std::error::Error;
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

impl<'a> Partial<'a> {
    pub(crate) fn new(record: &'a Record) -> Self {
        Self { record }
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
        snapshot_of(self.record)
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

pub(crate) fn snapshot_of(record: &Record) -> Option<PartialSnapshot> {
    let (type_name, show) = record.on_partial(|slot| (slot.type_name(), slot.shown()))?;
    let mut snapshot = PartialSnapshot {
        type_name: type_name?,
        text: None,
    };
    if let Some(show) = show {
        if let Some(out) = Out::try_take(record) {
            let value = out.value.as_ref()?;
            snapshot.type_name = value.type_name();
            isolate("the text of a partial result", || {
                snapshot.text = show(value.as_any());
            });
        }
    }
    Some(snapshot)
}

/// What was taken out of a record, to be put back when this is dropped, whatever happens.
struct Out<'a> {
    record: &'a Record,
    value: Option<Value>,
}

impl<'a> Out<'a> {
    /// Takes the value out, if it is as it `is_wanted`, and waits for it while another thread has it.
    ///
    /// # Errors
    ///
    /// It is of another type, or this thread itself has it.
    fn take(record: &'a Record, is_wanted: Option<fn(&Value) -> bool>) -> Result<Self, Refusal> {
        // Ends: every turn follows one in which another thread has put it back.
        loop {
            match record.with_partial(|slot| slot.take_out(is_wanted)) {
                Ok(value) => return Ok(Self { record, value }),
                Err(Refusal::Wait(back)) => back.wait(),
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// [`take`](Self::take) that does not wait, and makes no slot.
    fn try_take(record: &'a Record) -> Option<Self> {
        let value = record.on_partial(|slot| slot.take_out(None))?.ok()?;
        Some(Self { record, value })
    }
}

/// A drop, so that a panic puts it back too.
impl Drop for Out<'_> {
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

/// A partial result was not updated: it is of another type, or in use by the code that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialError {
    operation: OperationLabel,
    asked: &'static str,
    /// None if it is in use.
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

    fn other_type<P>(operation: OperationLabel, held: &'static str) -> Self {
        Self::new::<P>(operation, &Refusal::OtherType(held))
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

    /// Whether the update was asked for inside another one of the same operation.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.held.is_none()
    }

    /// The name of the value's type, if that is what stood in the way.
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
