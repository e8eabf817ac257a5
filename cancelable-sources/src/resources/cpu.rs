//! The gauge of CPU time: of the container if it has a quota, or else of the cores that this process is bound
//! to, or else of the machine.

use super::container::{Container, CpuTime};
use super::cores::{CoreTimes, percent_since};
use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use sysinfo::System;

pub(super) struct Cpu {
    container: Container,
    system: System,
    /// The subject of the last reading, with the state for the next.
    of: Of,
}

enum Of {
    Machine,
    /// A container, with the CPU time that it had used.
    Container(CpuTime),
    /// The cores, with the sum of their ticks and the last figure.
    Cores {
        own: usize,
        before: CoreTimes,
        percent: f64,
    },
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self::of(Container::here())
    }

    pub(super) fn of(container: Container) -> Self {
        Self {
            container,
            system: System::new(),
            of: Of::Machine,
        }
    }

    /// Returns the load of the cores that the process is bound to, if it is bound to some.
    fn own_cores(&mut self) -> Option<f64> {
        let own = self.container.own_cores()?;
        let now = self.container.core_times();
        let (since, last) = match &self.of {
            Of::Cores {
                before, percent, ..
            } => (percent_since(&now, before, &own), *percent),
            Of::Machine | Of::Container(_) => (None, 0.0),
        };
        // Ticks are coarse: if none has passed, the last figure is returned.
        let percent = since.unwrap_or(last);
        self.of = Of::Cores {
            own: own.len(),
            before: now,
            percent,
        };
        Some(percent)
    }
}

impl Gauge for Cpu {
    fn name(&self) -> Cow<'static, str> {
        match &self.of {
            Of::Container(_) => "CPU of the container".into(),
            Of::Cores { own, before, .. } => {
                format!("CPU of {own} of the machine's {} cores", before.len()).into()
            }
            Of::Machine => "CPU of the machine".into(),
        }
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Percent
    }

    fn read(&mut self) -> io::Result<f64> {
        if let Some(now) = self.container.cpu_time() {
            let percent = match &self.of {
                Of::Container(before) => now.percent_since(*before),
                Of::Machine | Of::Cores { .. } => 0.0,
            };
            self.of = Of::Container(now);
            return Ok(percent);
        }
        if let Some(percent) = self.own_cores() {
            return Ok(percent);
        }
        self.of = Of::Machine;
        self.system.refresh_cpu_usage();
        Ok(self.system.global_cpu_usage().into())
    }
}
