//! Functions and methods of all shapes keep their shape.

use crate::inside;
use cancelable_core::{Operation, Scope, cancelable};
use std::fmt::{Debug, Display};
use std::future::Future;
use std::io;

/// A store of lines.
#[derive(Debug, Default)]
struct Store {
    lines: Vec<String>,
}

impl Store {
    /// Adds a line, and returns it.
    #[cancelable(timeout = "1s")]
    pub(crate) async fn add(&mut self, line: &str) -> &str {
        self.lines.push(line.to_owned());
        self.lines.last().unwrap()
    }

    #[cancelable]
    async fn longest<'a>(&'a self, #[scope] op: &Operation, other: &'a str) -> &'a str {
        assert_eq!(op.name(), "longest");
        let lines = self.lines.iter().map(String::as_str).chain([other]);
        lines.max_by_key(|line| line.len()).unwrap()
    }

    #[cancelable]
    async fn into_lines(self) -> Vec<String> {
        let Self { lines } = self;
        lines
    }

    #[cancelable(name = "new store")]
    async fn of(mut first: Vec<String>, (a, b): (String, String)) -> Self {
        first.extend([a, b]);
        Self { lines: first }
    }
}

#[test]
fn r16_methods_keep_their_receivers_and_lifetimes() {
    inside(async |_| {
        let mut store = Store::of(vec!["a".into()], ("b".into(), "cc".into()))
            .await
            .unwrap();
        assert_eq!(store.add("ddd").await.unwrap(), "ddd");
        let other = String::from("eeee");
        assert_eq!(store.longest(&other).await.unwrap(), "eeee");
        assert_eq!(store.into_lines().await.unwrap(), ["a", "b", "cc", "ddd"]);
    });
}

#[test]
fn r16_generics_and_impl_trait_are_kept() {
    #[cancelable]
    async fn show<T, const N: usize>(what: &T, times: [impl Debug; N]) -> impl Display
    where
        T: Display + ?Sized,
    {
        format!("{what} {times:?}")
    }

    #[cancelable]
    async fn fallible<T>(what: T) -> Result<impl Display, io::Error>
    where
        T: Display,
    {
        Ok(format!("{what}!"))
    }

    inside(async |_| {
        assert_eq!(format!("{}", show("a", [1, 2]).await.unwrap()), "a [1, 2]");
        assert_eq!(format!("{}", fallible("a").await.unwrap()), "a!");
    });
}

trait Step {
    fn step(&self) -> impl Future<Output = io::Result<u32>> + Send;
}

struct Seven;

impl Step for Seven {
    #[cancelable]
    async fn step(&self) -> io::Result<u32> {
        Ok(7)
    }
}

#[test]
fn r16_a_method_of_a_trait_may_bear_it() {
    inside(async |_| assert_eq!(Seven.step().await.unwrap(), 7));
}

#[test]
fn r16_the_scope_is_filled_in_and_no_parameter_any_more() {
    #[cancelable]
    async fn by_reference(first: u32, #[scope] op: &Scope, last: u32) -> String {
        let child = op.spawn(async move { first + last }).unwrap();
        format!("{} {}", op.name(), child.await.unwrap())
    }

    #[cancelable]
    async fn by_value(#[scope] op: Scope) -> String {
        op.name().to_owned()
    }

    #[cancelable]
    async fn r#match(#[scope] mut op: Scope) -> String {
        op = op.clone();
        op.name().to_owned()
    }

    inside(async |_| {
        assert_eq!(by_reference(1, 2).await.unwrap(), "by_reference 3");
        assert_eq!(by_value().await.unwrap(), "by_value");
        assert_eq!(r#match().await.unwrap(), "match");
    });
}

/// The names of the attribute and the names of the body do not collide.
#[test]
fn r16_the_body_s_names_are_its_own() {
    #[cancelable(timeout = "1s")]
    async fn names(scope: u32, run: u32) -> u32 {
        let builder = scope + run;
        builder * 2
    }

    inside(async |_| assert_eq!(names(1, 2).await.unwrap(), 6));
}

/// The future is `Send` if its body is, and is not boxed.
#[test]
fn r16_the_future_can_be_sent_where_its_body_can() {
    #[cancelable(timeout = "1s")]
    async fn sent(text: &str, #[scope] op: &Scope) -> usize {
        op.shield(std::future::ready(())).await;
        text.len()
    }

    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }

    inside(async |_| assert_eq!(is_send(sent("four")).await.unwrap(), 4));
}

/// A body that is not `Send` is allowed if its future is not sent.
#[test]
fn r16_the_body_need_not_be_send() {
    #[cancelable]
    async fn local(text: std::rc::Rc<str>) -> usize {
        std::future::ready(()).await;
        text.len()
    }

    inside(async |_| assert_eq!(local("four".into()).await.unwrap(), 4));
}
