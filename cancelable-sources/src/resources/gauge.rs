//! What can be measured.

use std::borrow::Cow;
use std::io;

/// Something that is measured, for [`gauge_limit`](crate::gauge_limit).
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
    /// What is measured, as it reads in a message: `memory of the process`. It is asked after a
    /// reading, too, and may have learned from that.
    fn name(&self) -> Cow<'static, str>;

    /// Measures. It runs on a thread for looks, one call at a time; the end of the scope
    /// does not wait for a call that is under way.
    ///
    /// # Errors
    ///
    /// There is no value now. It is logged, and the gauge is read again after the interval, as it is
    /// after a panic.
    fn read(&mut self) -> io::Result<f64>;

    /// In what the value and the limit are given.
    fn unit(&self) -> GaugeUnit {
        GaugeUnit::Number
    }
}

/// In what a gauge measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaugeUnit {
    /// Bytes: `512 MiB` in a message.
    Bytes,
    /// Hundredths of what there is: `91.5 %` in a message. A limit of more than 100 is refused.
    Percent,
    /// A plain number.
    Number,
}
