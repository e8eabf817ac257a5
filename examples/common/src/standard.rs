//! Standard input as a file, without the buffer of the standard library, which splits lines at its
//! own boundaries.

use std::fs::File;
use std::io;

/// Opens standard input.
///
/// # Errors
///
/// The system returns no handle.
#[cfg(unix)]
pub fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Opens standard input.
///
/// # Errors
///
/// The system returns no handle.
#[cfg(windows)]
pub fn stdin_file() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}
