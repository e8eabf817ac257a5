//! The cores that this process may use and their load, on Linux.
//!
//! A process may be bound to some of the cores: by the cpuset of its control group, as containers are, or by
//! the affinity of its threads (`taskset`). The status of each thread (`Cpus_allowed_list`) has the result of
//! both, and the process may use the cores of all its threads. The cpuset of the group
//! (`cpuset.cpus.effective`) shows when enough threads were read. `/proc/stat` has the busy time of each core.
//! Other systems have none of these files, and so no bound.

use super::container::{Container, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The greatest number of threads that are read. If a program binds more threads, each to a core of its own, some
/// cores are left out.
const MOST_THREADS: usize = 256;

/// Cores by their numbers.
pub(super) type Cores = BTreeSet<usize>;

/// The ticks of a core since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks {
    busy: u64,
    all: u64,
}

/// The ticks of cores at one moment.
pub(super) type CoreTimes = BTreeMap<usize, Ticks>;

/// Returns the load of these cores since then; none if no time has passed.
pub(super) fn percent_since(now: &CoreTimes, before: &CoreTimes, cores: &Cores) -> Option<f64> {
    let (mut busy, mut all) = (0, 0);
    for core in cores {
        if let (Some(now), Some(before)) = (now.get(core), before.get(core)) {
            // The kernel's idle ticks may go back by one.
            busy += now.busy.saturating_sub(before.busy);
            all += now.all.saturating_sub(before.all);
        }
    }
    (all > 0).then(|| busy.min(all) as f64 / all as f64 * 100.0)
}

impl Container {
    /// Returns the cores that the process may use, if those are not all.
    pub(super) fn own_cores(&self) -> Option<Cores> {
        let all: Cores = self.core_times().into_keys().collect();
        let granted = self.cpuset().unwrap_or_else(|| all.clone());
        let mut own = Cores::new();
        let threads = fs::read_dir(self.path("proc/self/task")).ok()?;
        for thread in threads.flatten().take(MOST_THREADS) {
            own.extend(allowed(&thread.path().join("status")));
            if own.is_superset(&granted) {
                break;
            }
        }
        // Some containers see cores with numbers of their own, and all of these cores are theirs.
        own.retain(|core| all.contains(core));
        (!own.is_empty() && own.len() < all.len()).then_some(own)
    }

    /// The ticks of all cores that are in use.
    pub(super) fn core_times(&self) -> CoreTimes {
        let text = fs::read_to_string(self.path("proc/stat")).unwrap_or_default();
        text.lines().filter_map(ticks).collect()
    }

    /// The cores of the control group.
    fn cpuset(&self) -> Option<Cores> {
        let group = self.group("cpuset")?;
        let name = match group.version {
            Version::One => "cpuset.effective_cpus",
            Version::Two => "cpuset.cpus.effective",
        };
        let files = group.levels.iter().map(|level| level.join(name));
        let text = files
            .filter_map(|file| fs::read_to_string(file).ok())
            .next()?;
        let cores = list(text.trim());
        (!cores.is_empty()).then_some(cores)
    }
}

/// Returns the cores on which a thread may run; an empty set if the thread has ended.
fn allowed(status: &Path) -> Cores {
    let text = fs::read_to_string(status).unwrap_or_default();
    let mut lines = text.lines();
    let found = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list(found.unwrap_or_default().trim())
}

/// Parses a list of the kernel, such as `0-3,8`.
fn list(text: &str) -> Cores {
    let ranges = text.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let first: usize = first.trim().parse().ok()?;
        let last: usize = last.trim().parse().ok()?;
        // No machine has more, so the file is not the kernel's.
        (last < 1 << 16).then_some(first..=last)
    });
    ranges.flatten().collect()
}

/// Parses a line of `/proc/stat`: `cpu3` with its ticks in user, nice, system, idle, iowait, irq, softirq and steal. The
/// fields after these are contained in user and nice.
fn ticks(line: &str) -> Option<(usize, Ticks)> {
    let mut fields = line.strip_prefix("cpu")?.split(' ');
    let core: usize = fields.next()?.parse().ok()?;
    let ticks: Vec<u64> = fields
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    let all = ticks.iter().sum();
    let idle = ticks.iter().skip(3).take(2).sum::<u64>();
    let busy = u64::saturating_sub(all, idle);
    Some((core, Ticks { busy, all }))
}
