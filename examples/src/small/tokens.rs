//! Tokens alone, without a scope and without a runtime.
//!
//! A cancel reaches all child tokens before `cancel_with` returns. Everybody can read the cause. A token is waited for
//! by a plain thread as well as by async code.
//!
//! ```text
//! callback: cancel requested: deploy of build 71
//! request is cancelled: true
//! user is cancelled: false
//! either is cancelled by input Some(1)
//! the thread was told: Some("deploy of build 71")
//! cancelled: cancel requested: deploy of build 71 (at src/main.rs:40)
//! ```

use cancelable_core::CancellationToken;
use std::error::Error;
use std::thread;

pub fn main() -> Result<(), Box<dyn Error>> {
    let server = CancellationToken::new();
    let request = server.child_token();

    // A callback runs once, on the thread that cancels.
    let _registration =
        server.on_cancel(|cause| println!("callback: {}", cause.without_location()));

    // A thread waits for its token, and does not poll it.
    let waiting = thread::spawn({
        let request = request.clone();
        move || {
            request.wait();
            request.message()
        }
    });

    // A token that is cancelled with the first of several.
    let user = CancellationToken::new();
    let either = CancellationToken::any_of([&user, &request])?;

    server.cancel_with("deploy of build 71");
    println!("request is cancelled: {}", request.is_cancelled());
    println!("user is cancelled: {}", user.is_cancelled());
    println!(
        "either is cancelled by input {:?}",
        either.cancelled_input()
    );
    println!(
        "the thread was told: {:?}",
        waiting.join().map_err(|_| "the thread panicked")?
    );

    // Code that seldom awaits checks the token.
    if let Err(cancelled) = request.check() {
        println!("{cancelled}");
    }
    Ok(())
}
