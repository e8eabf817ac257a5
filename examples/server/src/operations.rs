//! The list of what is running, for operators. Keep it from the public.

use cancelable_core::Registry;

pub(crate) async fn operations() -> String {
    Registry::global().dump()
}
