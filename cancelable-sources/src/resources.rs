//! What is used up: memory, CPU, disks, and whatever else can be measured.
//!
//! A [`Gauge`] measures and knows no limit; a [`ResourceSource`] asks one in an interval and knows
//! when its answer is too much. The rhythm, the thread for looks and what becomes of a
//! failing or hanging gauge are those of the core's blocking condition.

mod bytes;
mod container;
mod cores;
mod cpu;
mod disk;
mod error;
mod gauge;
mod memory;
mod process;
mod source;

pub use error::InvalidLimit;
pub use gauge::{Gauge, GaugeUnit};
pub use source::{
    ResourceSource, cpu_limit, disk_limit, gauge_limit, memory_limit, process_cpu_limit,
    process_memory_limit,
};

#[cfg(test)]
mod tests;
