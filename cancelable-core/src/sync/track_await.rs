//! The source locations at which a poll returned pending, for the test kit's check of await points.
//!
//! With the test kit, `poll` of each future of this crate has the attribute `track_caller`. The caller of
//! that `poll` is usually an `.await` of the user, so the caller's location is the await point, and no future
//! has to store it. If the future is polled through `dyn` or by a future of another crate, the location is
//! in that code.

#[cfg(feature = "testing")]
pub(crate) use tracked::{collect_await_points, track_await};

/// Returns `poll`. Without the test kit, no location is noted.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) fn track_await<T>(poll: std::task::Poll<T>) -> std::task::Poll<T> {
    poll
}

#[cfg(feature = "testing")]
mod tracked {
    use std::cell::RefCell;
    use std::panic::Location;
    use std::task::Poll;

    type Locations = Vec<&'static Location<'static>>;

    thread_local! {
        /// The locations noted in this thread's current poll; `None` unless they are being collected.
        static NOTED: RefCell<Option<Locations>> = const { RefCell::new(None) };
    }

    /// Returns `poll`, and notes the caller's location if it is pending.
    #[track_caller]
    pub(crate) fn track_await<T>(poll: Poll<T>) -> Poll<T> {
        if poll.is_pending() {
            note(Location::caller());
        }
        poll
    }

    fn note(location: &'static Location<'static>) {
        // A thread that is ending collects nothing.
        let _ = NOTED.try_with(|noted| {
            if let Some(noted) = &mut *noted.borrow_mut() {
                if is_of_user(location.file()) {
                    noted.push(location);
                }
            }
        });
    }

    /// Returns whether a file belongs to neither this crate nor the standard library.
    fn is_of_user(file: &str) -> bool {
        // Some compilers name a file by the path on their command line. In a generic function of the file that is
        // compiled for another crate, the compilers name the file by its absolute path.
        let given = file!().trim_end_matches("track_await.rs");
        let given = given.trim_end_matches(['/', '\\']).trim_end_matches("sync");
        let below = file.strip_prefix(env!("CARGO_MANIFEST_DIR"));
        let absolute = below.is_some_and(|below| below.get(1..4) == Some("src"));
        let unix = file.replace('\\', "/");
        let std = ["core", "alloc", "std"]
            .iter()
            .any(|part| unix.contains(&format!("/library/{part}/src/")));
        !(file.starts_with(given) || absolute || std)
    }

    /// Runs `poll`. Returns its result, and the locations in it at which a poll was pending, innermost first.
    pub(crate) fn collect_await_points<T>(poll: impl FnOnce() -> T) -> (T, Locations) {
        let mut outer = Outer(NOTED.replace(Some(Vec::new())));
        let value = poll();
        let noted = NOTED.replace(outer.0.take());
        (value, noted.unwrap_or_default())
    }

    /// The outer collection, which is restored if the poll panics.
    struct Outer(Option<Locations>);

    impl Drop for Outer {
        fn drop(&mut self) {
            if std::thread::panicking() {
                NOTED.set(self.0.take());
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{NOTED, collect_await_points, is_of_user};
        use std::panic::{AssertUnwindSafe, Location, catch_unwind};

        fn collected() -> Option<usize> {
            NOTED.with_borrow(|noted| noted.as_ref().map(Vec::len))
        }

        #[test]
        fn r44_locations_belong_to_the_innermost_collection_also_after_a_panic() {
            let push = || {
                let location = Location::caller();
                NOTED.with_borrow_mut(|noted| noted.as_mut().map(|noted| noted.push(location)))
            };
            let (inner, outer) = collect_await_points(|| {
                push();
                let panicked =
                    catch_unwind(AssertUnwindSafe(|| collect_await_points(|| panic!("boom"))));
                assert!(panicked.is_err());
                let inner = collect_await_points(push).1;
                push();
                inner
            });
            assert_eq!((inner.len(), outer.len(), collected()), (1, 2, None));
        }

        #[test]
        fn r44_locations_in_this_crate_and_in_std_are_left_out() {
            assert!(!is_of_user(file!()));
            assert!(!is_of_user(&file!().replace("sync", "scope")));
            let root = env!("CARGO_MANIFEST_DIR");
            assert!(!is_of_user(&format!("{root}/src/runtime/timeout.rs")));
            assert!(is_of_user(&format!(
                "{root}/tests/core/testing/await_points.rs"
            )));
            assert!(!is_of_user("/rustc/5980/library/core/src/future/future.rs"));
            assert!(!is_of_user(
                "/usr/src/rustc-1.85.0/library/alloc/src/boxed.rs"
            ));
            assert!(!is_of_user(
                r"/rustc/5980\library\core\src\future\future.rs"
            ));
            assert!(is_of_user("src/main.rs"));
            assert!(is_of_user(
                "cancelable-core/tests/core/testing/await_points.rs"
            ));
        }
    }
}
