//! The `serde` forms of causes, and of the labels and numbers of operations.

use super::{Cause, CauseRecord, OperationId, OperationLabel, Reason};
use crate::sync::raw_text;
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::num::NonZeroU64;
use std::panic::Location;
use std::time::Duration;

/// A source location as `file:line:column`.
pub(crate) fn location_text(location: &Location<'_>) -> String {
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
        let origin = self.origin();
        let fields = 7 + usize::from(origin.is_some());
        let mut cause = serializer.serialize_struct("Cause", fields)?;
        cause.serialize_field("reason", self.reason())?;
        cause.serialize_field("message", &self.message())?;
        cause.serialize_field("location", &location_text(self.location()))?;
        cause.serialize_field("operation", &self.operation())?;
        cause.serialize_field("error", &self.error().map(raw_text))?;
        cause.serialize_field("inherited", &self.is_inherited())?;
        cause.serialize_field("text", &self.to_string())?;
        if let Some(origin) = origin {
            cause.serialize_field("origin", origin)?;
        }
        cause.end()
    }
}

/// The serialised form of a record. The fields that it shares with a cause have the same names there.
#[derive(Serialize, Deserialize)]
#[serde(rename = "CauseRecord")]
struct RecordForm {
    reason: ReasonForm,
    message: Option<String>,
    location: String,
    operation: Option<LabelForm>,
    error: Option<String>,
    node: Option<String>,
    age_seconds: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Reason")]
struct ReasonForm {
    kind: String,
    limit_seconds: Option<f64>,
    number: Option<i32>,
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "OperationLabel")]
struct LabelForm {
    id: u64,
    name: String,
}

impl Serialize for CauseRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = self.clone();
        let (number, name) = of.signal.unzip();
        let form = RecordForm {
            reason: ReasonForm {
                kind: of.kind.into_owned(),
                limit_seconds: seconds(of.limit),
                number,
                name,
            },
            message: of.message,
            location: of.location,
            operation: of.operation.map(|(id, name)| LabelForm { id, name }),
            error: of.error,
            node: of.node,
            age_seconds: seconds(of.age),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CauseRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = RecordForm::deserialize(deserializer)?;
        let span = |seconds: Option<f64>| {
            let span = seconds.map(Duration::try_from_secs_f64);
            span.transpose().map_err(D::Error::custom)
        };
        let reason = form.reason;
        Ok(Self {
            kind: reason.kind.into(),
            limit: span(reason.limit_seconds)?,
            signal: reason.number.zip(reason.name),
            message: form.message,
            error: form.error,
            location: form.location,
            operation: form.operation.map(|label| (label.id, label.name)),
            node: form.node,
            age: span(form.age_seconds)?,
        })
    }
}
