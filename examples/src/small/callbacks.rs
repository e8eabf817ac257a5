//! Callbacks of a token, a limit for a token without a scope, and a handle that keeps no token alive.
//!
//! A callback runs once, on the thread that cancels. `cancel_on` runs the callbacks on a thread of the runtime. The drop
//! of the guard of `cancel_after` calls the cancel off.
//!
//! ```text
//! the limit is called off: true
//! never ran: true
//! shutting down, elsewhere: true
//! too late: shutting down
//! slow is cancelled: Some(TimedOut { limit: 10ms })
//! still alive: false
//! ```

use cancelable_core::source::{cancel_after, cancel_on};
use cancelable_core::{CancellationToken, Reason};
use std::error::Error;
use std::thread;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let request = CancellationToken::new();

        // The limit is for the head of a response only.
        let limit = cancel_after(&runtime, &request, Duration::from_secs(60));
        println!("the limit is called off: {}", limit.disarm());

        // The callback is not needed any more.
        let closing = request.on_cancel(|_| println!("closing the connection"));
        println!("never ran: {}", closing.unregister());

        // Callbacks that may block: `cancel_on` runs them on another thread.
        let caller = thread::current().id();
        let closed = CancellationToken::new();
        let done = closed.clone();
        let _registration = request.on_cancel(move |cause| {
            let is_elsewhere = thread::current().id() != caller;
            println!("{}, elsewhere: {is_elsewhere}", cause.without_location());
            done.cancel();
        });
        cancel_on(&runtime, &request, Reason::ShuttingDown);
        closed.cancelled().await;

        // After the cancel there is nothing to register for. `on_cancel` would call back at once.
        if let Err(already) = request.try_on_cancel(|_| ()) {
            println!("too late: {}", already.cause().without_location());
        }

        let slow = CancellationToken::new();
        let _limit = cancel_after(&runtime, &slow, Duration::from_millis(10));
        slow.cancelled().await;
        println!("slow is cancelled: {:?}", slow.reason());

        // A handle in a cache keeps its token alive; a weak one does not.
        let user = CancellationToken::new();
        let cached = user.downgrade();
        drop(user);
        println!("still alive: {}", cached.upgrade().is_some());
        Ok(())
    })
}
