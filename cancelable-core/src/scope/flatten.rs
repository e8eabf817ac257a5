//! Which error of a body can also say that its run was cancelled.

use super::RunError;

/// An error that [`Outcome::flatten`](super::Outcome::flatten) and [`RunError::flatten`] can give: any that
/// is `From<RunError>`.
///
/// `Box<dyn Error>`, [`io::Error`](std::io::Error) and [`RunError`] itself are. It is there for what the
/// compiler says of one that is not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't say that the run was cancelled, because it is not `From<RunError>`",
    label = "no error that `flatten` could give",
    note = "where the body can't fail, as in `run`, the error of the outcome is `Infallible`: end with `.into_result()` there",
    note = "where the body fails with an error of your own, write `impl From<RunError> for {Self}`, or end with `.into_result()`"
)]
pub trait Flatten: Sized {
    /// The error for a run that has ended without the body's own.
    fn from_run_error(error: RunError) -> Self;
}

// Without this the compiler names the bound of this impl, and none of the words above.
#[diagnostic::do_not_recommend]
impl<E: From<RunError>> Flatten for E {
    fn from_run_error(error: RunError) -> Self {
        Self::from(error)
    }
}
