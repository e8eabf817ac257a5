//! Which events call for a look, by what systems that name both ends of a change tell.

use crate::files::interest::Interest;
use crate::files::notice::Seen;
use notify::event::{AccessKind, CreateKind, DataChange, ModifyKind, RemoveKind, RenameMode};
use notify::{Event, EventKind};
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
    let event = |kind, path: &Path| Event::new(kind).add_path(path.to_owned());
    let created = EventKind::Create(CreateKind::File);
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let moved_here = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    let removed = EventKind::Remove(RemoveKind::File);
    let nothing = Seen::default();
    let appeared = Seen {
        appeared: true,
        ..nothing
    };
    for (kind, seen) in [
        (created, appeared),
        (moved_here, appeared),
        (removed, nothing),
        (
            written,
            Seen {
                written: true,
                ..nothing
            },
        ),
    ] {
        assert_eq!(interest.judge(&event(kind, &file)), Some(seen), "{kind:?}");
        let other = Path::new("/home/other");
        assert_eq!(interest.judge(&event(kind, other)), None, "{kind:?}");
        // The end of a link may be anywhere; what is written there is not.
        let concerns = (kind != written).then_some(nothing);
        assert_eq!(linked.judge(&event(kind, other)), concerns, "{kind:?}");
    }
    let opened = EventKind::Access(AccessKind::Any);
    assert_eq!(interest.judge(&event(opened, &file)), None);
    assert_eq!(
        interest.judge(&event(removed, Path::new("/home"))),
        Some(nothing)
    );
    let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    assert!(interest.judge(&lost).unwrap().broken);
}
