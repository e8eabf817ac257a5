//! The trait for a measured value, and its unit.

use std::borrow::Cow;
use std::io;

/// A measured value, for [`gauge_limit`](crate::gauge_limit).
///
/// # Examples
///
/// The length of a queue:
///
/// ```
/// use cancelable_sources::Gauge;
/// use std::borrow::Cow;
/// use std::io;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// struct Backlog(Arc<AtomicU32>);
///
/// impl Gauge for Backlog {
///     fn name(&self) -> Cow<'static, str> {
///         "backlog".into()
///     }
///
///     fn read(&mut self) -> io::Result<f64> {
///         Ok(self.0.load(Ordering::Relaxed).into())
///     }
/// }
///
/// let source = cancelable_sources::gauge_limit(Backlog(Arc::default()), 1000.0)?;
/// # drop(source);
/// # Ok::<(), cancelable_core::error::InvalidArgument>(())
/// ```
pub trait Gauge: Send + 'static {
    /// Returns the name of the value in messages, such as `memory of the process`. Also called after a reading, so the
    /// name may depend on that.
    fn name(&self) -> Cow<'static, str>;

    /// Returns the measured value. Called on a thread for probes, one call at a time. The end of the scope does not
    /// wait for a call in progress.
    ///
    /// # Errors
    ///
    /// There is no value now. The error is logged, like a panic, and the gauge is read again after the interval.
    fn read(&mut self) -> io::Result<f64>;

    /// Returns the unit of the value and of the limit.
    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Number
    }
}

/// The unit of a gauge.
///
/// # Examples
///
/// ```
/// use cancelable_sources::{Gauge, GaugeUnit, gauge_limit};
/// use std::borrow::Cow;
///
/// struct Cache;
///
/// impl Gauge for Cache {
///     fn name(&self) -> Cow<'static, str> {
///         "cache".into()
///     }
///
///     fn read(&mut self) -> std::io::Result<f64> {
///         Ok(512.0 * 1024.0 * 1024.0)
///     }
///
///     fn unit(&self) -> GaugeUnit {
///         GaugeUnit::Bytes
///     }
/// }
///
/// let source = gauge_limit(Cache, 1024.0 * 1024.0 * 1024.0)?;
/// # drop(source);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaugeUnit {
    /// Bytes: `512 MiB` in a message.
    Bytes,
    /// Percent of the whole: `91.5 %` in a message. A limit of more than 100 is refused.
    Percent,
    /// A plain number.
    Number,
}
