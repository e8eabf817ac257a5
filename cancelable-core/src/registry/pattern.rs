//! The pattern for names: `*` matches any number of characters, `?` matches one character, and a backslash escapes
//! the next character.

use super::name_prefix::WantedPrefix;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Box<[Part]>,
    /// The text before the first star or question mark.
    prefix: WantedPrefix,
    /// True if the pattern is the prefix and one star, so that `prefix` alone decides.
    is_prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Any,
    One,
    Exactly(char),
}

/// Returns the parts of a pattern. A backslash at the end matches a backslash.
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

/// Returns the canonical text of the pattern `text`: a backslash only before a star, a question mark and a backslash.
pub(super) fn canonical(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    for part in &parts(text) {
        match *part {
            Part::Any => canonical.push('*'),
            Part::One => canonical.push('?'),
            Part::Exactly(character) => {
                if matches!(character, '*' | '?' | '\\') {
                    canonical.push('\\');
                }
                canonical.push(character);
            }
        }
    }
    canonical
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let parts = parts(text);
        let exact = |part: &Part| match part {
            Part::Exactly(character) => Some(*character),
            Part::Any | Part::One => None,
        };
        let text: String = parts.iter().map_while(exact).collect();
        let rest = parts.iter().skip_while(|part| exact(part).is_some());
        Self {
            prefix: WantedPrefix::of(&text),
            is_prefix: rest.eq([&Part::Any]) && WantedPrefix::is_exact_for(&text),
            parts,
        }
    }

    pub(super) fn prefix(&self) -> &WantedPrefix {
        &self.prefix
    }

    /// Returns whether each name that may match [`prefix`](Self::prefix) matches the pattern.
    pub(super) fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Returns whether a name matches.
    ///
    /// Ends: each turn reads the next character of the name, or returns to a point one character after that of
    /// the last return. So the number of turns is at most the product of both lengths.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (&*self.parts, name.chars());
        // The pattern after the last star, and the rest of the name that the star does not cover yet.
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
