//! The slot of a partial result in its record, under the record's lock.
//!
//! # States
//!
//! | `update` | read | update, take | set |
//! |----------|------|--------------|-----|
//! | `None` | shares the value | takes the value out | replaces the value |
//! | `Some` | shares a value that was set since | refused | keeps the value, which replaces that of the update at its end |

use crate::report::Value;
use std::any::Any;
use std::sync::Arc;

/// The partial result, and how a snapshot shows it.
#[derive(Default)]
pub(crate) struct Slot {
    /// The value; during an update, a value that was set since the update began.
    value: Option<Value>,
    /// The update in progress, which has taken the value out.
    update: Option<Update>,
    show: Option<Show>,
}

/// An update in progress.
struct Update {
    /// The type of the value that was taken out.
    type_name: Option<&'static str>,
}

/// Returns a value as text; `None` for a value of another type.
pub(crate) type Show = Arc<dyn Fn(&dyn Any) -> Option<String> + Send + Sync>;

/// The reason for the refusal of an update.
pub(crate) enum UpdateRefusal {
    /// Another update is in progress.
    InUse,
    /// The value is of this type.
    OtherType(&'static str),
}

impl Slot {
    /// Begins an update of a value of type `P`, and takes the value out. The caller puts the value back.
    ///
    /// # Errors
    ///
    /// Another update is in progress, or the value is of another type.
    pub(crate) fn begin_update<P: Send + Sync + 'static>(
        &mut self,
    ) -> Result<Option<Arc<P>>, UpdateRefusal> {
        if self.update.is_some() {
            return Err(UpdateRefusal::InUse);
        }
        let type_name = self.type_name();
        let value = self.take_of::<P>();
        if let Some(other) = &self.value {
            return Err(UpdateRefusal::OtherType(other.type_name()));
        }
        self.update = Some(Update { type_name });
        Ok(value)
    }

    /// Ends an update, and puts its value back. Returns the value if a newer one was set, for a drop with no lock
    /// held.
    #[must_use]
    pub(crate) fn end_update(&mut self, value: Option<Value>) -> Option<Value> {
        self.update = None;
        if self.value.is_some() {
            return value;
        }
        self.value = value;
        None
    }

    /// Replaces the value, and returns the previous one.
    #[must_use]
    pub(crate) fn set(&mut self, value: Value) -> Option<Value> {
        self.value.replace(value)
    }

    /// Takes the value, if no update is in progress.
    pub(crate) fn take(&mut self) -> Option<Value> {
        self.value.take_if(|_| self.update.is_none())
    }

    /// Takes the value as [`take`](Self::take) does, if it has the type `P`. A value of another type stays.
    pub(crate) fn take_of<P: Send + Sync + 'static>(&mut self) -> Option<Arc<P>> {
        match self.take()?.downcast() {
            Ok(value) => Some(value),
            Err(other) => {
                self.value = Some(other);
                None
            }
        }
    }

    /// Returns the value, shared with the slot.
    pub(crate) fn share(&self) -> Option<Value> {
        self.value.clone()
    }

    /// Sets the function that writes a value of type `P` as text, and returns the previous setting.
    #[must_use]
    pub(crate) fn show<P: 'static>(
        &mut self,
        show: impl Fn(&P) -> String + Send + Sync + 'static,
    ) -> Option<Show> {
        let show: Show = Arc::new(move |value| value.downcast_ref().map(&show));
        self.show.replace(show)
    }

    pub(crate) fn shown(&self) -> Option<Show> {
        self.show.clone()
    }

    /// Returns the type of the value, also of a value that an update has taken out.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match &self.value {
            Some(value) => Some(value.type_name()),
            None => self.update.as_ref()?.type_name,
        }
    }

    /// Returns whether there is a value for an outcome to take.
    pub(crate) fn is_filled(&self) -> bool {
        self.value.is_some() && self.update.is_none()
    }
}
