//! The guides of the project, beside the reference.
//!
//! In the order in which a newcomer needs them:
//!
//! - [Getting started](getting_started): a program of your own in ten minutes;
//! - [Cheat sheet](cheat_sheet): if you want X, write Y;
//! - [Tokens](tokens): how work is told to stop, and why it stopped;
//! - [Scopes](scopes): what a scope is, how it runs and ends, its outcome;
//! - [Children](children): tasks that a scope joins, blocking calls, many items at once;
//! - [Cleanup](cleanup): work that must finish, and work at the end;
//! - [Sources](sources): time, signals, conditions, files, resources, and a source of your own;
//! - [Servers](servers): a scope for each request, and a server that shuts down;
//! - [Streams](streams): streams that end at a cancellation and lose nothing;
//! - [Progress](progress): position, total, rate and time left;
//! - [Registries](registry): the operations that run now, and how to cancel some of them;
//! - [Child processes](processes): processes that end with their scope;
//! - [Coming from tokio-util](coming_from_tokio_util): the swap of `use` lines, and the new methods;
//! - [Testing your own code](testing): time by hand, a cancel at every await point, what is left;
//! - [Cancel safety](cancel_safety): what a dropped future loses, and how to lose nothing;
//! - [What is promised](semantics): every rule, with the test that keeps it;
//! - [Writing an adapter](writing_an_adapter): the library on another runtime;
//! - [Design](design): the reasons, question by question.

// Each page is a link to the page in `docs`. Its links have labels, such as `[registries][registry.md]`. The page
// defines the labels at its end as files; here `links.md` defines them first, as modules, and the first definition
// counts. A test keeps pages, modules and definitions equal. This module is in no build but that of the documentation.

macro_rules! pages {
    ($($name:ident $file:literal),* $(,)?) => {$(
        #[doc = include_str!("../guide/links.md")]
        #[doc = ""]
        #[doc = include_str!(concat!("../guide/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    getting_started "getting-started.md",
    tokens "tokens.md",
    scopes "scopes.md",
    children "children.md",
    cleanup "cleanup.md",
    sources "sources.md",
    servers "servers.md",
    streams "streams.md",
    progress "progress.md",
    registry "registry.md",
    processes "processes.md",
    coming_from_tokio_util "coming-from-tokio-util.md",
    testing "testing.md",
    cancel_safety "cancel-safety.md",
    semantics "semantics.md",
    writing_an_adapter "writing-an-adapter.md",
    cheat_sheet "cheat-sheet.md",
    design "design.md",
}
