//! The gauge of memory in use: of the container if it has less than the machine, or else of the machine.

use super::container::Container;
use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use sysinfo::{MemoryRefreshKind, System};

pub(super) struct Memory {
    container: Container,
    system: System,
    /// True if the last reading was the container's.
    contained: bool,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self::of(Container::here())
    }

    pub(super) fn of(container: Container) -> Self {
        Self {
            container,
            system: System::new(),
            contained: false,
        }
    }
}

impl Gauge for Memory {
    fn name(&self) -> Cow<'static, str> {
        match self.contained {
            true => "memory of the container".into(),
            false => "memory of the machine".into(),
        }
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Percent
    }

    fn read(&mut self) -> io::Result<f64> {
        let ram = MemoryRefreshKind::nothing().with_ram();
        self.system.refresh_memory_specifics(ram);
        let total = self.system.total_memory();
        // A container that may use more than the machine has is limited by the machine.
        let share = self.container.memory();
        let share = share.filter(|share| total == 0 || share.limit < total);
        self.contained = share.is_some();
        let (used, of) = match share {
            Some(share) => (share.used, share.limit),
            None => (total.saturating_sub(self.system.available_memory()), total),
        };
        match of {
            0 => Err(io::Error::other(
                "the system does not report the size of its memory",
            )),
            of => Ok(used as f64 / of as f64 * 100.0),
        }
    }
}
