//! The hash of one file: the algorithms, and the read loop that a cancel stops.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::atomic::AtomicBool;

use cancelable_core::{CancellationToken, error::Cancelled};
use clap::ValueEnum;
use sha2::Digest as _;

use crate::subtree::{self, Broken, Input};

/// The number of bytes between two checks of the token: a fraction of a millisecond of hashing.
const CHUNK: usize = 64 * 1024;

/// The algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    /// BLAKE3, checked by `b3sum -c`
    #[default]
    Blake3,
    /// SHA-256, checked by `sha256sum -c`
    Sha256,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
        })
    }
}

/// The digest of either algorithm; both have 256 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The reason why a file has no digest.
#[derive(Debug)]
pub(crate) enum Unhashed {
    /// The token was cancelled; the partial hash is discarded.
    Cancelled,
    /// A read failed.
    Unreadable(io::Error),
}

impl From<Cancelled> for Unhashed {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// The hashing state and the buffer of one worker, reused for every file.
pub(crate) struct Hasher<'a> {
    state: State,
    buffer: Box<[u8]>,
    spread: &'a AtomicBool,
}

enum State {
    Blake3(Box<blake3::Hasher>),
    Sha256(Box<sha2::Sha256>),
}

impl<'a> Hasher<'a> {
    /// Returns a hasher with its buffer. While `spread` is true, idle processors help with a large
    /// file, which BLAKE3 supports and SHA-256 does not.
    pub(crate) fn new(algorithm: Algorithm, spread: &'a AtomicBool) -> Self {
        let state = match algorithm {
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Sha256 => State::Sha256(Box::default()),
        };
        Self {
            state,
            buffer: vec![0; CHUNK].into_boxed_slice(),
            spread,
        }
    }

    /// Hashes a file that was `length` bytes long when it was opened, as [`hash`](Self::hash) does.
    pub(crate) fn hash_file(
        &mut self,
        mut file: &File,
        length: u64,
        token: &CancellationToken,
        count: impl Fn(u64) + Sync,
    ) -> Result<(Digest, u64), Unhashed> {
        if matches!(self.state, State::Blake3(_)) && subtree::is_worth_it(length) {
            let input = Input {
                file,
                token,
                count: &count,
                spread: self.spread,
            };
            match input.root(length) {
                Ok(hash) => return Ok((Digest(hash.into()), length)),
                // The tree is known only at the end of the file, so the file is read again from the
                // beginning. A positioned read does not restore the position on every system.
                Err(Broken::Changed) => file.rewind().map_err(Unhashed::Unreadable)?,
                Err(Broken::Unhashed(unhashed)) => return Err(unhashed),
            }
        }
        self.hash(file, token, count)
    }

    /// Hashes `file` to its end. Reports each chunk to `count`, and checks `token` before each.
    pub(crate) fn hash(
        &mut self,
        mut file: impl Read,
        token: &CancellationToken,
        count: impl Fn(u64),
    ) -> Result<(Digest, u64), Unhashed> {
        // The state of an earlier file that was interrupted must not leak into this one.
        self.state.reset();
        let mut length = 0;
        loop {
            token.check()?;
            match file.read(&mut self.buffer) {
                Ok(0) => return Ok((self.state.finish(), length)),
                Ok(n) => {
                    self.state.update(&self.buffer[..n]);
                    length += n as u64;
                    count(n as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Unhashed::Unreadable(error)),
            }
        }
    }
}

impl State {
    fn reset(&mut self) {
        match self {
            Self::Blake3(state) => {
                state.reset();
            }
            Self::Sha256(state) => sha2::Digest::reset(&mut **state),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(state) => {
                state.update(bytes);
            }
            Self::Sha256(state) => sha2::Digest::update(&mut **state, bytes),
        }
    }

    fn finish(&mut self) -> Digest {
        Digest(match self {
            Self::Blake3(state) => state.finalize().into(),
            Self::Sha256(state) => state.finalize_reset().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ALONE: AtomicBool = AtomicBool::new(false);
    static SPREAD: AtomicBool = AtomicBool::new(true);

    fn digest(algorithm: Algorithm, bytes: &[u8]) -> String {
        let token = CancellationToken::new();
        let (digest, length) = Hasher::new(algorithm, &ALONE)
            .hash(bytes, &token, |_| {})
            .unwrap();
        assert_eq!(length, bytes.len() as u64);
        digest.to_string()
    }

    // The digests are those of the test vectors of the algorithms.
    #[test]
    fn both_algorithms_give_their_published_digests() {
        assert_eq!(
            digest(Algorithm::Sha256, b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            digest(Algorithm::Blake3, b""),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn a_long_input_is_read_chunk_by_chunk_to_its_end() {
        let bytes = vec![7; 3 * CHUNK + 1];
        assert_eq!(
            digest(Algorithm::Blake3, &bytes),
            blake3::hash(&bytes).to_string()
        );
    }

    #[test]
    fn a_large_file_has_the_same_digest_and_a_longer_one_than_was_said_too() {
        let bytes: Vec<u8> = (0..9_000_000_u32).map(|n| (n % 251) as u8).collect();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("large"), &bytes).unwrap();
        let wanted = digest(Algorithm::Blake3, &bytes);
        for (length, spread) in [
            (9_000_000, &ALONE),
            (9_000_000, &SPREAD),
            (8_000_000, &SPREAD),
        ] {
            let file = File::open(dir.path().join("large")).unwrap();
            let token = CancellationToken::new();
            let mut hasher = Hasher::new(Algorithm::Blake3, spread);
            let hashed = hasher.hash_file(&file, length, &token, |_| {}).unwrap();
            assert_eq!(
                (hashed.0.to_string(), hashed.1),
                (wanted.clone(), 9_000_000),
                "{length}"
            );
        }
    }

    /// Cancels the token in its second read, and would never end.
    struct Endless(CancellationToken, u32);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            assert!(self.1 <= 2, "read again after the cancel");
            if self.1 == 2 {
                self.0.cancel();
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_cancel_is_noticed_between_two_chunks() {
        let token = CancellationToken::new();
        let mut hasher = Hasher::new(Algorithm::Sha256, &ALONE);
        let given_up = hasher.hash(Endless(token.clone(), 0), &token, |_| {});
        assert!(matches!(given_up, Err(Unhashed::Cancelled)));
    }

    #[test]
    fn a_file_given_up_half_way_does_not_leak_into_the_next() {
        for algorithm in [Algorithm::Blake3, Algorithm::Sha256] {
            let token = CancellationToken::new();
            let mut hasher = Hasher::new(algorithm, &ALONE);
            assert!(
                hasher
                    .hash(Endless(token.clone(), 0), &token, |_| {})
                    .is_err()
            );
            let (next, _) = hasher
                .hash(&b"abc"[..], &CancellationToken::new(), |_| {})
                .unwrap();
            assert_eq!(next.to_string(), digest(algorithm, b"abc"));
        }
    }

    struct Interrupted(bool);

    impl Read for Interrupted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Ok(0);
            }
            Err(io::ErrorKind::Interrupted.into())
        }
    }

    #[test]
    fn an_interrupted_read_is_tried_again() {
        let token = CancellationToken::new();
        let hashed =
            Hasher::new(Algorithm::Blake3, &ALONE).hash(Interrupted(false), &token, |_| {});
        assert_eq!(hashed.unwrap().1, 0);
    }
}
