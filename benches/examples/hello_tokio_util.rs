//! `hello.rs` with the token of tokio-util.

#![allow(clippy::print_stdout)]

use tokio_util::sync::CancellationToken;

fn main() {
    let token = CancellationToken::new();
    let request = token.child_token();
    if std::env::args().len() > 1 {
        token.cancel();
    }
    if !request.is_cancelled() {
        println!("hello");
    }
}
