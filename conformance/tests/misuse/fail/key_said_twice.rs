use cancelable_core::cancelable;

#[cancelable(name = "one", detached, name = "two")]
async fn twice() {}

#[cancelable(detached, detached)]
async fn flag_twice() {}

fn main() {}
