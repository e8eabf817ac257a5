//! Sources for limits of memory, CPU, disks, and the program's own gauges.
//!
//! A [`Gauge`] measures and has no limit. A [`ResourceSource`] reads a gauge in an interval and compares the
//! reading with a limit. The interval, the thread and the handling of a gauge that fails or hangs are those of the
//! core's blocking condition.

mod bytes;
mod container;
mod cores;
mod cpu;
mod disk;
mod gauge;
mod memory;
mod process;
mod source;

pub use gauge::{Gauge, GaugeUnit};
pub use source::{
    ResourceSource, cpu_limit, disk_limit, gauge_limit, memory_limit, process_cpu_limit,
    process_memory_limit,
};

#[cfg(test)]
mod tests;
