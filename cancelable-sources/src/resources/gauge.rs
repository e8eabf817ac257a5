//! The trait for a measured value, and its unit.

use std::borrow::Cow;
use std::io;

/// A measured value, for [`gauge_limit`](crate::gauge_limit).
///
/// # Examples
///
/// A queue of a program's own:
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
/// ```
pub trait Gauge: Send + 'static {
    /// Returns the name of the value in messages: `memory of the process`. It is called after a reading too, and
    /// may depend on that.
    fn name(&self) -> Cow<'static, str>;

    /// Measures. It is called on a thread for looks, one call at a time. The end of the scope does not wait for
    /// a running call.
    ///
    /// # Errors
    ///
    /// There is no value now. The error is logged, and the gauge is read again after the interval, as after a
    /// panic.
    fn read(&mut self) -> io::Result<f64>;

    /// Returns the unit of the value and of the limit.
    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Number
    }
}

/// The unit of a gauge.
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
