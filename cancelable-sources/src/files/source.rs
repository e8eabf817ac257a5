//! The source that watches a file for a scope.

use super::check::{Change, Checked, FileCheck};
use super::events;
use super::findings::Findings;
use super::watch::Make;
use cancelable_core::cause::escaped;
use cancelable_core::error::InvalidArgument;
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::token::isolate;
use cancelable_core::{Cause, Reason, RuntimeHandle};
use futures_util::future::select;
use std::borrow::Cow;
use std::future::pending;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The default interval between two checks of a file without events.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of intervals between two checks of a file with events, if no event comes.
const SELDOM: u32 = 10;

/// The time for which a file is absent before it counts as gone. A program that replaces a file may remove the old file
/// first.
const SETTLE: Duration = Duration::from_millis(100);

/// A source that cancels a scope when a file appears, changes or disappears, with a cause that names the file.
///
/// The source watches from the entry of the scope. The path becomes absolute when the source is made, and need not
/// exist. Links are followed. A folder counts as a file.
///
/// # Examples
///
/// ```
/// use cancelable_sources::file_changes;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // On a network drive, where the system has no events.
/// let config = file_changes("app.toml")?.every(Duration::from_secs(5))?.polling();
/// # drop(config);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a source does nothing until a scope has it"]
pub struct FileSource {
    file: PathBuf,
    want: Change,
    interval: Duration,
    native: bool,
    location: &'static Location<'static>,
}

impl FileSource {
    #[track_caller]
    fn new(path: PathBuf, want: Change) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(InvalidArgument::new("path", "is empty: give the path of a file").into());
        }
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(
                InvalidArgument::new("path", "has a zero byte, which no path can have").into(),
            );
        }
        let file = std::path::absolute(path)
            .map_err(|error| refused("cannot be made absolute", &error))?;
        if let Some(error) = too_long(&file) {
            return Err(refused("is too long", &error));
        }
        Ok(Self {
            file,
            want,
            interval: INTERVAL,
            native: true,
            location: Location::caller(),
        })
    }

    /// Sets the interval between two checks if the system has no events. The default is a second. If the system has
    /// events, ten intervals pass between two checks.
    ///
    /// # Errors
    ///
    /// An interval of zero.
    pub fn every(mut self, interval: Duration) -> Result<Self, InvalidArgument> {
        if interval.is_zero() {
            return Err(InvalidArgument::new(
                "interval",
                "is zero: give the time between two checks",
            ));
        }
        self.interval = interval;
        Ok(self)
    }

    /// Checks the file in the interval and uses no events, for a path without events.
    pub fn polling(mut self) -> Self {
        self.native = false;
        self
    }
}

/// Returns the error of a path that the system refuses.
fn refused(problem: &str, error: &io::Error) -> io::Error {
    let text = format!("the path of a file to watch {problem}: {error}");
    io::Error::new(error.kind(), text)
}

/// A length that every system allows for a path, and nearly every system for a name.
const SHORT: usize = 255;

/// Returns the system's error for a path that can never exist, because it or a name in it is too long.
fn too_long(path: &Path) -> Option<io::Error> {
    if path.as_os_str().len() <= SHORT {
        return None;
    }
    let error = path.symlink_metadata().err()?;
    (error.raw_os_error() == Some(TOO_LONG)).then_some(error)
}

#[cfg(unix)]
const TOO_LONG: i32 = rustix::io::Errno::NAMETOOLONG.raw_os_error();
/// `ERROR_FILENAME_EXCED_RANGE`, in Microsoft's list of system error codes.
#[cfg(not(unix))]
const TOO_LONG: i32 = 206;

/// Returns a source that fires when a file appears, or at once if the file exists.
///
/// # Errors
///
/// The path is empty, has a zero byte, is too long for the system, or is relative while the current directory is
/// not known.
///
/// # Examples
///
/// ```
/// use cancelable_core::Reason;
/// use cancelable_sources::file_appears;
/// use std::future::pending;
///
/// // A file that exists cancels the scope at once.
/// let stop = file_appears(std::env::temp_dir())?;
/// let import = rt::scope("import").source(stop).run(async |_| pending::<()>().await);
/// let outcome = rt::block_on(import);
/// assert!(outcome.cause().is_some_and(|cause| *cause.reason() == Reason::File));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn file_appears(path: impl Into<PathBuf>) -> io::Result<FileSource> {
    FileSource::new(path.into(), Change::Appears)
}

/// Returns a source that fires when a file differs from its state at the entry of the scope: it was written or
/// replaced, or it has appeared or disappeared.
///
/// # Errors
///
/// The path is empty, has a zero byte, is too long for the system, or is relative while the current directory is
/// not known.
///
/// # Examples
///
/// ```
/// use cancelable_sources::file_changes;
///
/// let serve = rt::scope("serve").source(file_changes("app.toml")?).run(async |_| "served");
/// assert_eq!(rt::block_on(serve).into_result()?, "served");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn file_changes(path: impl Into<PathBuf>) -> io::Result<FileSource> {
    FileSource::new(path.into(), Change::Changes)
}

/// Returns a source that fires when a file disappears, or at once if it does not exist. A file that is replaced
/// has not disappeared.
///
/// # Errors
///
/// The path is empty, has a zero byte, is too long for the system, or is relative while the current directory is
/// not known.
///
/// # Examples
///
/// ```
/// use cancelable_sources::file_disappears;
///
/// let lock = file_disappears("/run/import/lock")?;
/// let import = rt::scope("import").source(lock).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn file_disappears(path: impl Into<PathBuf>) -> io::Result<FileSource> {
    FileSource::new(path.into(), Change::Disappears)
}

impl Source for FileSource {
    fn name(&self) -> Cow<'static, str> {
        let what = match self.want {
            Change::Appears => "appears",
            Change::Changes => "changes",
            Change::Disappears => "disappears",
        };
        format!("{} {what}", self.file.display()).into()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context.runtime().cloned();
        let runtime = runtime.ok_or_else(|| {
            SourceError::new("the source needs a runtime: build the scope with one")
        })?;
        let findings = Arc::new(Findings::default());
        let make = self.native.then_some(events::native as Make);
        let check = FileCheck::new(self.file.clone(), self.want, Arc::clone(&findings), make);
        let held = ProbedCheck {
            check: Some(check),
            runtime: runtime.clone(),
        };
        Ok(Box::pin(async move {
            let file = self.file.display().to_string();
            let words = watch(held, runtime, &findings, &file, self.interval).await;
            Cause::new(Reason::File)
                .with_location(self.location)
                .with_message(format!("{file} {words}"))
        }))
    }

    fn needs_runtime(&self) -> bool {
        true
    }
}

/// Checks the file until the awaited change has happened, and returns the text of the change.
///
/// Wakes: by the call of a check; or by a finding that comes after the check has begun, because the wait for it is made
/// before; or by the timer.
async fn watch(
    mut held: ProbedCheck,
    runtime: RuntimeHandle,
    findings: &Findings,
    file: &str,
    interval: Duration,
) -> &'static str {
    let shown = escaped(file).to_string();
    let (mut settled, mut failing) = (false, false);
    loop {
        let more = findings.next();
        let Some(found) = held.check(settled).await else {
            isolate("a logger", || {
                log::warn!(
                    target: "cancelable", file = &*shown;
                    "{shown} is no longer watched: the runtime dropped its check"
                );
            });
            return pending().await;
        };
        settled = false;
        let failed = found.is_err();
        let pause = match found {
            Ok(Checked::Happened(words)) => return words,
            Ok(Checked::Gone) => {
                settled = true;
                SETTLE.min(interval)
            }
            Ok(Checked::Nothing) if held.is_native() => interval.saturating_mul(SELDOM),
            Ok(Checked::Nothing) => interval,
            Err(error) => {
                // Logged once for a series of errors, because checks are frequent.
                if !failing {
                    let error = escaped(&error).to_string();
                    isolate("a logger", || {
                        log::warn!(
                            target: "cancelable", file = &*shown, error = error.as_str();
                            "{shown} cannot be checked, and will be checked again: {error}"
                        );
                    });
                }
                interval
            }
        };
        failing = failed;
        let sleep = pin!(runtime.sleep(pause));
        if settled {
            sleep.await;
            continue;
        }
        select(more, sleep).await;
    }
}

/// The check, which runs and is dropped on threads for probes, because it may block.
struct ProbedCheck {
    check: Option<FileCheck>,
    runtime: RuntimeHandle,
}

impl ProbedCheck {
    /// Returns `None` if the runtime has dropped the check.
    async fn check(&mut self, settled: bool) -> Option<io::Result<Checked>> {
        let mut check = self.check.take()?;
        let call = self.runtime.spawn_probe(move || {
            let found = check.check(settled);
            (check, found)
        });
        let (check, found) = call.await.ok()?;
        self.check = Some(check);
        Some(found)
    }

    fn is_native(&self) -> bool {
        self.check.as_ref().is_some_and(FileCheck::is_native)
    }
}

/// Drops the check on a thread for probes: on some systems the end of a watch joins a thread, and the end of a scope must
/// not wait for this thread.
impl Drop for ProbedCheck {
    fn drop(&mut self) {
        if let Some(check) = self.check.take() {
            self.runtime.spawn_probe(move || drop(check)).detach();
        }
    }
}
