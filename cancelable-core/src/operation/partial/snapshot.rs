//! What a partial result is, for people.

use super::out::Out;
use super::slot::Slot;
use crate::operation::Record;
use crate::sync::isolate;

/// What an operation had so far when it was asked, from
/// [`Partial::snapshot`](super::Partial::snapshot).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSnapshot {
    pub(super) type_name: &'static str,
    pub(super) text: Option<String>,
}

impl PartialSnapshot {
    /// The name of the value's type, as the compiler spells it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// How it reads, if that [was said](super::Partial::show) for its type and it was not in use
    /// just then.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

pub(super) fn of(record: &Record) -> Option<PartialSnapshot> {
    let (type_name, show) =
        record.on_partial(|slot: &mut Slot| (slot.type_name(), slot.shown()))?;
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
