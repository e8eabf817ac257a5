//! Which events call for a look, by what systems that name both ends of a change tell.

use crate::files::happening::{Happening, What};
use crate::files::interest::Interest;
use crate::files::notice::Seen;
use std::path::{Path, PathBuf};

#[test]
fn r30_what_others_do_in_the_folder_calls_for_no_look() {
    let file = PathBuf::from("/home/stop");
    let interest = Interest {
        file: file.clone(),
        on_the_way: vec!["/home".into()],
        linked: false,
    };
    let linked = Interest {
        linked: true,
        ..interest.clone()
    };
    let event = |what, path: &Path| Happening {
        what,
        paths: vec![path.to_owned()],
    };
    let nothing = Seen::default();
    let appeared = Seen {
        appeared: true,
        ..nothing
    };
    let written = Seen {
        written: true,
        ..nothing
    };
    for (what, seen) in [
        (What::Appeared, appeared),
        (What::Left, nothing),
        (What::Named, nothing),
        (What::Written, written),
        (What::Touched, nothing),
    ] {
        assert_eq!(interest.judge(&event(what, &file)), Some(seen), "{what:?}");
        let other = Path::new("/home/other");
        assert_eq!(interest.judge(&event(what, other)), None, "{what:?}");
        // The end of a link may be anywhere; what is written there is not.
        let names = !matches!(what, What::Written | What::Touched);
        let concerns = names.then_some(nothing);
        assert_eq!(linked.judge(&event(what, other)), concerns, "{what:?}");
    }
    let home = Path::new("/home");
    assert_eq!(interest.judge(&event(What::Left, home)), Some(nothing));
    assert!(interest.judge(&Happening::lost()).unwrap().broken);
}
