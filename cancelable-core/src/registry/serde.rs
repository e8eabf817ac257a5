//! Serialisation of events, trees and statistics.

use super::event::Event;
use super::query::Query;
use super::statistics::{Durations, Statistics};
use super::tree::{Tree, TreeEntry};
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// An event is serialised with a snapshot of the operation, taken during the serialisation.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Counted, because some formats write the number of fields first.
        let fields = match self {
            Self::CancelRequested(..) => 3,
            _ => 2,
        };
        let mut event = serializer.serialize_struct("Event", fields)?;
        event.serialize_field("event", self.as_str())?;
        if let Some(operation) = self.operation() {
            event.serialize_field("operation", &operation.snapshot())?;
        }
        match self {
            Self::CancelRequested(_, cause) => event.serialize_field("cause", cause)?,
            Self::Missed(count) => event.serialize_field("count", count)?,
            _ => {}
        }
        event.end()
    }
}

impl Serialize for TreeEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("TreeEntry", 2)?;
        entry.serialize_field("depth", &self.depth())?;
        entry.serialize_field("operation", self.operation())?;
        entry.end()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}

/// A query is serialised as its text.
impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The serialised form of statistics.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Statistics", rename = "Statistics")]
struct StatisticsFields {
    pending: u64,
    running: u64,
    completed: u64,
    cancelled: u64,
    failed: u64,
    never_run: u64,
    durations: Option<Durations>,
    #[serde(default)]
    stopping: BTreeMap<Cow<'static, str>, Durations>,
}

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StatisticsFields::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Statistics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StatisticsFields::deserialize(deserializer)
    }
}

/// The serialised form of durations.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Durations")]
struct Seconds {
    count: u64,
    mean_seconds: f64,
    p50_seconds: f64,
    p99_seconds: f64,
    max_seconds: f64,
}

impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = Seconds {
            count: self.count,
            mean_seconds: self.mean.as_secs_f64(),
            p50_seconds: self.p50.as_secs_f64(),
            p99_seconds: self.p99.as_secs_f64(),
            max_seconds: self.max.as_secs_f64(),
        };
        seconds.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Durations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = Seconds::deserialize(deserializer)?;
        let span = |seconds| Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom);
        Ok(Self {
            count: seconds.count,
            mean: span(seconds.mean_seconds)?,
            p50: span(seconds.p50_seconds)?,
            p99: span(seconds.p99_seconds)?,
            max: span(seconds.max_seconds)?,
        })
    }
}
