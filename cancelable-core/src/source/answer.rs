//! What a condition may answer.

use crate::sync::{escape, isolate, log, raw_text};
use std::fmt::Display;

/// The answer of a condition: a `bool`, or a `Result` of one whose error is logged and after which
/// the condition is asked again.
pub trait Answer {
    /// The answer, or the text of the error.
    ///
    /// # Errors
    ///
    /// The error that the condition answered with, as text.
    fn into_answer(self) -> Result<bool, String>;
}

impl Answer for bool {
    fn into_answer(self) -> Result<bool, String> {
        Ok(self)
    }
}

impl<E: Display> Answer for Result<bool, E> {
    fn into_answer(self) -> Result<bool, String> {
        self.map_err(|error| {
            // The error is dropped after a panic of its words, not while that unwinds.
            let words = raw_text(&error);
            isolate("the drop of a condition's error", || drop(error));
            words
        })
    }
}

/// Whether the condition holds; an error is logged and means that it is not known to.
pub(super) fn holds(name: &str, answer: Result<bool, String>) -> bool {
    match answer {
        Ok(holds) => holds,
        Err(error) => {
            let (name, error) = (escape(name), escape(&error));
            log!(
                Warn,
                source = &*name, error = &*error;
                "condition {name} failed and will be asked again: {error}"
            );
            false
        }
    }
}
