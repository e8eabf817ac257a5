//! The slot of a partial result in its record, under the record's lock.
//!
//! # States
//!
//! | state  | update, read, take                                         | set                                             |
//! |--------|------------------------------------------------------------|-------------------------------------------------|
//! | `Free` | takes the value out                                        | replaces the value                              |
//! | `Out`  | on another thread waits for the event; on the same, refused | keeps the new value; the old is dropped when it comes back |

use crate::report::Value;
use crate::sync::{ManualResetEvent, ThreadId, thread_id};
use std::any::Any;
use std::mem;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Slot {
    state: State,
    show: Option<Show>,
}

/// Returns a value as text; `None` for one of another type.
pub(crate) type Show = Arc<dyn Fn(&dyn Any) -> Option<String> + Send + Sync>;

enum State {
    Free(Option<Value>),
    Out {
        thread: ThreadId,
        /// The type of the value that was taken out.
        type_name: Option<&'static str>,
        /// Set when the value is back; there if another thread waits for it.
        back: Option<Arc<ManualResetEvent>>,
        /// A value that was set in the meantime.
        newer: Option<Value>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Free(None)
    }
}

/// The reason why a value could not be taken out.
pub(crate) enum Refusal {
    /// Another thread has it. It is back when the event is set.
    Wait(Arc<ManualResetEvent>),
    /// This thread has it.
    InUse,
    /// It is of this type.
    OtherType(&'static str),
}

impl Slot {
    /// Takes the value out, if it is of a wanted type. This thread puts it back.
    pub(crate) fn take_out(
        &mut self,
        is_wanted: Option<fn(&Value) -> bool>,
    ) -> Result<Option<Value>, Refusal> {
        match &mut self.state {
            State::Free(value) => {
                if let (Some(value), Some(is_wanted)) = (&value, is_wanted) {
                    if !is_wanted(value) {
                        return Err(Refusal::OtherType(value.type_name()));
                    }
                }
                let value = value.take();
                self.state = State::Out {
                    thread: thread_id(),
                    type_name: value.as_ref().map(Value::type_name),
                    back: None,
                    newer: None,
                };
                Ok(value)
            }
            State::Out { thread, .. } if *thread == thread_id() => Err(Refusal::InUse),
            State::Out { back, .. } => {
                let event = back.get_or_insert_with(|| Arc::new(ManualResetEvent::new()));
                Err(Refusal::Wait(Arc::clone(event)))
            }
        }
    }

    /// Puts a value back. Returns what the caller handles with no lock held: a value to drop, and an event to
    /// set.
    #[must_use]
    pub(crate) fn put_back(
        &mut self,
        value: Option<Value>,
    ) -> (Option<Value>, Option<Arc<ManualResetEvent>>) {
        let (back, newer) = match mem::take(&mut self.state) {
            State::Out { back, newer, .. } => (back, newer),
            State::Free(newer) => (None, newer),
        };
        let (kept, old) = match newer {
            Some(newer) => (Some(newer), value),
            None => (value, None),
        };
        self.state = State::Free(kept);
        (old, back)
    }

    /// Replaces the value, and returns the one before.
    #[must_use]
    pub(crate) fn set(&mut self, value: Value) -> Option<Value> {
        match &mut self.state {
            State::Free(present) => present.replace(value),
            State::Out { newer, .. } => newer.replace(value),
        }
    }

    /// Takes the value, if it is not in use.
    pub(crate) fn take(&mut self) -> Option<Value> {
        match &mut self.state {
            State::Free(value) => value.take(),
            State::Out { .. } => None,
        }
    }

    /// Sets how a value of this type is written, and returns the setting before.
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

    /// Returns the type of the value that is there or was taken out.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match &self.state {
            State::Free(value) => value.as_ref().map(Value::type_name),
            State::Out {
                type_name, newer, ..
            } => newer.as_ref().map(Value::type_name).or(*type_name),
        }
    }

    /// Whether there is a value for an outcome to take.
    pub(crate) fn is_filled(&self) -> bool {
        matches!(self.state, State::Free(Some(_)))
    }
}
