//! Errors that return the work: they are errors like any other, whatever the type of the work.

use cancelable_core::error::Rejected;
use cancelable_core::operation::Shield;
use cancelable_core::runtime::Refused;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Scope};
use std::cell::Cell;
use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

/// Sent from thread to thread, and not shared by them.
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Shared = Box<dyn Error + Send + Sync>;

fn spawn(scope: &Scope, future: Boxed<u8>) -> Result<(), Shared> {
    drop(scope.spawn(future)?);
    Ok(())
}

fn defer(operation: &Operation, future: Boxed<()>) -> Result<(), Shared> {
    operation.defer(future)?;
    Ok(())
}

fn call(scope: &Scope) -> Result<(), Shared> {
    let used = Cell::new(1);
    drop(scope.spawn_blocking(move |_| used.get())?);
    Ok(())
}

fn listen(operation: &Operation) -> Result<(), Shared> {
    let count = Cell::new(0);
    let hook = move |_: &_| count.set(count.get() + 1);
    operation
        .on_progress_every(Duration::from_secs(1), hook)?
        .detach();
    Ok(())
}

fn shield(operation: &Operation, future: Boxed<()>) -> Result<(), Shared> {
    drop(operation.shield(future).within(Duration::from_secs(1))?);
    Ok(())
}

#[test]
fn r25_r29_work_that_is_not_shared_comes_back_in_an_error_that_is() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("import").build().expect("it is sound");
    let error = listen(&scope).unwrap_err().to_string();
    assert!(
        error.contains("scope import rejected an interval"),
        "{error}"
    );
    let error = shield(&scope, Box::pin(ready(()))).unwrap_err();
    let error = error.downcast::<Rejected<Shield<Boxed<()>>>>();
    let error = error.expect("it has the future");
    assert_eq!(error.operation().name(), "import");
    assert!(format!("{error:?}").contains("import"));
    manual.block_on(error.into_inner());
    assert!(call(&scope).is_err());
    let error = spawn(&scope, Box::pin(ready(7))).unwrap_err();
    let error = error.downcast::<Rejected<Boxed<u8>>>();
    let error = error.expect("it has the future");
    assert!(error.is_pending());
    assert_eq!(manual.block_on(error.into_inner()), 7);
    drop(manual.block_on(scope.run(async |_| ())));
    let error = defer(&scope, Box::pin(ready(()))).unwrap_err();
    let error = error.downcast::<Rejected<Boxed<()>>>();
    manual.block_on(error.expect("it has the future").into_inner());
    let refused: Shared = Box::new(Refused::new(Cell::new(3)));
    let refused = refused.downcast::<Refused<Cell<i32>>>();
    assert_eq!(refused.expect("it has the work").into_inner().get(), 3);
}
