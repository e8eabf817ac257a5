//! The error of joining a task that gave no value.

use crate::sync::{Mutex, escape, panic_text};
use std::any::Any;
use std::fmt;

/// A task ended without a value: it panicked, or its runtime lost it.
pub struct JoinError {
    why: Why,
}

enum Why {
    /// The payload is behind a lock only because a payload is not `Sync` and an error should be.
    Panic {
        text: String,
        payload: Mutex<Option<Box<dyn Any + Send>>>,
    },
    Lost {
        runtime: &'static str,
        started: bool,
    },
    Taken,
}

impl JoinError {
    pub(crate) fn panic(payload: Box<dyn Any + Send>) -> Self {
        let text = panic_text(payload.as_ref()).to_owned();
        Self {
            why: Why::Panic {
                text,
                payload: Mutex::new(Some(payload)),
            },
        }
    }

    pub(super) fn lost(runtime: &'static str, started: bool) -> Self {
        Self {
            why: Why::Lost { runtime, started },
        }
    }

    pub(super) fn taken() -> Self {
        Self { why: Why::Taken }
    }

    /// What it panicked with, as text; empty if it did not panic.
    pub(crate) fn text(&self) -> &str {
        match &self.why {
            Why::Panic { text, .. } => text,
            Why::Lost { .. } | Why::Taken => "",
        }
    }

    /// The task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.why, Why::Panic { .. })
    }

    /// The runtime did not take the task, or dropped it before its end.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.why, Why::Lost { .. })
    }

    /// What the task panicked with, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// The task did not panic; the error comes back.
    pub fn into_panic(mut self) -> Result<Box<dyn Any + Send>, Self> {
        if let Why::Panic { payload, .. } = &mut self.why {
            if let Some(payload) = payload.get_mut().take() {
                return Ok(payload);
            }
        }
        Err(self)
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Panic { text, .. } => write!(f, "the task panicked: {}", escape(text)),
            Why::Lost {
                runtime,
                started: true,
            } => write!(
                f,
                "the task was dropped before its end by the {runtime} runtime; keep the runtime alive until its tasks are joined"
            ),
            Why::Lost {
                runtime,
                started: false,
            } => write!(
                f,
                "the task was never run by the {runtime} runtime; keep the runtime alive until its tasks are joined"
            ),
            Why::Taken => f.write_str("the task was joined before; its value is handed out once"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Panic { text, .. } => f.debug_tuple("Panic").field(text).finish(),
            Why::Lost { runtime, started } => f
                .debug_struct("Lost")
                .field("runtime", runtime)
                .field("started", started)
                .finish(),
            Why::Taken => f.write_str("Taken"),
        }
    }
}

impl std::error::Error for JoinError {}

// The payload of a panic is only handed back, and nothing here changes it.
impl std::panic::UnwindSafe for JoinError {}
impl std::panic::RefUnwindSafe for JoinError {}
