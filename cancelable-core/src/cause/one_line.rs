//! Names in sentences, and sentences that stay in their line.

use crate::sync::{Escaping, escape};
use std::fmt::{self, Display, Write};

/// A name as it stands in a sentence. One that is empty shows as two quotation marks.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("\"\""),
            text => f.write_str(&escape(text)),
        }
    }
}

/// A thing of some kind by its name, such as `finalizer flush`. One that has no name of its own is
/// called by its kind, and that is said once.
pub(crate) struct Named<'a>(pub(crate) &'a str, pub(crate) &'a str);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, name) = *self;
        match name == kind {
            true => f.write_str(kind),
            false => write!(f, "{kind} {}", OneLine(name)),
        }
    }
}

/// Writes what `tell` does as one line.
pub(crate) fn one_line(
    f: &mut fmt::Formatter<'_>,
    tell: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    struct Told<T>(T);

    impl<T: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Display for Told<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    write!(Escaping(f), "{}", Told(tell))
}
