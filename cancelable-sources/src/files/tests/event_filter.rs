//! The events that require a check, on systems that name both paths of a move.

use crate::files::event_filter::EventFilter;
use crate::files::file_event::{FileEvent, FileEventKind};
use crate::files::findings::Finding;
use std::path::{Path, PathBuf};

#[test]
fn r30_what_others_do_in_the_folder_needs_no_check() {
    let file = PathBuf::from("/home/stop");
    let filter = EventFilter {
        file: file.clone(),
        on_the_way: vec!["/home".into()],
        linked: false,
    };
    let linked = EventFilter {
        linked: true,
        ..filter.clone()
    };
    let event = |kind, path: &Path| FileEvent {
        kind,
        paths: vec![path.to_owned()],
    };
    let nothing = Finding::default();
    let appeared = Finding {
        appeared: true,
        ..nothing
    };
    let written = Finding {
        written: true,
        ..nothing
    };
    for (kind, seen) in [
        (FileEventKind::Appeared, appeared),
        (FileEventKind::Left, nothing),
        (FileEventKind::Named, nothing),
        (FileEventKind::Written, written),
        (FileEventKind::Touched, nothing),
    ] {
        assert_eq!(filter.apply(&event(kind, &file)), Some(seen), "{kind:?}");
        let other = Path::new("/home/other");
        assert_eq!(filter.apply(&event(kind, other)), None, "{kind:?}");
        // The target of a link may be anywhere, but a write to another file is no write to the target.
        let names = !matches!(kind, FileEventKind::Written | FileEventKind::Touched);
        let concerns = names.then_some(nothing);
        assert_eq!(linked.apply(&event(kind, other)), concerns, "{kind:?}");
    }
    let home = Path::new("/home");
    assert_eq!(
        filter.apply(&event(FileEventKind::Left, home)),
        Some(nothing)
    );
    assert!(filter.apply(&FileEvent::lost()).unwrap().broken);
}
