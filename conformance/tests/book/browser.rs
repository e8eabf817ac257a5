//! The two searches, in a browser.

use crate::server::Server;
use crate::{Built, assert_none, questions};
use std::fmt::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The number of results that a reader looks at.
const LOOKED_AT: usize = 5;

/// A bound of the wait for a browser that hangs, far above the time of all searches.
const PATIENCE: Duration = Duration::from_secs(400);

/// A browser without a window, which is killed at the end.
struct Browser(Child);

impl Browser {
    fn open(url: &str, profile: &str) -> Self {
        let program = std::env::var("CANCELABLE_BROWSER").unwrap_or_else(|_| "chromium".into());
        let child = Command::new(&program)
            // As root, which CI is, there is no sandbox; and a container has little shared memory.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--no-proxy-server"])
            .arg(format!("--user-data-dir={profile}"))
            // Keeps it running until it is killed.
            .arg("--remote-debugging-port=0")
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One search: where, for what, and the links of its results.
struct Search {
    place: String,
    words: String,
    results: Vec<String>,
}

fn parse(line: &str) -> Search {
    let mut parts = line.split('\t').map(String::from);
    let (place, words) = (parts.next().unwrap(), parts.next().unwrap_or_default());
    let results = parts.collect();
    Search {
        place,
        words,
        results,
    }
}

/// The page of the guide that a result leads to: `troubleshooting.md`.
fn page(result: &str) -> Option<String> {
    let (path, _) = result.split_once('#').unwrap_or((result, ""));
    let page = match path.strip_prefix("/book/") {
        Some(name) => name.strip_suffix(".html")?.to_owned(),
        None => {
            let module = path.strip_prefix("/api/cancelable_core/guide/")?;
            module.split_once('/')?.0.replace('_', "-")
        }
    };
    Some(format!("{page}.md"))
}

/// The place of the first result, from one, that leads to a page that answers the question.
fn place_of_answer(search: &Search, answers: &[&str]) -> Option<usize> {
    let leads = |result: &String| page(result).is_some_and(|page| answers.contains(&&*page));
    search.results.iter().position(leads).map(|at| at + 1)
}

#[test]
fn each_question_is_answered_by_a_page_that_both_searches_find() {
    let Some(built) = Built::get() else { return };
    let profile = tempfile::tempdir().unwrap();
    let words: Vec<_> = questions::ALL.iter().map(|(words, _)| *words).collect();
    let server = Server::start(built, include_str!("search.html"), words.join("\n")).unwrap();
    let url = format!("http://{}/search.html", server.address);
    let browser = Browser::open(&url, profile.path().to_str().unwrap());
    let posted = server.posted.recv_timeout(PATIENCE);
    drop(browser);
    let posted = posted.expect("the browser opens the page, which sends what it finds");

    let searches: Vec<_> = posted.lines().map(parse).collect();
    assert_eq!(searches.len(), 2 * words.len(), "{posted}");
    let (mut table, mut wrong) = (String::new(), Vec::new());
    for search in &searches {
        let answers = questions::answers(&search.words);
        let at = place_of_answer(search, answers);
        let shown = at.map_or("-".to_owned(), |at| at.to_string());
        let Search { place, words, .. } = search;
        writeln!(table, "{place:<5} {shown:>2}  {words}").unwrap();
        if at.is_none_or(|at| at > LOOKED_AT) {
            let results = search.results.join("\n    ");
            let answers = answers.join(" or ");
            wrong.push(format!(
                "{place}: `{words}` does not show {answers} among the first {LOOKED_AT}:\n    {results}"
            ));
        }
    }
    println!("{table}");
    assert_none(&wrong);
}

#[test]
fn a_result_is_told_from_another() {
    let line = "api\tmemory usage\t/api/cancelable_core/struct.A.html\t/api/cancelable_core/guide/cancel_safety/index.html";
    let search = parse(line);
    assert_eq!(place_of_answer(&search, &["cancel-safety.md"]), Some(2));
    assert_eq!(place_of_answer(&search, &["scopes.md"]), None);
    assert_eq!(page("/book/scopes.html#grace"), Some("scopes.md".into()));
    assert_eq!(page("/api/cancelable_core/struct.A.html"), None);
}
