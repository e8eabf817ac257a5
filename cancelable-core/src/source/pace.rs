//! The rhythm of a condition: how long to wait between two questions, and what it is called.

use super::error::ZeroInterval;
use crate::cause::{Cause, Reason};
use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

/// What all three kinds of condition have in common.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) name: Cow<'static, str>,
    pub(super) interval: Duration,
    location: &'static Location<'static>,
}

impl Pace {
    #[track_caller]
    pub(super) fn new(interval: Duration) -> Result<Self, ZeroInterval> {
        if interval.is_zero() {
            return Err(ZeroInterval(()));
        }
        Ok(Self {
            name: "condition".into(),
            interval,
            location: Location::caller(),
        })
    }

    pub(super) fn set_name(&mut self, name: Cow<'static, str>) {
        self.name = name;
    }

    /// Why a scope is cancelled whose condition came true.
    pub(super) fn cause(self) -> Cause {
        Cause::new(Reason::Condition)
            .with_location(self.location)
            .with_message(self.name)
    }
}
