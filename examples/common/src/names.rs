//! Names of files in messages.

use std::path::Path;

use cancelable_core::cause::escaped;

/// A name in a message. Characters that control a terminal or are invisible are escaped.
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
