//! A small program with a token of this library, which `benches/weight.sh` builds and measures.

#![allow(clippy::print_stdout)]

use cancelable_core::CancellationToken;

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
