//! The events of Linux: one instance of inotify for the process, and one thread that reads it.
//!
//! A user has 128 instances as a rule, for all programs together, so a source cannot have one to itself.
//! What the kernel watches is an inode, whatever the path was that led to it, and two paths to one
//! inode give one *watch*. So listeners are listed by watch, and each hears of the place by the path
//! that it gave.
//!
//! The table's lock is not held where the kernel looks a path up, which may hang. Between that and the entry
//! in the table the watch is the caller's alone, and must not be taken back because the last of the
//! others has gone: while one is being *added*, watches without a listener are left where they are, and
//! whoever ends the last addition takes them back. The events in between are not told, which does no
//! harm: the file is looked at after it is watched.
//!
//! The instance ends with its last watch. To take that back makes the kernel write a last event, so the
//! reading thread wakes, finds nothing left to read for, and takes the instance with it.

use super::happening::{Happening, What};
use super::watch::{Handler, Watch};
use parking_lot::Mutex;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

static TABLE: Mutex<Table> = Mutex::new(Table {
    instance: None,
    next: 0,
});

/// What is asked of each watch: the same of all, since the kernel keeps only what was asked last.
const EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

struct Table {
    instance: Option<Instance>,
    /// The number of the next listener. Never used twice, also not by another instance, so that whoever
    /// goes removes itself and nobody else.
    next: u64,
}

struct Instance {
    descriptor: Arc<OwnedFd>,
    /// By the kernel's number of the watch. None is empty.
    watches: BTreeMap<i32, Vec<(u64, Arc<Listener>)>>,
    /// How many are between the kernel's watch and its entry here.
    adding: usize,
    /// Watches that have had no listener while one was being added.
    idle: Vec<i32>,
    /// The thread reads.
    reading: bool,
}

/// One place of one source.
struct Listener {
    path: PathBuf,
    /// Whether it is the file itself that is watched, and not a folder for what is in it.
    itself: bool,
    handler: Arc<Handler>,
}

pub(super) fn native(handler: Handler) -> io::Result<Box<dyn Watch>> {
    Ok(Box::new(Watches {
        handler: Arc::new(handler),
        places: Vec::new(),
    }))
}

/// The watches of one source.
struct Watches {
    handler: Arc<Handler>,
    places: Vec<Place>,
}

impl Watch for Watches {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        self.add(folder, false, EVENTS | WatchFlags::ONLYDIR)
    }

    fn file(&mut self, file: &Path) -> io::Result<()> {
        self.add(file, true, EVENTS)
    }
}

impl Watches {
    fn add(&mut self, path: &Path, itself: bool, flags: WatchFlags) -> io::Result<()> {
        let listener = Listener {
            path: path.to_owned(),
            itself,
            handler: Arc::clone(&self.handler),
        };
        self.places.push(Place::new(listener, flags)?);
        Ok(())
    }
}

/// A listener in the table, for as long as this lives.
struct Place {
    watch: i32,
    number: u64,
}

impl Place {
    fn new(listener: Listener, flags: WatchFlags) -> io::Result<Self> {
        let descriptor = TABLE.lock().begin_adding()?;
        let added = inotify::add_watch(&descriptor, &listener.path, flags);
        let mut table = TABLE.lock();
        let place = match added {
            Ok(watch) => Ok(table.insert(watch, listener)),
            Err(error) => Err(io::Error::from(error)),
        };
        let reading = table.end_adding();
        drop(table);
        let place = place?;
        // Where there is no thread to read, dropping the place takes the watch back.
        reading?;
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = TABLE.lock();
        let gone = table.remove(self.watch, self.number);
        // Unlocked first: with the last of a source go its waker and what is behind that.
        drop(table);
        drop(gone);
    }
}

impl Table {
    fn begin_adding(&mut self) -> io::Result<Arc<OwnedFd>> {
        if self.instance.is_none() {
            self.instance = Some(Instance {
                descriptor: Arc::new(inotify::init(CreateFlags::CLOEXEC)?),
                watches: BTreeMap::new(),
                adding: 0,
                idle: Vec::new(),
                reading: false,
            });
        }
        let instance = self.instance.as_mut().ok_or(io::ErrorKind::NotFound)?;
        instance.adding += 1;
        Ok(Arc::clone(&instance.descriptor))
    }

    fn insert(&mut self, watch: i32, listener: Listener) -> Place {
        let number = self.next;
        self.next += 1;
        // It is there: it does not end while one is being added.
        if let Some(instance) = &mut self.instance {
            let listeners = instance.watches.entry(watch).or_default();
            listeners.push((number, Arc::new(listener)));
        }
        Place { watch, number }
    }

    /// Takes back what has had no listener meanwhile, and sees to it that somebody reads what there is to
    /// read. An error if nobody can.
    fn end_adding(&mut self) -> io::Result<()> {
        let Some(instance) = &mut self.instance else {
            return Ok(());
        };
        instance.adding -= 1;
        if instance.adding == 0 {
            for watch in std::mem::take(&mut instance.idle) {
                if !instance.watches.contains_key(&watch) {
                    // It may be gone already, with its inode.
                    let _ = inotify::remove_watch(&instance.descriptor, watch);
                }
            }
        }
        if instance.watches.is_empty() {
            if instance.adding == 0 {
                match instance.reading {
                    true => wake(&instance.descriptor),
                    false => self.instance = None,
                }
            }
            return Ok(());
        }
        if !instance.reading {
            let descriptor = Arc::clone(&instance.descriptor);
            let thread = thread::Builder::new().name("file-events".into());
            thread.spawn(move || read(descriptor))?;
            instance.reading = true;
        }
        Ok(())
    }

    fn remove(&mut self, watch: i32, number: u64) -> Option<Arc<Listener>> {
        let instance = self.instance.as_mut()?;
        // Not there, where the kernel has ended the watch before.
        let listeners = instance.watches.get_mut(&watch)?;
        let at = listeners.iter().position(|(other, _)| *other == number)?;
        let (_, gone) = listeners.swap_remove(at);
        if listeners.is_empty() {
            instance.watches.remove(&watch);
            match instance.adding {
                // It may be gone already, with its inode.
                0 => drop(inotify::remove_watch(&instance.descriptor, watch)),
                _ => instance.idle.push(watch),
            }
            if instance.watches.is_empty() && instance.adding == 0 && !instance.reading {
                self.instance = None;
            }
        }
        Some(gone)
    }

    /// Whom an event concerns. With the last word on a watch its listeners go.
    fn concerned(&mut self, watch: i32, events: ReadFlags) -> Vec<Arc<Listener>> {
        let Some(instance) = &mut self.instance else {
            return Vec::new();
        };
        let all = |listeners: &[(u64, Arc<Listener>)]| -> Vec<_> {
            let listeners = listeners.iter();
            listeners
                .map(|(_, listener)| Arc::clone(listener))
                .collect()
        };
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            return instance.watches.values().flat_map(|of| all(of)).collect();
        }
        if events.contains(ReadFlags::IGNORED) {
            let ended = instance.watches.remove(&watch);
            return ended.map_or_else(Vec::new, |of| all(&of));
        }
        instance
            .watches
            .get(&watch)
            .map_or_else(Vec::new, |of| all(of))
    }

    /// Whether there is nothing left to read for. The instance is gone then.
    fn has_ended(&mut self) -> bool {
        let is_idle = |instance: &Instance| instance.watches.is_empty() && instance.adding == 0;
        match self.instance.as_ref().is_none_or(is_idle) {
            true => self.instance.take().is_none_or(|_| true),
            false => false,
        }
    }
}

/// Has the kernel write an event: the last one of a watch that is made and taken back.
fn wake(descriptor: &OwnedFd) {
    if let Ok(watch) = inotify::add_watch(descriptor, "/", WatchFlags::DELETE_SELF) {
        let _ = inotify::remove_watch(descriptor, watch);
    }
}

/// The reading thread. Ends: with the last watch, or where the kernel refuses to be read.
fn read(descriptor: Arc<OwnedFd>) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(descriptor, &mut buffer);
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::INTR) => continue,
            Err(_) => {
                let ended = TABLE.lock().instance.take();
                let listeners = ended.into_iter().flat_map(|ended| ended.watches);
                // They watch anew, with another instance.
                for (_, listener) in listeners.flat_map(|(_, listeners)| listeners) {
                    (listener.handler)(Happening::lost());
                }
                return;
            }
        };
        let (events, name) = (event.events(), event.file_name());
        let concerned = TABLE.lock().concerned(event.wd(), events);
        for listener in concerned {
            if let Some(happening) = listener.hears(events, name) {
                (listener.handler)(happening);
            }
        }
        if TABLE.lock().has_ended() {
            return;
        }
    }
}

impl Listener {
    /// What an event says of this place; none if it is of no concern here.
    fn hears(&self, events: ReadFlags, name: Option<&CStr>) -> Option<Happening> {
        let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED | ReadFlags::UNMOUNT;
        if events.intersects(lost) {
            return Some(Happening::lost());
        }
        let appeared = ReadFlags::CREATE | ReadFlags::MOVED_TO;
        let left = ReadFlags::DELETE
            | ReadFlags::MOVED_FROM
            | ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF;
        let what = if events.intersects(appeared) {
            What::Appeared
        } else if events.intersects(left) {
            What::Left
        } else if events.contains(ReadFlags::MODIFY) {
            What::Written
        } else {
            What::Touched
        };
        let (what, path) = match (self.itself, name) {
            (false, Some(name)) => (what, self.path.join(OsStr::from_bytes(name.to_bytes()))),
            (false, None) => (what, self.path.clone()),
            // A folder is written to by what comes into it and goes; not by what its files go through.
            (true, Some(_)) if matches!(what, What::Written | What::Touched) => return None,
            (true, None) if what == What::Written => (what, self.path.clone()),
            (true, _) => (What::Touched, self.path.clone()),
        };
        Some(Happening {
            what,
            paths: vec![path],
        })
    }
}
