//! One line of output in the format of `sha256sum` and `b3sum`, and names that are safe for a
//! terminal.

use std::borrow::Cow;
use std::path::Path;

use crate::hash::{Algorithm, Digest};

/// Appends the line for one file, with its newline.
///
/// A name with a backslash, a newline or a carriage return is escaped, and the line begins with a
/// backslash; both tools write and read this. The tool of GNU takes the bytes of a name as they
/// are. `b3sum` reads UTF-8 only, and one invalid byte would spoil the whole list, so its lines
/// have U+FFFD instead, as in its own output, and it refuses exactly these lines.
pub(crate) fn push_line(lines: &mut Vec<u8>, algorithm: Algorithm, digest: &Digest, path: &Path) {
    let name = match algorithm {
        Algorithm::Blake3 => match path.to_string_lossy() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        Algorithm::Sha256 => Cow::Borrowed(path.as_os_str().as_encoded_bytes()),
    };
    let name = with_slashes(name);
    let escaped = name
        .iter()
        .any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
    if escaped {
        lines.push(b'\\');
    }
    lines.extend_from_slice(digest.to_string().as_bytes());
    lines.extend_from_slice(b"  ");
    for &byte in name.iter() {
        match byte {
            b'\\' => lines.extend_from_slice(b"\\\\"),
            b'\n' => lines.extend_from_slice(b"\\n"),
            b'\r' => lines.extend_from_slice(b"\\r"),
            _ => lines.push(byte),
        }
    }
    lines.push(b'\n');
}

/// On Windows a backslash separates directories, and lists have `/` to be portable.
fn with_slashes(name: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !cfg!(windows) {
        return name;
    }
    let slashed = name
        .iter()
        .map(|&byte| if byte == b'\\' { b'/' } else { byte });
    Cow::Owned(slashed.collect())
}

/// Returns whether the tool finds the file again by the name in the list.
pub(crate) fn is_checkable(algorithm: Algorithm, path: &Path) -> bool {
    match algorithm {
        Algorithm::Sha256 => true,
        // b3sum also refuses a name that contains U+FFFD itself.
        Algorithm::Blake3 => path.to_str().is_some_and(|text| !text.contains('\u{fffd}')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    use crate::hash::Hasher;

    const EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    fn line(algorithm: Algorithm, path: impl AsRef<Path>) -> Vec<u8> {
        let token = cancelable_core::CancellationToken::new();
        let (digest, _) = Hasher::new(Algorithm::Blake3, &AtomicBool::new(false))
            .hash(&b""[..], &token, |_| {})
            .unwrap();
        let mut lines = Vec::new();
        push_line(&mut lines, algorithm, &digest, path.as_ref());
        lines
    }

    #[test]
    fn a_plain_name_stands_after_two_spaces() {
        assert_eq!(
            line(Algorithm::Sha256, "./a b"),
            format!("{EMPTY}  ./a b\n").into_bytes()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_would_break_the_line_is_escaped() {
        for algorithm in [Algorithm::Blake3, Algorithm::Sha256] {
            assert_eq!(
                line(algorithm, "a\\b\nc\rd"),
                format!("\\{EMPTY}  a\\\\b\\nc\\rd\n").into_bytes()
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn foreign_bytes_stay_for_gnu_and_are_replaced_for_b3sum() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(OsStr::from_bytes(b"f\xff"));
        assert!(line(Algorithm::Sha256, name).ends_with(b"  f\xff\n"));
        assert!(line(Algorithm::Blake3, name).ends_with("  f\u{fffd}\n".as_bytes()));
        assert!(is_checkable(Algorithm::Sha256, name));
        assert!(!is_checkable(Algorithm::Blake3, name));
        assert!(is_checkable(Algorithm::Blake3, Path::new("fü")));
    }
}
