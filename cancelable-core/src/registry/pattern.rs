//! A pattern for names: `*` is any number of characters, `?` is one.

use super::name_start::WantedStart;
use std::borrow::Cow;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: Cow<'static, str>,
    /// What stands before the first star or question mark.
    start: WantedStart,
    /// Names that start so match, and it is known of the first bytes of a name whether it does.
    is_start: bool,
}

impl Pattern {
    pub(super) fn new(text: Cow<'static, str>) -> Self {
        let end = text.find(['*', '?']).unwrap_or(text.len());
        let (start, rest) = text.split_at(end);
        let is_start = rest == "*" && WantedStart::is_exact_for(start);
        let start = WantedStart::of(start);
        Self {
            text,
            start,
            is_start,
        }
    }

    pub(super) fn start(&self) -> &WantedStart {
        &self.start
    }

    /// Whether a name that may start with [`start`](Self::start) matches.
    pub(super) fn is_start(&self) -> bool {
        self.is_start
    }

    /// Ends: each turn reads on in the name, or goes back to one character after the last place
    /// that it went back to. So it takes no more steps than both lengths multiplied.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (&*self.text, name);
        // What follows the last star, and what of the name that star does not cover so far.
        let mut star: Option<(&str, &str)> = None;
        loop {
            let wanted = pattern.chars().next();
            let found = rest.chars().next();
            match (wanted, found) {
                (Some('*'), _) => {
                    pattern = &pattern[1..];
                    star = Some((pattern, rest));
                    continue;
                }
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                    pattern = &pattern[wanted.len_utf8()..];
                    rest = &rest[found.len_utf8()..];
                    continue;
                }
                _ => {}
            }
            let Some((after, covered)) = star else {
                return false;
            };
            let Some(next) = covered.chars().next() else {
                return false;
            };
            (pattern, rest) = (after, &covered[next.len_utf8()..]);
            star = Some((after, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &'static str, name: &str) -> bool {
        Pattern::new(pattern.into()).matches(name)
    }

    #[test]
    fn r35_stars_and_question_marks() {
        let yes = [
            ("", ""),
            ("*", ""),
            ("import", "import"),
            ("import-*", "import-7"),
            ("*port*", "import-7"),
            ("?mport", "import"),
            ("*a*b*c", "xaxbxbxc"),
            ("**", "anything"),
            ("n?me", "näme"),
            ("*ä", "ßä"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let no = [
            ("", "a"),
            ("?", ""),
            ("import", "import-7"),
            ("import-*", "import"),
            ("*a*b*c", "xaxcxb"),
            ("??", "ä"),
            ("a*", "ba"),
        ];
        for (pattern, name) in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn r35_a_hostile_pattern_ends() {
        let name = "a".repeat(2000);
        assert!(matches("*a*a*a*a*a", &name));
        let pattern = "*a".repeat(50) + "b";
        assert!(!Pattern::new(pattern.into()).matches(&name));
    }
}
