//! What a check may answer.

use std::fmt::Display;

/// The answer of a check: nothing, if it panics where something is broken, or a `Result`.
pub trait Verdict {
    /// What is broken, as text.
    ///
    /// # Errors
    ///
    /// Something is.
    fn into_verdict(self) -> Result<(), String>;
}

impl Verdict for () {
    fn into_verdict(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Verdict for Result<(), E> {
    fn into_verdict(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
