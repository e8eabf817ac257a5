//! Names in sentences, and text in one line.

use crate::sync::{Escaping, escape};
use std::fmt::{self, Display, Write};

/// A name in a sentence. An empty name is shown as two quotation marks.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("\"\""),
            text => f.write_str(&escape(text)),
        }
    }
}

/// A kind and a name, such as `finalizer flush`. If the name equals the kind, the kind alone.
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

/// Writes the output of `write` in one line.
pub(crate) fn one_line(
    f: &mut fmt::Formatter<'_>,
    write: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    struct Unescaped<T>(T);

    impl<T: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Display for Unescaped<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    write!(Escaping(f), "{}", Unescaped(write))
}
