//! Limits of control groups, from files as Linux has them.

use super::Gauge;
use super::container::{Container, Share};
use super::cpu::Cpu;
use super::memory::Memory;
use std::fs;
use tempfile::TempDir;

/// A folder that the tests use in place of `/`.
struct Root(TempDir);

impl Root {
    fn new(cgroup: &str, files: &[(&str, &str)]) -> Self {
        let root = Self(TempDir::new().unwrap());
        root.set("proc/self/cgroup", cgroup);
        for (path, text) in files {
            root.set(&format!("sys/fs/cgroup/{path}"), text);
        }
        root
    }

    fn set(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn container(&self) -> Container {
        Container::below(self.0.path())
    }
}

fn share(used: u64, limit: u64) -> Option<Share> {
    Some(Share { used, limit })
}

#[test]
fn r30_the_memory_of_version_two_counts_without_the_cache() {
    let root = Root::new(
        "0::/app\n",
        &[
            ("app/memory.max", "1000\n"),
            ("app/memory.current", "700\n"),
            ("app/memory.stat", "anon 300\ninactive_file 200\n"),
        ],
    );
    assert_eq!(root.container().memory(), share(500, 1000));
    root.set("sys/fs/cgroup/app/memory.max", "max\n");
    assert_eq!(root.container().memory(), None);
}

#[test]
fn r30_the_memory_of_version_one_counts_without_the_cache() {
    let root = Root::new(
        "4:memory:/app\n0::/\n",
        &[
            ("memory/app/memory.limit_in_bytes", "1000\n"),
            ("memory/app/memory.usage_in_bytes", "700\n"),
            ("memory/app/memory.stat", "total_inactive_file 200\n"),
        ],
    );
    assert_eq!(root.container().memory(), share(500, 1000));
    // Version 1 reports this number if there is no limit.
    root.set(
        "sys/fs/cgroup/memory/app/memory.limit_in_bytes",
        "9223372036854771712\n",
    );
    assert_eq!(root.container().memory(), None);
}

#[test]
fn r30_the_limit_that_is_nearest_counts_on_every_level() {
    let root = Root::new(
        "0::/slice/app\n",
        &[
            ("slice/app/memory.max", "1000\n"),
            ("slice/app/memory.current", "100\n"),
            ("slice/memory.max", "2000\n"),
            ("slice/memory.current", "1900\n"),
        ],
    );
    assert_eq!(root.container().memory(), share(1900, 2000));
}

/// Inside a container the path is the outer path, and the group is at the top.
#[test]
fn r30_a_path_that_is_not_there_is_looked_for_at_the_top() {
    for path in ["/docker/0123", "/../../0123"] {
        let root = Root::new(
            &format!("0::{path}\n"),
            &[("memory.max", "1000\n"), ("memory.current", "100\n")],
        );
        assert_eq!(root.container().memory(), share(100, 1000), "{path}");
    }
}

#[test]
fn r30_without_control_groups_there_is_no_limit() {
    let container = Container::below(TempDir::new().unwrap().path());
    assert_eq!(container.memory(), None);
    assert_eq!(container.cpus(), None);
    assert_eq!(container.cpu_time(), None);
}

#[test]
fn r30_a_container_s_memory_is_read_as_such() {
    let root = Root::new(
        "0::/\n",
        &[("memory.max", "1000\n"), ("memory.current", "915\n")],
    );
    let mut gauge = Memory::of(root.container());
    assert_eq!(gauge.read().unwrap(), 91.5);
    assert_eq!(gauge.name(), "memory of the container");
    // More than the machine has is no limit of its own.
    root.set("sys/fs/cgroup/memory.max", "1000000000000000000\n");
    assert!((0.0..=100.0).contains(&gauge.read().unwrap()));
    assert_eq!(gauge.name(), "memory of the machine");
}

#[test]
fn r30_the_cpu_of_either_version_is_a_share_of_the_quota() {
    let two = Root::new(
        "0::/app\n",
        &[
            ("app/cpu.max", "150000 100000\n"),
            ("app/cpu.stat", "usage_usec 1000000\nuser_usec 5\n"),
        ],
    );
    let one = Root::new(
        "2:cpuacct:/app\n1:cpu:/app\n0::/\n",
        &[
            ("cpu/app/cpu.cfs_quota_us", "150000\n"),
            ("cpu/app/cpu.cfs_period_us", "100000\n"),
            ("cpuacct/app/cpuacct.usage", "1000000000\n"),
        ],
    );
    for root in [&two, &one] {
        root.set("proc/uptime", "100.00 50.00\n");
        assert_eq!(root.container().cpus(), Some(1.5));
        let mut gauge = Cpu::of(root.container());
        assert_eq!(
            gauge.read().unwrap(),
            0.0,
            "there is nothing to compare with"
        );
        // In two seconds of one core and a half it has used one and a half.
        root.set("proc/uptime", "102.00 50.00\n");
        root.set("sys/fs/cgroup/app/cpu.stat", "usage_usec 2500000\n");
        root.set("sys/fs/cgroup/cpuacct/app/cpuacct.usage", "2500000000\n");
        assert_eq!(gauge.read().unwrap(), 50.0);
        assert_eq!(gauge.name(), "CPU of the container");
    }
    two.set("sys/fs/cgroup/app/cpu.max", "max 100000\n");
    one.set("sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "-1\n");
    for root in [two, one] {
        assert_eq!(root.container().cpus(), None);
        let mut gauge = Cpu::of(root.container());
        gauge.read().unwrap();
        assert_eq!(gauge.name(), "CPU of the machine");
    }
}

/// The lines of `/proc/stat` for four cores, by how many of a hundred ticks more each was busy.
fn stat(busy: [u64; 4], rounds: u64) -> String {
    let mut text = String::from("cpu  1 2 3 4 5 6 7 8 0 0\n");
    for (core, busy) in busy.iter().enumerate() {
        // A part of what is idle waits for a disk, and guests count in user.
        let (busy, idle) = (busy * rounds, (100 - busy) * rounds);
        let line = format!(
            "cpu{core} {busy} 0 0 {} {} 0 0 0 {busy} 0\n",
            idle / 2,
            idle - idle / 2
        );
        text.push_str(&line);
    }
    text + "intr 1 2 3\n"
}

fn thread(allowed: &str) -> String {
    format!("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{allowed}\nSigCgt:\t0\n")
}

#[test]
fn r30_the_cpu_of_a_process_that_is_bound_to_some_cores_is_of_those() {
    let root = Root::new("0::/app\n", &[("app/cpuset.cpus.effective", "1,3\n")]);
    root.set("proc/self/task/7/status", &thread("1,3"));
    root.set("proc/stat", &stat([0, 90, 0, 70], 1));
    assert_eq!(root.container().cpus(), Some(2.0));
    let mut gauge = Cpu::of(root.container());
    assert_eq!(
        gauge.read().unwrap(),
        0.0,
        "there is nothing to compare with"
    );
    root.set("proc/stat", &stat([0, 90, 0, 70], 2));
    assert_eq!(gauge.read().unwrap(), 80.0);
    assert_eq!(gauge.name(), "CPU of 2 of the machine's 4 cores");
    assert_eq!(gauge.read().unwrap(), 80.0, "no tick has passed");
    // Bound to all of them, it is the machine.
    root.set("proc/self/task/7/status", &thread("0-3"));
    gauge.read().unwrap();
    assert_eq!(gauge.name(), "CPU of the machine");
}

#[test]
fn r30_all_threads_together_are_what_the_process_may_use() {
    // By affinity alone, without a control group.
    let root = Root::new("", &[]);
    root.set("proc/stat", &stat([0; 4], 1));
    root.set("proc/self/task/7/status", &thread("0"));
    assert_eq!(root.container().cpus(), Some(1.0));
    root.set("proc/self/task/8/status", &thread("2-3"));
    assert_eq!(root.container().cpus(), Some(3.0));
    root.set("proc/self/task/9/status", &thread("1"));
    assert_eq!(root.container().cpus(), None, "that is all there is");
}

/// The smaller of a quota and the cores counts, on either version.
#[test]
fn r30_a_quota_of_more_than_the_cores_is_that_of_the_cores() {
    for (quota, cores) in [("400000", 2.0), ("150000", 1.5)] {
        let root = Root::new(
            "0::/app\n",
            &[
                ("app/cpu.max", &format!("{quota} 100000\n")),
                ("app/cpu.stat", "usage_usec 0\n"),
            ],
        );
        root.set("proc/stat", &stat([0; 4], 1));
        root.set("proc/self/task/7/status", &thread("0-1"));
        root.set("proc/uptime", "100.00 50.00\n");
        assert_eq!(root.container().cpus(), Some(cores));
        let mut gauge = Cpu::of(root.container());
        gauge.read().unwrap();
        root.set("proc/uptime", "102.00 50.00\n");
        root.set("sys/fs/cgroup/app/cpu.stat", "usage_usec 1500000\n");
        assert_eq!(gauge.read().unwrap(), 75.0 / cores);
        assert_eq!(gauge.name(), "CPU of the container");
    }
}

/// Some containers are shown cores of their own, with other numbers than the kernel's.
#[test]
fn r30_cores_that_are_not_to_be_seen_are_no_bound() {
    let root = Root::new(
        "4:cpuset:/app\n",
        &[("cpuset/app/cpuset.effective_cpus", "8-9\n")],
    );
    root.set("proc/stat", &stat([0; 4], 1));
    root.set("proc/self/task/7/status", &thread("8-9"));
    assert_eq!(root.container().cpus(), None);
}
