//! The limits of Linux' control groups for this process, of versions 1 and 2.
//!
//! Control groups are nested, and each may have a limit. Inside a container the groups above its own usually
//! cannot be read, and its own is at the top although the process has another path. So each folder on the way
//! up is read, if it exists. Other systems have none of these files, and so no limit.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the system's files.
#[derive(Clone, Debug)]
pub(super) struct Container {
    root: PathBuf,
}

/// The used part of a limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) used: u64,
    pub(super) limit: u64,
}

/// The CPU time that a group has used, and its quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CpuTime {
    /// The CPU time in seconds, the sum over all cores.
    used: f64,
    /// The machine's clock, in seconds: a runtime's clock may stand still.
    clock: f64,
    cores: f64,
}

impl CpuTime {
    /// Returns the used part of the quota since then; zero if no time has passed.
    pub(super) fn percent_since(self, before: Self) -> f64 {
        let possible = (self.clock - before.clock) * self.cores;
        match possible > 0.0 {
            true => (self.used - before.used).max(0.0) / possible * 100.0,
            false => 0.0,
        }
    }
}

/// The group of a controller: its folder and the folders above, the innermost first.
pub(super) struct Group {
    pub(super) levels: Vec<PathBuf>,
    pub(super) version: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Container {
    /// The groups of this process.
    pub(super) fn here() -> Self {
        Self::below("/")
    }

    /// The groups by system files below that folder, for tests.
    pub(super) fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the memory limit that is nearest to being reached.
    pub(super) fn memory(&self) -> Option<Share> {
        let group = self.group("memory")?;
        let [limit, used, cache] = match group.version {
            Version::One => [
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            ],
            Version::Two => ["memory.max", "memory.current", "inactive_file"],
        };
        let share = |level: &PathBuf| {
            let limit: u64 = number(&level.join(limit))?;
            let used: u64 = number(&level.join(used))?;
            let cache: u64 = entry(&level.join("memory.stat"), cache).unwrap_or(0);
            let used = used.saturating_sub(cache);
            // Without a limit version 1 has a number that no machine reaches.
            (0 < limit && limit < 1 << 60).then_some(Share { used, limit })
        };
        let fullness = |share: &Share| share.used as f64 / share.limit as f64;
        let shares = group.levels.iter().filter_map(share);
        shares.max_by(|one, other| fullness(one).total_cmp(&fullness(other)))
    }

    /// A file or folder of the system.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the number of cores that the process may use: the lesser of its quota and of the cores that it is bound
    /// to. `None` if the process may use all cores.
    pub(super) fn cpus(&self) -> Option<f64> {
        let quota = self.quota().map(|(_, cores)| cores);
        let own = self.own_cores().map(|cores| cores.len() as f64);
        match (quota, own) {
            (Some(quota), Some(own)) => Some(quota.min(own)),
            (quota, own) => quota.or(own),
        }
    }

    /// Returns the CPU time of the group with the least quota, if there is a quota.
    pub(super) fn cpu_time(&self) -> Option<CpuTime> {
        let (level, quota) = self.quota()?;
        let cores = self.cpus().unwrap_or(quota);
        let micros: f64 = match self.group("cpu")?.version {
            Version::Two => entry(&level.join("cpu.stat"), "usage_usec")?,
            Version::One => {
                // Another controller, with the same groups.
                let base = self.root.join("sys/fs/cgroup");
                let below = level.strip_prefix(base.join("cpu")).ok()?;
                let nanos: f64 = number(&base.join("cpuacct").join(below).join("cpuacct.usage"))?;
                nanos / 1e3
            }
        };
        let uptime = fs::read_to_string(self.root.join("proc/uptime")).ok()?;
        Some(CpuTime {
            used: micros / 1e6,
            clock: uptime.split_whitespace().next()?.parse().ok()?,
            cores,
        })
    }

    /// Returns the folder with the fewest cores, and their number.
    fn quota(&self) -> Option<(PathBuf, f64)> {
        let group = self.group("cpu")?;
        let cores = |level: &PathBuf| {
            let (quota, period): (f64, f64) = match group.version {
                Version::One => (
                    number(&level.join("cpu.cfs_quota_us"))?,
                    number(&level.join("cpu.cfs_period_us"))?,
                ),
                Version::Two => {
                    // `max 100000` where there is no limit, which is not a number.
                    let text = fs::read_to_string(level.join("cpu.max")).ok()?;
                    let (quota, period) = text.trim().split_once(' ')?;
                    (quota.parse().ok()?, period.parse().ok()?)
                }
            };
            // Version 1 has -1 if there is no limit.
            (quota > 0.0 && period > 0.0).then(|| (level.clone(), quota / period))
        };
        let limits = group.levels.iter().filter_map(cores);
        limits.min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// Returns the group of this process for a controller.
    pub(super) fn group(&self, controller: &str) -> Option<Group> {
        let list = fs::read_to_string(self.root.join("proc/self/cgroup")).ok()?;
        let lines = list.lines().filter_map(|line| {
            let (_, line) = line.split_once(':')?;
            line.split_once(':')
        });
        let base = self.root.join("sys/fs/cgroup");
        let mut unified = None;
        for (controllers, path) in lines {
            if controllers.split(',').any(|name| name == controller) {
                let base = base.join(controller);
                return Some(Group {
                    levels: levels(&base, path),
                    version: Version::One,
                });
            }
            if controllers.is_empty() {
                unified = Some(path);
            }
        }
        Some(Group {
            levels: levels(&base, unified?),
            version: Version::Two,
        })
    }
}

/// Returns the folders of a group and of the groups above it that exist.
fn levels(base: &Path, path: &str) -> Vec<PathBuf> {
    // A path out of the visible groups has `..` in it; only the top of it exists.
    let path = if path.contains("..") { "" } else { path };
    let below = Path::new(path.trim_start_matches('/'));
    let all = below.ancestors().map(|level| base.join(level));
    all.filter(|level| level.is_dir()).collect()
}

fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the value of a line `key value`.
fn entry<T: std::str::FromStr>(path: &Path, key: &str) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == key)?.1.trim().parse().ok()
}
