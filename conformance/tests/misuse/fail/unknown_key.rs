use cancelable_core::cancelable;

#[cancelable(timout = "30s")]
async fn misspelt() {}

#[cancelable(name = "x", true)]
async fn no_key() {}

fn main() {}
