//! `cargo cancelable-migrate`: the migration as a command of Cargo.

use cancelable_migrate::{MigrateError, Options, Plan};
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Move a project from tokio-util's CancellationToken to cancelable-core's

Usage: cargo cancelable-migrate [OPTIONS]

Without --write, the changes are shown as a diff, and no file is touched. The diff goes to standard output; places that
need a person go to standard error, one a line, with file and line.

Options:
      --write                 Write the changes
      --check                 Show no diff, write nothing, and exit with 1 if anything is to move
  -p, --package <NAME>        Only this package of the workspace; may be repeated
      --manifest-path <PATH>  The manifest of the project [default: the nearest Cargo.toml]
      --core-path <FOLDER>    Depend on the cancelable-core in this folder
  -h, --help                  Show this
  -V, --version               Show the version

Exit codes: 0 done, 1 something is to move (with --check), 2 an error; then nothing is written.
";

/// What the command line asks for.
enum Request {
    Help,
    Version,
    Migrate { options: Options, mode: Mode },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Show,
    Write,
    Check,
}

fn main() -> ExitCode {
    let done = match parse(env::args_os().skip(1)) {
        Ok(Request::Help) => say(HELP).map(|()| ExitCode::SUCCESS),
        Ok(Request::Version) => say(&format!(
            "cargo-cancelable-migrate {}\n",
            env!("CARGO_PKG_VERSION")
        ))
        .map(|()| ExitCode::SUCCESS),
        Ok(Request::Migrate { options, mode }) => match migrate(&options, mode) {
            Ok(done) => done,
            Err(error) => {
                warn(&format!("error: {error}\n"));
                Ok(ExitCode::from(2))
            }
        },
        Err(problem) => {
            warn(&format!(
                "error: {problem}\n\nFor the options: cargo cancelable-migrate --help\n"
            ));
            Ok(ExitCode::from(2))
        }
    };
    // A closed standard output, as of `| head`, is no failure of the migration.
    done.unwrap_or(ExitCode::SUCCESS)
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut args = args.peekable();
    // Cargo passes the name of the command first.
    if args
        .peek()
        .is_some_and(|first| first == "cancelable-migrate")
    {
        args.next();
    }
    let mut manifest = None;
    let mut packages = Vec::new();
    let mut core_path = None;
    let mut mode = Mode::Show;
    while let Some(argument) = args.next() {
        let argument = argument
            .into_string()
            .map_err(|raw| format!("unknown argument {}", raw.to_string_lossy()))?;
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(OsString::from(value))),
            _ => (argument.as_str(), None),
        };
        let mut of_option = || {
            let value = value.clone().or_else(|| args.next());
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "--manifest-path" => manifest = Some(of_option()?),
            "--core-path" => core_path = Some(of_option()?),
            "-p" | "--package" => {
                let name = of_option()?.into_string();
                packages.push(
                    name.map_err(|raw| {
                        format!("no package has the name {}", raw.to_string_lossy())
                    })?,
                );
            }
            _ if value.is_some() => return Err(format!("unknown option {argument}")),
            "-h" | "--help" => return Ok(Request::Help),
            "-V" | "--version" => return Ok(Request::Version),
            "--write" | "--check" => {
                let wanted = if name == "--write" {
                    Mode::Write
                } else {
                    Mode::Check
                };
                if mode != Mode::Show && mode != wanted {
                    return Err("--write and --check exclude each other".into());
                }
                mode = wanted;
            }
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    let mut options = Options::new(manifest.map_or_else(nearest_manifest, PathBuf::from));
    for name in packages {
        options = options.package(name);
    }
    if let Some(folder) = core_path {
        options = options.core_path(folder);
    }
    Ok(Request::Migrate { options, mode })
}

/// Returns the manifest in this folder or in the nearest one above, as Cargo does.
fn nearest_manifest() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let mut manifests = here.ancestors().map(|folder| folder.join("Cargo.toml"));
    let nearest = manifests.find(|manifest| manifest.is_file());
    nearest.unwrap_or_else(|| "Cargo.toml".into())
}

fn migrate(options: &Options, mode: Mode) -> Result<io::Result<ExitCode>, MigrateError> {
    let plan = options.plan()?;
    if mode == Mode::Write {
        plan.write()?;
    }
    let shown = match mode {
        Mode::Show => say(&plan.diff()),
        Mode::Write | Mode::Check => Ok(()),
    };
    for remark in plan.remarks() {
        warn(&format!("{remark}\n"));
    }
    warn(&summary(&plan, mode));
    let is_clean = plan.is_empty() && !plan.remarks().iter().any(|remark| remark.is_left());
    let exit = match mode {
        Mode::Check if !is_clean => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    };
    Ok(shown.map(|()| exit))
}

fn summary(plan: &Plan, mode: Mode) -> String {
    let files = plan.files().count();
    let left = plan
        .remarks()
        .iter()
        .filter(|remark| remark.is_left())
        .count();
    let by_hand = match left {
        0 => String::new(),
        _ => format!(" {} to move by hand.", counted(left, "place")),
    };
    let files_text = counted(files, "file");
    match (files, mode) {
        (0, _) => format!("Nothing to change.{by_hand}\n"),
        (_, Mode::Write) => format!("{files_text} changed.{by_hand}\n"),
        (_, Mode::Check) => format!("{files_text} to change.{by_hand}\n"),
        (_, Mode::Show) => {
            format!("{files_text} to change.{by_hand} Nothing was written: add --write.\n")
        }
    }
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes to standard error. If that is closed, nobody reads it.
fn warn(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
