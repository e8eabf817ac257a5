//! Standard input as a file, without the standard library's buffer, which splits lines at its own edges.

use std::fs::File;
use std::io;

/// Standard input.
///
/// # Errors
///
/// The system has no handle to give.
#[cfg(unix)]
pub fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Standard input.
///
/// # Errors
///
/// The system has no handle to give.
#[cfg(windows)]
pub fn stdin_file() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}
