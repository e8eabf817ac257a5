//! The source that compares a gauge with a limit for a scope.

use super::bytes::Measured;
use super::cpu::Cpu;
use super::disk::Disk;
use super::memory::Memory;
use super::process::{ProcessCpu, ProcessMemory};
use super::{Gauge, GaugeUnit};
use cancelable_core::error::InvalidArgument;
use cancelable_core::source::{
    Source, SourceContext, SourceError, SourceFuture, condition_blocking,
};
use cancelable_core::{Cause, Reason};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The default interval between two readings.
const INTERVAL: Duration = Duration::from_secs(1);

/// A source that cancels a scope when a resource reaches its limit, with a cause that names the reading and the limit.
///
/// The resource is read at the entry of the scope and then once a second. A reading runs on a thread for probes and does
/// not delay the scope. A reading that fails or panics is logged and repeated.
///
/// # Examples
///
/// ```
/// use cancelable_sources::memory_limit;
/// use std::time::Duration;
///
/// // Five seconds without a pause at 95 % or more, with a reading each half second.
/// let memory = memory_limit(95.0)?
///     .every(Duration::from_millis(500))?
///     .sustained(Duration::from_secs(5));
/// # drop(memory);
/// # Ok::<(), cancelable_core::error::InvalidArgument>(())
/// ```
#[must_use = "a source does nothing until a scope has it"]
pub struct ResourceSource {
    gauge: Box<dyn Gauge>,
    limit: f64,
    interval: Duration,
    sustained: Duration,
    location: &'static Location<'static>,
}

/// Returns a source for the memory in use, in percent of the memory of the container, or else of the machine.
///
/// # Errors
///
/// `percent` is not a number above zero, or is more than 100.
///
/// # Examples
///
/// ```
/// use cancelable_sources::memory_limit;
///
/// let import = rt::scope("import").source(memory_limit(100.0)?).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn memory_limit(percent: f64) -> Result<ResourceSource, InvalidArgument> {
    ResourceSource::new(Memory::new(), "percent", percent)
}

/// Returns a source for the CPU time in use, in percent of the CPU time that this process may use: the quota of its
/// container, or else the cores that it is bound to, or else the machine.
///
/// With a quota it is the CPU time of the container, otherwise of all processes on those cores.
///
/// # Errors
///
/// `percent` is not a number above zero, or is more than 100.
///
/// # Examples
///
/// ```
/// use cancelable_sources::cpu_limit;
///
/// let import = rt::scope("import").source(cpu_limit(100.0)?).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn cpu_limit(percent: f64) -> Result<ResourceSource, InvalidArgument> {
    ResourceSource::new(Cpu::new(), "percent", percent)
}

/// Returns a source for the memory of this process, without its child processes.
///
/// # Errors
///
/// `bytes` is zero.
///
/// # Examples
///
/// ```
/// use cancelable_sources::process_memory_limit;
///
/// let import = rt::scope("import").source(process_memory_limit(8 << 30)?).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn process_memory_limit(bytes: u64) -> Result<ResourceSource, InvalidArgument> {
    // Exact up to 8 PiB.
    ResourceSource::new(ProcessMemory::new(), "bytes", bytes as f64)
}

/// Returns a source for the CPU time of this process, in percent of the CPU time that it may use: the
/// lesser of the container's quota and of the cores that the process is bound to, or the machine without such a limit.
///
/// # Errors
///
/// `percent` is not a number above zero, or is more than 100.
///
/// # Examples
///
/// ```
/// use cancelable_sources::process_cpu_limit;
///
/// let import = rt::scope("import").source(process_cpu_limit(100.0)?).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn process_cpu_limit(percent: f64) -> Result<ResourceSource, InvalidArgument> {
    ResourceSource::new(ProcessCpu::new(), "percent", percent)
}

/// Returns a source for the used space of the disk of `path`, in percent. The path need not exist.
///
/// # Errors
///
/// `percent` is not a number above zero, or is more than 100, or the path is empty.
///
/// # Examples
///
/// ```
/// use cancelable_sources::disk_limit;
///
/// assert!(disk_limit("/var/spool/import", 90.0).is_ok());
/// let error = disk_limit("/var/spool/import", 120.0).unwrap_err();
/// assert_eq!(error.argument(), "percent");
/// ```
#[track_caller]
pub fn disk_limit(
    path: impl Into<PathBuf>,
    percent: f64,
) -> Result<ResourceSource, InvalidArgument> {
    let path = path.into();
    if path.as_os_str().is_empty() {
        return Err(InvalidArgument::new(
            "path",
            "is empty: give a path on the disk",
        ));
    }
    ResourceSource::new(Disk::new(path), "percent", percent)
}

/// Returns a source that fires when a reading of `gauge` is at least `limit`.
///
/// # Errors
///
/// `limit` is not a number above zero, is infinite, or is more than 100 percent.
///
/// # Examples
///
/// ```
/// use cancelable_sources::{Gauge, gauge_limit};
/// use std::borrow::Cow;
/// use std::future::pending;
///
/// struct Queue;
///
/// impl Gauge for Queue {
///     fn name(&self) -> Cow<'static, str> {
///         "queue".into()
///     }
///
///     fn read(&mut self) -> std::io::Result<f64> {
///         Ok(12.0)
///     }
/// }
///
/// let queue = gauge_limit(Queue, 10.0)?;
/// let import = rt::scope("import").source(queue).run(async |_| pending::<()>().await);
/// let outcome = rt::block_on(import);
/// let message = outcome.cause().and_then(|cause| cause.message());
/// assert_eq!(message, Some("queue at 12, limit 10"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn gauge_limit(gauge: impl Gauge, limit: f64) -> Result<ResourceSource, InvalidArgument> {
    ResourceSource::new(gauge, "limit", limit)
}

/// Returns the reason why `limit` makes no sense, if it makes none.
fn problem(limit: f64, unit: GaugeUnit) -> Option<&'static str> {
    if limit.is_nan() {
        Some("is not a number")
    } else if limit <= 0.0 {
        Some("is not above zero: every reading reaches such a limit")
    } else if unit == GaugeUnit::Percent && limit > 100.0 {
        Some("is more than 100: no reading reaches such a limit")
    } else if limit.is_infinite() {
        Some("is infinite: no reading reaches such a limit")
    } else {
        None
    }
}

impl ResourceSource {
    /// `argument` is the name under which the caller has given the limit.
    #[track_caller]
    fn new(gauge: impl Gauge, argument: &'static str, limit: f64) -> Result<Self, InvalidArgument> {
        if let Some(problem) = problem(limit, gauge.unit()) {
            return Err(InvalidArgument::new(argument, problem));
        }
        Ok(Self {
            limit,
            gauge: Box::new(gauge),
            interval: INTERVAL,
            sustained: Duration::ZERO,
            location: Location::caller(),
        })
    }

    /// Sets the interval between two readings. The default is a second.
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

    /// Fires only if all readings of `span` have reached the limit. By default one reading is enough.
    ///
    /// A failed reading neither counts nor restarts the span.
    pub fn sustained(mut self, span: Duration) -> Self {
        self.sustained = span;
        self
    }
}

/// The state that is kept between two readings.
struct Reader {
    gauge: Box<dyn Gauge>,
    limit: f64,
    sustained: Duration,
    /// The time since which every reading has reached the limit.
    since: Option<Instant>,
}

impl Reader {
    /// Returns the text of the cause, if the source is to fire.
    fn read(&mut self, now: Instant) -> io::Result<Option<String>> {
        let value = self.gauge.read()?;
        if value.is_nan() {
            return Err(io::Error::other("the reading is not a number"));
        }
        if value < self.limit {
            self.since = None;
            return Ok(None);
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.sustained {
            return Ok(None);
        }
        let unit = self.gauge.unit();
        let (value, limit) = (Measured(value, unit), Measured(self.limit, unit));
        Ok(Some(format!(
            "{} at {value}, limit {limit}",
            self.gauge.name()
        )))
    }
}

impl Source for ResourceSource {
    fn name(&self) -> Cow<'static, str> {
        self.gauge.name()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context.runtime().cloned();
        let runtime = runtime.ok_or_else(|| {
            SourceError::new("the source needs a runtime: build the scope with one")
        })?;
        let Self {
            gauge,
            limit,
            interval,
            sustained,
            location,
        } = *self;
        let name = gauge.name();
        let mut reader = Reader {
            gauge,
            limit,
            sustained,
            since: None,
        };
        let message = Arc::new(OnceLock::new());
        let found = Arc::clone(&message);
        let check = move || -> io::Result<bool> {
            let text = reader.read(runtime.now())?;
            Ok(text.is_some_and(|text| found.set(text).is_ok()))
        };
        let condition = condition_blocking(interval, check).map_err(SourceError::new)?;
        let watched = Box::new(condition.named(name)).start(context)?;
        Ok(Box::pin(async move {
            watched.await;
            let cause = Cause::new(Reason::Resource).with_location(location);
            match message.get() {
                Some(message) => cause.with_message(message.clone()),
                None => cause,
            }
        }))
    }

    fn needs_runtime(&self) -> bool {
        true
    }
}

impl fmt::Debug for ResourceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit: GaugeUnit = self.gauge.unit();
        f.debug_struct("ResourceSource")
            .field("gauge", &self.gauge.name())
            .field("limit", &format_args!("{}", Measured(self.limit, unit)))
            .field("interval", &self.interval)
            .field("sustained", &self.sustained)
            .finish_non_exhaustive()
    }
}
