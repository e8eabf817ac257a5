use cancelable_core::cancelable;

#[cancelable(signals(SIGINT, SIGTREM))]
async fn misspelt() {}

#[cancelable(signals(INT))]
async fn without_sig() {}

#[cancelable(signals(SIGKILL))]
async fn uncatchable() {}

#[cancelable(signals())]
async fn none() {}

fn main() {}
