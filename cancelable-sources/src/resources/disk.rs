//! The gauge of used space on the disk of a path.

use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Gauge for Disk {
    fn name(&self) -> Cow<'static, str> {
        format!("disk of {}", self.path.display()).into()
    }

    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Percent
    }

    fn read(&mut self) -> io::Result<f64> {
        let path = std::path::absolute(&self.path)?;
        // A path that does not exist will be on the disk of its nearest existing ancestor. Ends at the root, which
        // exists.
        let there = path.ancestors().find(|above| above.exists());
        let space = Space::of(there.unwrap_or(&path))?;
        match space.used + space.free {
            0 => Err(io::Error::other(format!(
                "no disk with a size is known for {}",
                path.display()
            ))),
            all => Ok(space.used as f64 / all as f64 * 100.0),
        }
    }
}

/// The used space of a disk, and the space that this process may use: a part may be reserved.
struct Space {
    used: u64,
    free: u64,
}

impl Space {
    /// Reads the usage in blocks. The system call takes the path itself, so a mount at the path counts.
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self {
            used: found.f_blocks.saturating_sub(found.f_bfree),
            free: found.f_bavail,
        })
    }

    /// Reads the usage in bytes of the drive with which the path begins.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        let storage = sysinfo::DiskRefreshKind::nothing().with_storage();
        let disks = sysinfo::Disks::new_with_refreshed_list_specifics(storage);
        let disk = disks
            .iter()
            .filter(|disk| path.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().components().count());
        let total = disk.map_or(0, sysinfo::Disk::total_space);
        let free = disk.map_or(0, sysinfo::Disk::available_space);
        Ok(Self {
            used: total.saturating_sub(free),
            free,
        })
    }
}
