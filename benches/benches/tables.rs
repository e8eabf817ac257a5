//! Prints every table; with `--write`, also writes `docs/performance.md` and the plots beside it.

#![allow(clippy::print_stdout)] // The tables are what it is for.

use benches::{peers, plot, registry, report, requests, scaling, scopes, streams, threads, tokens};
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

const INTRODUCTION: &str = "\
# Performance

A benchmark of each operation beside its counterpart in a peer, as the ratio of the two times. Both are measured in
turn in one process, for 15 rounds; a ratio is the median of the rounds. The times depend on the machine and show only
the order of a cost. The notes below a table explain the rows that miss their goal. Tests check the exact costs, such as
counts of allocations. `cargo bench -p benches` prints these tables, and `cargo bench -p benches -- --write` writes this page
and its plots.
";

/// The folder of the plots, beside the page.
const PLOTS: &str = "performance";

fn main() -> Result<(), Box<dyn Error>> {
    let machine = machine()?;
    let tables: Vec<report::Table> = vec![
        ("A token's hot paths", tokens::hot_paths()),
        ("Two threads on one token", threads::shared_by_two()),
        ("Cancelling many", tokens::cancelling()),
        ("Beside swansong", tokens::beside_swansong()),
        (
            "Beside other ways to stop a future",
            peers::stopping_futures(),
        ),
        ("Scopes", scopes::beside_tokio()),
        ("Registries", registry::beside_a_map()),
        ("Requests", requests::beside_hyper_alone()),
        (
            "Streams: nanoseconds on top of each item, as the ratio",
            streams::beside_the_bare_stream(),
        ),
    ];
    let growths = scaling::all();
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let page = format!(
        "{INTRODUCTION}\n{machine}\n{}{}{}",
        report::markdown(&tables),
        of_builds(&std::fs::read_to_string(docs.join("performance.md"))?),
        plot::markdown(&growths, PLOTS),
    );
    println!("{page}");
    if std::env::args().any(|argument| argument == "--write") {
        std::fs::create_dir_all(docs.join(PLOTS))?;
        for growth in &growths {
            let file = docs.join(PLOTS).join(growth.name).with_extension("svg");
            plot::write(growth, &file)?;
        }
        std::fs::write(docs.join("performance.md"), page)?;
    }
    Ok(())
}

/// The part of the page that `weight.sh` writes, which is kept.
fn of_builds(page: &str) -> &str {
    let start = page.find("\n## Builds");
    let end = page.find("\n## How costs grow");
    start
        .zip(end)
        .and_then(|(start, end)| page.get(start..end))
        .unwrap_or_default()
}

/// The machine and the versions that the figures depend on.
fn machine() -> Result<String, Box<dyn Error>> {
    let output = |program: &str, arguments: &[&str]| -> Result<String, Box<dyn Error>> {
        let output = Command::new(program).args(arguments).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let date = output("date", &["-u", "+%Y-%m-%d"])?;
    let compiler = output("rustc", &["--version"])?;
    let lock = include_str!("../../Cargo.lock");
    let versions: Vec<String> = [
        "tokio",
        "tokio-util",
        "swansong",
        "stop-token",
        "futures-util",
    ]
    .into_iter()
    .filter_map(|name| {
        let entry = lock
            .split("[[package]]")
            .find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")))?;
        let version = entry.split("version = \"").nth(1)?.split('"').next()?;
        Some(format!("{name} {version}"))
    })
    .collect();
    // The load of other processes: with more than a fraction here the times are not reliable, and
    // the ratios less so.
    let load = match std::fs::read_to_string("/proc/loadavg") {
        Ok(load) => load.split(' ').next().unwrap_or("?").to_owned(),
        Err(_) => "unknown".to_owned(),
    };
    Ok(format!(
        "Taken on {date} with {} cores, a load of {load} before it began, {compiler}, {}.",
        available_parallelism()?,
        versions.join(", ")
    ))
}
