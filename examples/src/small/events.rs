//! Events of a registry, and hooks of operations: who tells a dashboard, and who acts at once.
//!
//! Events are read later, by a stream or a thread. A slow reader delays no work. A hook is called by the thread that
//! makes the change.
//!
//! ```text
//! hook: import is to stop
//! import is cancelled
//! hook: parse failed: invalid digit found in string
//! parse is failed
//! event: #1 import was opened
//! event: #1 import has started
//! event: #1 import has made progress: 1
//! event: #1 import is being cancelled: cancel requested: enough (at src/main.rs:41 by import)
//! event: #1 import has ended: cancelled
//! event: #2 parse was opened
//! event: #2 parse has started
//! event: #2 parse has ended: failed
//! ```

use cancelable_core::operation::Hooks;
use cancelable_core::registry::Event;
use cancelable_core::{Registry, Scope};
use std::error::Error;
use std::future::pending;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let registry = Registry::new();
        let mut events = registry.events();

        // For each operation of the registry. A scope can have hooks too, by `hooks(..)` of its builder.
        let hooks = Hooks::new()
            .on_cancel_requested(|op, _| println!("hook: {} is to stop", op.name()))
            .on_failed(|op, error| println!("hook: {} failed: {error}", op.name()));
        let _guard = registry.add_hooks(hooks);

        let import = rt::scope("import").register_in(&registry);
        let import = import.run(async |op: Scope| {
            op.progress().advance(1);
            op.cancel_with("enough");
            pending::<()>().await;
        });
        println!("import is {}", import.await.status());
        let parse = rt::scope("parse").register_in(&registry);
        // The text of an error is known to a run that asks for it.
        let parse = parse.try_run(async |_| "x".parse::<u32>());
        println!("parse is {}", parse.with_error_text().await.status());

        // A stream for async code, `wait()` for a thread; here all is over.
        while let Some(event) = events.try_next() {
            match event {
                Event::Missed(count) => println!("{count} events were lost"),
                event => println!("event: {event}"),
            }
        }
        Ok(())
    })
}
