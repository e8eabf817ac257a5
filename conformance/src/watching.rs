//! Gauges that reach their limit, and changes of files.

use crate::Subject;
use cancelable_core::source::{self, Source};
use cancelable_core::{Cause, Reason, RuntimeHandle, Scope};
use cancelable_sources::{
    FileSource, Gauge, file_appears, file_changes, file_disappears, gauge_limit,
    process_memory_limit,
};
use std::borrow::Cow;
use std::convert::Infallible;
use std::fs;
use std::future;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

const MILLISECOND: Duration = Duration::from_millis(1);

/// A gauge whose reading grows by one each time.
struct Counter(f64);

impl Gauge for Counter {
    fn name(&self) -> Cow<'static, str> {
        "readings".into()
    }

    fn read(&mut self) -> io::Result<f64> {
        self.0 += 1.0;
        Ok(self.0)
    }
}

/// Runs `deed` in a scope with this source, and returns the cause of the end.
async fn ended_by(
    runtime: &RuntimeHandle,
    source: impl Source,
    deed: impl FnOnce() + Send + 'static,
) -> Cause {
    let builder = Scope::builder("watched").runtime(runtime);
    let scope = builder.source(source).build().unwrap();
    let outcome = scope.run(async |_| {
        runtime.spawn_blocking(deed).await.unwrap();
        future::pending::<Infallible>().await
    });
    outcome.await.cause().unwrap().clone()
}

pub fn r30_a_gauge_at_its_limit_cancels<S: Subject>() {
    S::run(async |runtime| {
        let source = gauge_limit(Counter(0.0), 3.0).unwrap();
        let source = source.every(MILLISECOND).unwrap();
        let cause = ended_by(&runtime, source, || {}).await;
        assert_eq!(*cause.reason(), Reason::Resource);
        assert_eq!(cause.message(), Some("readings at 3, limit 3"));
    });
}

pub fn r30_the_memory_of_the_process_cancels<S: Subject>() {
    S::run(async |runtime| {
        let source = process_memory_limit(1).unwrap();
        let cause = ended_by(&runtime, source, || {}).await;
        let message = cause.message().unwrap();
        assert!(
            message.starts_with("memory of the process at "),
            "{message}"
        );
    });
}

/// Repeats `deed` with a file that exists from the start, and requires that the source
/// detects it, with and without the system's events.
async fn both_ways(
    runtime: &RuntimeHandle,
    source: impl Fn(&Path) -> FileSource,
    deed: impl Fn(&Path),
) {
    for polling in [false, true] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("stop");
        fs::write(&file, "").unwrap();
        let source = source(&file);
        let source = match polling {
            false => source,
            true => source.polling().every(MILLISECOND).unwrap(),
        };
        let builder = Scope::builder("watched").runtime(runtime);
        let scope = builder.source(source).build().unwrap();
        let outcome = scope.run(async |_| {
            // A change before the first probe is no change for the source.
            loop {
                deed(&file);
                runtime.sleep(MILLISECOND).await;
            }
        });
        let outcome = outcome.await;
        let cause = outcome.cause().unwrap();
        assert_eq!(*cause.reason(), Reason::File);
        let message = cause.message().unwrap();
        assert!(
            message.starts_with(&file.display().to_string()),
            "{message}"
        );
    }
}

pub fn r30_a_file_that_appears_changes_or_disappears_cancels<S: Subject>() {
    S::run(async |runtime| {
        let other = |file: &Path| file.with_extension("other");
        let appears = |file: &Path| file_appears(other(file)).unwrap();
        let write = |file: &Path| fs::write(other(file), "").unwrap();
        both_ways(&runtime, appears, write).await;

        let changes = |file: &Path| file_changes(file).unwrap();
        let grow = |file: &Path| {
            let length = fs::metadata(file).unwrap().len();
            fs::write(file, vec![0; length as usize + 1]).unwrap();
        };
        both_ways(&runtime, changes, grow).await;

        let disappears = |file: &Path| file_disappears(file).unwrap();
        let remove = |file: &Path| drop(fs::remove_file(file));
        both_ways(&runtime, disappears, remove).await;
    });
}

pub fn r30_gauges_and_files_nest_in_all_of<S: Subject>() {
    S::run(async |runtime| {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("stop");
        let gauge = gauge_limit(Counter(0.0), 3.0).unwrap();
        let both =
            source::all_of(gauge.every(MILLISECOND).unwrap()).and(file_appears(&file).unwrap());
        let deed = move || fs::write(file, "").unwrap();
        let cause = ended_by(&runtime, both, deed).await;
        assert!(matches!(cause.reason(), Reason::Resource | Reason::File));
    });
}

/// The scope ends while the reading hangs. The reading returns only after that end.
pub fn r31_a_gauge_that_never_returns_keeps_nobody<S: Subject>() {
    struct Hangs(mpsc::Sender<()>, mpsc::Receiver<()>);

    impl Gauge for Hangs {
        fn name(&self) -> Cow<'static, str> {
            "a gauge that hangs".into()
        }

        fn read(&mut self) -> io::Result<f64> {
            self.0.send(()).unwrap();
            Err(io::Error::other(self.1.recv().unwrap_err()))
        }
    }

    S::run(async |runtime| {
        let (release, released) = mpsc::channel();
        let (enter, entered) = mpsc::channel();
        let source = gauge_limit(Hangs(enter, released), 1.0).unwrap();
        let builder = Scope::builder("hanging").runtime(&runtime);
        let scope = builder.source(source).build().unwrap();
        let outcome = scope.run(async |_| {
            let begun = runtime.spawn_blocking(move || entered.recv().unwrap());
            begun.await.unwrap();
            7
        });
        assert_eq!(outcome.await.into_value(), Some(7));
        drop(release);
    });
}
