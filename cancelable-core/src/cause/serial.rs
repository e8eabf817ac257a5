//! The `serde` forms of causes, and of the labels and numbers of operations.

use super::{Cause, OperationId, OperationLabel, Reason};
use crate::sync::raw_text;
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::num::NonZeroU64;
use std::panic::Location;
use std::time::Duration;

/// A source location as `file:line:column`.
pub(crate) fn place(location: &Location<'_>) -> String {
    location.to_string()
}

/// A span of time in seconds.
pub(crate) fn seconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}

impl Serialize for OperationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = NonZeroU64::new(u64::deserialize(deserializer)?);
        number
            .map(Self::from)
            .ok_or_else(|| D::Error::custom("no operation has the number 0"))
    }
}

impl Serialize for OperationLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut label = serializer.serialize_struct("OperationLabel", 2)?;
        label.serialize_field("id", &self.id())?;
        label.serialize_field("name", self.name())?;
        label.end()
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = match self {
            Self::TimedOut { .. } => 1,
            Self::Signal { .. } => 2,
            _ => 0,
        };
        let mut reason = serializer.serialize_struct("Reason", 1 + more)?;
        reason.serialize_field("kind", self.as_str())?;
        match self {
            Self::TimedOut { limit } => {
                reason.serialize_field("limit_seconds", &limit.as_secs_f64())?;
            }
            Self::Signal { number, name } => {
                reason.serialize_field("number", number)?;
                reason.serialize_field("name", name)?;
            }
            _ => {}
        }
        reason.end()
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cause = serializer.serialize_struct("Cause", 7)?;
        cause.serialize_field("reason", self.reason())?;
        cause.serialize_field("message", &self.message())?;
        cause.serialize_field("location", &place(self.location()))?;
        cause.serialize_field("operation", &self.operation())?;
        cause.serialize_field("error", &self.error().map(raw_text))?;
        cause.serialize_field("inherited", &self.is_inherited())?;
        cause.serialize_field("text", &self.to_string())?;
        cause.end()
    }
}
