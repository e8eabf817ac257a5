//! Names of files in messages.

use std::path::Path;

use cancelable_core::cause::escaped;

/// A name as a message may show it: what would steer the terminal, or is not seen, is spelled out.
#[must_use]
pub fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(shown(Path::new("a\u{1b}[2Jb\n")), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown(Path::new("a\u{202e}b")), "a\\u{202e}b");
        assert_eq!(shown(Path::new("fü \\ b")), "fü \\ b");
    }
}
