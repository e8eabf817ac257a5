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
//! - [Sources](sources): time, signals, conditions, files, resources;
//! - [Signals and shutdown](signals): Ctrl-C, SIGTERM, a second signal, the end of the program;
//! - [Streams](streams): streams that end at a cancellation and lose nothing;
//! - [Progress](progress): position, total, rate and time left;
//! - [Registries](registry): the operations that run now, and how to cancel some of them;
//! - [Threads and blocking work](threads): plain threads, blocking calls, rayon, a sync handler;
//! - [Child processes](processes): processes that end with their scope;
//! - [Servers](servers): a scope for each request, and a server that shuts down;
//! - [Databases](databases): queries that are cancelled on the server;
//! - [Testing your own code](testing): time by hand, a cancel at every await point, what is left;
//! - [Cancel safety](cancel_safety): what a dropped future loses, and how to lose nothing;
//! - [Writing a library](writing_a_library): a token or a scope, time, errors, the manifest;
//! - [Writing a source](writing_a_source): a cause of cancellation of your own;
//! - [Writing an adapter](writing_an_adapter): the library on another runtime;
//! - [Troubleshooting](troubleshooting): a message or a symptom, its cause and its fix; debug logs;
//! - [Platforms](platforms): what works on each system, and how it is tested;
//! - [Coming from tokio-util](coming_from_tokio_util): the swap of `use` lines, trackers, and the new methods;
//! - [Coming from tokio-graceful-shutdown](coming_from_tokio_graceful_shutdown): subsystems;
//! - [Coming from stop-token](coming_from_stop_token): sources that stop by their drop;
//! - [Coming from Go](coming_from_go): contexts, `errgroup`, signals;
//! - [Coming from .NET](coming_from_dotnet): sources and tokens, linked sources, hosted services;
//! - [Coming from trio and anyio](coming_from_trio): cancel scopes, nurseries, task groups;
//! - [Coming from Kotlin coroutines](coming_from_kotlin): `coroutineScope`, jobs, `NonCancellable`;
//! - [Coming from hother.cancelable](coming_from_hother_cancelable): the Python library, feature by feature;
//! - [What is promised](semantics): every rule, with the test that keeps it;
//! - [Verification](verification): how each promise is tested, and what is not;
//! - [Design](design): the reasons, question by question;
//! - [Performance](performance): costs beside those of other crates.

// Each page is a link to the page in `docs`. Its links have labels, such as `[registries][registry.md]`. The page
// defines the labels at its end as files; here `links.md` defines them first, as modules, and the first definition
// counts. A test keeps the pages, their lists and the definitions equal. The aliases of a page are what users search for
// whom the page helps: the search of rustdoc knows names only. This module is in no build but that of the documentation.

macro_rules! pages {
    ($($(#[$alias:meta])* $name:ident $file:literal),* $(,)?) => {$(
        $(#[$alias])*
        #[doc = include_str!("../guide/links.md")]
        #[doc = ""]
        #[doc = include_str!(concat!("../guide/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    #[doc(alias("time limit", "tutorial", "quickstart"))]
    getting_started "getting-started.md",
    cheat_sheet "cheat-sheet.md",
    #[doc(alias("run_until_cancelled", "why was it cancelled"))]
    tokens "tokens.md",
    #[doc(alias("structured concurrency", "timed out"))]
    scopes "scopes.md",
    #[doc(alias("abort a task", "limit concurrency", "task group"))]
    children "children.md",
    #[doc(alias("async drop", "finish before exit", "grace period", "rollback"))]
    cleanup "cleanup.md",
    #[doc(alias("watch a file", "memory limit"))]
    sources "sources.md",
    #[doc(alias("ctrl-c", "SIGTERM", "SIGINT", "ctrl+c"))]
    signals "signals.md",
    streams "streams.md",
    #[doc(alias("progress bar", "partial result", "time left"))]
    progress "progress.md",
    #[doc(alias("list running tasks", "monitor"))]
    registry "registry.md",
    #[doc(alias("blocking code", "rayon"))]
    threads "threads.md",
    #[doc(alias("zombie process", "kill child process", "process group", "subprocess"))]
    processes "processes.md",
    #[doc(alias(
        "axum", "hyper", "tower", "504", "disconnect", "graceful shutdown", "websocket", "grpc deadline",
        "tonic", "grpc", "503", "server-sent events", "drain"
    ))]
    servers "servers.md",
    #[doc(alias("postgres", "sqlite", "postgresql"))]
    databases "databases.md",
    #[doc(alias("mock time"))]
    testing "testing.md",
    #[doc(alias("select loop", "cancel safety"))]
    cancel_safety "cancel-safety.md",
    writing_a_library "writing-a-library.md",
    #[doc(alias("custom source"))]
    writing_a_source "writing-a-source.md",
    #[doc(alias("custom runtime"))]
    writing_an_adapter "writing-an-adapter.md",
    #[doc(alias(
        "not closed", "memory usage", "slow", "RUST_LOG", "docker", "kubernetes", "deadlock",
        "task does not stop", "future cannot be sent", "memory leak", "hang", "env_logger", "debug logs"
    ))]
    troubleshooting "troubleshooting.md",
    #[doc(alias("windows", "wasm", "macos", "linux", "freebsd", "container"))]
    platforms "platforms.md",
    #[doc(alias("TaskTracker", "JoinSet"))]
    coming_from_tokio_util "coming-from-tokio-util.md",
    #[doc(alias("SubsystemHandle"))]
    coming_from_tokio_graceful_shutdown "coming-from-tokio-graceful-shutdown.md",
    #[doc(alias("StopSource"))]
    coming_from_stop_token "coming-from-stop-token.md",
    #[doc(alias("context.WithTimeout", "errgroup", "goroutine", "WithCancel"))]
    coming_from_go "coming-from-go.md",
    #[doc(alias("CancellationTokenSource", "C#", ".NET"))]
    coming_from_dotnet "coming-from-dotnet.md",
    #[doc(alias("move_on_after", "nursery", "anyio", "CancelScope"))]
    coming_from_trio "coming-from-trio.md",
    #[doc(alias("withTimeoutOrNull", "coroutineScope", "NonCancellable"))]
    coming_from_kotlin "coming-from-kotlin.md",
    #[doc(alias("Python"))]
    coming_from_hother_cancelable "coming-from-hother-cancelable.md",
    #[doc(alias("glossary"))]
    semantics "semantics.md",
    #[doc(alias("loom"))]
    verification "verification.md",
    design "design.md",
    #[doc(alias("benchmark", "overhead"))]
    performance "performance.md",
}
