//! The order of callbacks (R11).

use cancelable_core::CancellationToken;
use parking_lot::Mutex;
use std::sync::Arc;

#[test]
fn r11_last_registered_first_and_a_parents_before_its_childrens() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let leaf = child.child_token();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let note = |token: &CancellationToken, name: &'static str| {
        let ran = ran.clone();
        token.on_cancel(move |_| ran.lock().push(name))
    };
    // Registered from the leaf up, so that the order of registration is not the order of the tree.
    let kept = [
        note(&leaf, "leaf 1"),
        note(&child, "child 1"),
        note(&root, "root 1"),
        note(&leaf, "leaf 2"),
        note(&child, "child 2"),
        note(&child, "child 3"),
        note(&root, "root 2"),
    ];
    // The slot of an unregistered callback is used again; the order is that of registration.
    let [a, b, c, d, middle, f, g] = kept;
    assert!(middle.unregister());
    let again = note(&child, "child 4");
    root.cancel();
    let expected = [
        "root 2", "root 1", "child 4", "child 3", "child 1", "leaf 2", "leaf 1",
    ];
    assert_eq!(*ran.lock(), expected);
    for registration in [a, b, c, d, f, g, again] {
        assert!(!registration.unregister());
    }
}

#[test]
fn r11_the_order_of_the_tree_holds_below_tokens_that_are_gone() {
    let root = CancellationToken::new();
    let gone = root.child_token();
    let parent = gone.child_token();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let note = |token: &CancellationToken, name: &'static str| {
        let ran = ran.clone();
        token.on_cancel(move |_| ran.lock().push(name)).detach();
    };
    // The parent is listed below `gone`, then gets its branch above `gone`.
    note(&parent, "parent");
    drop(gone);
    let child = parent.child_token();
    let leaf = child.child_token();
    note(&leaf, "leaf");
    note(&child, "child");
    note(&root, "root");
    root.cancel();
    assert_eq!(*ran.lock(), ["root", "parent", "child", "leaf"]);
}

#[test]
fn r11_callbacks_run_in_order_after_random_unregistering() {
    let mut numbers = crate::support::hand::Numbers::from_seed(11);
    for _ in 0..50 {
        let token = CancellationToken::new();
        let ran = Arc::new(Mutex::new(Vec::new()));
        let mut live = Vec::new();
        for number in 0..60 {
            let ran = ran.clone();
            live.push((number, token.on_cancel(move |_| ran.lock().push(number))));
            if numbers.below(3) == 0 {
                let (_, registration) = live.remove(numbers.below(live.len()));
                assert!(registration.unregister());
            }
        }
        token.cancel();
        let expected: Vec<i32> = live.iter().rev().map(|(number, _)| *number).collect();
        assert_eq!(*ran.lock(), expected);
    }
}
