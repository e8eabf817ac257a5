//! Hooks of a scope, for a meter or a log of your own, and what is left of an operation after its end.
//!
//! A hook runs on the thread that makes the change. Progress is reported once more at the end. The history of a
//! registry keeps what has ended, until it is pruned.
//!
//! ```text
//! whole starts
//! whole at 3, last: false
//! whole at 3, last: true
//! whole is complete
//! whole ends
//! cut starts
//! cut: cancel requested: enough (by cut)
//! cut ends
//! kept: Some(["row 1", "row 2"])
//! history: 2
//! pruned: 2
//! ```

use cancelable_core::operation::Hooks;
use cancelable_core::registry::Filter;
use cancelable_core::{Registry, Scope};
use std::error::Error;
use std::future::pending;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let registry = Registry::new();
        let hooks = Hooks::new()
            .on_start(|op| println!("{} starts", op.name()))
            .on_progress(|op, update| {
                let (position, is_last) = (update.snapshot(), update.is_last());
                println!("{} at {position}, last: {is_last}", op.name());
            })
            .on_completed(|op| println!("{} is complete", op.name()))
            .on_cancelled(|op, cause| println!("{}: {}", op.name(), cause.without_location()))
            .on_end(|op| println!("{} ends", op.name()));

        let whole = rt::scope("whole")
            .register_in(&registry)
            .hooks(hooks.clone());
        whole
            .run(async |op: Scope| op.progress().advance(3))
            .await
            .complete()?;

        let cut = rt::scope("cut").register_in(&registry).hooks(hooks);
        let cut = cut.run(async |op: Scope| {
            op.partial().set(vec!["row 1", "row 2"]);
            op.cancel_with("enough");
            pending::<()>().await;
        });
        let mut outcome = cut.await;
        // Takes the value; `partial()` would borrow it.
        let rows: Option<Vec<&str>> = outcome.take_partial();
        println!("kept: {rows:?}");

        println!("history: {}", registry.history(&Filter::new()).len());
        // Removes what ended before this moment, and keeps what failed.
        let pruned = registry.prune_history(rt::current()?.now(), true);
        println!("pruned: {pruned}");
        Ok(())
    })
}
