//! The attribute below `#[async_trait]`, and on a function that never returns.

use crate::inside;
use async_trait::async_trait;
use cancelable_core::scope::RunError;
use cancelable_core::{Operation, Reason, Scope, cancelable, current};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Duration;

#[async_trait]
trait Store: Send + Sync {
    async fn add(&self, line: &str) -> io::Result<usize>;

    async fn wait<'a>(&'a self, name: &'a str) -> Result<&'a str, RunError>;

    async fn named(&self, first: &str, second: &str) -> io::Result<String>;

    /// A method with a default body.
    #[cancelable]
    async fn answer(&self) -> Result<u32, RunError> {
        Ok(42)
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

#[async_trait]
impl Store for Lines {
    #[cancelable(timeout = "1s")]
    async fn add(&self, line: &str) -> io::Result<usize> {
        if line.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut lines = self.0.lock();
        lines.push(line.to_owned());
        Ok(lines.len())
    }

    #[cancelable(timeout = "1s")]
    async fn wait<'a>(&'a self, name: &'a str) -> Result<&'a str, RunError> {
        pending::<()>().await;
        Ok(name)
    }

    #[cancelable(name = first.to_owned())]
    async fn named(
        &self,
        first: &str,
        #[scope] op: &Operation,
        second: &str,
    ) -> io::Result<String> {
        assert_eq!(current().map(|here| here.id()), Some(op.id()));
        Ok(format!("{} {second}", op.name()))
    }
}

#[test]
fn r16_methods_of_an_async_trait_have_scopes() {
    inside(async |_| {
        let store: Box<dyn Store> = Box::new(Lines::default());
        assert_eq!(store.add("a").await.unwrap(), 1);
        assert_eq!(
            store.add("").await.unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
        let error = store.wait("b").await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("wait cancelled after 1 s: timed out"),
            "{error}"
        );
        assert_eq!(store.named("c", "d").await.unwrap(), "c d");
        assert_eq!(store.answer().await.unwrap(), 42);
    });
}

#[cancelable(timeout = "3s")]
async fn serve(#[scope] op: &Scope) -> ! {
    loop {
        op.progress().advance(1);
        op.runtime().unwrap().sleep(Duration::from_secs(1)).await;
    }
}

#[cancelable(timeout = "3s")]
async fn serve_elsewhere(give_up: bool) -> ! {
    if give_up {
        panic!("no place to serve from");
    }
    forever().await
}

async fn forever() -> ! {
    loop {
        pending::<()>().await;
    }
}

#[test]
fn r16_a_function_that_never_returns_ends_by_its_cancel() {
    inside(async |_| {
        for ended in [serve().await, serve_elsewhere(false).await] {
            let ended: Result<Infallible, RunError> = ended;
            let reason = ended
                .unwrap_err()
                .cause()
                .map(|cause| cause.reason().clone());
            let limit = Duration::from_secs(3);
            assert_eq!(reason, Some(Reason::TimedOut { limit }));
        }
    });
}
