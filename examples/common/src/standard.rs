//! Standard input and output as files, without the standard library's buffers: those split lines at
//! their own edges.

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

/// Standard output.
///
/// # Errors
///
/// As for [`stdin_file`].
#[cfg(unix)]
pub fn stdout_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Standard output.
///
/// # Errors
///
/// As for [`stdin_file`].
#[cfg(windows)]
pub fn stdout_file() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}
