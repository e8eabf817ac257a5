//! A Markdown page of a package.

use crate::remark::Remark;
use std::path::Path;

/// Returns a remark for each line of a page that names something that moves. Code of a page may be compiled as tests.
pub(crate) fn remarks(path: &Path, text: &str, krate: &str) -> Vec<Remark> {
    let names = [format!("{krate}::sync::"), format!("{krate}::{{")];
    let lines = text.lines().zip(1..);
    let found = lines.filter(|(line, _)| {
        names.iter().any(|name| line.contains(name))
            && (line.contains("CancellationToken") || line.contains("DropGuard"))
    });
    let remark = |line| {
        Remark::note(
            path,
            line,
            "names tokio-util's token; Markdown is not edited",
        )
    };
    found.map(|(_, line)| remark(line)).collect()
}
