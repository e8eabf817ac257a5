//! A registry: what runs now, and a way to cancel some of it.
//!
//! The children of a registered scope are registered too. What has ended is in a bounded history.
//!
//! ```text
//! import-1 of Some("blue")
//! import-2 of Some("green")
//! 1 cancelled
//! serve is open
//! import-2 is open
//! export-1 is open
//! serve is completed
//! import-1 is cancelled
//! 3 cancelled, 0 open
//! ```

use cancelable_core::registry::{Filter, Query};
use cancelable_core::{Registry, Scope, Status};
use std::error::Error;
use std::future::pending;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // `register()` of a scope uses the registry of the process, `Registry::global()`.
        let registry = Registry::new();
        let serve = rt::scope("serve").register_in(&registry);
        let outcome = serve.try_run(async |op: Scope| {
            for (name, tenant) in [
                ("import-1", "blue"),
                ("import-2", "green"),
                ("export-1", "blue"),
            ] {
                let job = op.child(name).metadata("tenant", tenant);
                drop(job.spawn(async |_| pending::<()>().await));
            }

            for job in registry.list(&Filter::new().name("import-*")) {
                println!("{} of {:?}", job.name(), job.metadata().get("tenant"));
            }
            // The same criteria as text, for a command line or a URL.
            let query: Query = "name:import-* meta.tenant=blue".parse()?;
            let cancelled =
                registry.cancel_all_with(&Filter::from(query), "asked for by an operator");
            println!("{cancelled} cancelled");

            for job in registry.operations(&Filter::new().name("import-1")) {
                job.finished().await;
            }
            for operation in registry.list(&Filter::new()) {
                println!("{} is open", operation.name());
            }
            op.cancel_with("shutdown");
            Ok::<_, Box<dyn Error>>(())
        });
        println!("serve is {}", outcome.await.status());

        for ended in registry.history(&Filter::new().name("import-1")) {
            println!("{} is {}", ended.name(), ended.status());
        }
        let statistics = registry.statistics();
        println!(
            "{} cancelled, {} open",
            statistics.count(Status::Cancelled),
            statistics.open()
        );
        Ok(())
    })
}
