//! The status of a process in `/proc`, on Linux. Only `/proc` has the group and the end of a process that is not a
//! child of this program.

use rustix::process::Pid;
use std::fs;

pub(crate) struct Stat {
    /// True if the process is a zombie, or dead.
    pub(crate) has_ended: bool,
    pub(crate) parent: i32,
    /// The process group. Zero for a group outside this PID namespace.
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// The group in the foreground of the process's terminal: -1 without a terminal, and zero as above.
    pub(crate) foreground: i32,
}

impl Stat {
    /// Returns the status of this process.
    pub(crate) fn own() -> Option<Self> {
        Self::parse(&fs::read("/proc/self/stat").ok()?)
    }

    pub(crate) fn of(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // "number (name) state parent group session terminal foreground ...". The name may have any characters.
        let stat = String::from_utf8_lossy(stat);
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let has_ended = matches!(fields.next(), Some("Z" | "X" | "x"));
        let mut numbers = fields.map(|field| field.parse().ok());
        Some(Self {
            has_ended,
            parent: numbers.next()??,
            group: numbers.next()??,
            session: numbers.next()??,
            foreground: numbers.nth(1)??,
        })
    }
}

/// Returns every process, or `None` if `/proc` cannot be read.
pub(crate) fn all() -> Option<impl Iterator<Item = Pid>> {
    // An empty directory of that name has no processes.
    Stat::own()?;
    let entries = fs::read_dir("/proc").ok()?;
    let number = |name: &str| name.parse().ok().and_then(Pid::from_raw);
    Some(entries.filter_map(move |entry| number(entry.ok()?.file_name().to_str()?)))
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn the_name_of_a_process_may_have_anything_in_it() {
        let stat = Stat::parse(b"7 (a) R 1 2) S 3 4 5 34816 6 4194304 0").unwrap();
        assert!(!stat.has_ended);
        assert_eq!((stat.parent, stat.group), (3, 4));
        assert_eq!((stat.session, stat.foreground), (5, 6));
        let stat = Stat::parse(b"7 (\xff) Z 0 0 0 0 -1 0").unwrap();
        assert!(stat.has_ended && stat.foreground == -1);
        assert!(Stat::parse(b"").is_none() && Stat::parse(b"7 (a) S 1").is_none());
    }
}
