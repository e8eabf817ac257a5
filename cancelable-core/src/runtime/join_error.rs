//! The error of a join.

use crate::sync::{Mutex, escape, panic_text};
use std::any::Any;
use std::fmt;

/// The error of a task without a value: the task panicked, or the runtime lost it.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let runtime = rt::current()?;
/// let error = runtime.spawn(async { panic!("no such row") }).await.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(error.to_string(), "the task panicked: no such row");
/// # Ok(())
/// # })
/// # }
/// ```
pub struct JoinError {
    why: Why,
}

enum Why {
    /// The lock makes the error `Sync`, which a payload is not.
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

    /// Returns the text of the panic; empty if the task did not panic.
    pub(crate) fn text(&self) -> &str {
        match &self.why {
            Why::Panic { text, .. } => text,
            Why::Lost { .. } | Why::Taken => "",
        }
    }

    /// Returns whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.why, Why::Panic { .. })
    }

    /// Returns whether the runtime refused the task or dropped it before its end.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.why, Why::Lost { .. })
    }

    /// Returns the payload of the panic, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// The same error, if the task did not panic.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::runtime::JoinError;
    ///
    /// fn unwind_or_print(error: JoinError) {
    ///     match error.into_panic() {
    ///         Ok(payload) => std::panic::resume_unwind(payload),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// ```
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
            Why::Taken => {
                f.write_str("the task was joined before, and a task returns its value once")
            }
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

// The payload is never changed here, only returned.
impl std::panic::UnwindSafe for JoinError {}
impl std::panic::RefUnwindSafe for JoinError {}
