//! Names of files in messages.

use std::path::Path;

/// A name as a message may show it: control characters could steer the terminal, so they are spelled
/// out.
#[must_use]
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().any(char::is_control) {
        return text.escape_debug().to_string();
    }
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(shown(Path::new("a\u{1b}[2Jb\n")), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown(Path::new("fü \\ b")), "fü \\ b");
    }
}
