//! The first bytes of a name, kept where a listing reads them one after the other.

/// How many bytes. Most names, and nearly all that a pattern says before its first star, are shorter.
const BYTES: usize = 16;

/// The first bytes of a name, and zeros after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamePrefix([u8; BYTES]);

impl NamePrefix {
    pub(super) fn of(name: &str) -> Self {
        let mut start = [0; BYTES];
        let length = name.len().min(BYTES);
        start[..length].copy_from_slice(&name.as_bytes()[..length]);
        Self(start)
    }
}

/// What a name has to start with, as far as its first bytes say.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedPrefix {
    bytes: u128,
    mask: u128,
}

impl WantedPrefix {
    pub(super) fn of(text: &str) -> Self {
        let mut mask = [0; BYTES];
        mask.iter_mut()
            .zip(text.bytes())
            .for_each(|(mask, _)| *mask = u8::MAX);
        Self {
            bytes: u128::from_ne_bytes(NamePrefix::of(text).0),
            mask: u128::from_ne_bytes(mask),
        }
    }

    /// Whether the name may start with the text. A yes is certain unless the text is longer than what
    /// is kept, or has a zero in it.
    #[inline]
    pub(super) fn may_be(&self, start: &NamePrefix) -> bool {
        (u128::from_ne_bytes(start.0) ^ self.bytes) & self.mask == 0
    }

    /// Whether a yes is certain for this text.
    pub(super) fn is_exact_for(text: &str) -> bool {
        text.len() <= BYTES && !text.contains('\0')
    }
}

#[cfg(test)]
mod tests {
    use super::{NamePrefix, WantedPrefix};

    #[test]
    fn r35_a_start_says_no_only_where_the_name_does() {
        let texts = [
            "",
            "job",
            "job-7",
            "job-71",
            "a name of sixteen",
            "a name of sixteen and more",
            "a name of sixteeN",
            "\0",
            "job\0",
            "ä",
            "ä-and-so-on",
        ];
        for text in texts {
            for name in texts {
                let may_be = WantedPrefix::of(text).may_be(&NamePrefix::of(name));
                assert!(may_be || !name.starts_with(text), "{name:?} {text:?}");
                if WantedPrefix::is_exact_for(text) {
                    assert_eq!(may_be, name.starts_with(text), "{name:?} {text:?}");
                }
            }
        }
        let wanted = WantedPrefix::of("job");
        assert!(!wanted.may_be(&NamePrefix::of("jo")) && !wanted.may_be(&NamePrefix::of("jab-7")));
    }
}
