//! The events of Linux: one instance of inotify for the process, and one thread that reads it.
//!
//! A user usually has 128 instances for all programs together, so a source cannot have its own instance. The kernel
//! watches an inode, whatever path led to it, and two paths to one inode give one *watch*. So listeners are listed by
//! watch, and each receives events under the path that it gave.
//!
//! The table's lock is not held while the kernel resolves a path, which may hang. Between that call and the entry in the
//! table only the caller knows the watch, and the drop of another listener must not remove it. So while a listener is
//! being *added*, watches without a listener are kept, and the end of the last addition removes them. Events in between
//! are not reported, which is harmless: the file is checked after it is watched.
//!
//! The instance ends with its last watch. The removal of that watch makes the kernel write a last event. So the reading
//! thread wakes, finds no watch, and drops the instance.

use super::file_event::{FileEvent, FileEventKind};
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

/// The events of each watch: the same for all, because the kernel keeps only the last set for an inode.
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
    /// The number of the next listener. No number is used twice, not even by another instance, so a listener can only
    /// remove itself.
    next: u64,
}

struct Instance {
    descriptor: Arc<OwnedFd>,
    /// The listeners by the kernel's number of the watch. No list is empty.
    watches: BTreeMap<i32, Vec<(u64, Arc<Listener>)>>,
    /// The number of listeners that are being added.
    adding: usize,
    /// The watches that had no listener while a listener was being added.
    idle: Vec<i32>,
    /// True while the reading thread runs.
    reading: bool,
}

/// A watched path of a source.
struct Listener {
    path: PathBuf,
    /// True if the file itself is watched, and not a folder for its content.
    itself: bool,
    handler: Arc<Handler>,
}

pub(super) fn native(handler: Handler) -> io::Result<Box<dyn Watch>> {
    Ok(Box::new(Watches {
        handler: Arc::new(handler),
        registrations: Vec::new(),
    }))
}

/// The watches of one source.
struct Watches {
    handler: Arc<Handler>,
    registrations: Vec<Registration>,
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
        self.registrations.push(Registration::new(listener, flags)?);
        Ok(())
    }
}

/// The registration of a listener in the table. The drop removes the listener.
struct Registration {
    watch: i32,
    number: u64,
}

impl Registration {
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
        // If there is no reading thread, the drop of the registration removes the watch.
        reading?;
        Ok(place)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = TABLE.lock();
        let gone = table.remove(self.watch, self.number);
        // Unlocked first: the last listener of a source drops its waker, which is user code.
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

    fn insert(&mut self, watch: i32, listener: Listener) -> Registration {
        let number = self.next;
        self.next += 1;
        // There is an instance: it does not end while a listener is being added.
        if let Some(instance) = &mut self.instance {
            let listeners = instance.watches.entry(watch).or_default();
            listeners.push((number, Arc::new(listener)));
        }
        Registration { watch, number }
    }

    /// Removes the watches without a listener, and starts the reading thread if it is needed.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    fn end_adding(&mut self) -> io::Result<()> {
        let Some(instance) = &mut self.instance else {
            return Ok(());
        };
        instance.adding -= 1;
        if instance.adding == 0 {
            for watch in std::mem::take(&mut instance.idle) {
                if !instance.watches.contains_key(&watch) {
                    // An error means that the watch has ended with its inode.
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
        // `None` if the kernel has ended the watch.
        let listeners = instance.watches.get_mut(&watch)?;
        let at = listeners.iter().position(|(other, _)| *other == number)?;
        let (_, gone) = listeners.swap_remove(at);
        if listeners.is_empty() {
            instance.watches.remove(&watch);
            match instance.adding {
                // An error means that the watch has ended with its inode.
                0 => drop(inotify::remove_watch(&instance.descriptor, watch)),
                _ => instance.idle.push(watch),
            }
            if instance.watches.is_empty() && instance.adding == 0 && !instance.reading {
                self.instance = None;
            }
        }
        Some(gone)
    }

    /// Returns the listeners of an event. The last event of a watch removes its listeners.
    fn listeners(&mut self, watch: i32, events: ReadFlags) -> Vec<Arc<Listener>> {
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

    /// Returns whether there is no watch left. If so, drops the instance.
    fn has_ended(&mut self) -> bool {
        let is_idle = |instance: &Instance| instance.watches.is_empty() && instance.adding == 0;
        match self.instance.as_ref().is_none_or(is_idle) {
            true => self.instance.take().is_none_or(|_| true),
            false => false,
        }
    }
}

/// Makes the kernel write an event, by a watch that is made and removed.
fn wake(descriptor: &OwnedFd) {
    if let Ok(watch) = inotify::add_watch(descriptor, "/", WatchFlags::DELETE_SELF) {
        let _ = inotify::remove_watch(descriptor, watch);
    }
}

/// Runs the reading thread. Ends: with the last watch, or with an error of the read.
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
                // The sources watch again, with another instance.
                for (_, listener) in listeners.flat_map(|(_, listeners)| listeners) {
                    (listener.handler)(FileEvent::lost());
                }
                return;
            }
        };
        let (events, name) = (event.events(), event.file_name());
        let listeners = TABLE.lock().listeners(event.wd(), events);
        for listener in listeners {
            if let Some(event) = listener.convert(events, name) {
                (listener.handler)(event);
            }
        }
        if TABLE.lock().has_ended() {
            return;
        }
    }
}

impl Listener {
    /// Converts an event, or returns `None` if the listener does not need it.
    fn convert(&self, events: ReadFlags, name: Option<&CStr>) -> Option<FileEvent> {
        let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED | ReadFlags::UNMOUNT;
        if events.intersects(lost) {
            return Some(FileEvent::lost());
        }
        let appeared = ReadFlags::CREATE | ReadFlags::MOVED_TO;
        let left = ReadFlags::DELETE
            | ReadFlags::MOVED_FROM
            | ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF;
        let kind = if events.intersects(appeared) {
            FileEventKind::Appeared
        } else if events.intersects(left) {
            FileEventKind::Left
        } else if events.contains(ReadFlags::MODIFY) {
            FileEventKind::Written
        } else {
            FileEventKind::Touched
        };
        let (kind, path) = match (self.itself, name) {
            (false, Some(name)) => (kind, self.path.join(OsStr::from_bytes(name.to_bytes()))),
            (false, None) => (kind, self.path.clone()),
            // A folder counts as written when a file is created in it or removed from it, but not when a file in
            // it changes.
            (true, Some(_)) if matches!(kind, FileEventKind::Written | FileEventKind::Touched) => {
                return None;
            }
            (true, None) if kind == FileEventKind::Written => (kind, self.path.clone()),
            (true, _) => (FileEventKind::Touched, self.path.clone()),
        };
        Some(FileEvent {
            kind,
            paths: vec![path],
        })
    }
}
