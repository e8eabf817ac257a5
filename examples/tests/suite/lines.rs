//! The lines of hashed files.

use std::fs;

use crate::kit::{Ended, Tree, runtime};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  tree/a/abc";

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn every_file_of_the_tree_has_its_line_on_standard_output() {
    let tree = Tree::new();
    tree.file("a/abc", "abc")
        .file("b", "b")
        .file("c/d/e/empty", "");
    let ended = Ended::of(tree.checksum(&["-a", "sha256"]));
    let lines = sorted(ended.assert_code(0).lines());
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[1], ABC);
    ended.assert_says("completed").assert_says("3 files");
}

#[test]
fn blake3_is_the_default() {
    let tree = Tree::new();
    tree.file("a", "abc");
    let ended = Ended::of(tree.checksum(&[]));
    let wanted = format!("{}  tree/a", blake3::hash(b"abc"));
    assert_eq!(ended.assert_code(0).lines(), [wanted]);
}

#[test]
fn the_current_directory_is_the_default_and_one_file_will_do() {
    let tree = Tree::new();
    tree.file("a/abc", "abc");
    let mut command = tree.command(crate::kit::bin!("checksum"), &["-a", "sha256"]);
    command.current_dir(tree.path("tree"));
    let dotted = ABC.replace("tree/a", "./a");
    assert_eq!(Ended::of(command).assert_code(0).lines(), [dotted]);
    let ended = Ended::of(tree.command(
        crate::kit::bin!("checksum"),
        &["-a", "sha256", "tree/a/abc"],
    ));
    assert_eq!(ended.assert_code(0).lines(), [ABC]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_would_break_a_line_are_read_back_by_gnu() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new();
    tree.file("new\nline", "1")
        .file("back\\slash", "2")
        .file("return\r", "3")
        .file(" spaces ", "4");
    tree.file(OsStr::from_bytes(b"not utf-8 \xff\xfe"), "5")
        .file("\u{1b}[2J", "6");
    let ended = Ended::of(tree.checksum(&["-a", "sha256", "-o", "sums"]));
    ended.assert_code(0);
    tree.assert_sha256sum_accepts(&tree.path("sums"));
    let lines = fs::read(tree.path("sums")).unwrap();
    assert_eq!(lines.iter().filter(|&&byte| byte == b'\n').count(), 6);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_b3sum_cannot_read_is_said_and_the_list_stays_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new();
    tree.file(OsStr::from_bytes(b"\xff"), "1");
    let ended = Ended::of(tree.checksum(&[]));
    ended.assert_code(0).assert_says("b3sum cannot check");
    assert!(
        String::from_utf8(ended.stdout)
            .unwrap()
            .ends_with("tree/\u{fffd}\n")
    );
}

#[test]
fn the_output_file_is_not_hashed_although_it_lies_in_the_tree() {
    let tree = Tree::new();
    tree.file("a/abc", "abc")
        .file("sums", "left over from an earlier run");
    let ended = Ended::of(tree.checksum(&["-a", "sha256", "-o", "tree/sums"]));
    ended
        .assert_code(0)
        .assert_says("tree/sums: skipped, it is the output");
    assert_eq!(
        fs::read_to_string(tree.path("tree/sums")).unwrap(),
        format!("{ABC}\n")
    );
}

#[cfg(unix)]
#[test]
fn standard_output_is_not_hashed_either() {
    let tree = Tree::new();
    tree.file("a/abc", "abc");
    let mut command = tree.checksum(&["-a", "sha256"]);
    command.stdout(fs::File::create(tree.path("tree/sums")).unwrap());
    Ended::of_status(command).assert_code(0);
    assert_eq!(
        fs::read_to_string(tree.path("tree/sums")).unwrap(),
        format!("{ABC}\n")
    );
}

#[test]
fn the_report_for_machines_stands_alone_on_standard_output() {
    let tree = Tree::new();
    tree.file("a", "abc").file("b", "d");
    let ended = Ended::of(tree.checksum(&["--json"]));
    let report = ended.assert_code(0).json();
    assert_eq!(report["status"], "completed");
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["runtime"], runtime());
    assert_eq!(report["done"]["files"], 2);
    assert_eq!(report["done"]["bytes"], 4);
    assert_eq!(report["left"]["files"], 0);
    assert!(report["cause"].is_null(), "{report}");
}

#[test]
fn ten_thousand_files_have_ten_thousand_right_lines() {
    let tree = Tree::new();
    for n in 0..10_000 {
        tree.file(format!("{}/{n}", n % 10), n.to_string());
    }
    Ended::of(tree.checksum(&["-o", "sums", "-j", "4"])).assert_code(0);
    let sums = fs::read_to_string(tree.path("sums")).unwrap();
    let wanted = (0..10_000).map(|n| {
        format!(
            "{}  tree/{}/{n}",
            blake3::hash(n.to_string().as_bytes()),
            n % 10
        )
    });
    let lines = sums.lines().map(str::to_owned).collect();
    assert_eq!(sorted(lines), sorted(wanted.collect()));
}
