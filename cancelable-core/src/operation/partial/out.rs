//! A partial result while a user's code has it.

use super::slot::{Refusal, Slot};
use super::value::Value;
use crate::operation::Record;
use crate::sync::isolate;

/// What was taken out of a record, to be put back when this is dropped, whatever happens.
pub(super) struct Out<'a> {
    record: &'a Record,
    pub(super) value: Option<Value>,
}

impl<'a> Out<'a> {
    /// Takes the value out, if it is as it `is_wanted`, and waits for it while another thread has it.
    ///
    /// # Errors
    ///
    /// It is of another type, or this thread itself has it.
    pub(super) fn take(
        record: &'a Record,
        is_wanted: Option<fn(&Value) -> bool>,
    ) -> Result<Self, Refusal> {
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
    pub(super) fn try_take(record: &'a Record) -> Option<Self> {
        let value = record.on_partial(|slot| slot.take_out(None))?.ok()?;
        Some(Self { record, value })
    }
}

/// A drop, so that a panic puts it back too.
impl Drop for Out<'_> {
    fn drop(&mut self) {
        let value = self.value.take();
        let (old, back) = self
            .record
            .with_partial(|slot: &mut Slot| slot.put_back(value));
        if let Some(back) = back {
            back.set();
        }
        if old.is_some() {
            isolate("the drop of a partial result", || drop(old));
        }
    }
}
