//! How full the disk is that a path is on.

use super::{Gauge, GaugeUnit};
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use sysinfo::{DiskRefreshKind, Disks};

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
        let path = real(&self.path)?;
        // Made anew, since what is mounted changes.
        let storage = DiskRefreshKind::nothing().with_storage();
        let disks = Disks::new_with_refreshed_list_specifics(storage);
        let disk = disks
            .iter()
            .filter(|disk| path.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().components().count());
        let total = disk.map_or(0, sysinfo::Disk::total_space);
        let free = disk.map_or(0, sysinfo::Disk::available_space);
        match total {
            0 => Err(io::Error::other(format!(
                "no disk with a size is known for {}",
                path.display()
            ))),
            total => Ok(total.saturating_sub(free) as f64 / total as f64 * 100.0),
        }
    }
}

/// The path without links, as far as it exists: what is not there yet will be on the disk of what
/// is.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    // Ends with the root, which exists.
    for above in path.ancestors() {
        match above.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Windows' own spelling of canonical paths is not that of mount points.
            Ok(_) if cfg!(windows) => return Ok(path),
            found => return found,
        }
    }
    Ok(path)
}
