//! A pattern for names: `*` is any number of characters, `?` is one, and a backslash before a character
//! means that character itself.

use super::name_prefix::WantedPrefix;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Box<[Part]>,
    /// What stands before the first star or question mark.
    start: WantedPrefix,
    /// Names that start so match, and it is known of the first bytes of a name whether it does.
    is_start: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Any,
    One,
    Exactly(char),
}

/// The parts of a pattern. A backslash at its end means a backslash.
fn parts(text: &str) -> Box<[Part]> {
    let mut characters = text.chars();
    let next = std::iter::from_fn(|| {
        Some(match characters.next()? {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
            other => Part::Exactly(other),
        })
    });
    next.collect()
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let parts = parts(text);
        let exact = |part: &Part| match part {
            Part::Exactly(character) => Some(*character),
            Part::Any | Part::One => None,
        };
        let start: String = parts.iter().map_while(exact).collect();
        let rest = parts.iter().skip_while(|part| exact(part).is_some());
        let is_start = rest.eq([&Part::Any]) && WantedPrefix::is_exact_for(&start);
        let start = WantedPrefix::of(&start);
        Self {
            parts,
            start,
            is_start,
        }
    }

    pub(super) fn start(&self) -> &WantedPrefix {
        &self.start
    }

    /// Whether a name that may start with [`start`](Self::start) matches.
    pub(super) fn is_start(&self) -> bool {
        self.is_start
    }

    /// Ends: each turn reads on in the name, or goes back to one character after the last place
    /// that it went back to. So it takes no more steps than both lengths multiplied.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (&*self.parts, name.chars());
        // What follows the last star, and what of the name that star does not cover so far.
        let mut star = None;
        loop {
            match (pattern.split_first(), rest.clone().next()) {
                (Some((Part::Any, after)), _) => {
                    pattern = after;
                    star = Some((after, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some((wanted, after)), Some(found))
                    if *wanted == Part::One || *wanted == Part::Exactly(found) =>
                {
                    pattern = after;
                    rest.next();
                    continue;
                }
                _ => {}
            }
            let Some((after, covered)) = &mut star else {
                return false;
            };
            if covered.next().is_none() {
                return false;
            }
            (pattern, rest) = (after, covered.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &'static str, name: &str) -> bool {
        Pattern::new(pattern).matches(name)
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
            (r"a\*b", "a*b"),
            (r"a\?", "a?"),
            (r"a\\*", r"a\bc"),
            (r"\a\b", "ab"),
            (r"end\", r"end\"),
            (r"*\*", "any*"),
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
            (r"a\*b", "axb"),
            (r"a\?", "ab"),
            (r"*\*", "any"),
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
        assert!(!Pattern::new(&pattern).matches(&name));
    }
}
