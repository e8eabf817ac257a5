use cancelable_core::cancelable;

#[cancelable(timeout = "1s")]
async fn no_adapter_is_called_rt() {}

fn main() {}
