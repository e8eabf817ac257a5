//! The results of a function with the attribute.

use crate::inside;
use cancelable_core::scope::RunError;
use cancelable_core::{Cancelled, Operation, cancelable};
use std::error::Error;
use std::fmt;
use std::io;

/// An error type of a program.
#[derive(Debug)]
enum ImportError {
    BadRow(u32),
    Stopped(Box<RunError>),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Error for ImportError {}

impl From<RunError> for ImportError {
    fn from(error: RunError) -> Self {
        Self::Stopped(Box::new(error))
    }
}

impl From<Cancelled> for ImportError {
    fn from(cancelled: Cancelled) -> Self {
        RunError::Cancelled(cancelled).into()
    }
}

#[test]
fn r18_a_result_stays_as_it_is() {
    #[cancelable]
    async fn import(rows: u32, #[scope] op: &Operation) -> Result<u32, ImportError> {
        if rows == 0 {
            return Err(ImportError::BadRow(7));
        }
        if rows > 10 {
            op.cancel_with("enough");
            op.check()?;
        }
        Ok(rows)
    }

    inside(async |_| {
        assert_eq!(import(3).await.unwrap(), 3);
        assert!(matches!(import(0).await, Err(ImportError::BadRow(7))));
        let Err(ImportError::Stopped(error)) = import(11).await else {
            panic!("it was cancelled");
        };
        assert!(error.to_string().contains("enough"), "{error}");
    });
}

#[test]
fn r18_the_common_errors_take_a_cancellation() {
    #[cancelable(timeout = "1s")]
    async fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
        std::future::pending().await
    }

    #[cancelable(timeout = "1s")]
    async fn io() -> io::Result<()> {
        std::future::pending().await
    }

    #[cancelable(timeout = "1s")]
    async fn run() -> Result<(), RunError> {
        std::future::pending().await
    }

    inside(async |_| {
        let error = boxed().await.unwrap_err();
        assert!(error.downcast_ref::<RunError>().unwrap().is_cancelled());
        let error = io().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.get_ref().unwrap().is::<Cancelled>());
        assert!(run().await.unwrap_err().is_cancelled());
    });
}

/// `?` and `return` in the body leave the body, not the function around it.
#[test]
fn r24_what_was_deferred_runs_whichever_way_the_body_ends() {
    #[cancelable]
    async fn ends(
        how: u32,
        done: &std::sync::mpsc::Sender<u32>,
        #[scope] op: &Operation,
    ) -> io::Result<u32> {
        let done = done.clone();
        op.defer(async move { done.send(how) }).unwrap();
        if how == 1 {
            return Ok(1);
        }
        if how == 2 {
            Err(io::Error::other("two"))?;
        }
        Ok(how)
    }

    inside(async |_| {
        let (done, ended) = std::sync::mpsc::channel();
        for how in 0..3 {
            assert_eq!(ends(how, &done).await.is_ok(), how != 2);
            assert_eq!(ended.try_recv(), Ok(how));
        }
    });
}

/// In this process no operation runs, so there is no runtime to inherit.
#[test]
fn r29_without_a_runtime_it_says_so() {
    #[cancelable(timeout = "1s", inherit_runtime)]
    async fn plain() {}

    #[cancelable(timeout = "1s", inherit_runtime)]
    async fn fallible() -> io::Result<()> {
        Ok(())
    }

    let error = conformance::plain::block_on(plain()).unwrap_err();
    assert!(matches!(error, RunError::NotBuilt(_)));
    let words = "scope plain has no runtime for its time limit: set one by `runtime(&handle)`";
    assert_eq!(error.to_string(), words);
    let error = conformance::plain::block_on(fallible()).unwrap_err();
    assert_eq!(error.to_string(), words.replace("plain", "fallible"));
}
