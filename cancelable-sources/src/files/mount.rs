//! Detection of file systems without events.
//!
//! The system does not report changes of a network mount that another machine makes. The contents of the
//! kernel's own file systems change without events.

use std::path::Path;

/// The numbers by which Linux knows file systems without events, from `statfs(2)` and the kernel's
/// `magic.h`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SILENT: [u32; 21] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFE53_4D42, // SMB 2
    0xFF53_4D42, // CIFS
    0x00C3_6400, // Ceph
    0x0102_1997, // 9P, for shared folders of virtual machines
    0x6A65_6A63, // old virtiofs
    0x6573_5546, // FUSE: sshfs, s3fs and others
    0x786F_4256, // shared folders of VirtualBox
    0xBACB_ACBC, // shared folders of VMware
    0x5346_414F, // AFS
    0x6B41_4653, // kAFS
    0x7375_7245, // Coda
    0x0BD0_0BD0, // Lustre
    0x4750_4653, // GPFS
    0x1983_0326, // BeeGFS
    0x0116_1970, // GFS 2
    0x7461_636F, // OCFS 2
    0x0000_9FA0, // proc
    0x6265_6572, // sysfs
    0x6367_7270, // cgroup 2
];

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn is_silent(path: &Path) -> bool {
    // The type of the number differs between architectures; 32 bits of it count.
    rustix::fs::statfs(path).is_ok_and(|found| SILENT.contains(&(found.f_type as u32)))
}

/// A mount without the flag for local is a network mount.
#[cfg(any(target_os = "macos", target_os = "ios"))]
pub(super) fn is_silent(path: &Path) -> bool {
    const LOCAL: u32 = 0x1000;
    rustix::fs::statfs(path).is_ok_and(|found| found.f_flags & LOCAL == 0)
}

/// A path of the form `\\server\share` is on the network. A drive letter may be on the network or not.
#[cfg(windows)]
pub(super) fn is_silent(path: &Path) -> bool {
    use std::path::{Component, Prefix};
    let Some(Component::Prefix(prefix)) = path.components().next() else {
        return false;
    };
    matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    windows
)))]
pub(super) fn is_silent(_: &Path) -> bool {
    false
}
