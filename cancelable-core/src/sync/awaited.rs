//! Where in the source a poll answered pending, for the test kit's checker of await points.
//!
//! A future of this crate has the attribute `track_caller` on its `poll` where the test kit is
//! compiled in. Who calls that `poll` is usually the `.await` of a user, so the caller's place is the
//! place of the await point, and no future has to keep it. Polled through `dyn`, or by a future of
//! another author, it is theirs.

#[cfg(feature = "testing")]
pub(crate) use noted::{awaited, gather};

/// Without the test kit, nothing is noted.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) fn awaited<T>(poll: std::task::Poll<T>) -> std::task::Poll<T> {
    poll
}

#[cfg(feature = "testing")]
mod noted {
    use std::cell::RefCell;
    use std::panic::Location;
    use std::task::Poll;

    type Places = Vec<&'static Location<'static>>;

    thread_local! {
        /// The places of this thread's present poll; none while nobody gathers.
        static PLACES: RefCell<Option<Places>> = const { RefCell::new(None) };
    }

    /// The answer of a poll, with its place noted if it is pending.
    #[track_caller]
    pub(crate) fn awaited<T>(poll: Poll<T>) -> Poll<T> {
        if poll.is_pending() {
            note(Location::caller());
        }
        poll
    }

    fn note(place: &'static Location<'static>) {
        // A thread that is ending gathers nothing.
        let _ = PLACES.try_with(|places| {
            if let Some(places) = &mut *places.borrow_mut() {
                if is_users(place.file()) {
                    places.push(place);
                }
            }
        });
    }

    /// Whether a file is neither of this crate nor of the standard library, which are between a
    /// future and its user and say nothing.
    fn is_users(file: &str) -> bool {
        // Some compilers name a file by the path they were given, and by the whole path where they
        // compile a generic function of it for another crate.
        let given = file!().trim_end_matches("awaited.rs");
        let given = given.trim_end_matches(['/', '\\']).trim_end_matches("sync");
        let below = file.strip_prefix(env!("CARGO_MANIFEST_DIR"));
        let whole = below.is_some_and(|below| below.get(1..4) == Some("src"));
        let unix = file.replace('\\', "/");
        let std = ["core", "alloc", "std"]
            .iter()
            .any(|part| unix.contains(&format!("/library/{part}/src/")));
        !(file.starts_with(given) || whole || std)
    }

    /// Runs a poll, and gives the places in it that answered pending, innermost first.
    pub(crate) fn gather<T>(poll: impl FnOnce() -> T) -> (T, Places) {
        let mut outer = Outer(PLACES.replace(Some(Vec::new())));
        let value = poll();
        let places = PLACES.replace(outer.0.take());
        (value, places.unwrap_or_default())
    }

    /// What was gathered further out, put back where the poll panics.
    struct Outer(Option<Places>);

    impl Drop for Outer {
        fn drop(&mut self) {
            if std::thread::panicking() {
                PLACES.set(self.0.take());
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{PLACES, gather, is_users};
        use std::panic::{AssertUnwindSafe, Location, catch_unwind};

        fn gathered() -> Option<usize> {
            PLACES.with_borrow(|places| places.as_ref().map(Vec::len))
        }

        #[test]
        fn r44_places_belong_to_the_innermost_who_gathers_also_after_a_panic() {
            let push = || {
                let place = Location::caller();
                PLACES.with_borrow_mut(|places| places.as_mut().map(|places| places.push(place)))
            };
            let (inner, outer) = gather(|| {
                push();
                let panicked = catch_unwind(AssertUnwindSafe(|| gather(|| panic!("boom"))));
                assert!(panicked.is_err());
                let inner = gather(push).1;
                push();
                inner
            });
            assert_eq!((inner.len(), outer.len(), gathered()), (1, 2, None));
        }

        #[test]
        fn r44_places_in_this_crate_and_in_std_are_left_out() {
            assert!(!is_users(file!()));
            assert!(!is_users(&file!().replace("sync", "scope")));
            let root = env!("CARGO_MANIFEST_DIR");
            assert!(!is_users(&format!("{root}/src/runtime/timeout.rs")));
            assert!(is_users(&format!("{root}/tests/core/await_points.rs")));
            assert!(!is_users("/rustc/5980/library/core/src/future/future.rs"));
            assert!(!is_users(
                "/usr/src/rustc-1.85.0/library/alloc/src/boxed.rs"
            ));
            assert!(!is_users(r"/rustc/5980\library\core\src\future\future.rs"));
            assert!(is_users("src/main.rs"));
            assert!(is_users("cancelable-core/tests/core/await_points.rs"));
        }
    }
}
