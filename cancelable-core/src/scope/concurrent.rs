//! Work on many items in place, with a bound on how many are under way at once.

mod for_each;
mod items;
mod map;

pub use for_each::ForEachConcurrent;
pub use items::{ByIterator, ByStream, Items, Pulled};
pub(crate) use map::{BUDGET, take};
pub use map::{MapConcurrent, ZeroConcurrency};
