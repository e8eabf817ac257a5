//! Progress that several threads advance (R38).

use crate::support::{bounded, operation};
use cancelable_core::Scope;
use cancelable_core::operation::ProgressRegistration;
use cancelable_core::token::isolated_panics;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// The changes that a hook has received: the positions over all, and whether two calls ever overlapped.
#[derive(Default)]
struct Seen {
    positions: parking_lot::Mutex<Vec<(u64, bool)>>,
    running: AtomicUsize,
}

fn listen(scope: &Scope) -> (Arc<Seen>, ProgressRegistration) {
    let seen = Arc::new(Seen::default());
    let registration = scope.on_progress({
        let seen = Arc::clone(&seen);
        move |update| {
            assert_eq!(seen.running.fetch_add(1, SeqCst), 0);
            let position = update.snapshot().overall().position();
            let mut positions = seen.positions.lock();
            positions.push((position, update.is_last()));
            seen.running.fetch_sub(1, SeqCst);
        }
    });
    (seen, registration)
}

/// R38: one call at a time, each position at least the one before, and the last change is delivered.
#[test]
fn r38_two_threads_advance_an_operation_with_a_hook() {
    loom::model(|| {
        let root = operation("root");
        let (seen, _registration) = listen(&root);
        let panics = isolated_panics();
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        root.progress().advance(2);
        other.join().unwrap();
        let positions = seen.positions.lock();
        assert!(positions.is_sorted());
        assert_eq!(
            positions.last(),
            Some(&(3, false)),
            "a change was not delivered"
        );
        assert_eq!(isolated_panics(), panics, "two calls overlapped");
    });
}

/// R38: the end is delivered once, after everything else, whoever has the hook then.
#[test]
fn r38_an_end_with_an_advance() {
    bounded(|| {
        let root = operation("root");
        let (seen, _registration) = listen(&root);
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        let handle = root.operation().clone();
        drop(root);
        other.join().unwrap();
        let positions = seen.positions.lock();
        let (last, earlier) = positions.split_last().expect("the end was delivered");
        assert!(last.1 && earlier.iter().all(|(_, is_last)| !is_last));
        assert_eq!(last.0, handle.progress().position(), "it stands still");
    });
}

/// R38: a hook that is unregistered while it is called is gone afterwards, and is not called again.
#[test]
fn r38_an_advance_with_the_drop_of_the_registration() {
    loom::model(|| {
        let root = operation("root");
        let (seen, registration) = listen(&root);
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        drop(registration);
        other.join().unwrap();
        root.progress().advance(1);
        assert!(seen.positions.lock().len() <= 1);
        assert_eq!(Arc::strong_count(&seen), 1, "a hook was left behind");
    });
}

/// R38: who sums up while a part leaves counts it once.
#[test]
fn r38_a_sum_with_the_end_of_a_part_and_of_what_is_below_it() {
    bounded(|| {
        let root = operation("root");
        let part = root.child("part").build().expect("it is sound");
        let leaf = part.child("leaf").build().expect("it is sound");
        part.progress().advance(1);
        leaf.progress().advance(2);
        let ending = [part, leaf].map(|scope| thread::spawn(move || drop(scope)));
        assert_eq!(root.progress().snapshot().overall().position(), 3);
        ending.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(root.progress().snapshot().overall().position(), 3);
        assert!(
            root.progress().children().is_empty(),
            "a part did not leave"
        );
    });
}

/// R38: several changes are seen together or not at all, here and above.
#[test]
fn r38_several_changes_in_one_update_beside_a_reader() {
    bounded(|| {
        let root = operation("root");
        let part = root.child("part").build().expect("it is sound");
        let progress = part.progress().clone();
        let other = thread::spawn(move || {
            let change = progress.change().set_position(2).set_total(3);
            change.set_message("copying").apply();
        });
        let all = root.progress().snapshot();
        let figures = (all.overall().position(), all.overall().total());
        assert!(
            figures == (0, None) || figures == (2, Some(3)),
            "{figures:?}"
        );
        let own = part.progress().snapshot();
        let seen = (own.position(), own.total(), own.message());
        let (none, whole) = ((0, None, None), (2, Some(3), Some("copying")));
        assert!(seen == none || seen == whole, "{seen:?}");
        other.join().unwrap();
        assert_eq!(part.progress().position(), 2);
    });
}
