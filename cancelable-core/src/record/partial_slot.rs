//! The place of a partial result in its record, under the record's lock.
//!
//! # States
//!
//! | state    | who comes to update, read or take it | who comes to set it                     |
//! |----------|--------------------------------------|-----------------------------------------|
//! | `Free`   | takes it out                         | replaces it                             |
//! | `Out`    | waits for the event, on another thread; is refused on the same one | leaves it for when the other one is back, which then is too old |

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

/// How a value reads; `None` for one of another type.
pub(crate) type Show = Arc<dyn Fn(&dyn Any) -> Option<String> + Send + Sync>;

enum State {
    Free(Option<Value>),
    Out {
        thread: ThreadId,
        /// What was taken out.
        type_name: Option<&'static str>,
        /// Where others wait for it, if any do.
        back: Option<Arc<ManualResetEvent>>,
        /// What was set meanwhile.
        newer: Option<Value>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Free(None)
    }
}

/// Why a value could not be taken out.
pub(crate) enum Refusal {
    /// Another one has it. It is back when the event is set.
    Wait(Arc<ManualResetEvent>),
    /// The caller itself has it.
    InUse,
    /// It is of this type.
    OtherType(&'static str),
}

impl Slot {
    /// Takes the value out, if it is as it `is_wanted`, for this thread to put back.
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

    /// Takes a value back. What is to be done with no lock held: a value to be dropped, an event to be
    /// opened.
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

    /// Puts `value` in place, and gives what was there.
    #[must_use]
    pub(crate) fn set(&mut self, value: Value) -> Option<Value> {
        match &mut self.state {
            State::Free(present) => present.replace(value),
            State::Out { newer, .. } => newer.replace(value),
        }
    }

    /// Takes the value away, if it is not in use.
    pub(crate) fn take(&mut self) -> Option<Value> {
        match &mut self.state {
            State::Free(value) => value.take(),
            State::Out { .. } => None,
        }
    }

    /// Says how a value of this type reads, and gives what said so before.
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

    /// The type of what is there or was taken out.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match &self.state {
            State::Free(value) => value.as_ref().map(Value::type_name),
            State::Out {
                type_name, newer, ..
            } => newer.as_ref().map(Value::type_name).or(*type_name),
        }
    }

    /// Whether there is something for an outcome to take.
    pub(crate) fn is_filled(&self) -> bool {
        matches!(self.state, State::Free(Some(_)))
    }
}
