//! The gauges of this process: its memory and its CPU time.

use super::container::Container;
use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The system's figures of this process.
struct Figures {
    system: System,
    pid: Pid,
}

impl Figures {
    fn new() -> Self {
        Self {
            system: System::new(),
            pid: Pid::from_u32(std::process::id()),
        }
    }

    fn read(&mut self, what: ProcessRefreshKind) -> io::Result<&sysinfo::Process> {
        let this = [self.pid];
        let these = ProcessesToUpdate::Some(&this);
        self.system
            .refresh_processes_specifics(these, true, what.without_tasks());
        let found = self.system.process(self.pid);
        found.ok_or_else(|| io::Error::other("the system has no figures of this process"))
    }
}

/// The memory of the process in bytes, without swapped memory.
pub(super) struct ProcessMemory(Figures);

impl ProcessMemory {
    pub(super) fn new() -> Self {
        Self(Figures::new())
    }
}

impl Gauge for ProcessMemory {
    fn name(&self) -> Cow<'static, str> {
        "memory of the process".into()
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Bytes
    }

    fn read(&mut self) -> io::Result<f64> {
        let figures = self.0.read(ProcessRefreshKind::nothing().with_memory())?;
        Ok(figures.memory() as f64)
    }
}

/// The CPU time of the process, in percent of the CPU time that it may use.
pub(super) struct ProcessCpu {
    figures: Figures,
    container: Container,
}

impl ProcessCpu {
    pub(super) fn new() -> Self {
        Self {
            figures: Figures::new(),
            container: Container::here(),
        }
    }
}

impl Gauge for ProcessCpu {
    fn name(&self) -> Cow<'static, str> {
        "CPU of the process".into()
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Percent
    }

    fn read(&mut self) -> io::Result<f64> {
        // Of one core, so that two busy threads are 200.
        let figures = self
            .figures
            .read(ProcessRefreshKind::nothing().with_cpu())?;
        let used = f64::from(figures.cpu_usage());
        let cores = match self.container.cpus() {
            Some(cores) => cores,
            None => std::thread::available_parallelism()?.get() as f64,
        };
        Ok(used / cores)
    }
}
