//! The CPU time of the machine, or of the container where that has less.

use super::container::{Container, CpuTime};
use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use sysinfo::System;

pub(super) struct Cpu {
    container: Container,
    system: System,
    /// What the container had used at the last look.
    before: Option<CpuTime>,
    /// The last reading was the container's.
    contained: bool,
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self::of(Container::here())
    }

    pub(super) fn of(container: Container) -> Self {
        Self {
            container,
            system: System::new(),
            before: None,
            contained: false,
        }
    }
}

impl Gauge for Cpu {
    fn name(&self) -> Cow<'static, str> {
        match self.contained {
            true => "CPU of the container".into(),
            false => "CPU of the machine".into(),
        }
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Percent
    }

    fn read(&mut self) -> io::Result<f64> {
        let now = self.container.cpu_time();
        self.contained = now.is_some();
        let Some(now) = now else {
            self.system.refresh_cpu_usage();
            return Ok(self.system.global_cpu_usage().into());
        };
        let before = self.before.replace(now);
        Ok(before.map_or(0.0, |before| now.percent_since(before)))
    }
}
